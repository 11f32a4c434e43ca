"""What a refusal means beyond its letter: for its reader, and for the lesson it carried.

Speaks of persons only from RCPT on (S-20: what is said before names nobody). What it means for a
provider's queue is noted by standstill; how often a signal must come is said by domain/tally.
"""

from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, people, queues, refusals, suppressed
from app.db.deliveries import Delivery
from app.db.people import Enrollment, SuppressionReason
from app.domain import tally
from app.domain.delivery import LetterKind, Phase, Why
from app.domain.meaning import Effect, effect_of
from app.domain.tally import Consequence
from app.flows import pace

log = structlog.get_logger()


async def follow(
    session: AsyncSession,
    effect: Effect,
    phase: Phase,
    delivery: Delivery,
    enrollment: Enrollment,
    queue: str,
    *,
    now: datetime,
) -> None:
    """Draw the consequences of one refusal by a server; its attempt is written already."""
    if phase >= Phase.RECIPIENT:
        await weigh_person(session, effect, delivery, enrollment, queue, now=now)
    if effect is Effect.FAULT_LESSON and delivery.kind is LetterKind.LESSON:
        await _doubt_lesson(session, delivery.lesson_id, now=now)


async def weigh_person(
    session: AsyncSession,
    effect: Effect,
    delivery: Delivery,
    enrollment: Enrollment,
    queue: str,
    *,
    now: datetime,
) -> None:
    """Suppress the reader of `delivery`, or pause their course, when they were refused often
    enough for it; by a server at RCPT or later, or by a report to the letter's own return path.
    """
    earlier = await refusals.signals(session, enrollment.subscriber_id, but=delivery.id)
    same = [each.at for each in earlier if effect_of(each.cause, each.phase) is effect]
    match tally.consequence(effect, same, now):
        case Consequence.SUPPRESS:
            person = await people.subscriber(session, enrollment.subscriber_id)
            await suppressed.suppress(
                session,
                person.fingerprint,
                SuppressionReason.ADDRESS_GONE,
                now=now,
                queue=queue,
                doubted=await queues.is_broken(session, queue),
            )
        case Consequence.PAUSE:
            await pace.pause_by_itself(session, enrollment, Why.MAILBOX_FULL, now=now)


async def hold_faulty(session: AsyncSession) -> int:
    """Keep back copies of faulty lessons that were planned after the fault was seen."""
    return await refusals.hold_copies(session)


async def _doubt_lesson(session: AsyncSession, lesson_id: int | None, *, now: datetime) -> None:
    """Hold all copies of a lesson that the servers of several people refused for its content.

    What counts is what was said about its newest text, since the author last stood by it.
    """
    if lesson_id is None:
        return
    lesson = await courses.lesson(session, lesson_id)
    newest = await courses.newest_version(session, lesson_id)
    since = max(
        at for at in (lesson.created_at, newest and newest.published_at, lesson.trusted_at) if at
    )
    refused_by = await refusals.refused_content(session, lesson_id, since=since)
    if tally.is_faulty(refused_by) and lesson.faulty_at is None:
        lesson.faulty_at = now
        await session.flush()
        held = await refusals.hold_copies(session)
        log.error("lesson held", lesson=lesson_id, refused_by=len(refused_by), copies=held)
