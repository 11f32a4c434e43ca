"""The roll of learners: who is in which course, found by name or address, and what was said.

Read by keyset, the newest first. Changes nothing and decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.conversations import Conversation, Remark
from app.db.courses import Course
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.domain.delivery import LetterKind, State
from app.domain.enrollment import Standing

PAGE = 50


@dataclass(frozen=True, slots=True)
class Learner:
    """A person in a course, with the number of lessons that arrived."""

    enrollment: Enrollment
    person: Subscriber
    course: Course
    received: int


async def learners(
    session: AsyncSession,
    *,
    name: str = "",
    standing: Standing | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> Sequence[Learner]:
    """Enrollments, the newest first. `name` is a part of an address or a first name; `before` is
    the id that the last page ended with.
    """
    received = (
        select(func.count(func.distinct(Delivery.lesson_id)))
        .where(
            Delivery.enrollment_id == Enrollment.id,
            Delivery.kind == LetterKind.LESSON,
            Delivery.state == State.ACCEPTED,
        )
        .scalar_subquery()
    )
    asked = (
        select(Enrollment, Subscriber, Course, received)
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
        .join(Course, Course.id == Enrollment.course_id)
    )
    if name:
        asked = asked.where(
            or_(
                Subscriber.key.contains(name.casefold(), autoescape=True),
                Subscriber.first_name.icontains(name, autoescape=True),
            )
        )
    if standing:
        asked = asked.where(Enrollment.standing == standing)
    if before is not None:
        asked = asked.where(Enrollment.id < before)
    rows = await session.execute(asked.order_by(Enrollment.id.desc()).limit(limit))
    return [Learner(*row) for row in rows]


async def anybody(session: AsyncSession) -> bool:
    """Whether anybody has ever signed up."""
    return await session.scalar(select(Enrollment.id).limit(1)) is not None


async def remarks_with(session: AsyncSession, enrollment_id: int) -> Sequence[Remark]:
    """Everything that was said with one learner, in the order of arrival."""
    asked = (
        select(Remark)
        .join(Conversation, Conversation.id == Remark.conversation_id)
        .where(Conversation.enrollment_id == enrollment_id)
    )
    return (await session.scalars(asked.order_by(Remark.written_at, Remark.id))).all()
