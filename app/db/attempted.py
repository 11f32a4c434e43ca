"""What the ledger of attempts tells: letters sent again, kept bytes that changed, hours at which
lessons left (I3, I6). Hands candidates to the rules in pages; judges nothing.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.db.deliveries import Attempt, Delivery, FrozenLetter
from app.db.people import Enrollment
from app.db.question import Question, is_original, is_talk, minute
from app.db.rulings import Ruling, Verdict
from app.domain.delivery import LetterKind, State
from app.domain.invariants import Invariant

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Retried:
    """A letter that was tried after a try of unknown outcome: all its outcomes in order, how often
    it was decided to send it again, and how often a worker claimed it.
    """

    delivery_id: int
    outcomes: Sequence[State]
    resends: int
    claims: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """Lessons of one course and zone that left in one minute, due in one minute."""

    course_id: int
    zone: str
    left: datetime
    due: datetime
    count: int
    delivery_id: int


def tried_after_acceptance() -> Question:
    """I3: a letter that a server has accepted is never offered again (of answers, see I11)."""
    ids = _followed(State.ACCEPTED).join(Delivery, Delivery.id == Attempt.delivery_id)
    asked = ids.where(Delivery.kind != LetterKind.ANSWER)
    return Question(Invariant.I3, "tried again after it was accepted", "delivery", asked)


async def retried(session: AsyncSession) -> AsyncIterator[Retried]:
    """Every letter that was tried again after a try of unknown outcome, by id."""
    last: int | None = 0
    while last is not None:
        candidates = _followed(State.UNKNOWN).where(Attempt.delivery_id > last)
        page = candidates.order_by(Attempt.delivery_id).limit(_PAGE)
        ids = (await session.scalars(page)).all()
        for each in await _histories(session, ids):
            yield each
        last = ids[-1] if len(ids) == _PAGE else None


async def changed_bytes(session: AsyncSession) -> AsyncIterator[int]:
    """The deliveries whose kept bytes are not those that first went out."""
    last: int | None = 0
    while last is not None:
        asked = (
            select(Delivery.id, FrozenLetter.wire, Delivery.digest)
            .join(FrozenLetter, FrozenLetter.delivery_id == Delivery.id)
            .where(Delivery.id > last, Delivery.digest.is_not(None))
        )
        rows = (await session.execute(asked.order_by(Delivery.id).limit(_PAGE))).all()
        for number, wire, digest in rows:
            if hashlib.sha256(wire).hexdigest() != digest:
                yield number
        last = rows[-1][0] if len(rows) == _PAGE else None


async def leavings(session: AsyncSession) -> AsyncIterator[Leaving]:
    """When lessons left, but for copies and for each learner's first; grouped, so that ten thousand
    that leave in a minute are a line.
    """
    left, due = minute(_left()).label("left_at"), minute(Delivery.due_at).label("due_at")
    each = (
        select(Enrollment.course_id, Enrollment.zone, left, due, Delivery.id)
        .select_from(Attempt)
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .join(Enrollment, Enrollment.id == Delivery.enrollment_id)
        .where(is_original, is_talk, _came_after_another())
        .subquery()
    ).c
    place = each.course_id, each.zone, each.left_at, each.due_at
    rows = await session.stream(select(*place, func.count(), func.min(each.id)).group_by(*place))
    async for course, zone, left_at, due_at, count, number in rows:
        yield Leaving(course, zone, _instant(left_at), _instant(due_at), count, number)


def _followed(outcome: State) -> Select[Any]:
    """The deliveries with a try after one of this outcome: one walk along their index."""
    first = func.min(case((Attempt.outcome == outcome, Attempt.id)))
    found = select(Attempt.delivery_id).group_by(Attempt.delivery_id)
    return found.having(first < func.max(Attempt.id))


async def _histories(session: AsyncSession, ids: Sequence[int]) -> list[Retried]:
    tried: dict[int, list[State]] = {}
    outcomes = select(Attempt.delivery_id, Attempt.outcome).where(Attempt.delivery_id.in_(ids))
    for number, outcome in await session.execute(outcomes.order_by(Attempt.id)):
        tried.setdefault(number, []).append(outcome)
    resends = (
        select(func.count(Ruling.id))
        .where(Ruling.delivery_id == Delivery.id, Ruling.verdict == Verdict.RESEND)
        .scalar_subquery()
    )
    asked = select(Delivery.id, resends, Delivery.fence).where(Delivery.id.in_(ids))
    rows = await session.execute(asked.order_by(Delivery.id))
    return [Retried(number, tried[number], ruled, claims) for number, ruled, claims in rows]


def _left() -> ColumnElement[Any]:
    """When a try began, where that is known: of the only one. Else when it ended."""
    only = and_(Attempt.number == 1, Delivery.attempts == 1, Delivery.first_tried_at.is_not(None))
    return case((only, Delivery.first_tried_at), else_=Attempt.at)


def _came_after_another() -> ColumnElement[bool]:
    other = aliased(Delivery)
    return exists().where(
        other.enrollment_id == Delivery.enrollment_id,
        other.id != Delivery.id,
        other.kind == LetterKind.LESSON,
        other.accepted_at <= Delivery.due_at,
    )


def _instant(value: Any) -> datetime:
    """A full minute as either engine gives it back."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
