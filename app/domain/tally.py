"""When what was counted becomes a consequence: how often, and over how long a time.

A single refusal may be a resolver's bad hour or a server's bad day, so most speak of the person
only when they come again later. Does not read answers (answer.py) and counts no rows.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.meaning import Effect

FAULTY_FROM = 3
_WITNESSES = 3


class Consequence(StrEnum):
    """What happens to the person."""

    NOTHING = "nothing"
    SUPPRESS = "suppress"
    PAUSE = "pause"


# How many signals, the first of them how long ago. A full box is emptied some day: only a pause.
_RULES = {
    Effect.SUPPRESS: (1, timedelta(0), Consequence.SUPPRESS),
    Effect.COUNT_DOMAIN_GONE: (3, timedelta(hours=72), Consequence.SUPPRESS),
    Effect.COUNT_DISABLED: (2, timedelta(hours=72), Consequence.SUPPRESS),
    Effect.COUNT_BARE: (2, timedelta(hours=24), Consequence.SUPPRESS),
    Effect.COUNT_FULL: (3, timedelta(days=14), Consequence.PAUSE),
}


def consequence(effect: Effect, earlier: Sequence[datetime], now: datetime) -> Consequence:
    """What a signal of `effect` at `now` leads to.

    `earlier`: the instants of the same signal for the same address since it last accepted anything,
    in any order; of COUNT_FULL one for each letter, not for each attempt at it.
    """
    if effect not in _RULES:
        return Consequence.NOTHING
    times, over, then = _RULES[effect]
    often = len(earlier) + 1 >= times
    return then if often and now - min(earlier, default=now) >= over else Consequence.NOTHING


def is_faulty(refused_by: Collection[int]) -> bool:
    """True when so many people's servers refused a lesson that the fault is its own.

    `refused_by`: the subscribers; the same one twice counts once.
    """
    return len(set(refused_by)) >= FAULTY_FROM


def is_believed(reported_for: Collection[int]) -> bool:
    """True when reports about so many people's letters say that a provider refuses us.

    A report is a mail, and a reader can write one to the return path of their own letter: one
    person's alone must not stop everybody's. `reported_for`: the subscribers.
    """
    return len(set(reported_for)) >= _WITNESSES
