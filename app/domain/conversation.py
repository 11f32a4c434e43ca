"""The answer-everyone register: when a conversation waits for the author and when it does not.

A learner's words open an obligation; only an answer that was accepted by the relay, or the author's
explicit "no answer needed", closes it. Leaving the course or its end closes nothing.
"""

from enum import StrEnum

from app.domain.errors import TransitionForbidden


class Voice(StrEnum):
    """Who speaks in a remark."""

    LEARNER = "learner"
    AUTHOR = "author"


class Turn(StrEnum):
    """Whose turn it is."""

    OPEN = "open"
    ANSWERING = "answering"
    ANSWERED = "answered"
    CLOSED = "closed"


class Move(StrEnum):
    """What can happen in a conversation."""

    REMARK = "remark"
    ANSWER = "answer"
    SENT = "sent"
    FAILED = "failed"
    CLOSE = "close"
    REOPEN = "reopen"


_MOVES: dict[tuple[Turn, Move], Turn] = {
    (Turn.OPEN, Move.REMARK): Turn.OPEN,
    (Turn.OPEN, Move.ANSWER): Turn.ANSWERING,
    (Turn.OPEN, Move.CLOSE): Turn.CLOSED,
    # The learner wrote again while the answer to the former remark was under way: still owed.
    (Turn.OPEN, Move.SENT): Turn.OPEN,
    (Turn.OPEN, Move.FAILED): Turn.OPEN,
    (Turn.ANSWERING, Move.REMARK): Turn.OPEN,
    (Turn.ANSWERING, Move.ANSWER): Turn.ANSWERING,
    (Turn.ANSWERING, Move.SENT): Turn.ANSWERED,
    (Turn.ANSWERING, Move.FAILED): Turn.OPEN,
    (Turn.ANSWERED, Move.REMARK): Turn.OPEN,
    (Turn.ANSWERED, Move.ANSWER): Turn.ANSWERING,
    (Turn.ANSWERED, Move.SENT): Turn.ANSWERED,
    (Turn.ANSWERED, Move.FAILED): Turn.OPEN,
    (Turn.ANSWERED, Move.REOPEN): Turn.OPEN,
    (Turn.CLOSED, Move.REMARK): Turn.OPEN,
    (Turn.CLOSED, Move.ANSWER): Turn.ANSWERING,
    (Turn.CLOSED, Move.SENT): Turn.CLOSED,
    (Turn.CLOSED, Move.FAILED): Turn.OPEN,
    (Turn.CLOSED, Move.REOPEN): Turn.OPEN,
}


def advance(turn: Turn, move: Move) -> Turn:
    """Whose turn it is after `move`. Raises TransitionForbidden with both names."""
    try:
        return _MOVES[turn, move]
    except KeyError:
        raise TransitionForbidden(f"a conversation that is {turn} cannot {move}") from None
