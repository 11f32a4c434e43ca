"""A lesson that several people's servers refused for its content: the author mends it or stands by
it, and its copies go out. Notices no fault itself (aftermath does).
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, outbox, people, refusals
from app.db.courses import Lesson
from app.db.deliveries import Delivery
from app.db.refusals import Held
from app.db.session import ready
from app.domain import delivery as rules
from app.domain.delivery import Event, Why
from app.domain.errors import Conflict
from app.domain.meaning import Cause
from app.flows import pace, standstill
from app.flows.record import unfix


async def by_new_text(session: AsyncSession, lesson: Lesson, *, now: datetime) -> None:
    """A new Version goes out to all who wait for the lesson, and to those whose servers refused the
    old one: it is another letter (RFC 5321 §4.2.5 forbids the same one again).
    """
    if lesson.faulty_at is None:
        return
    await refusals.unfix(session, Held(Why.FAULTY_LESSON, lesson.id))
    await _retract(session, lesson, since=lesson.trusted_at or lesson.created_at, now=now)
    await _trust(session, lesson, now=now)


async def stand_by(session: AsyncSession, lesson_id: int, *, now: datetime) -> Lesson:
    """The author says that nothing is wrong with the lesson: who waits for it gets it as it is.

    Raises LessonUnknown, Conflict when its copies are not kept back.
    """
    lesson = await courses.lesson(session, lesson_id, lock=True)
    if lesson.faulty_at is None:
        raise Conflict("no copy of this lesson is kept back")
    await _trust(session, lesson, now=now)
    return lesson


async def _trust(session: AsyncSession, lesson: Lesson, *, now: datetime) -> None:
    lesson.faulty_at, lesson.trusted_at = None, now
    await session.flush()
    await standstill.let_go(session, Held(Why.FAULTY_LESSON, lesson.id), now=now)


async def _retract(
    session: AsyncSession, lesson: Lesson, *, since: datetime, now: datetime
) -> None:
    this = Delivery.lesson_id == lesson.id
    for letter in await refusals.rejected(session, this, causes=[Cause.CONTENT], since=since):
        enrollment = await people.enrollment(session, letter.enrollment_id)
        letter.state = rules.advance(letter.state, Event.RETRACT)
        letter.reason, letter.first_tried_at = None, None
        letter.ready_at = await pace.in_window(session, letter, enrollment, now, speed=1)
        await outbox.forget_bytes(session, letter.id)
        unfix(letter)
        ready(session)
