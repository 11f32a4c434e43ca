"""The words that templates take from the catalogues: translated, set with French spacing, filled
in.

Used by letters and by pages. Translates no lesson: a course has one language.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import escape

from app.domain.tongue import Tongue
from app.domain.typography import french


def phrases(tongue: Tongue, language: str) -> dict[str, Any]:
    """The names that a template finds: `_`, `n_` (plural), `day`, `moment` and `language`."""

    def translate(context: EvalContext, message: str, **values: Any) -> str:
        return _filled(context, _set(tongue.gettext(message), language), values)

    def count(context: EvalContext, one: str, many: str, number: int, **values: Any) -> str:
        text = tongue.ngettext(one, many, number)
        return _filled(context, _set(text, language), {"count": number, **values})

    return {
        "_": pass_eval_context(translate),
        "n_": pass_eval_context(count),
        "day": _day_in(language),
        "moment": _moment_in(language),
        "language": language,
    }


def say(tongue: Tongue, language: str, message: str) -> str:
    """One phrase outside a template."""
    return _set(tongue.gettext(message), language)


def _set(text: str, language: str) -> str:
    return french(text) if language == "fr" else text


def _filled(context: EvalContext, text: str, values: dict[str, Any]) -> str:
    if context.autoescape:
        return escape(text) % values if values else escape(text)
    return text % values if values else text


def _day_in(language: str) -> Callable[[date | str], str]:
    """A day for people: « jeudi 3 décembre ». What is in words already stays."""
    return lambda day: day if isinstance(day, str) else in_words(day, language)


def in_words(day: date, language: str) -> str:
    """A day as letters and pages write it; the first of a month is « 1er » in French."""
    pattern = "EEEE, MMMM d" if language != "fr" else f"EEEE {_number(day)} MMMM"
    return format_date(day, pattern, locale=language)


def _moment_in(language: str) -> Callable[[datetime, str], str]:
    """An instant for people, in a zone: « jeudi 3 décembre à 8:00 »."""

    def moment(at: datetime, zone: str) -> str:
        local = at.astimezone(ZoneInfo(zone))
        hour = format_datetime(local, "H:mm", locale=language)
        return f"{in_words(local.date(), language)} {'à' if language == 'fr' else 'at'} {hour}"

    return moment


def _number(day: date) -> str:
    return "'1er'" if day.day == 1 else "d"
