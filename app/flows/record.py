"""What follows from the outcome of a delivery: the ledger, the letter's next state, the next
lesson, the conversation. Speaks to no server; what a refusal means for others is said by aftermath
and standstill.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries, outbox, people
from app.db.deliveries import Delivery
from app.db.outbox import Claim
from app.db.people import Enrollment
from app.domain import delivery as rules
from app.domain import enrollment as progress
from app.domain.answer import Effect, weigh
from app.domain.delivery import Event, LetterKind, Phase, Reply, Why
from app.domain.enrollment import Standing, Step
from app.domain.provider import held_with, queue_for
from app.flows import aftermath, discuss, pace, standstill
from app.flows.installation import Installation
from app.flows.plan import plan_next
from app.flows.standstill import Notes

# What a person must mend before it makes sense to try again: a loop, our own configuration.
_FOR_A_PERSON = {Effect.HOLD_LETTER, Effect.HOLD_PROVIDER}


class Told(Protocol):
    """What a server said about a letter in our hand, with the bytes that went out (kept for the
    next try) and the server that spoke.
    """

    @property
    def claim(self) -> Claim: ...
    @property
    def reply(self) -> Reply: ...
    @property
    def wire(self) -> bytes: ...
    @property
    def hop(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class _One:
    claim: Claim
    reply: Reply
    wire: bytes
    hop: str | None


async def record(
    session: AsyncSession,
    claim: Claim,
    reply: Reply,
    *,
    wire: bytes,
    hop: str | None,
    now: datetime,
    here: Installation,
) -> bool:
    """Write down one refusal or silence, see `record_all`; False when it was not ours any more."""
    told = _One(claim, reply, wire, hop)
    return bool(await record_all(session, [told], now=now, here=here))


async def record_all(
    session: AsyncSession, group: Sequence[Told], *, now: datetime, here: Installation
) -> frozenset[int]:
    """Write down refusals and silences and what follows (`settle` does so for acceptances).

    Returns the deliveries that were still ours; of the others the claim had lapsed. What a group
    says about queues is written once, at its end.
    """
    notes = Notes()
    done = [
        each.claim.delivery_id
        for each in group
        if await _record(session, each, notes, now=now, here=here)
    ]
    await standstill.write(session, notes, now=now)
    return frozenset(done)


async def _record(
    session: AsyncSession, told: Told, notes: Notes, *, now: datetime, here: Installation
) -> bool:
    claim, reply = told.claim, told.reply
    delivery = await deliveries.delivery(session, claim.delivery_id)
    enrollment = await people.enrollment(session, delivery.enrollment_id, lock=True)
    delivery = await deliveries.delivery(session, claim.delivery_id, lock=True)
    await session.refresh(delivery)
    if delivery.fence != claim.fence or delivery.state not in rules.IN_FLIGHT:
        return False
    meaning, event = weigh(reply), _event(delivery, reply, now)
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
        hop=told.hop,
        cause=meaning.cause,
        now=now,
    )
    if reply.phase is Phase.DOT:
        await outbox.keep_bytes(session, delivery.id, told.wire)
    elif event is Event.DEFER and not await _may_have_gone_out(session, delivery):
        unfix(delivery)
    person = await people.subscriber(session, enrollment.subscriber_id)
    queue = standstill.speaks_of(reply, queue_for(person.email))
    notes.hear(queue, reply, meaning.effect)
    await _follow(session, delivery, enrollment, event, reply, queue, now=now, here=here)
    effect, phase = meaning.effect, reply.phase
    await aftermath.follow(session, effect, phase, delivery, enrollment, queue, now=now)
    return True


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
    if enrollment.standing is Standing.PAUSED:
        await session.flush()
        await pace.hold_for_pause(session, enrollment)


def unfix(delivery: Delivery) -> None:
    """No content went out, so the next try may be written anew, by the text of that day."""
    delivery.digest = delivery.message_id = delivery.written_at = None
    if not rules.is_copy(delivery.intent):
        delivery.version_id = None


async def _may_have_gone_out(session: AsyncSession, delivery: Delivery) -> bool:
    """Whether content left in an earlier try; its bytes need not be kept for that (see lapse)."""
    if delivery.unknown_since:
        return True
    return await outbox.frozen(session, delivery.id) is not None


def _event(delivery: Delivery, reply: Reply, now: datetime) -> Event:
    event = weigh(reply).event
    first = delivery.first_tried_at or now
    if _waits_for_a_person(reply):
        # Of an answer the author is told at once, and the learner's question waits again.
        return Event.REJECT if delivery.kind is LetterKind.ANSWER else event
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
    queue: str,
    *,
    now: datetime,
    here: Installation,
) -> None:
    """What becomes of the letter itself."""
    match event:
        case Event.LOSE:
            delivery.unknown_since = now
        case Event.DEFER if _waits_for_a_person(reply):
            delivery.ready_at = now
            delivery.state = rules.advance(delivery.state, Event.HOLD)
            if weigh(reply).effect is Effect.HOLD_PROVIDER:
                delivery.reason = held_with(queue)
        case Event.DEFER:
            again = rules.retry_at(delivery.attempts, now, seed=delivery.id)
            speed = here.speed
            delivery.ready_at = await pace.in_window(
                session, delivery, enrollment, again, speed=speed
            )
            _heed_pause(delivery, enrollment)
        case Event.REJECT | Event.EXPIRE:
            if event is Event.EXPIRE and rules.is_step(delivery.kind, delivery.intent):
                await pace.pause_by_itself(session, enrollment, Why.EXPIRED, now=now)
            if delivery.kind is LetterKind.ANSWER and delivery.remark_id:
                await discuss.answer_failed(session, delivery.remark_id, now=now)


def _heed_pause(delivery: Delivery, enrollment: Enrollment) -> None:
    """A letter that comes back to the queue of a learner who paused or left meanwhile."""
    if delivery.kind is LetterKind.ANSWER:
        return
    if enrollment.standing is Standing.LEFT:
        delivery.state = rules.advance(delivery.state, Event.CANCEL)
        delivery.reason = Why.LEFT
    elif enrollment.standing is Standing.PAUSED and rules.is_step(delivery.kind, delivery.intent):
        delivery.state = rules.advance(delivery.state, Event.HOLD)
        delivery.reason = Why.PAUSED
