"""No bursts when a window opens: for each enrollment it opens a little later, always as much.

Only who waits for the opening is moved. Who is due in the middle of the day keeps the minute that
their own first day gave them; to move it too would push each lesson later than the one before. The
first lesson (`schedule.at_once`) waits for no window and does not come here.
"""

import hashlib
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.domain.schedule import Slot, Window

SPREAD = timedelta(minutes=25)
_STEPS = 1 << 32
_TICK = timedelta(microseconds=1)


def share_of(enrollment_id: int) -> int:
    """A number from 0 to 2**32 - 1 that belongs to this enrollment for ever, evenly spread."""
    return int.from_bytes(hashlib.sha256(b"jitter:%d" % enrollment_id).digest()[:4], "big")


def jittered(slot: Slot, window: Window, zone: ZoneInfo, enrollment_id: int) -> Slot:
    """`slot`, not before the enrollment's own opening of that day's window: 0 to 25 minutes late.

    In a window shorter than that the delay is spread over its length, so a slot of `next_slot`
    stays inside its window and on its day and never becomes earlier. Doing it twice changes
    nothing.
    """
    opens, ticks = _opening(slot.day, window, zone)
    own_opening = opens + timedelta(microseconds=ticks * share_of(enrollment_id) // _STEPS)
    return Slot(max(slot.at, own_opening), slot.day)


@lru_cache(maxsize=4096)
def _opening(day: date, window: Window, zone: ZoneInfo) -> tuple[datetime, int]:
    """When a window opens on a day, in UTC, and over how many microseconds openings are spread."""
    opens, closes = (
        datetime.combine(day, at, zone).astimezone(UTC) for at in (window.opens, window.closes)
    )
    return opens, max(min(SPREAD, closes - opens), timedelta(0)) // _TICK
