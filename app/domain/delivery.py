"""One letter to one person: its states, how a server's answer reads, when to try again.

The table of steps is the promise "nothing lost, nothing twice" in short: nothing leads from IN_DATA
or UNKNOWN back to the queue but a ruling (unknown.py). Opens no connection and touches no row.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from app.domain.errors import TransitionForbidden


class State(StrEnum):
    """Where a delivery is. Every due letter ends in a state that is seen."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    IN_DATA = "in_data"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    HELD = "held"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Why(StrEnum):
    """The reasons that rules look at; other reasons are free text for the desk."""

    PAUSED = "paused"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    SKIPPED = "skipped"
    WITHDRAWN = "withdrawn"
    GIVEN_UP = "given_up"
    NEVER_HANDED_OVER = "never_handed_over"
    EXPIRED = "expired"
    MAILBOX_FULL = "mailbox_full"
    FAULTY_LESSON = "faulty_lesson"


class Event(StrEnum):
    """What can happen to a delivery."""

    CLAIM = "claim"
    HAND_OVER = "hand_over"
    ACCEPT = "accept"
    DEFER = "defer"
    REJECT = "reject"
    LOSE = "lose"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REVIVE = "revive"
    RETRACT = "retract"


_EVENTS: dict[tuple[State, Event], State] = {
    (State.PLANNED, Event.CLAIM): State.CLAIMED,
    (State.PLANNED, Event.HOLD): State.HELD,
    (State.PLANNED, Event.CANCEL): State.CANCELLED,
    (State.DEFERRED, Event.CLAIM): State.CLAIMED,
    (State.DEFERRED, Event.HOLD): State.HELD,
    (State.DEFERRED, Event.CANCEL): State.CANCELLED,
    (State.CLAIMED, Event.HAND_OVER): State.IN_DATA,
    (State.CLAIMED, Event.DEFER): State.DEFERRED,
    (State.CLAIMED, Event.REJECT): State.REJECTED,
    (State.CLAIMED, Event.EXPIRE): State.EXPIRED,
    (State.CLAIMED, Event.HOLD): State.HELD,
    # The person left, or paused, between the claim and the hand-over.
    (State.CLAIMED, Event.CANCEL): State.CANCELLED,
    # The worker is told to stop before it has spoken to any server about this letter.
    (State.CLAIMED, Event.RELEASE): State.PLANNED,
    # A dead worker's claim: nobody is there to say how far it came.
    (State.CLAIMED, Event.LOSE): State.UNKNOWN,
    (State.IN_DATA, Event.ACCEPT): State.ACCEPTED,
    # A parsed 4yz or 5yz after the final dot is a refusal (RFC 5321 §4.2.5): not delivered.
    (State.IN_DATA, Event.DEFER): State.DEFERRED,
    (State.IN_DATA, Event.REJECT): State.REJECTED,
    (State.IN_DATA, Event.EXPIRE): State.EXPIRED,
    (State.IN_DATA, Event.LOSE): State.UNKNOWN,
    # By a ruling only, of a person or of the rules in unknown.py: sent, sent again, or given up.
    (State.UNKNOWN, Event.ACCEPT): State.ACCEPTED,
    (State.UNKNOWN, Event.RELEASE): State.PLANNED,
    (State.UNKNOWN, Event.CANCEL): State.CANCELLED,
    (State.HELD, Event.RELEASE): State.PLANNED,
    (State.HELD, Event.CANCEL): State.CANCELLED,
    (State.EXPIRED, Event.RELEASE): State.PLANNED,
    (State.EXPIRED, Event.CANCEL): State.CANCELLED,
    (State.REJECTED, Event.CANCEL): State.CANCELLED,
    # A person found out that the refusal was not meant: the provider had said the same of
    # everybody, or it was about a text that has been mended since. Never a button of one letter
    # (RFC 5321 §4.2.5: after a 5yz the same message is not tried again).
    (State.REJECTED, Event.RETRACT): State.PLANNED,
    # Who left and came back by a new double opt-in; the letter was never handed over.
    (State.CANCELLED, Event.REVIVE): State.PLANNED,
}

SETTLED = frozenset({State.ACCEPTED, State.CANCELLED})
WAITING = frozenset({State.PLANNED, State.DEFERRED})
AHEAD = WAITING | {State.HELD}
IN_FLIGHT = frozenset({State.CLAIMED, State.IN_DATA})
TROUBLED = frozenset({State.UNKNOWN, State.HELD, State.REJECTED, State.EXPIRED})


def advance(state: State, event: Event) -> State:
    """The state after `event`. Raises TransitionForbidden with both names."""
    try:
        return _EVENTS[state, event]
    except KeyError:
        raise TransitionForbidden(f"a delivery that is {state} cannot {event}") from None


class LetterKind(StrEnum):
    """Which letter a delivery carries."""

    CONFIRM = "confirm"
    ALREADY_ENROLLED = "already_enrolled"
    LESSON = "lesson"
    ANSWER = "answer"


class Priority(IntEnum):
    """Who goes first when not all can go: a person's answer, then who waits at the door."""

    ANSWER = 0
    SERVICE = 1
    LESSON = 2


def priority(kind: LetterKind) -> Priority:
    """The place of a kind of letter in the queue."""
    special = {LetterKind.ANSWER: Priority.ANSWER, LetterKind.LESSON: Priority.LESSON}
    return special.get(kind, Priority.SERVICE)


def intent(kind: LetterKind, subject: int, copy: int = 0) -> str:
    """The key that is unique within an enrollment: the same wish twice is the same row.

    `subject` is the lesson, remark or consent receipt; `copy` counts the copies a person asked for.
    """
    return f"{kind}:{subject}" if not copy else f"{kind}:{subject}:{copy}"


def is_copy(key: str) -> bool:
    """True for the intent of a copy that a person asked for."""
    return key.count(":") > 1


def is_step(kind: LetterKind, key: str) -> bool:
    """True for a lesson in its turn, the steps that a course is made of."""
    return kind is LetterKind.LESSON and not is_copy(key)


class Phase(IntEnum):
    """How far a conversation with a server came (RFC 5321 §3.3)."""

    CONNECT = 0
    HELLO = 1
    SENDER = 2
    RECIPIENT = 3
    DATA = 4
    DOT = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, and in which phase. `code` 0 means that it never answered."""

    phase: Phase
    code: int
    text: str

    @property
    def where(self) -> str:
        """Phase and words, for a reason: `connect: 421 too busy`, at most 200 letters."""
        said = f"{self.code} {self.text}" if self.code else self.text
        return f"{self.phase.name.lower()}: {said}"[:200]

    @property
    def is_acceptance(self) -> bool:
        """A parsed 2yz to the final dot, and nothing else (RFC 5321 §4.2.1)."""
        return self.phase is Phase.DOT and self.code // 100 == 2

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463) at the head of the text, if there is one."""
        found = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![.\d])", self.text)
        return found[1] if found else None


_LADDER = tuple(timedelta(minutes=m) for m in (5, 15, 30, 60))
_STEADY = timedelta(minutes=150)
PATIENCE = {
    LetterKind.CONFIRM: timedelta(hours=48),
    LetterKind.ALREADY_ENROLLED: timedelta(hours=48),
    LetterKind.LESSON: timedelta(days=5),
    LetterKind.ANSWER: timedelta(days=5),
}


def passed(state: str, reason: str | None) -> bool:
    """True for a lesson that need not come any more: received, or passed over by a person."""
    over = reason in (Why.SKIPPED, Why.GIVEN_UP)
    return state == State.ACCEPTED or (state == State.CANCELLED and over)


def retry_at(attempt: int, now: datetime, *, seed: int) -> datetime:
    """When to try again after the `attempt`-th failure (1-based): RFC 5321 §4.5.4.1.

    Past the first hour the wait is 150 minutes ± 20 %, spread by `seed` (the delivery's id), so
    that a thousand deferred letters do not come back in the same second.
    """
    if attempt <= len(_LADDER):
        return now + _LADDER[attempt - 1]
    spread = int.from_bytes(hashlib.sha256(b"%d:%d" % (seed, attempt)).digest()[:2], "big") / 65535
    return now + _STEADY * (0.8 + 0.4 * spread)


def expired(kind: LetterKind, first_tried: datetime, now: datetime) -> bool:
    """True when a letter has been refused for so long that trying on would help nobody."""
    return now - first_tried > PATIENCE[kind]
