"""Sends what is due: claim, write, mark, hand over, record.

Each arrow that touches rows is a short transaction, shared by all connections that want to write at
the same moment, and none is open while a server is spoken to. Plans nothing itself and never tries
again by itself: settle and record say what follows.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row

from app.db import bulk, courses, deliveries, outbox, people
from app.db.outbox import Claim
from app.db.session import Database
from app.domain import delivery as rules
from app.domain.delivery import Event, Phase, Reply, State, Why
from app.domain.errors import BytesChanged, LessonWithdrawn, RenderFailed
from app.flows import discuss
from app.flows.edition import Press
from app.flows.gather import GroupCommit
from app.flows.installation import Installation
from app.flows.ledger import Ledger, Outcome
from app.flows.letterbook import Letterbook, Written
from app.flows.plan import plan_next
from app.mail.templates import Templates
from app.mail.transport import Line, Relay

LEASE = timedelta(minutes=2)
BATCH = 500
log = structlog.get_logger()


@dataclass(slots=True)
class PostOffice:
    """What sending needs. `in_hand` are the claims that this process holds at the moment;
    `stopping` makes it finish what is being handed over and give the rest back; so does `halted`,
    the reason why nothing may leave before a person says so.
    """

    database: Database
    templates: Templates
    relay: Relay
    here: Installation
    clock: Callable[[], datetime]
    press: Press
    connections: int = 4
    in_hand: dict[int, Claim] = field(default_factory=dict)
    stopping: bool = False
    halted: str | None = None
    relay_fault: Reply | None = None


async def send_due(office: PostOffice, *, limit: int = BATCH) -> int:
    """Send what is due, the next batch being fetched while this one is sent; returns how many
    claims were taken.

    When the relay cannot be reached the claims go back untouched, and `relay_fault` says why.
    """
    office.relay_fault = None
    if office.halted:
        return 0
    queue = _Queue(office, limit)
    await queue.fetch()
    lines = min(office.connections, len(queue.rows))
    work = _Work(office, queue)
    done = await asyncio.gather(*(work.run() for _ in range(lines)), return_exceptions=True)
    await queue.close()
    for fault in done:
        if isinstance(fault, BaseException):
            raise fault
    return queue.taken


async def prolong(office: PostOffice) -> None:
    """Keep the leases of what this process is sending (a server may think for ten minutes)."""
    if office.in_hand:
        until = office.clock() + LEASE
        async with office.database.writing() as session:
            await outbox.prolong(session, list(office.in_hand.values()), until=until)


class _Queue:
    """The claims of this round: taken in batches, the next one while this one is being sent."""

    def __init__(self, office: PostOffice, limit: int) -> None:
        self._office, self._limit = office, limit
        self._fetching: asyncio.Task[None] | None = None
        self._dry = False
        self.rows: deque[tuple[Row[Any], Letterbook]] = deque()
        self.taken = 0

    async def next(self) -> tuple[Row[Any], Letterbook] | None:
        """One claim and the book to write it from; None when nothing is due any more."""
        office = self._office
        if office.stopping or office.halted or office.relay_fault:
            return None
        if len(self.rows) <= self._limit // 2 and not self._dry and self._fetching is None:
            self._fetching = asyncio.create_task(self.fetch())
        while not self.rows and self._fetching:
            await asyncio.shield(self._fetching)
        return self.rows.popleft() if self.rows else None

    async def fetch(self) -> None:
        """Claim the next batch and look up what its letters need."""
        office = self._office
        try:
            async with office.database.writing() as session:
                claims = await bulk.claim(
                    session, now=office.clock(), lease=LEASE, limit=self._limit
                )
            self._dry = len(claims) < self._limit
            self.taken += len(claims)
            if claims:
                await self._look_up(claims)
        finally:
            self._fetching = None

    async def _look_up(self, claims: list[Claim]) -> None:
        office = self._office
        office.in_hand |= {claim.delivery_id: claim for claim in claims}
        try:
            async with office.database.reading() as session:
                rows = await bulk.details(session, claims)
            book = Letterbook(office.database, office.press, office.here)
            await book.open(rows)
        except BaseException:
            # Without a holder the leases lapse, and the sweep lets the claims go.
            for claim in claims:
                office.in_hand.pop(claim.delivery_id, None)
            raise
        order = {claim.delivery_id: place for place, claim in enumerate(claims)}
        self.rows += [(row, book) for row in sorted(rows, key=lambda row: order[row.id])]

    async def close(self) -> None:
        """Give back what was claimed and not sent: nothing was said about it to anybody."""
        if self._fetching:
            await self._fetching
        left = [Claim(row.id, row.fence) for row, _ in self.rows]
        if not left:
            return
        fault = self._office.relay_fault
        reason = f"the relay cannot be reached ({_where(fault)})" if fault else None
        for claim in left:
            self._office.in_hand.pop(claim.delivery_id, None)
        async with self._office.database.writing() as session:
            await outbox.give_back(session, left, reason=reason)


class _Work:
    """What each connection does, and the ledger that all of them write to together."""

    def __init__(self, office: PostOffice, queue: _Queue) -> None:
        self._office, self._queue = office, queue
        ledger = Ledger(office.database, office.here, office.clock)
        self._write = GroupCommit(ledger.write)

    async def run(self) -> None:
        """One connection's share of the queue."""
        line: Line | None = None
        try:
            while item := await self._queue.next():
                row, book = item
                letter = await self._letter(row, book)
                if letter is None:
                    continue
                if line is None or not line.alive:
                    line = await _connect(self._office)
                    if line is None:
                        self._queue.rows.appendleft(item)
                        return
                await self._send(line, letter)
        finally:
            if line:
                await line.close()

    async def _letter(self, row: Row[Any], book: Letterbook) -> Written | None:
        """The letter of a claim; None when it cannot be written (held, with the reason) or its
        lesson was withdrawn (cancelled, and the learner moves on).
        """
        claim = Claim(row.id, row.fence)
        try:
            return await book.write(row, now=self._office.clock())
        except BytesChanged as fault:
            await _stop(self._office, claim, Event.LOSE, str(fault))
        except RenderFailed as fault:
            await _stop(self._office, claim, Event.HOLD, str(fault))
        except LessonWithdrawn:
            await _pass_over(self._office, claim)
        self._office.in_hand.pop(row.id, None)
        return None

    async def _send(self, line: Line, letter: Written) -> None:
        """Mark, hand over and record one letter on an open connection."""
        claim = letter.claim
        try:
            if await self._write(letter):
                reply = await line.send(letter.sender, letter.recipient, letter.wire)
                recorded = await self._write(Outcome(claim, reply, letter.wire, line.hop))
                log.debug("delivery", delivery=claim.delivery_id, code=reply.code, ours=recorded)
            else:
                await _keep_back(self._office, claim)
        finally:
            self._office.in_hand.pop(claim.delivery_id, None)


async def _connect(office: PostOffice) -> Line | None:
    line = Line(office.relay, helo=office.here.mail_domain)
    reply = await line.open()
    if reply.code // 100 == 2:
        return line
    await line.close()
    if office.relay_fault is None:
        log.warning("relay unreachable", phase=reply.phase.name, code=reply.code, said=reply.text)
    office.relay_fault = reply
    return None


async def _keep_back(office: PostOffice, claim: Claim) -> None:
    """A letter that was not marked: the person left, pauses or is suppressed; or it is not ours."""
    async with office.database.writing() as session:
        delivery = await deliveries.delivery(session, claim.delivery_id)
        why = await outbox.kept_back(session, delivery)
        if why:
            event = Event.HOLD if why is Why.PAUSED else Event.CANCEL
            after = rules.advance(State.CLAIMED, event)
            moved = await outbox.move(session, claim, before=State.CLAIMED, after=after, reason=why)
            if moved and delivery.remark_id:
                await discuss.answer_failed(session, delivery.remark_id, now=office.clock())


async def _stop(office: PostOffice, claim: Claim, event: Event, reason: str) -> None:
    """A letter that cannot be written: held, or unknown where its bytes went out before."""
    async with office.database.writing() as session:
        after = rules.advance(State.CLAIMED, event)
        await outbox.move(session, claim, before=State.CLAIMED, after=after, reason=reason)
    log.error("letter stopped", delivery=claim.delivery_id, state=str(after))


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


def _where(fault: Reply) -> str:
    said = f"{fault.code} {fault.text}" if fault.code else fault.text
    return f"{Phase(fault.phase).name.lower()}: {said}"[:200]
