"""Questions about deliveries whose worker fell silent, and about those of which nobody knows
whether they arrived.

Finds and locks; decides nothing, and moves no state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.conversations import IncomingLetter
from app.db.deliveries import IN_FLIGHT_ROWS, TROUBLED_ROWS, Attempt, Delivery
from app.db.people import Enrollment
from app.db.rulings import Ruling, Verdict
from app.domain.attribution import Attribution
from app.domain.delivery import LetterKind, State, Why
from app.domain.incoming import Kind
from app.domain.unknown import By

BATCH = 100


@dataclass(frozen=True, slots=True)
class Doubt:
    """A letter to look up: it can only have been taken between `written_at` and `tried_at`."""

    delivery_id: int
    message_id: str
    written_at: datetime
    tried_at: datetime


async def lapsed(session: AsyncSession, *, now: datetime) -> Sequence[Delivery]:
    """Claims whose worker has not been heard of within its lease, locked."""
    asked = select(Delivery).where(IN_FLIGHT_ROWS, Delivery.lease_until < now)
    return (await session.scalars(asked.with_for_update(skip_locked=True))).all()


async def never_handed_over(session: AsyncSession) -> Sequence[Delivery]:
    """What a dead worker had claimed and offered to nobody, locked."""
    unsent = Delivery.reason == Why.NEVER_HANDED_OVER
    asked = select(Delivery).where(TROUBLED_ROWS, Delivery.state == State.UNKNOWN, unsent)
    return (await session.scalars(asked.with_for_update(skip_locked=True))).all()


async def ripe(session: AsyncSession, *, service: datetime, lesson: datetime) -> Sequence[int]:
    """The ids of a batch for which the rules may have something to say: lessons unknown since
    `lesson` or earlier, and service letters unknown since `service` that were not sent again yet.
    """
    lessons = and_(Delivery.kind == LetterKind.LESSON, Delivery.unknown_since <= lesson)
    others = and_(
        Delivery.kind.not_in([LetterKind.LESSON, LetterKind.ANSWER]),
        Delivery.unknown_since <= service,
        ~_sent_again(),
    )
    asked = select(Delivery.id).where(*_unknown(), or_(lessons, others))
    return (await session.scalars(asked.order_by(Delivery.id).limit(BATCH))).all()


async def evident(session: AsyncSession, kinds: frozenset[Kind]) -> dict[int, IncomingLetter]:
    """A mail that names the letter, for a batch of unknown deliveries that have one: it was filed
    before anybody knew that it would be needed.
    """
    asked = (
        select(Delivery.id, IncomingLetter)
        .join(
            IncomingLetter,
            and_(
                IncomingLetter.enrollment_id == Delivery.enrollment_id,
                IncomingLetter.delivery_id == Delivery.id,
            ),
        )
        .where(
            *_unknown(),
            IncomingLetter.kind.in_([str(kind) for kind in kinds]),
            IncomingLetter.attributed_by.in_([Attribution.TAG, Attribution.THREAD]),
        )
    )
    found = await session.execute(asked.order_by(IncomingLetter.id.desc()).limit(BATCH))
    return {row[0]: row[1] for row in found}


async def for_the_log(session: AsyncSession, *, since: datetime, looked_up: str) -> Sequence[Doubt]:
    """A batch that the relay's log may tell about: unknown since `since` or later, and without the
    reason `looked_up`, which says that it was looked up in vain.

    Only where the doubt comes from a try that we know of: what a copied database had in hand may
    have gone out elsewhere.
    """
    tried = select(func.max(Attempt.at)).where(
        Attempt.delivery_id == Delivery.id, Attempt.outcome == State.UNKNOWN
    )
    last = tried.correlate(Delivery).scalar_subquery()
    asked = select(Delivery.id, Delivery.message_id, Delivery.written_at, last).where(
        *_unknown(),
        Delivery.unknown_since >= since,
        Delivery.message_id.is_not(None),
        Delivery.written_at.is_not(None),
        Delivery.reason.is_distinct_from(looked_up),
        last >= Delivery.unknown_since,
    )
    rows = await session.execute(asked.order_by(Delivery.id.desc()).limit(BATCH))
    return [Doubt(*row) for row in rows]  # type: ignore[arg-type]


async def hold(
    session: AsyncSession, delivery_ids: Sequence[int]
) -> Sequence[tuple[Delivery, Enrollment]]:
    """Those of these deliveries that are still unknown, locked with their enrollments.

    In the order that all verbs keep, enrollment first; whatever another verb holds is left to it,
    so that nothing waits for anything.
    """
    named = select(Delivery.enrollment_id).where(Delivery.id.in_(delivery_ids))
    both = select(Enrollment).where(Enrollment.id.in_(named)).order_by(Enrollment.id)
    held = await session.scalars(both.with_for_update(skip_locked=True))
    enrollments = {each.id: each for each in held}
    asked = select(Delivery).where(
        *_unknown(), Delivery.id.in_(delivery_ids), Delivery.enrollment_id.in_(enrollments)
    )
    ours = await session.scalars(asked.order_by(Delivery.id).with_for_update(skip_locked=True))
    return [(each, enrollments[each.enrollment_id]) for each in ours]


async def sent_again(session: AsyncSession, delivery_ids: Sequence[int]) -> frozenset[int]:
    """Which of these were sent again before, though they may have arrived the first time."""
    asked = select(Delivery.id).where(Delivery.id.in_(delivery_ids), _sent_again())
    return frozenset((await session.scalars(asked)).all())


def _unknown() -> list[ColumnElement[bool]]:
    """Unknown in earnest: what was never handed over goes back to the queue with the next sweep."""
    unsent = Delivery.reason.is_not_distinct_from(str(Why.NEVER_HANDED_OVER))
    return [TROUBLED_ROWS, Delivery.state == State.UNKNOWN, ~unsent]  # type: ignore[list-item]


def _sent_again() -> ColumnElement[bool]:
    """What the relay's log showed to have been cut was not sent then: that does not count."""
    return exists().where(
        Ruling.delivery_id == Delivery.id,
        Ruling.verdict == Verdict.RESEND,
        Ruling.by != By.RELAY_LOG,
    )
