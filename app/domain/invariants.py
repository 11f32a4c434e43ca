"""What must never happen, as twelve sentences, and those that can be told from plain values.

`doctor audit` and the fault tests read them; the questions to the database are asked elsewhere.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.domain.delivery import IN_FLIGHT, WAITING, State
from app.domain.schedule import Window

_LEEWAY = timedelta(minutes=15)
#: What two that wait for one lock, on two hosts with two clocks, may disagree about "now".
AT_ONCE = timedelta(minutes=1)
#: How long one conversation may last with a server as slow as RFC 5321 §4.5.3.2 allows.
LONGEST_HAND_OVER = timedelta(minutes=30)
#: How long what is due may wait, with a worker at work, before that counts as silence.
GRACE = timedelta(hours=1)


class Invariant(StrEnum):
    """The promises; the name is printed with every violation."""

    I1 = "no hand-over begins after its reader has left, complained or been erased"
    I2 = "one intent per enrollment and lesson"
    I3 = "nothing unknown is sent again but by the rule or a person's word, and then unchanged"
    I4 = "no lesson is planned before the one before it was accepted or passed over"
    I5 = "no lesson goes to an address that was not confirmed"
    I6 = "no lesson leaves outside its window, give or take fifteen minutes"
    I7 = "nothing due ends in silence"
    I8 = "nobody is suppressed for a fault of our own"
    I9 = "nothing goes to a suppressed address"
    I10 = "nothing leaves after a restore before a person says so"
    I11 = "no answer is lost or sent twice, and no letter is acknowledged before it is kept"
    I12 = "nobody sees what is another's"


def sent_again_unasked(outcomes: Sequence[State], resends: int) -> bool:
    """I3: of the attempts at one letter, in order, more follow an unknown one than were decided."""
    return sum(outcome is State.UNKNOWN for outcome in outcomes[:-1]) > resends


def outside_window(left: datetime, window: Window, zone: ZoneInfo) -> bool:
    """I6: `left` is more than fifteen minutes from any opening of the window in `zone`."""
    local = left.astimezone(zone).date()
    return not any(
        datetime.combine(day, window.opens, zone).astimezone(UTC) - _LEEWAY
        <= left
        <= datetime.combine(day, window.closes, zone).astimezone(UTC) + _LEEWAY
        for day in (local - timedelta(days=1), local, local + timedelta(days=1))
        if day.weekday() in window.weekdays
    )


def silent(
    state: State,
    ready_at: datetime,
    lease_until: datetime | None,
    now: datetime,
    *,
    grace: timedelta,
) -> bool:
    """I7: a letter that should move and does not: due for longer than `grace` without being taken,
    or taken by a worker that has not been heard of for so long.
    """
    if state in WAITING:
        return now - ready_at > grace
    return state in IN_FLIGHT and (lease_until is None or now - lease_until > grace)
