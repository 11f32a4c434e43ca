"""How many letters may leave today: the warming up of a new address, and the operator's ceilings.

Above a ceiling letters wait; none is dropped. Lessons are what waits: the last part of each ceiling
is kept for people who wait at the door or for an answer. Counts nothing: the sums are arguments.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from app.domain.delivery import Priority

# Letters a day while mail servers learn to know a new sending address (S-03).
_FIRST_DAYS = (50, 100, 200, 400, 800, 1500, 3000, 5000)
_LATER_STEP = 2500
_WARM_AFTER = 30
_KEPT_BACK = 5
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Letters for the whole instance: in any sixty minutes, on any day (UTC); None is no limit.

    `warming_since` is when the instance first sent from its address, None for a warm one.
    """

    hourly: int | None = None
    daily: int | None = None
    warming_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """Letters handed over, of every kind: in the last sixty minutes, and since midnight UTC."""

    hour: int
    day: int


def warm_up_cap(day: int) -> int | None:
    """Letters allowed on day `day` (1-based) of a new address; None once it is warm."""
    if day > _WARM_AFTER:
        return None
    if day <= len(_FIRST_DAYS):
        return _FIRST_DAYS[max(day, 1) - 1]
    return _FIRST_DAYS[-1] + _LATER_STEP * (day - len(_FIRST_DAYS))


def day_of(since: datetime, now: datetime) -> int:
    """Which day of its life an instance is in (UTC days, 1-based)."""
    return (now.astimezone(UTC).date() - since.astimezone(UTC).date()).days + 1


def room(ceilings: Ceilings, sent: Sent, priority: Priority, now: datetime) -> int | None:
    """How many more letters of this priority may leave now; None is without limit.

    The last fifth of each ceiling is closed to lessons.
    """
    limits = [(cap, sent.day) for cap in _day_caps(ceilings, now)]
    if ceilings.hourly is not None:
        limits.append((ceilings.hourly, sent.hour))
    return min((max(0, _open_to(priority, cap) - used) for cap, used in limits), default=None)


def look_again_at(ceilings: Ceilings, sent: Sent, priority: Priority, now: datetime) -> datetime:
    """When a letter that found no room may ask again, in UTC: the next day, or in a minute.

    The hour slides, so that it does not end for everybody at the full hour.
    """
    full = any(_open_to(priority, cap) <= sent.day for cap in _day_caps(ceilings, now))
    today = now.astimezone(UTC).date()
    if full:
        return datetime.combine(today + timedelta(days=1), time(0), UTC)
    return now.astimezone(UTC) + _HOUR / 60


def _day_caps(ceilings: Ceilings, now: datetime) -> list[int]:
    caps = [ceilings.daily]
    if ceilings.warming_since is not None:
        caps.append(warm_up_cap(day_of(ceilings.warming_since, now)))
    return [cap for cap in caps if cap is not None]


def _open_to(priority: Priority, cap: int) -> int:
    return cap - cap // _KEPT_BACK if priority is Priority.LESSON else cap
