"""The answer-everyone register: the questions that join conversations with people and lessons.

Changes nothing and decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.conversations import Conversation, Remark
from app.db.courses import Course, Lesson
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.db.postbook import newest_title
from app.domain.conversation import Turn, Voice
from app.domain.delivery import LetterKind


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation with the people and the lesson that it is about.

    `title` is the newest title of the lesson, `words` what the learner wrote last; both may be
    None.
    """

    conversation: Conversation
    enrollment: Enrollment
    person: Subscriber
    course: Course
    lesson: Lesson | None
    title: str | None
    words: str | None


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


async def conversations_of(session: AsyncSession, enrollment_id: int) -> Sequence[Waiting]:
    """All conversations with one learner, the first begun first."""
    asked = _joined().where(Conversation.enrollment_id == enrollment_id)
    return [Waiting(*row) for row in await session.execute(asked.order_by(Conversation.id))]


async def waits_longest(session: AsyncSession, *, but: int) -> Waiting | None:
    """The open conversation that has waited longest, apart from the one with this id."""
    asked = _joined().where(Conversation.turn == Turn.OPEN, Conversation.id != but)
    oldest = asked.order_by(Conversation.waiting_since, Conversation.id).limit(1)
    row = (await session.execute(oldest)).first()
    return Waiting(*row) if row else None


async def count_open(session: AsyncSession) -> int:
    """How many conversations wait for the author."""
    asked = select(func.count()).select_from(Conversation).where(Conversation.turn == Turn.OPEN)
    return await session.scalar(asked) or 0


async def turn_counts(session: AsyncSession) -> dict[Turn, int]:
    """How many conversations there are of each turn."""
    asked = select(Conversation.turn, func.count()).group_by(Conversation.turn)
    return {row[0]: row[1] for row in await session.execute(asked)}


async def answers_in(session: AsyncSession, about: Conversation) -> dict[int, Delivery]:
    """The letters that carry the author's answers in a conversation, by remark id."""
    asked = select(Delivery).where(
        Delivery.enrollment_id == about.enrollment_id,
        Delivery.kind == LetterKind.ANSWER,
        Delivery.remark_id.in_(select(Remark.id).where(Remark.conversation_id == about.id)),
    )
    found = await session.scalars(asked)
    return {letter.remark_id: letter for letter in found if letter.remark_id is not None}


async def standing_counts(session: AsyncSession) -> dict[str, int]:
    """How many deliveries are in each state."""
    asked = select(Delivery.state, func.count()).group_by(Delivery.state)
    return {str(state): count for state, count in await session.execute(asked)}


def _joined() -> Select[Conversation, Enrollment, Subscriber, Course, Lesson, Any, Any]:
    last_words = (
        select(Remark.words)
        .where(Remark.conversation_id == Conversation.id, Remark.voice == Voice.LEARNER)
        .order_by(Remark.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    title = newest_title(Conversation.lesson_id)
    return (
        select(Conversation, Enrollment, Subscriber, Course, Lesson, title, last_words)
        .join(Enrollment, Enrollment.id == Conversation.enrollment_id)
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
        .join(Course, Course.id == Enrollment.course_id)
        .outerjoin(Lesson, Lesson.id == Conversation.lesson_id)
    )
