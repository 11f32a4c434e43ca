"""The questions of the desk that join tables: who waits for an answer, which letters need a word.

Changes nothing and decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.conversations import Conversation
from app.db.courses import Course, Lesson
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.domain.conversation import Turn
from app.domain.delivery import State


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation with the people and the lesson that it is about."""

    conversation: Conversation
    enrollment: Enrollment
    person: Subscriber
    course: Course
    lesson: Lesson | None


async def conversations_in(
    session: AsyncSession, turn: Turn, *, limit: int = 100
) -> Sequence[Waiting]:
    """The conversations whose turn this is, the one that has waited longest first."""
    asked = _joined().where(Conversation.turn == turn)
    oldest, newest = Conversation.waiting_since.asc(), Conversation.changed_at.desc()
    order = oldest if turn is Turn.OPEN else newest
    rows = await session.execute(asked.order_by(order, Conversation.id).limit(limit))
    return [Waiting(*row) for row in rows]


async def conversation_with_all(session: AsyncSession, conversation_id: int) -> Waiting | None:
    """One conversation with the people and the lesson that it is about."""
    row = (await session.execute(_joined().where(Conversation.id == conversation_id))).first()
    return Waiting(*row) if row else None


async def count_open(session: AsyncSession) -> int:
    """How many conversations wait for the author."""
    asked = select(func.count()).select_from(Conversation).where(Conversation.turn == Turn.OPEN)
    return await session.scalar(asked) or 0


async def standing_counts(session: AsyncSession) -> dict[str, int]:
    """How many deliveries are in each state."""
    asked = select(Delivery.state, func.count()).group_by(Delivery.state)
    return {str(state): count for state, count in await session.execute(asked)}


async def deliveries_in(
    session: AsyncSession, states: Sequence[State], *, limit: int = 100
) -> Sequence[tuple[Delivery, Enrollment, Subscriber]]:
    """Deliveries in these states with their people, the newest first."""
    asked = (
        select(Delivery, Enrollment, Subscriber)
        .join(Enrollment, Enrollment.id == Delivery.enrollment_id)
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
        .where(Delivery.state.in_(states))
    )
    rows = await session.execute(asked.order_by(Delivery.id.desc()).limit(limit))
    return [(row[0], row[1], row[2]) for row in rows]


def _joined() -> Select[Conversation, Enrollment, Subscriber, Course, Lesson]:
    return (
        select(Conversation, Enrollment, Subscriber, Course, Lesson)
        .join(Enrollment, Enrollment.id == Conversation.enrollment_id)
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
        .join(Course, Course.id == Enrollment.course_id)
        .outerjoin(Lesson, Lesson.id == Conversation.lesson_id)
    )
