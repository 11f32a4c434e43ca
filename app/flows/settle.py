"""What follows from many acceptances at once: their ledger lines, and the next lesson of each
learner.

The same rules as `record` and `plan`, asked once per learner but answered with a handful of
statements per group. What is out of the ordinary goes the ordinary way, one by one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import bulk, courses, people, roster
from app.db.bulk import Accepted
from app.db.courses import Course, Lesson
from app.db.roster import Learner
from app.domain import delivery as rules
from app.domain import enrollment as progress
from app.domain import schedule
from app.domain.delivery import LetterKind, State, Why
from app.domain.enrollment import Standing, Step
from app.domain.jitter import jittered
from app.flows import discuss, record
from app.flows.installation import Installation


@dataclass(frozen=True, slots=True)
class Syllabus:
    """A course with its published lessons, in order."""

    course: Course
    lessons: list[Lesson]


async def settle(
    session: AsyncSession, accepted: Sequence[Accepted], *, now: datetime, here: Installation
) -> frozenset[int]:
    """Record a group of acceptances and everything that follows; returns the ids recorded."""
    done = await bulk.accept(session, accepted, now=now)
    for row in done:
        if row.kind == LetterKind.ANSWER and row.remark_id:
            await discuss.answer_arrived(session, row.remark_id, now=now)
    lessons = [row for row in done if _is_original(row)]
    if lessons:
        await _go_on(session, lessons, now=now, here=here)
    return frozenset(row.id for row in done)


def _is_original(row: Row[Any]) -> bool:
    return bool(row.kind == LetterKind.LESSON and row.intent.count(":") == 1)


async def _go_on(
    session: AsyncSession, received: Sequence[Row[Any]], *, now: datetime, here: Installation
) -> None:
    """Plan the next lesson of each learner, or finish the course."""
    ids = [row.enrollment_id for row in received]
    learners = {each.id: each for each in await roster.learners(session, ids)}
    so_far = defaultdict(list)
    for lesson in await roster.lessons_so_far(session, ids):
        so_far[lesson.enrollment_id].append(lesson)
    syllabi = await _syllabi(session, {each.course_id for each in learners.values()})
    planned, finished = [], []
    for row in received:
        learner = learners[row.enrollment_id]
        syllabus, lessons = syllabi[learner.course_id], so_far[learner.id]
        if not progress.allowed(learner.standing, Step.PAUSE):
            continue
        if any(lesson.state not in rules.SETTLED for lesson in lessons):
            continue
        passed = {each.lesson_id for each in lessons if rules.passed(each.state, each.reason)}
        following = progress.next_lesson(syllabus.lessons, passed)
        if following is None:
            finished.append(learner.id)
        elif any(each.lesson_id == following.id for each in lessons):
            enrollment = await people.enrollment(session, learner.id)
            await record.go_on(session, enrollment, now=now, here=here)
        else:
            planned.append(_plan(row, learner, syllabus, following, now=now, here=here))
    await roster.plan(session, planned)
    await roster.finish(session, finished, now=now)


def _plan(
    row: Row[Any],
    learner: Learner,
    syllabus: Syllabus,
    following: Lesson,
    *,
    now: datetime,
    here: Installation,
) -> dict[str, Any]:
    """The next lesson's row; held at once while the learner pauses."""
    zone = schedule.zone(learner.zone)
    today = schedule.on_the_calendar(
        now, planned_for=row.planned_for, due_at=row.due_at, speed=here.speed
    )
    window = syllabus.course.window
    slot = schedule.slot_following(today, following.delay, window=window, zone=zone)
    slot = jittered(slot, window, zone, learner.id)
    due_at = schedule.on_the_wall(slot.at, now=now, calendar_now=today, speed=here.speed)
    paused = learner.standing is Standing.PAUSED
    return {
        "enrollment_id": learner.id,
        "kind": LetterKind.LESSON,
        "intent": rules.intent(LetterKind.LESSON, following.id),
        "priority": int(rules.priority(LetterKind.LESSON)),
        "state": State.HELD if paused else State.PLANNED,
        "reason": Why.PAUSED if paused else None,
        "lesson_id": following.id,
        "planned_for": slot.at,
        "planned_day": slot.day,
        "due_at": due_at,
        "ready_at": due_at,
        "attempts": 0,
        "fence": 0,
        "created_at": now,
    }


async def _syllabi(session: AsyncSession, course_ids: set[int]) -> dict[int, Syllabus]:
    return {
        each: Syllabus(await courses.course(session, each), await courses.published(session, each))
        for each in course_ids
    }
