"""Plans letters: the one place where Delivery rows are born. Sends nothing and moves nobody's
standing except to finish a course when no lesson is left.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries, outbox
from app.db.courses import Course, Lesson
from app.db.deliveries import Delivery
from app.db.people import Enrollment
from app.db.session import ready
from app.domain import delivery as rules
from app.domain import enrollment as progress
from app.domain import schedule
from app.domain.delivery import Event, LetterKind, State
from app.domain.enrollment import Standing, Step
from app.domain.jitter import jittered
from app.domain.schedule import Slot


async def plan_letter(
    session: AsyncSession,
    enrollment: Enrollment,
    kind: LetterKind,
    subject: int,
    *,
    now: datetime,
    **carries: int | None,
) -> Delivery:
    """A letter that is due at once: a confirmation, an answer. The same wish twice is one row."""
    key = rules.intent(kind, subject)
    known = await deliveries.with_intent(session, enrollment.id, key)
    if known:
        return known
    slot = schedule.at_once(now, zone=schedule.zone(enrollment.zone))
    return _add(session, enrollment, kind, key, slot=slot, due_at=now, now=now, **carries)


async def plan_copy(
    session: AsyncSession,
    enrollment: Enrollment,
    lesson_id: int,
    version_id: int | None,
    *,
    now: datetime,
) -> Delivery:
    """One more copy of a lesson, due at once, with the Version that this person received."""
    copy = await deliveries.copies_of(session, enrollment.id, lesson_id)
    key = rules.intent(LetterKind.LESSON, lesson_id, copy)
    slot = schedule.at_once(now, zone=schedule.zone(enrollment.zone))
    carries = {"lesson_id": lesson_id, "version_id": version_id}
    kind = LetterKind.LESSON
    return _add(session, enrollment, kind, key, slot=slot, due_at=now, now=now, **carries)


async def plan_next(
    session: AsyncSession, enrollment: Enrollment, course: Course, *, now: datetime, speed: float
) -> Delivery | None:
    """Plan the next lesson, or finish the course when none is left. At most one lies ahead.

    Called in the transaction that recorded the acceptance of the lesson before, and when somebody
    confirms, skips or comes back; calling it once more changes nothing.
    """
    if await deliveries.current_lesson(session, enrollment.id):
        return None
    so_far = await deliveries.lessons_so_far(session, enrollment.id)
    passed = {d.lesson_id for d in so_far if rules.passed(d.state, d.reason)}
    settled = {lesson_id for lesson_id in passed if lesson_id is not None}
    lesson = progress.next_lesson(await courses.published(session, course.id), settled)
    if lesson is None:
        _finish(enrollment, now)
        return None
    slot, due_at = await when(session, enrollment, course, lesson, now=now, speed=speed)
    key = rules.intent(LetterKind.LESSON, lesson.id)
    known = next((d for d in so_far if d.intent == key), None)
    if known:
        return await _revive(session, known, slot=slot, due_at=due_at)
    return _add(
        session,
        enrollment,
        LetterKind.LESSON,
        key,
        slot=slot,
        due_at=due_at,
        now=now,
        lesson_id=lesson.id,
    )


async def when(
    session: AsyncSession,
    enrollment: Enrollment,
    course: Course,
    lesson: Lesson,
    *,
    now: datetime,
    speed: float,
) -> tuple[Slot, datetime]:
    """The slot of a lesson on the enrollment's calendar, and the same instant on the wall."""
    zone = schedule.zone(enrollment.zone)
    last = await deliveries.last_accepted_lesson(session, enrollment.id)
    if last is None or last.accepted_at is None:
        return schedule.at_once(now, zone=zone), now
    accepted, today = (calendar_of(last, at, speed) for at in (last.accepted_at, now))
    slot = schedule.slot_following(accepted, lesson.delay, window=course.window, zone=zone)
    if slot.at < today:
        last_day = accepted.astimezone(zone).date()
        slot = schedule.next_slot(today, window=course.window, zone=zone, after=last_day)
    slot = jittered(slot, course.window, zone, enrollment.id)
    return slot, schedule.on_the_wall(slot.at, now=now, calendar_now=today, speed=speed)


def calendar_of(delivery: Delivery, at: datetime, speed: float) -> datetime:
    """What the enrollment's calendar reads at `at`, told from one of its deliveries."""
    return schedule.on_the_calendar(
        at, planned_for=delivery.planned_for, due_at=delivery.due_at, speed=speed
    )


def _finish(enrollment: Enrollment, now: datetime) -> None:
    if enrollment.standing is Standing.ACTIVE:
        enrollment.standing = progress.advance(enrollment.standing, Step.FINISH)
        enrollment.finished_at = now


async def _revive(
    session: AsyncSession, known: Delivery, *, slot: Slot, due_at: datetime
) -> Delivery:
    known.state = rules.advance(known.state, Event.REVIVE)
    known.first_tried_at, known.attempts = None, 0
    if known.unknown_since is None:
        # What may have gone out before keeps its bytes, or becomes unknown once more.
        known.digest = known.message_id = known.written_at = known.version_id = None
        await outbox.forget_bytes(session, known.id)
    set_slot(session, known, slot=slot, due_at=due_at)
    return known


def set_slot(session: AsyncSession, lesson: Delivery, *, slot: Slot, due_at: datetime) -> None:
    """Move a planned lesson to another slot."""
    lesson.reason = None
    lesson.planned_for, lesson.planned_day = slot.at, slot.day
    lesson.due_at = lesson.ready_at = due_at
    ready(session)


def _add(
    session: AsyncSession,
    enrollment: Enrollment,
    kind: LetterKind,
    key: str,
    *,
    slot: Slot,
    due_at: datetime,
    now: datetime,
    **carries: int | None,
) -> Delivery:
    planned = Delivery(
        enrollment_id=enrollment.id,
        kind=kind,
        intent=key,
        priority=int(rules.priority(kind)),
        state=State.PLANNED,
        planned_for=slot.at,
        planned_day=slot.day,
        due_at=due_at,
        ready_at=due_at,
        attempts=0,
        fence=0,
        created_at=now,
        **carries,
    )
    session.add(planned)
    ready(session)
    return planned
