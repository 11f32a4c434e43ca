"""When a lesson leaves: delay first, then the send window, then the weekday, in the learner's zone.

Takes instants (aware datetimes) and gives instants in UTC together with the local day they were
meant for: near a gap at midnight the day cannot be recovered from the instant. Reads no clock;
knows nothing of deliveries. Both odd nights of the year come out right without a branch: an hour
that the clock skips is moved forward, of an hour that comes twice the first is meant (PEP 495,
fold=0).

A trial may run faster than the wall clock. Then an enrollment lives on a calendar of its own, which
`on_the_calendar` and `on_the_wall` translate; at speed 1 both give back what they are given.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from app.domain.errors import ZoneUnknown

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FURTHEST = 15


@dataclass(frozen=True, slots=True)
class Window:
    """The hours and weekdays (Monday = 0) in which lessons may leave, in local wall time.

    `opens` is inside, `closes` is not; `opens < closes` and at least one weekday are required.
    """

    opens: time
    closes: time
    weekdays: frozenset[int]

    def __post_init__(self) -> None:
        if not self.opens < self.closes:
            raise ValueError("a window opens before it closes")
        if not self.weekdays or not self.weekdays <= frozenset(range(7)):
            raise ValueError("a window needs at least one weekday, from 0 (Monday) to 6")


@dataclass(frozen=True, slots=True)
class Slot:
    """An instant in UTC and the local day it was planned for."""

    at: datetime
    day: date


@cache
def names() -> frozenset[str]:
    """The names of all zones. Asked once: the answer walks through the zone files."""
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo:
    """The IANA zone of this name. Raises ZoneUnknown, also for paths and empty text."""
    if name not in names():
        raise ZoneUnknown
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as fault:
        raise ZoneUnknown from fault


def at_once(now: datetime, *, zone: ZoneInfo) -> Slot:
    """The first lesson waits for no window: the learner is there and has just asked for it."""
    return Slot(now.astimezone(UTC), now.astimezone(zone).date())


def next_slot(
    earliest: datetime, *, window: Window, zone: ZoneInfo, after: date | None = None
) -> Slot:
    """The first instant from `earliest` on, in the window of an allowed day later than `after`."""
    day = earliest.astimezone(zone).date() - timedelta(days=1)
    for _ in range(_FURTHEST):
        opens, closes = _instant(day, window.opens, zone), _instant(day, window.closes, zone)
        leaves = max(opens, earliest.astimezone(UTC))
        allowed = day.weekday() in window.weekdays and (after is None or day > after)
        if allowed and leaves < closes:
            return Slot(leaves, day)
        day += timedelta(days=1)
    raise AssertionError("fifteen days hold every weekday twice")  # pragma: no cover


def slot_following(accepted: datetime, delay: timedelta, *, window: Window, zone: ZoneInfo) -> Slot:
    """When the next lesson leaves, counted from the instant at which the last one was accepted.

    Never on the same local day as the last one, whatever the delay: after an outage lessons come
    one a day, in order, not in a burst.
    """
    last_day = accepted.astimezone(zone).date()
    return next_slot(accepted + delay, window=window, zone=zone, after=last_day)


def on_the_calendar(
    now: datetime, *, planned_for: datetime, due_at: datetime, speed: float
) -> datetime:
    """What the enrollment's calendar reads at the wall instant `now`.

    `planned_for` (calendar) and `due_at` (wall) are the two names of one instant, its last slot.
    """
    passed = now - due_at
    return planned_for + (passed if speed == 1 else passed * speed)


def on_the_wall(slot: datetime, *, now: datetime, calendar_now: datetime, speed: float) -> datetime:
    """The wall instant at which the calendar will read `slot`."""
    ahead = slot - calendar_now
    return now + (ahead if speed == 1 else ahead / speed)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
