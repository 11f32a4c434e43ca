"""The post book: letters that left or will, with their people; and how much mail is unfiled.

Lists are read by keyset, the newest first. Changes nothing and decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.conversations import Filing, IncomingLetter
from app.db.courses import Course, Lesson, Version
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.domain.delivery import TROUBLED, State, Why
from app.domain.provider import HELD_WITH

PAGE = 50


@dataclass(frozen=True, slots=True)
class Posted:
    """A letter with its person, and the title of the lesson that it carries or is about."""

    delivery: Delivery
    enrollment: Enrollment
    person: Subscriber
    title: str | None


@dataclass(frozen=True, slots=True)
class Faulty:
    """A lesson with its title and the slug of its course."""

    slug: str
    lesson_id: int
    title: str | None


async def letters_in(
    session: AsyncSession, states: Sequence[State], *, before: int | None = None, limit: int = PAGE
) -> Sequence[Posted]:
    """Deliveries in these states, the newest first; `before` is the id that the last page ended
    with.
    """
    asked = _posted().where(Delivery.state.in_(states))
    return await _letters(session, asked if before is None else asked.where(Delivery.id < before))


async def letters_in_trouble(session: AsyncSession, *, limit: int = PAGE) -> Sequence[Posted]:
    """Deliveries that wait for a word of the author, the newest first."""
    return await _letters(session, _posted().where(_in_trouble()), limit=limit)


async def letters_to(session: AsyncSession, enrollment_id: int) -> list[Posted]:
    """Everything that was planned for and sent to one enrollment, the first planned first."""
    asked = _posted().where(Delivery.enrollment_id == enrollment_id).order_by(Delivery.id)
    return [Posted(*row) for row in await session.execute(asked)]


async def letter_with_all(session: AsyncSession, delivery_id: int) -> Posted | None:
    """One delivery with its person."""
    found = await _letters(session, _posted().where(Delivery.id == delivery_id))
    return found[0] if found else None


async def count_troubled(session: AsyncSession) -> int:
    """How many deliveries wait for a word of the author."""
    return await session.scalar(select(func.count(Delivery.id)).where(_in_trouble())) or 0


async def faulty_lessons(session: AsyncSession) -> Sequence[Faulty]:
    """The lessons whose copies are kept back because servers refuse their content."""
    asked = (
        select(Course.slug, Lesson.id, newest_title(Lesson.id))
        .join(Course, Course.id == Lesson.course_id)
        .where(Lesson.faulty_at.is_not(None))
    )
    return [Faulty(*row) for row in await session.execute(asked.order_by(Lesson.id))]


async def count_unfiled(session: AsyncSession) -> int:
    """How many incoming letters belong to nobody known here."""
    asked = select(func.count(IncomingLetter.id)).where(IncomingLetter.filing == Filing.UNFILED)
    return await session.scalar(asked) or 0


def newest_title(lesson_id: Any) -> ScalarSelect[str]:
    """The newest title of the lesson that a column names, as a part of a larger question."""
    asked = select(Version.title).where(Version.lesson_id == lesson_id)
    return asked.order_by(Version.number.desc()).limit(1).scalar_subquery()


def _in_trouble() -> ColumnElement[bool]:
    """Held for a learner's pause is no trouble: the learner's return lets the letter go. What is
    held with its queue or with its lesson waits for a word about those, not about each letter.
    """
    with_others = or_(
        Delivery.reason.is_not_distinct_from(str(Why.PAUSED)),
        Delivery.reason.is_not_distinct_from(str(Why.FAULTY_LESSON)),
        func.coalesce(Delivery.reason, "").startswith(HELD_WITH),
    )
    return and_(Delivery.state.in_(TROUBLED), ~and_(Delivery.state == State.HELD, with_others))


async def _letters(
    session: AsyncSession,
    asked: Select[Delivery, Enrollment, Subscriber, Any],
    *,
    limit: int = PAGE,
) -> Sequence[Posted]:
    rows = await session.execute(asked.order_by(Delivery.id.desc()).limit(limit))
    return [Posted(*row) for row in rows]


def _posted() -> Select[Delivery, Enrollment, Subscriber, Any]:
    received = select(Version.title).where(Version.id == Delivery.version_id).scalar_subquery()
    title = func.coalesce(received, newest_title(Delivery.lesson_id))
    return (
        select(Delivery, Enrollment, Subscriber, title)
        .join(Enrollment, Enrollment.id == Delivery.enrollment_id)
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
    )
