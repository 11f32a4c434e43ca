"""What follows from the outcome of a delivery: the ledger, the next lesson, the conversation, a
suppression. One short transaction each. Speaks to no server.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries, outbox, people
from app.db.base import add_once
from app.db.deliveries import Delivery
from app.db.outbox import Claim
from app.db.people import Enrollment, Suppression, SuppressionReason
from app.db.session import ready
from app.domain import delivery as rules
from app.domain import enrollment as progress
from app.domain.answer import Effect, weigh
from app.domain.delivery import Event, LetterKind, Phase, Reply, State, Why
from app.domain.enrollment import Standing, Step
from app.flows import discuss, pace
from app.flows.installation import Installation
from app.flows.plan import plan_next

# What a person must mend before it makes sense to try again: a loop, our own configuration.
_FOR_A_PERSON = {Effect.HOLD_LETTER, Effect.HOLD_PROVIDER}
_GONE = "the worker that was sending it was not heard of any more"


async def record(
    session: AsyncSession,
    claim: Claim,
    reply: Reply,
    *,
    wire: bytes,
    hop: str | None,
    now: datetime,
    here: Installation,
) -> State | None:
    """Write down a refusal or a silence, and what follows (`settle` does so for acceptances).

    `wire` are the bytes that went out; they are kept for the next try. `hop` is the server that
    spoke. Returns the new state, or None when the claim had lapsed and the row is no longer ours.
    """
    delivery = await deliveries.delivery(session, claim.delivery_id)
    enrollment = await people.enrollment(session, delivery.enrollment_id, lock=True)
    delivery = await deliveries.delivery(session, claim.delivery_id, lock=True)
    await session.refresh(delivery)
    event = _event(delivery, reply, now)
    if delivery.fence != claim.fence or delivery.state not in rules.IN_FLIGHT:
        return None
    delivery.state = rules.advance(delivery.state, event)
    delivery.attempts += 1
    delivery.first_tried_at = delivery.first_tried_at or now
    delivery.lease_until = None
    delivery.reason = _reason(reply)
    await outbox.note_attempt(
        session,
        claim,
        number=delivery.attempts,
        reply=reply,
        outcome=delivery.state,
        hop=hop,
        cause=weigh(reply).cause,
        now=now,
    )
    if reply.phase is Phase.DOT:
        await outbox.keep_bytes(session, delivery.id, wire)
    elif event is Event.DEFER and not await outbox.frozen(session, delivery.id):
        _unfix(delivery)
    await _follow(session, delivery, enrollment, event, reply, now=now)
    return delivery.state


async def accepted(
    session: AsyncSession,
    delivery: Delivery,
    enrollment: Enrollment,
    *,
    now: datetime,
    here: Installation,
) -> None:
    """What follows from an acceptance, told by a server or decided by a person."""
    delivery.accepted_at = now
    await outbox.forget_bytes(session, delivery.id)
    await session.flush()
    if delivery.kind is LetterKind.LESSON:
        await go_on(session, enrollment, now=now, here=here)
    if delivery.kind is LetterKind.ANSWER and delivery.remark_id:
        await discuss.answer_arrived(session, delivery.remark_id, now=now)


async def go_on(
    session: AsyncSession, enrollment: Enrollment, *, now: datetime, here: Installation
) -> None:
    """Plan the lesson after one that is settled; held at once while the learner pauses."""
    if not progress.allowed(enrollment.standing, Step.PAUSE):
        return
    course = await courses.course(session, enrollment.course_id)
    await plan_next(session, enrollment, course, now=now, speed=here.speed)
    if enrollment.paused_at:
        await session.flush()
        await pace.hold_for_pause(session, enrollment)


async def suppress(
    session: AsyncSession, fingerprint: str, reason: SuppressionReason, *, now: datetime
) -> None:
    """Never write to this address again; the first reason stands."""
    new = {"fingerprint": fingerprint, "reason": reason, "created_at": now}
    await add_once(session, Suppression, new)


async def give_up_lapsed(session: AsyncSession, *, now: datetime) -> int:
    """Mark what dead workers left behind as unknown; returns how many.

    Of what had been marked as going out nobody can say how far it came: a person decides, or an
    acceptance that is recorded after all. It is never sent again by itself, and never dropped.
    """
    left_behind = await outbox.lapsed(session, now=now)
    for delivery in left_behind:
        handed_over = delivery.state is State.IN_DATA
        delivery.state = rules.advance(delivery.state, Event.LOSE)
        delivery.reason = _GONE if handed_over else Why.NEVER_HANDED_OVER
        delivery.lease_until = None
    return len(left_behind)


async def release_unsent(session: AsyncSession, *, now: datetime) -> int:
    """Let go what a dead worker had claimed and never offered to anybody; returns how many.

    The mark that a letter is going out is committed before the first word to a server, so a claim
    without it is surely not sent: nothing is lost with the worker, and nothing can come twice.
    """
    unsent = await outbox.unknown_because(session, Why.NEVER_HANDED_OVER)
    for delivery in unsent:
        delivery.state = rules.advance(delivery.state, Event.RELEASE)
        delivery.reason, delivery.ready_at = None, now
    if unsent:
        ready(session)
    return len(unsent)


def _unfix(delivery: Delivery) -> None:
    """No content went out, so the next try may be written anew, by the text of that day."""
    delivery.digest = delivery.message_id = delivery.written_at = None
    if not rules.is_copy(delivery.intent):
        delivery.version_id = None


def _event(delivery: Delivery, reply: Reply, now: datetime) -> Event:
    event = weigh(reply).event
    first = delivery.first_tried_at or now
    if _waits_for_a_person(reply) and delivery.kind is LetterKind.ANSWER:
        # The author is told at once, and the learner's question waits again.
        return Event.REJECT
    if event is Event.DEFER and rules.expired(delivery.kind, first, now):
        return Event.EXPIRE
    return event


def _waits_for_a_person(reply: Reply) -> bool:
    return reply.code // 100 == 5 and weigh(reply).effect in _FOR_A_PERSON


def _reason(reply: Reply) -> str:
    said = f"{reply.code} {reply.text}" if reply.code else reply.text
    return f"{reply.phase.name.lower()}: {said}"[:512]


async def _follow(
    session: AsyncSession,
    delivery: Delivery,
    enrollment: Enrollment,
    event: Event,
    reply: Reply,
    *,
    now: datetime,
) -> None:
    match event:
        case Event.DEFER:
            delivery.ready_at = rules.retry_at(delivery.attempts, now, seed=delivery.id)
            if _waits_for_a_person(reply):
                delivery.state = rules.advance(delivery.state, Event.HOLD)
            else:
                _heed_pause(delivery, enrollment)
        case Event.REJECT | Event.EXPIRE:
            if weigh(reply).effect is Effect.SUPPRESS:
                person = await people.subscriber(session, enrollment.subscriber_id)
                gone = SuppressionReason.ADDRESS_GONE
                await suppress(session, person.fingerprint, gone, now=now)
            if delivery.kind is LetterKind.ANSWER and delivery.remark_id:
                await discuss.answer_failed(session, delivery.remark_id, now=now)


def _heed_pause(delivery: Delivery, enrollment: Enrollment) -> None:
    """A letter that comes back to the queue of a learner who paused or left meanwhile."""
    is_lesson = delivery.kind is LetterKind.LESSON and not rules.is_copy(delivery.intent)
    if delivery.kind is LetterKind.ANSWER:
        return
    if enrollment.standing is Standing.LEFT:
        delivery.state = rules.advance(delivery.state, Event.CANCEL)
        delivery.reason = Why.LEFT
    elif enrollment.standing is Standing.PAUSED and is_lesson:
        delivery.state = rules.advance(delivery.state, Event.HOLD)
        delivery.reason = Why.PAUSED
