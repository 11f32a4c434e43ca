"""What the worker writes and asks for many letters at once: the words of that conversation.

The hot path knows no object-relational mapper: rows come and go as plain tuples, one statement per
step and group. How each engine does it stands in pen_sqlite and pen_postgresql; both keep the same
promises, and tests/db/test_pens.py holds them to it. Decides nothing: which rows may be marked is
what the statements' conditions say, and those are the same as `outbox.kept_back`. What does not
come back from a step did not happen.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from app.db.outbox import Claim
from app.domain.delivery import Reply
from app.domain.restore import Life


class Due(NamedTuple):
    """A claimed delivery with what its letter needs. All instants are aware, in UTC."""

    id: int
    fence: int
    kind: str
    intent: str
    lesson_id: int | None
    version_id: int | None
    enrollment_id: int
    planned_for: datetime
    due_at: datetime
    digest: str | None
    written_at: datetime | None
    zone: str
    door: str
    course_id: int
    email: str
    first_name: str
    is_frozen: bool


class Mark(NamedTuple):
    """That these bytes are about to go out."""

    id: int
    fence: int
    enrollment_id: int
    digest: str
    message_id: str
    version_id: int | None
    written_at: datetime


class Accepted(NamedTuple):
    """A claim whose letter the relay has accepted, and its words."""

    id: int
    fence: int
    enrollment_id: int
    phase: int
    code: int
    text: str
    hop: str | None


class Recorded(NamedTuple):
    """An acceptance that was still ours to record."""

    id: int
    lesson_id: int
    enrollment_id: int
    planned_for: datetime
    due_at: datetime


class LessonSoFar(NamedTuple):
    """A lesson of an enrollment, whatever became of it; copies do not count."""

    lesson_id: int
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Learner:
    """How an enrollment stands, read under its lock."""

    id: int
    course_id: int
    standing: str
    zone: str
    lessons: Sequence[LessonSoFar]


class Planned(NamedTuple):
    """The next lesson of a learner. `state` and `reason` as for any delivery."""

    enrollment_id: int
    intent: str
    lesson_id: int
    state: str
    reason: str | None
    planned_for: datetime
    planned_day: date
    due_at: datetime


class Hand(Protocol):
    """One transaction: everything in it is committed together, or nothing."""

    async def learners(
        self, enrollment_ids: Sequence[int], *, also_lock: Sequence[int] = ()
    ) -> list[Learner]:
        """These enrollments, locked until the end in the order of their ids, together with those
        that are only to be locked: of a goodbye and a sending that meet, one comes first.
        """

    async def accept(self, accepted: Sequence[Accepted], *, now: datetime) -> list[Recorded]:
        """Record acceptances of lessons with their attempts; what is still ours comes back."""

    async def plan(self, planned: Sequence[Planned], *, now: datetime) -> None:
        """Add the next lessons."""

    async def finish(self, enrollment_ids: Sequence[int], *, now: datetime) -> None:
        """These learners have received everything."""

    async def mark(self, marks: Sequence[Mark], *, now: datetime) -> set[int]:
        """Note that these letters are about to go out; returns the ids that may leave.

        All of their enrollments were locked before, in this transaction. Marking twice is marking
        once: nobody can tell whether a commit that was cut off took place.
        """


class Pen(Protocol):
    """The hot path's own connections to the database."""

    def hand(self) -> AbstractAsyncContextManager[Hand]:
        """A transaction, committed when the block ends and rolled back when it raises."""

    async def claim(
        self,
        *,
        now: datetime,
        lease_until: datetime,
        limit: int,
        urgent: bool = False,
        life: Life | None = None,
    ) -> list[Claim]:
        """Take up to `limit` ready deliveries, the most urgent first; two claimers never take the
        same. `urgent`: only what goes before lessons. `life` is how far this worker knows the
        database to have lived: from one that is halted, another or younger nothing is taken.
        """

    async def details(self, claims: Sequence[Claim]) -> list[Due]:
        """What is needed to write the claimed letters, in the order of the claims."""

    async def close(self) -> None:
        """Give the connections back."""


def text_of(reply: Reply) -> str:
    """A server's words as they are kept: at most 512 letters, none that a database refuses."""
    return reply.text[:512].replace("\0", "")
