"""Sends what is due: claim, freeze, mark, hand over, record.

Each arrow that touches rows is one short transaction, and none is open while a server is spoken to.
Plans nothing itself and never retries by itself: record says what follows.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from app.db import courses, deliveries, outbox, people
from app.db.deliveries import Delivery
from app.db.outbox import Claim
from app.db.session import Database
from app.domain import delivery as rules
from app.domain import token
from app.domain.delivery import Event, Phase, Reply, State, Why
from app.domain.errors import LessonWithdrawn, RenderFailed
from app.domain.token import Purpose
from app.flows.installation import Installation
from app.flows.plan import plan_next
from app.flows.record import record
from app.flows.render import render
from app.mail.compose import return_path
from app.mail.templates import Templates
from app.mail.transport import Line, Relay

LEASE = timedelta(minutes=2)
BATCH = 50
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Frozen:
    """A claimed letter with its fixed bytes and its envelope."""

    claim: Claim
    wire: bytes
    sender: str
    recipient: str


@dataclass(slots=True)
class PostOffice:
    """What sending needs. `in_hand` are the claims that this process holds at the moment;
    `stopping` makes it finish what is being handed over and give the rest back.
    """

    database: Database
    templates: Templates
    relay: Relay
    here: Installation
    clock: Callable[[], datetime]
    connections: int = 4
    in_hand: dict[int, Claim] = field(default_factory=dict)
    stopping: bool = False
    relay_fault: Reply | None = None


async def send_due(office: PostOffice, *, limit: int = BATCH) -> int:
    """Send up to `limit` due letters; returns how many claims were taken.

    When the relay cannot be reached the claims go back untouched, and `relay_fault` says why.
    """
    async with office.database.writing() as session:
        claims = await outbox.claim(session, now=office.clock(), lease=LEASE, limit=limit)
    office.in_hand |= {claim.delivery_id: claim for claim in claims}
    queue = deque(claims)
    lines = min(office.connections, len(claims))
    done = await asyncio.gather(
        *(_work(office, queue) for _ in range(lines)), return_exceptions=True
    )
    if queue:
        await _give_back(office, list(queue))
    for fault in done:
        if isinstance(fault, BaseException):
            raise fault
    return len(claims)


async def prolong(office: PostOffice) -> None:
    """Keep the leases of what this process is sending (a server may think for ten minutes)."""
    if office.in_hand:
        until = office.clock() + LEASE
        async with office.database.writing() as session:
            await outbox.prolong(session, list(office.in_hand.values()), until=until)


async def _work(office: PostOffice, queue: deque[Claim]) -> None:
    """One connection's share of the queue."""
    line: Line | None = None
    try:
        while queue and not office.stopping:
            claim = queue.popleft()
            letter = await _freeze(office, claim)
            if letter is None:
                office.in_hand.pop(claim.delivery_id, None)
                continue
            if line is None or not line.alive:
                line = await _connect(office)
                if line is None:
                    queue.appendleft(claim)
                    return
            await _send(office, line, letter)
            office.in_hand.pop(claim.delivery_id, None)
    finally:
        if line:
            await line.close()


async def _connect(office: PostOffice) -> Line | None:
    line = Line(office.relay, helo=office.here.mail_domain)
    reply = await line.open()
    if reply.code // 100 == 2:
        office.relay_fault = None
        return line
    await line.close()
    office.relay_fault = reply
    log.warning("relay unreachable", phase=reply.phase.name, code=reply.code, said=reply.text)
    return None


async def _send(office: PostOffice, line: Line, letter: Frozen) -> None:
    """Mark, hand over, record one letter on an open connection."""
    if not await _mark_in_data(office, letter.claim):
        return
    reply = await line.send(letter.sender, letter.recipient, letter.wire)
    async with office.database.writing() as session:
        state = await record(session, letter.claim, reply, now=office.clock(), here=office.here)
    log.info(
        "delivery",
        delivery=letter.claim.delivery_id,
        state=str(state),
        phase=reply.phase.name,
        code=reply.code,
    )


async def _freeze(office: PostOffice, claim: Claim) -> Frozen | None:
    """The fixed bytes of a claimed letter, written now if this is its first attempt.

    None when it will not be sent: it cannot be rendered (held, with the reason), or its lesson was
    withdrawn (cancelled, and the learner moves on).
    """
    async with office.database.reading() as session:
        delivery = await deliveries.delivery(session, claim.delivery_id)
        _, _, person = await people.with_course(session, delivery.enrollment_id)
        wire = await outbox.frozen(session, delivery.id)
    try:
        wire = wire or await _write(office, claim, delivery)
    except RenderFailed as fault:
        await _hold(office, claim, str(fault))
        return None
    except LessonWithdrawn:
        await _pass_over(office, claim)
        return None
    if wire is None:
        return None
    tag = token.tag(Purpose.RETURN, delivery.id, keys=office.here.keys)
    return Frozen(claim, wire, return_path(tag, office.here.mail_domain), person.email)


async def _write(office: PostOffice, claim: Claim, delivery: Delivery) -> bytes | None:
    """Render a letter and commit its bytes; None when the claim lapsed meanwhile."""
    async with office.database.reading() as session:
        letter = await render(
            session, delivery, office.templates, now=office.clock(), here=office.here
        )
    digest = hashlib.sha256(letter.wire).hexdigest()
    values = {"message_id": letter.message_id, "version_id": letter.version_id}
    async with office.database.writing() as session:
        held = await outbox.freeze(session, claim, wire=letter.wire, digest=digest, values=values)
    return letter.wire if held else None


async def _mark_in_data(office: PostOffice, claim: Claim) -> bool:
    """Commit that the content is about to go out; False when it shall not.

    What was true at the claim may have changed: the person is asked about once more, under lock.
    """
    async with office.database.writing() as session:
        delivery = await deliveries.delivery(session, claim.delivery_id)
        why = await outbox.kept_back(session, delivery)
        if why is None:
            return await outbox.move(session, claim, before=State.CLAIMED, after=State.IN_DATA)
        event = Event.HOLD if why is Why.PAUSED else Event.CANCEL
        after = rules.advance(State.CLAIMED, event)
        await outbox.move(session, claim, before=State.CLAIMED, after=after, reason=why)
        return False


async def _hold(office: PostOffice, claim: Claim, reason: str) -> None:
    async with office.database.writing() as session:
        after = rules.advance(State.CLAIMED, Event.HOLD)
        await outbox.move(session, claim, before=State.CLAIMED, after=after, reason=reason)
    log.error("letter held", delivery=claim.delivery_id)


async def _pass_over(office: PostOffice, claim: Claim) -> None:
    now = office.clock()
    async with office.database.writing() as session:
        delivery = await deliveries.delivery(session, claim.delivery_id)
        enrollment = await people.enrollment(session, delivery.enrollment_id, lock=True)
        course = await courses.course(session, enrollment.course_id)
        after = rules.advance(State.CLAIMED, Event.CANCEL)
        why = Why.WITHDRAWN
        if await outbox.move(session, claim, before=State.CLAIMED, after=after, reason=why):
            await plan_next(session, enrollment, course, now=now, speed=office.here.speed)


async def _give_back(office: PostOffice, claims: list[Claim]) -> None:
    fault = office.relay_fault
    reason = f"the relay cannot be reached ({_where(fault)})" if fault else None
    async with office.database.writing() as session:
        await outbox.give_back(session, claims, reason=reason)
    for claim in claims:
        office.in_hand.pop(claim.delivery_id, None)


def _where(fault: Reply) -> str:
    said = f"{fault.code} {fault.text}" if fault.code else fault.text
    return f"{Phase(fault.phase).name.lower()}: {said}"[:200]
