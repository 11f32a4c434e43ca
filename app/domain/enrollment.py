"""How a person stands in a course, which steps are allowed, and which lesson comes next.

Progress is the set of lessons delivered, not a counter: inserting, moving or withdrawing lessons
therefore needs no rule of its own. Does not plan dates (schedule does) and touches no row.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Protocol, TypeVar

from app.domain.errors import TransitionForbidden


class Standing(StrEnum):
    """Where an enrollment stands."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"
    LEFT = "left"


class Step(StrEnum):
    """What can happen to an enrollment."""

    SIGN_UP = "sign_up"
    CONFIRM = "confirm"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    LEAVE = "leave"


# Confirming or leaving a second time is no fault: scanners and people press twice (RFC 8058 §3.1).
# Who left comes back only by a new sign-up, hence a new double opt-in; old links revive nobody.
_STEPS: dict[tuple[Standing, Step], Standing] = {
    (Standing.PENDING, Step.SIGN_UP): Standing.PENDING,
    (Standing.PENDING, Step.CONFIRM): Standing.ACTIVE,
    (Standing.PENDING, Step.LEAVE): Standing.LEFT,
    (Standing.ACTIVE, Step.CONFIRM): Standing.ACTIVE,
    (Standing.ACTIVE, Step.PAUSE): Standing.PAUSED,
    (Standing.ACTIVE, Step.RESUME): Standing.ACTIVE,
    (Standing.ACTIVE, Step.FINISH): Standing.FINISHED,
    (Standing.ACTIVE, Step.LEAVE): Standing.LEFT,
    (Standing.PAUSED, Step.CONFIRM): Standing.PAUSED,
    (Standing.PAUSED, Step.PAUSE): Standing.PAUSED,
    (Standing.PAUSED, Step.RESUME): Standing.ACTIVE,
    (Standing.PAUSED, Step.LEAVE): Standing.LEFT,
    (Standing.FINISHED, Step.CONFIRM): Standing.FINISHED,
    (Standing.FINISHED, Step.LEAVE): Standing.LEFT,
    (Standing.LEFT, Step.SIGN_UP): Standing.PENDING,
    (Standing.LEFT, Step.LEAVE): Standing.LEFT,
}


def advance(standing: Standing, step: Step) -> Standing:
    """The standing after `step`. Raises TransitionForbidden with both names."""
    try:
        return _STEPS[standing, step]
    except KeyError:
        raise TransitionForbidden(f"an enrollment that is {standing} cannot {step}") from None


def allowed(standing: Standing, step: Step) -> bool:
    """True when `advance` would not refuse."""
    return (standing, step) in _STEPS


class Placed(Protocol):
    """Something with a place in a course."""

    @property
    def id(self) -> int: ...
    @property
    def position(self) -> int: ...


L = TypeVar("L", bound=Placed)


def next_lesson(published: Iterable[L], settled: Collection[int]) -> L | None:
    """The first published lesson, by position, not settled (accepted or skipped), or None."""
    ahead = [lesson for lesson in published if lesson.id not in settled]
    return min(ahead, key=lambda lesson: (lesson.position, lesson.id), default=None)
