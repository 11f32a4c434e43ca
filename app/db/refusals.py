"""What was refused, and the letters that wait because of it: the questions behind tallies, and the
statements that keep back or let go many letters at once.

Counts and decides nothing (domain/tally and domain/breaker do); no signal is written here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.conversations import IncomingLetter
from app.db.courses import Lesson
from app.db.deliveries import TROUBLED_ROWS, WAITING_ROWS, Attempt, Delivery, FrozenLetter
from app.db.people import Enrollment, Subscriber
from app.db.session import ready
from app.domain.delivery import LetterKind, Phase, State, Why
from app.domain.meaning import PERSONAL, Cause

_ABOUT_US = (Cause.POLICY_OR_REPUTATION, Cause.CONFIGURATION)


@dataclass(frozen=True, slots=True)
class Signal:
    """That a letter was refused for a cause that speaks of its reader; the first time for it."""

    delivery_id: int
    at: datetime
    cause: Cause
    phase: Phase


@dataclass(frozen=True, slots=True)
class Held:
    """Letters that wait for one reason; for that of a faulty lesson, the copies of that one."""

    reason: str
    lesson_id: int | None = None


async def signals(session: AsyncSession, subscriber_id: int, *, but: int) -> list[Signal]:
    """What was said about this person since they last accepted anything, by servers and by reports,
    about other letters than the delivery `but`.

    A letter that a report came back for was accepted by somebody, but not by them.
    """
    mine = select(Enrollment.id).where(Enrollment.subscriber_id == subscriber_id)
    letters = select(Delivery.id).where(Delivery.enrollment_id.in_(mine))
    reported = select(IncomingLetter.delivery_id).where(
        IncomingLetter.enrollment_id.in_(mine), IncomingLetter.cause.in_(PERSONAL)
    )
    last = await session.scalar(
        select(func.max(Attempt.at)).where(
            Attempt.delivery_id.in_(letters),
            Attempt.outcome == State.ACCEPTED,
            Attempt.delivery_id.not_in(reported.where(IncomingLetter.delivery_id.is_not(None))),
        )
    )
    tried = select(Attempt.delivery_id, Attempt.at, Attempt.cause, Attempt.phase).where(
        Attempt.delivery_id.in_(letters), Attempt.cause.in_(PERSONAL)
    )
    told = select(IncomingLetter.delivery_id, IncomingLetter.received_at, IncomingLetter.cause)
    rows: list[tuple[Any, ...]] = [tuple(row) for row in await session.execute(tried)]
    mailed = told.where(IncomingLetter.enrollment_id.in_(mine), IncomingLetter.cause.in_(PERSONAL))
    rows += [(*row, Phase.RECIPIENT) for row in await session.execute(mailed)]
    found: dict[tuple[int, Cause], Signal] = {}
    for letter, at, cause, phase in sorted(rows, key=lambda row: row[1]):
        if letter != but and (last is None or at > last):
            found.setdefault((letter, cause), Signal(letter, at, cause, Phase(phase)))
    return list(found.values())


async def refused_content(session: AsyncSession, lesson_id: int, *, since: datetime) -> set[int]:
    """The subscribers whose servers refused this lesson for what is in it."""
    asked = (
        select(Enrollment.subscriber_id)
        .join(Delivery, Delivery.enrollment_id == Enrollment.id)
        .join(Attempt, Attempt.delivery_id == Delivery.id)
        .where(
            Delivery.lesson_id == lesson_id,
            Delivery.kind == LetterKind.LESSON,
            Attempt.cause == Cause.CONTENT,
            Attempt.at >= since,
        )
    )
    return set(await session.scalars(asked))


async def reported_us(session: AsyncSession, *, since: datetime) -> list[tuple[int, str]]:
    """Who our letters were refused for, by reports about us: subscriber ids and addresses."""
    asked = (
        select(Subscriber.id, Subscriber.email)
        .join(Enrollment, Enrollment.subscriber_id == Subscriber.id)
        .join(IncomingLetter, IncomingLetter.enrollment_id == Enrollment.id)
        .where(IncomingLetter.cause.in_(_ABOUT_US), IncomingLetter.received_at >= since)
    )
    return [(row[0], row[1]) for row in await session.execute(asked)]


async def hold_copies(session: AsyncSession) -> int:
    """Keep back every waiting copy of each faulty lesson; returns how many."""
    faulty = (await session.scalars(select(Lesson.id).where(Lesson.faulty_at.is_not(None)))).all()
    if not faulty:
        return 0
    waiting = WAITING_ROWS, Delivery.lesson_id.in_(faulty), Delivery.kind == LetterKind.LESSON
    values = {"state": State.HELD, "reason": Why.FAULTY_LESSON}
    done = await session.execute(
        update(Delivery).where(*waiting).values(**values).returning(Delivery.id)
    )
    return len(done.all())


async def waiting_places(session: AsyncSession, held: Held) -> list[tuple[int, str]]:
    """The courses and zones in which lessons are held for this reason."""
    asked = (
        select(Enrollment.course_id, Enrollment.zone)
        .join(Delivery, Delivery.enrollment_id == Enrollment.id)
        .where(*_held(held), Delivery.kind == LetterKind.LESSON)
        .distinct()
    )
    return [(row[0], row[1]) for row in await session.execute(asked)]


async def let_go(
    session: AsyncSession, held: Held, *, at: datetime, place: tuple[int, str] | None = None
) -> None:
    """Let go what is held for this reason, ready at `at` at the earliest: the lessons of one course
    in one zone (`place`), or all other letters.
    """
    those = [*_held(held)]
    if place is None:
        those.append(Delivery.kind != LetterKind.LESSON)
    else:
        there = select(Enrollment.id).where(
            Enrollment.course_id == place[0], Enrollment.zone == place[1]
        )
        those += [Delivery.kind == LetterKind.LESSON, Delivery.enrollment_id.in_(there)]
    later = case((Delivery.ready_at > at, Delivery.ready_at), else_=at)
    values = {"state": State.PLANNED, "reason": None, "ready_at": later, "first_tried_at": None}
    let_go = update(Delivery).where(*those).values(**values)
    await session.execute(let_go.execution_options(synchronize_session=False))
    ready(session)


async def count_held(session: AsyncSession, held: Held) -> int:
    """How many letters wait for this reason."""
    return await session.scalar(select(func.count(Delivery.id)).where(*_held(held))) or 0


async def unfix(session: AsyncSession, held: Held) -> None:
    """Let the held letters be written anew, although an older text may have gone out and was
    refused; not those of which nobody knows whether they arrived once. A copy that somebody asked
    for keeps its Version.
    """
    known = *_held(held), Delivery.unknown_since.is_(None)
    mine = select(Delivery.id).where(*known).scalar_subquery()
    await session.execute(delete(FrozenLetter).where(FrozenLetter.delivery_id.in_(mine)))
    blank = {"digest": None, "message_id": None, "written_at": None}
    for those, values in (
        (known, blank),
        ((*known, Delivery.intent.not_like("lesson:%:%")), {"version_id": None}),
    ):
        written_anew = update(Delivery).where(*those).values(**values)
        await session.execute(written_anew.execution_options(synchronize_session=False))


async def rejected(
    session: AsyncSession, *those: ColumnElement[bool], causes: Collection[Cause], since: datetime
) -> Sequence[Delivery]:
    """Rejected letters among `those`, refused for one of these causes since then, locked. Not the
    author's answers: they went back to the author at once.
    """
    said = select(Attempt.id).where(
        Attempt.delivery_id == Delivery.id,
        Attempt.outcome == State.REJECTED,
        Attempt.cause.in_(causes),
        Attempt.at >= since,
    )
    asked = select(Delivery).where(
        TROUBLED_ROWS,
        Delivery.state == State.REJECTED,
        Delivery.kind != LetterKind.ANSWER,
        said.exists(),
        *those,
    )
    return (await session.scalars(asked.order_by(Delivery.id).with_for_update())).all()


def _held(held: Held) -> tuple[Any, ...]:
    those = TROUBLED_ROWS, Delivery.state == State.HELD, Delivery.reason == held.reason
    return those if held.lesson_id is None else (*those, Delivery.lesson_id == held.lesson_id)
