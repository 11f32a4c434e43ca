"""Verbs on one enrollment after the start: pause, resume, skip, resend, change of zone,
unsubscribe.

Each takes the enrollment's lock first, so that a hand-over that meets it comes before or after,
never between. Used by the learner's pages, the admin API and the desk alike.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries, people
from app.db.deliveries import Delivery
from app.db.people import Enrollment
from app.db.rulings import Verdict
from app.domain import delivery as rules
from app.domain import enrollment as progress
from app.domain import schedule
from app.domain.delivery import Event, State, Why
from app.domain.enrollment import Step
from app.domain.errors import Conflict, LessonUnknown
from app.flows import pace, record, subscribe, unsettled
from app.flows.installation import Installation
from app.flows.plan import plan_copy


async def pause(session: AsyncSession, enrollment_id: int, *, now: datetime) -> Enrollment:
    """Send no lesson until the learner is back. Raises TransitionForbidden, RecordUnknown."""
    enrollment = await people.enrollment(session, enrollment_id, lock=True)
    enrollment.standing = progress.advance(enrollment.standing, Step.PAUSE)
    enrollment.paused_at = enrollment.paused_at or now
    enrollment.paused_by = None
    await pace.hold_for_pause(session, enrollment)
    return enrollment


async def resume(
    session: AsyncSession, enrollment_id: int, *, now: datetime, here: Installation
) -> Enrollment:
    """Go on where the pause began. Raises TransitionForbidden, RecordUnknown."""
    enrollment = await people.enrollment(session, enrollment_id, lock=True)
    enrollment.standing = progress.advance(enrollment.standing, Step.RESUME)
    course = await courses.course(session, enrollment.course_id)
    await pace.resume_after_pause(session, enrollment, course, now=now, speed=here.speed)
    enrollment.paused_at = enrollment.paused_by = None
    return enrollment


async def skip(
    session: AsyncSession, enrollment_id: int, *, now: datetime, here: Installation
) -> Enrollment:
    """Pass over the lesson that lies ahead, or that could not be delivered, and plan the next.

    Raises Conflict when there is none, or while it is being handed over.
    """
    enrollment = await people.enrollment(session, enrollment_id, lock=True)
    lesson = await deliveries.current_lesson(session, enrollment_id)
    if lesson is None or lesson.state in rules.IN_FLIGHT:
        raise Conflict("no lesson lies ahead that could be skipped")
    because = "the lesson is skipped"
    unsettled.note_word(session, lesson, Verdict.GIVE_UP, because, now=now)
    lesson.state = rules.advance(lesson.state, Event.CANCEL)
    lesson.reason = Why.SKIPPED
    pace.end_own_pause(enrollment)
    await session.flush()
    await record.go_on(session, enrollment, now=now, here=here)
    return enrollment


async def resend(
    session: AsyncSession, enrollment_id: int, lesson_id: int, *, now: datetime
) -> Delivery:
    """One more copy of a lesson that was received, at once, on a person's word.

    Raises LessonUnknown when this learner never received it, Conflict when the learner has left.
    """
    enrollment = await people.enrollment(session, enrollment_id, lock=True)
    if not progress.allowed(enrollment.standing, Step.CONFIRM):
        raise Conflict(f"the learner's standing is {enrollment.standing}; nothing may be sent")
    for lesson in await deliveries.lessons_so_far(session, enrollment_id):
        if lesson.lesson_id == lesson_id and lesson.state is State.ACCEPTED:
            return await plan_copy(session, enrollment, lesson_id, lesson.version_id, now=now)
    raise LessonUnknown("this learner has not received that lesson")


async def move_to(
    session: AsyncSession, enrollment_id: int, zone: str, *, now: datetime, here: Installation
) -> Enrollment:
    """Follow the learner into another time zone. Raises ZoneUnknown."""
    enrollment = await people.enrollment(session, enrollment_id, lock=True)
    enrollment.zone = schedule.zone(zone).key
    course = await courses.course(session, enrollment.course_id)
    await pace.replan(session, enrollment, course, now=now, speed=here.speed)
    return enrollment


async def unsubscribe(
    session: AsyncSession, enrollment_id: int, *, by: str, now: datetime
) -> Enrollment:
    """Leave on the author's hand or by a reply; twice is as good as once."""
    enrollment = await people.enrollment(session, enrollment_id, lock=True)
    await subscribe.leave(session, enrollment, by=by, now=now)
    return enrollment
