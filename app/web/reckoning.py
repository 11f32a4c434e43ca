"""Hours, spans and places as pages say them, beyond the days and moments that letters know.
Decides no date and no zone.
"""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_time, format_timedelta, get_timezone_location

_WITH_YEAR = {"fr": "d MMMM y 'à' H:mm"}
_WITH_YEAR_ELSEWHERE = "MMMM d, y 'at' H:mm"
_TO_THE_SECOND = "y-MM-dd HH:mm:ss"


def reckoning(language: str) -> dict[str, Callable[..., Any]]:
    """The names that a page finds: `dated`, `exact`, `hour`, `span` and `place`."""

    def dated(at: datetime, zone: str) -> str:
        """An instant with its year, in a zone: « 24 novembre 2026 à 10:02 »."""
        pattern = _WITH_YEAR.get(language, _WITH_YEAR_ELSEWHERE)
        return format_datetime(at.astimezone(ZoneInfo(zone)), pattern, locale=language)

    def exact(at: datetime, zone: str) -> str:
        """An instant for a ledger, in a zone: « 2026-11-24 10:02:07 »."""
        return format_datetime(at.astimezone(ZoneInfo(zone)), _TO_THE_SECOND, locale=language)

    def hour(at: time) -> str:
        """An hour of the wall clock: « 7:30 »."""
        return format_time(at, "H:mm", locale=language)

    def span(length: timedelta) -> str:
        """A length of time in its largest unit: « 3 jours »."""
        return format_timedelta(length, granularity="minute", threshold=1, locale=language)

    def place(zone: str) -> str:
        """Where a zone is: « Paris »."""
        return get_timezone_location(zone, locale=language, return_city=True)

    return {"dated": dated, "exact": exact, "hour": hour, "span": span, "place": place}
