"""The learner's pace: what a pause, a return and a changed zone do to the one lesson that lies
ahead.

A pause does not use up the wait. Plans no new letter itself (plan does) and does not decide who may
pause (steer asks the table).
"""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries
from app.db.courses import Course
from app.db.people import Enrollment
from app.domain import delivery as rules
from app.domain import schedule
from app.domain.delivery import Event, State, Why
from app.domain.jitter import jittered
from app.flows import plan


async def hold_for_pause(session: AsyncSession, enrollment: Enrollment) -> None:
    """Keep back the lesson that lies ahead while the learner pauses."""
    lesson = await deliveries.current_lesson(session, enrollment.id)
    if lesson and lesson.state in rules.WAITING:
        lesson.state = rules.advance(lesson.state, Event.HOLD)
        lesson.reason = Why.PAUSED


async def resume_after_pause(
    session: AsyncSession, enrollment: Enrollment, course: Course, *, now: datetime, speed: float
) -> None:
    """Let the held lesson wait on for as long as it still had to when the pause began."""
    lesson = await deliveries.current_lesson(session, enrollment.id)
    if lesson is None:
        await plan.plan_next(session, enrollment, course, now=now, speed=speed)
        return
    if lesson.state is not State.HELD or lesson.reason != Why.PAUSED:
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
