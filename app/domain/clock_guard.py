"""Can the wall clock be believed? A jump forward must not send a week of lessons in one night.

Compares what clocks said; reads none. Whoever asks stops planning until a person says to go on: a
jump is seen once, in the reading after it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

JUMP = timedelta(minutes=15)
LAG = timedelta(minutes=5)


class Clock(StrEnum):
    """What the wall clock is worth. BEHIND: rows exist from a time that it says is to come."""

    FINE = "fine"
    JUMPED = "jumped"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment: the wall (aware), and the monotonic one in seconds.

    The latter should count on while the machine sleeps (CLOCK_BOOTTIME on Linux), or waking up
    counts as a jump. It stands still while a virtual machine is frozen: that is one.
    """

    wall: datetime
    monotonic: float


def believe(now: Reading, *, last: Reading | None, newest: datetime | None) -> Clock:
    """Whether `now` follows from the `last` reading and from the `newest` stored instant.

    `newest` is of something that happened (a claim, an acceptance), not of something planned.
    """
    if last is not None:
        passed = timedelta(seconds=now.monotonic - last.monotonic)
        if abs((now.wall - last.wall) - passed) > JUMP:
            return Clock.JUMPED
    if newest is not None and newest - now.wall > LAG:
        return Clock.BEHIND
    return Clock.FINE
