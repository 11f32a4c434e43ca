"""One round of handing over: connections that carry one letter after another, and the ledger.

A connection begins its next letter only when the outcome of the last one is committed, in the same
group as the mark of the next one. Nobody waits for a clock: while one group is being committed the
next one gathers. Writes no letter (scribe) and claims none (claims).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from app.domain.delivery import Reply
from app.domain.provider import is_spent
from app.flows.claims import Claims, give_back
from app.flows.ledger import Ledger, Outcome
from app.flows.letterbook import Written
from app.flows.office import PostOffice
from app.flows.scribe import Scribe
from app.flows.setback import keep_back
from app.mail.transport import Line

# While visitors are served: so many letters in a group, and rest for so many times its duration.
_FEW, _REST, _LONGEST_REST = 4, 3, 0.2
log = structlog.get_logger()


@dataclass(slots=True)
class _Lane:
    """A connection; `carried` counts its letters by queue."""

    line: Line
    carried: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Departure:
    """A letter that leaves by a connection as soon as its mark is committed."""

    lane: _Lane
    letter: Written
    queue: str


@dataclass(slots=True)
class _Landing:
    """What a connection brought back."""

    lane: _Lane
    outcome: Outcome
    queue: str


@dataclass(slots=True)
class _Group:
    """What is committed together. `resting` have nothing to carry; `spent` have carried as many
    letters as a provider likes on one connection.
    """

    departures: list[_Departure] = field(default_factory=list)
    landings: list[_Landing] = field(default_factory=list)
    resting: list[_Lane] = field(default_factory=list)
    spent: list[_Lane] = field(default_factory=list)


class Handover:
    """A round: everything that `claims` hands out is carried or given back."""

    def __init__(self, office: PostOffice, claims: Claims) -> None:
        self._office, self._claims = office, claims
        self._ledger = Ledger(office.database, office.here, office.clock)
        self._changed = asyncio.Event()
        self._scribe = Scribe(office, claims, self._changed)
        self._landings: list[_Landing] = []
        self._idle: list[_Lane] = []
        self._aside = set[asyncio.Task[None]]()
        self._most = office.connections
        self._fault: BaseException | None = None
        self._under_way = self._opening = self._lanes = self._committing = 0

    async def run(self) -> None:
        """Carry until nothing is left, or the office must stop. Raises what went wrong, after what
        was under way has landed.
        """
        writing = asyncio.create_task(self._scribe.run())
        listening = asyncio.create_task(self._listen())
        committers = 1 if self._office.database.is_sqlite else 2
        commits = (self._commit() for _ in range(committers))
        done = await asyncio.gather(*commits, return_exceptions=True)
        await self._bring_in()
        self._claims.wake()
        self._scribe.wake()
        listening.cancel()
        if self._fault or any(isinstance(each, BaseException) for each in done):
            writing.cancel()
        done += await asyncio.gather(writing, listening, *self._aside, return_exceptions=True)
        await asyncio.gather(*(lane.line.close() for lane in self._idle))
        await give_back(self._office, [letter.claim for letter, _ in self._scribe.written])
        for each in (*done, self._fault):
            if isinstance(each, BaseException) and not isinstance(each, asyncio.CancelledError):
                raise each

    async def _bring_in(self) -> None:
        """After a committer broke: what is under way still lands, and is recorded."""
        while self._under_way or self._landings:
            landings, self._landings = self._landings, []
            await self._ledger.write([], [each.outcome for each in landings])
            self._idle += [each.lane for each in landings]
            self._changed.clear()
            if self._under_way and not self._landings:
                await self._changed.wait()

    async def _listen(self) -> None:
        """What becomes ready meanwhile is claimed meanwhile; too late, it is left to the next
        round.
        """
        bell = self._office.bell
        while not self._scribe.is_done:
            await bell.wait()
            if not self._scribe.is_done:
                bell.clear()
                self._claims.look_again()

    async def _commit(self) -> None:
        """Group after group: the outcomes that came in, and marks for the connections that are free
        then.
        """
        while not self._is_over:
            group = self._gather()
            if group is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            self._committing += 1
            begun = time.monotonic()
            try:
                await self._settle(group)
            finally:
                self._committing -= 1
                self._changed.set()
            if self._office.courtesy.is_due and not self._office.must_stop:
                await asyncio.sleep(min(_REST * (time.monotonic() - begun), _LONGEST_REST))

    @property
    def _is_over(self) -> bool:
        """Nothing under way, nothing to record, and nothing more to carry."""
        if self._under_way or self._landings or self._committing or self._opening:
            return False
        return self._must_stop or (self._scribe.is_done and not self._scribe.written)

    def _gather(self) -> _Group | None:
        """The next group; None when there is none yet, or so small a one that it had better grow
        while another is being committed.
        """
        if self._committing and len(self._landings) + len(self._idle) < self._lanes // 4:
            return None
        group = _Group(landings=self._landings)
        landed = [landing.lane for landing in self._landings]
        free, self._idle, self._landings = [*self._idle, *landed], [], []
        most = _FEW if self._office.courtesy.is_due else len(free)
        while (
            free and self._scribe.written and len(group.departures) < most and not self._must_stop
        ):
            self._assign(free.pop(), group)
        self._open_lines()
        if group.departures or group.landings or group.spent:
            group.resting = free
            return group
        self._idle += free
        return None

    def _assign(self, lane: _Lane, group: _Group) -> None:
        letter, queue = self._scribe.written[0]
        if not lane.line.alive or is_spent(self._office.traffic.pace(queue), lane.carried[queue]):
            self._lanes -= 1
            group.spent.append(lane)
            return
        self._scribe.take()
        lane.carried[queue] += 1
        group.departures.append(_Departure(lane, letter, queue))

    async def _settle(self, group: _Group) -> None:
        """Commit a group; then its connections go on."""
        office = self._office
        if group.departures:
            office.point("before_mark")
        if group.landings:
            office.point("before_outcome")
        marked = await self._ledger.write(
            [each.letter for each in group.departures], [each.outcome for each in group.landings]
        )
        if group.landings:
            office.point("after_outcome")
        if group.departures:
            office.point("after_mark")
        if any(not each.outcome.reply.is_acceptance for each in group.landings):
            async with office.database.reading() as session:
                await office.traffic.refresh(session, office.clock(), at_once=True)
        for landing in group.landings:
            accepted = landing.outcome.reply.is_acceptance
            self._done(landing.outcome.claim.delivery_id, landing.queue, accepted=accepted)
        self._idle += group.resting
        for lane in group.spent:
            self._beside(lane.line.close())
        for each in group.departures:
            if each.letter.claim.delivery_id in marked:
                self._carry(each)
            else:
                self._idle.append(each.lane)
                self._beside(self._keep_back(each))

    async def _keep_back(self, departure: _Departure) -> None:
        """When even this cannot be written the lease lapses, and the sweep lets the letter go."""
        claim = departure.letter.claim
        try:
            await keep_back(self._office, claim)
        finally:
            self._done(claim.delivery_id, departure.queue, accepted=False)

    def _carry(self, departure: _Departure) -> None:
        self._under_way += 1
        lane, letter = departure.lane, departure.letter
        self._office.point("before_envelope")
        land = partial(self._land, departure)
        lane.line.carry(letter.sender, letter.due.email, letter.wire, land, dotless=letter.dotless)

    def _land(self, departure: _Departure, reply: Reply) -> None:
        self._under_way -= 1
        lane, queue = departure.lane, departure.queue
        outcome = Outcome(departure.letter, reply, lane.line.hop)
        self._landings.append(_Landing(lane, outcome, queue))
        self._changed.set()

    def _done(self, delivery_id: int, queue: str, *, accepted: bool) -> None:
        self._office.in_hand.pop(delivery_id, None)
        self._office.traffic.lands(queue, accepted=accepted)
        self._claims.landed(queue)

    def _open_lines(self) -> None:
        """As many connections as there are letters for, up to the setting."""
        there = self._lanes + self._opening
        wanted = min(self._most - there, len(self._scribe.written) - self._opening)
        if not self._must_stop:
            for _ in range(wanted):
                self._opening += 1
                self._beside(self._open())

    async def _open(self) -> None:
        office = self._office
        helo = office.here.mail_domain
        line = Line(office.relay, helo=helo, patience=office.patience, point=office.deadly)
        try:
            reply = await line.open()
        finally:
            self._opening -= 1
            self._changed.set()
        if reply.code // 100 == 2:
            self._lanes += 1
            self._idle.append(_Lane(line))
            return
        await line.close()
        phase = reply.phase.name
        if self._lanes:
            # A relay that allows three connections is no relay that is down.
            log.warning("fewer connections", have=self._lanes, phase=phase, code=reply.code)
            self._most = self._lanes
            return
        if office.relay_fault is None:
            log.warning("relay unreachable", phase=phase, code=reply.code, said=reply.text)
        office.relay_fault = reply
        self._claims.wake()
        self._changed.set()

    def _beside(self, act: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(act)
        self._aside.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What breaks beside the groups ends the round, when what is under way has landed."""
        self._aside.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            self._fault = fault
            self._changed.set()

    @property
    def _must_stop(self) -> bool:
        return self._office.must_stop or self._fault is not None
