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
    """A day as letters and pages write it."""
    pattern = "EEEE d MMMM" if language == "fr" else "EEEE, MMMM d"
    return format_date(day, pattern, locale=language)


def _moment_in(language: str) -> Callable[[datetime, str], str]:
    """An instant for people, in a zone: « jeudi 3 décembre à 8:00 »."""
    pattern = "EEEE d MMMM 'à' H:mm" if language == "fr" else "EEEE, MMMM d 'at' H:mm"
    return lambda at, zone: format_datetime(at.astimezone(ZoneInfo(zone)), pattern, locale=language)
