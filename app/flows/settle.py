"""What follows from the acceptances of many lessons at once: their ledger lines, and the next
lesson of each learner, in the same transaction.

The same rules as `record` and `plan`, asked once per learner but answered with a handful of
statements per group. What is out of the ordinary is left to `accept_one`, one by one.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import deliveries, outbox, people
from app.db.pen import Accepted, Hand, Learner, Planned, Recorded
from app.domain import delivery as rules
from app.domain import enrollment as progress
from app.domain import schedule
from app.domain.delivery import Event, LetterKind, Reply, State, Why
from app.domain.enrollment import Standing, Step
from app.domain.jitter import jittered
from app.domain.schedule import Slot, Window
from app.flows import record
from app.flows.installation import Installation
from app.flows.syllabus import Place, Syllabus

_REST = timedelta(microseconds=999_999)


def is_ordinary(learner: Learner, lesson_id: int, syllabus: Syllabus) -> bool:
    """Whether the lesson after this one can simply be planned. Not when its row is there already
    (it was cancelled and may come back), nor when another lesson of this learner is still open.
    """
    others = [each for each in learner.lessons if each.lesson_id != lesson_id]
    if any(each.state not in rules.SETTLED for each in others):
        return False
    following = _following(learner, lesson_id, syllabus)
    return not (following and any(each.lesson_id == following.id for each in others))


async def settle(
    hand: Hand,
    accepted: Sequence[Accepted],
    learners: Mapping[int, Learner],
    syllabi: Mapping[int, Syllabus],
    *,
    now: datetime,
    here: Installation,
) -> set[int]:
    """Record acceptances of ordinary lessons and plan what follows; returns the ids recorded."""
    done = await hand.accept(accepted, now=now)
    planned, finished = [], []
    for row in done:
        learner = learners[row.enrollment_id]
        syllabus = syllabi[learner.course_id]
        if not progress.allowed(Standing(learner.standing), Step.PAUSE):
            continue
        following = _following(learner, row.lesson_id, syllabus)
        if following is None:
            finished.append(learner.id)
        else:
            planned.append(_plan(row, learner, syllabus, following, now=now, here=here))
    if planned:
        await hand.plan(planned, now=now)
    if finished:
        await hand.finish(finished, now=now)
    return {row.id for row in done}


async def accept_one(
    session: AsyncSession,
    claim: outbox.Claim,
    reply: Reply,
    *,
    hop: str | None,
    now: datetime,
    here: Installation,
) -> bool:
    """Record one acceptance and what follows; False when it was not ours any more."""
    delivery = await deliveries.delivery(session, claim.delivery_id)
    enrollment = await people.enrollment(session, delivery.enrollment_id, lock=True)
    delivery = await deliveries.delivery(session, claim.delivery_id, lock=True)
    await session.refresh(delivery)
    if delivery.fence != claim.fence or delivery.state not in (State.IN_DATA, State.UNKNOWN):
        return False
    delivery.state = rules.advance(delivery.state, Event.ACCEPT)
    delivery.attempts += 1
    delivery.lease_until = delivery.reason = None
    await outbox.note_attempt(
        session,
        claim,
        number=delivery.attempts,
        reply=reply,
        outcome=delivery.state,
        hop=hop,
        cause=None,
        now=now,
    )
    await record.accepted(session, delivery, enrollment, now=now, here=here)
    return True


def _following(learner: Learner, lesson_id: int, syllabus: Syllabus) -> Place | None:
    """The next lesson of a learner who has just received this one."""
    passed = {each.lesson_id for each in learner.lessons if rules.passed(each.state, each.reason)}
    return progress.next_lesson(syllabus.lessons, passed | {lesson_id})


def _plan(
    row: Recorded,
    learner: Learner,
    syllabus: Syllabus,
    following: Place,
    *,
    now: datetime,
    here: Installation,
) -> Planned:
    """The next lesson's row; held at once while the learner pauses."""
    today = schedule.on_the_calendar(
        now, planned_for=row.planned_for, due_at=row.due_at, speed=here.speed
    )
    window, zone = syllabus.window, learner.zone
    earliest = today if here.speed != 1 else (today + _REST).replace(microsecond=0)
    slot = jittered(
        _slot(earliest, following.delay, window, zone), window, schedule.zone(zone), learner.id
    )
    due_at = schedule.on_the_wall(slot.at, now=now, calendar_now=today, speed=here.speed)
    paused = learner.standing == Standing.PAUSED
    return Planned(
        enrollment_id=learner.id,
        intent=rules.intent(LetterKind.LESSON, following.id),
        lesson_id=following.id,
        state=State.HELD if paused else State.PLANNED,
        reason=Why.PAUSED if paused else None,
        planned_for=slot.at,
        planned_day=slot.day,
        due_at=due_at,
    )


@lru_cache(maxsize=4096)
def _slot(accepted: datetime, delay: timedelta, window: Window, zone: str) -> Slot:
    """Thousands of learners of one zone are answered within one second: by the full second, never
    too early, they all have one slot.
    """
    return schedule.slot_following(accepted, delay, window=window, zone=schedule.zone(zone))


def day_following(accepted: datetime, delay: timedelta, window: Window, zone: str) -> date:
    """The local day of the lesson that follows one accepted in this second."""
    return _slot(accepted.replace(microsecond=0), delay, window, zone).day
