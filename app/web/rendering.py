"""Turns page templates into answers, in the language of the course. Knows no route and no row."""

from pathlib import Path
from typing import Any

from babel import negotiate_locale
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.domain.tongue import Tongue
from app.mail.phrases import phrases, say
from app.web.reckoning import reckoning

_FOLDER = Path(__file__).parent / "pages"
_DAY_SECONDS = 86_400


class Pages:
    """The page templates below app/web/pages, escaped always, undefined names are errors.

    `speed` is shown on every page of a trial, so that nobody takes its clock for the real one.
    """

    def __init__(self, tongues: dict[str, Tongue], *, speed: float = 1.0) -> None:
        self._tongues = tongues
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["trial_day_seconds"] = (
            round(_DAY_SECONDS / speed) if speed != 1 else 0
        )

    def page(
        self,
        name: str,
        *,
        language: str = "fr",
        status: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """One page as an answer."""
        html = self.text(name, language=language, **context)
        return HTMLResponse(html, status_code=status, headers=headers)

    def text(self, name: str, *, language: str = "fr", **context: Any) -> str:
        """One page, or a part of one, as text."""
        spoken = self._spoken(language)
        words = phrases(self._tongues[spoken], spoken) | reckoning(spoken)
        return self._environment.get_template(name).render(context | words)

    def say(self, message: str, *, language: str = "fr") -> str:
        """One phrase in a visitor's language."""
        spoken = self._spoken(language)
        return say(self._tongues[spoken], spoken, message)

    def language_for(self, accepted: str) -> str:
        """The language of ours that an Accept-Language header likes best (RFC 9110 §12.5.4).

        For pages that belong to no course; French when the header names none that we speak.
        """
        wishes = [wish for part in accepted.split(",") if (wish := _wish(part))]
        tags = [tag for _, tag in sorted(wishes, key=lambda wish: -wish[0])]
        return negotiate_locale(tags, list(self._tongues), sep="-") or "fr"

    def _spoken(self, language: str) -> str:
        return language if language in self._tongues else "fr"


def _wish(part: str) -> tuple[float, str] | None:
    """One wish of the header as (weight, tag); None for what is empty or cannot be read."""
    tag, _, weight = part.strip().partition(";q=")
    try:
        wanted = float(weight or 1)
    except ValueError:
        return None
    return (wanted, tag) if tag and wanted > 0 else None
