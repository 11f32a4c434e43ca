"""The learner's pace: what a pause, a return, a refusal and a changed zone do to the one lesson
that lies ahead.

A pause does not use up the wait. Plans no new letter itself (plan does) and does not decide who may
pause (steer asks the table).
"""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries
from app.db.courses import Course
from app.db.deliveries import Delivery
from app.db.people import Enrollment
from app.domain import delivery as rules
from app.domain import enrollment as progress
from app.domain import schedule
from app.domain.delivery import Event, State, Why
from app.domain.enrollment import Standing, Step
from app.domain.jitter import jittered
from app.flows import plan

# Who has just confirmed sits before the mailbox; later a lesson is a lesson.
_STILL_THERE = timedelta(hours=1)


async def hold_for_pause(
    session: AsyncSession, enrollment: Enrollment, why: Why = Why.PAUSED
) -> None:
    """Keep back the lesson that lies ahead while the course is paused."""
    lesson = await deliveries.current_lesson(session, enrollment.id)
    if lesson and lesson.state in rules.WAITING:
        lesson.state = rules.advance(lesson.state, Event.HOLD)
        lesson.reason = why


async def pause_by_itself(
    session: AsyncSession, enrollment: Enrollment, why: Why, *, now: datetime
) -> None:
    """Pause a course whose letters do not arrive: it goes on from the same lesson, when the author
    lets that go or the learner comes back. A pause that a person asked for stays theirs.
    """
    if enrollment.standing is not Standing.ACTIVE:
        return
    enrollment.standing = progress.advance(enrollment.standing, Step.PAUSE)
    enrollment.paused_at, enrollment.paused_by = now, why
    await hold_for_pause(session, enrollment, why)


def end_own_pause(enrollment: Enrollment) -> None:
    """End a pause that nobody asked for, on the author's word about the lesson it was made for."""
    if enrollment.standing is Standing.PAUSED and enrollment.paused_by is not None:
        enrollment.standing = progress.advance(enrollment.standing, Step.RESUME)
        enrollment.paused_at = enrollment.paused_by = None


async def in_window(
    session: AsyncSession,
    delivery: Delivery,
    enrollment: Enrollment,
    at: datetime,
    *,
    speed: float,
) -> datetime:
    """The first wall instant from `at` on at which this letter may be tried (again).

    A lesson keeps to the learner's window also when it was refused at its end (I6). The first one
    waits for none while its reader is still there. All other letters go at any hour.
    """
    if not rules.is_step(delivery.kind, delivery.intent):
        return at
    first = await deliveries.last_accepted_lesson(session, enrollment.id) is None
    if first and at - delivery.due_at < _STILL_THERE:
        return at
    course = await courses.course(session, enrollment.course_id)
    today = plan.calendar_of(delivery, at, speed)
    zone = schedule.zone(enrollment.zone)
    slot = schedule.next_slot(today, window=course.window, zone=zone)
    return schedule.on_the_wall(slot.at, now=at, calendar_now=today, speed=speed)


async def resume_after_pause(
    session: AsyncSession, enrollment: Enrollment, course: Course, *, now: datetime, speed: float
) -> None:
    """Let the held lesson wait on for as long as it still had to when the pause began.

    A lesson that had been tried for days, or met a full mailbox, is tried anew: its reader is here.
    """
    lesson = await deliveries.current_lesson(session, enrollment.id)
    if lesson is None:
        await plan.plan_next(session, enrollment, course, now=now, speed=speed)
        return
    held = lesson.state is State.HELD and lesson.reason in (Why.PAUSED, Why.MAILBOX_FULL)
    if not held and lesson.state is not State.EXPIRED:
        return
    paused, today = (
        plan.calendar_of(lesson, at, speed) for at in (enrollment.paused_at or now, now)
    )
    left = max(lesson.planned_for - paused, timedelta())
    zone = schedule.zone(enrollment.zone)
    slot = schedule.next_slot(today + left, window=course.window, zone=zone)
    slot = jittered(slot, course.window, zone, enrollment.id)
    due_at = schedule.on_the_wall(slot.at, now=now, calendar_now=today, speed=speed)
    lesson.state = rules.advance(lesson.state, Event.RELEASE)
    lesson.first_tried_at = None
    plan.set_slot(session, lesson, slot=slot, due_at=due_at)


async def replan(
    session: AsyncSession, enrollment: Enrollment, course: Course, *, now: datetime, speed: float
) -> None:
    """Give the lesson that waits its slot anew, after a change of zone or of the course's hours."""
    waiting = await deliveries.current_lesson(session, enrollment.id)
    if waiting is None or waiting.state is not State.PLANNED or waiting.lesson_id is None:
        return
    lesson = await courses.lesson(session, waiting.lesson_id)
    slot, due_at = await plan.when(session, enrollment, course, lesson, now=now, speed=speed)
    plan.set_slot(session, waiting, slot=slot, due_at=due_at)
