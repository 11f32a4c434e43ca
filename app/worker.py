"""The clock of one process: it looks for work at short intervals and when it is woken.

The truth about what is due is in the rows: a tick that is lost or comes twice changes nothing, and
any number of processes may tick on one PostgreSQL. APScheduler keeps its jobs in memory only.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import DBAPIError

from app.db import conversations
from app.db.listen import listen
from app.db.session import is_passing
from app.domain.errors import RelayLogUnreadable
from app.flows import aftermath, dispatch, fuse, receive, unsettled
from app.flows.claims import BATCH
from app.flows.guard import Guard
from app.flows.inquire import ask_the_log
from app.flows.lapse import give_up_lapsed, release_unsent
from app.wiring import Parts

DISPATCH_SECONDS, RECEIVE_SECONDS, SWEEP_SECONDS, LOG_SECONDS = 1, 2, 5, 60
_FILED_AT_ONCE = 50
_LONGEST_SILENCE = 60.0
log = structlog.get_logger()


class _Silence:
    """How long to leave a relay alone that could not be reached: 2, 4, 8 … 60 seconds."""

    def __init__(self) -> None:
        self._failures, self._until = 0, 0.0

    def holds(self) -> bool:
        return time.monotonic() < self._until

    def after(self, *, failed: bool) -> None:
        self._failures = self._failures + 1 if failed else 0
        pause = min(2.0**self._failures, _LONGEST_SILENCE) if failed else 0.0
        self._until = time.monotonic() + pause


class Worker:
    """Sends, files and sweeps until told to stop; then it finishes what it is handing over."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._turn = asyncio.Lock()
        self._silence = _Silence()
        self._guard = Guard(
            parts.office, parts.instance_file, clock=parts.clock, steady=parts.steady
        )
        parts.office.clock_is_off = self._guard.clock_is_off
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Claims that were not yet offered to a server are given back.

        Raises SettingMissing when the instance file cannot be used.
        """
        await self._guard.beat()
        self._tick(self.ring, DISPATCH_SECONDS)
        self._tick(self.file_letters, RECEIVE_SECONDS)
        self._tick(self.sweep, SWEEP_SECONDS)
        self._tick(self.ask_the_log, LOG_SECONDS)
        self._scheduler.start()
        await self.sweep()
        tasks = [asyncio.create_task(self._answer_bell()), asyncio.create_task(self._listen())]
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        self._parts.office.stopping = True
        # Ticks go on until the last letter is handed over: they keep its lease.
        async with self._turn:
            self._scheduler.shutdown(wait=False)
            for task in (stopped, *tasks):
                task.cancel()
        for task in (stopped, *tasks):
            with suppress(asyncio.CancelledError):
                await task

    async def ring(self) -> None:
        """Begin a round, as a ready row does."""
        self._parts.bell.set()

    async def send_letters(self) -> None:
        """Send what is due, batch after batch, until nothing is or the relay is out of reach."""
        office = self._parts.office
        async with self._turn:
            while not (office.stopping or self._silence.holds()):
                if self._guard.clock_is_off():
                    await self._guard.beat()
                taken = await dispatch.send_due(office)
                self._silence.after(failed=office.relay_fault is not None)
                if taken < BATCH:
                    return

    async def file_letters(self) -> None:
        """File the letters that were kept. One that cannot be filed stays, with the reason."""
        async with self._parts.database.reading() as session:
            waiting = await conversations.to_be_filed(session, _FILED_AT_ONCE)
        for incoming_id in waiting:
            await self._file(incoming_id)

    async def sweep(self) -> None:
        """Keep our own leases, beat, and find the claims of workers that are not heard of any more.

        While sending is halted nothing is let go.
        """
        await dispatch.prolong(self._parts.office)
        await self.beat()
        if self._parts.office.halted:
            return
        async with self._parts.database.writing() as session:
            await release_unsent(session, now=self._parts.clock())
            lost = await give_up_lapsed(session, now=self._parts.clock())
        if lost:
            log.error("deliveries became unknown", count=lost)
        await self._settle_unknown()
        await self._watch_refusals()

    async def beat(self) -> None:
        """Ask the guard whether this is still our database, and the time still the time."""
        halted = self._parts.office.halted
        await self._guard.beat()
        if halted and not self._parts.office.halted:
            self._parts.bell.set()

    async def ask_the_log(self) -> None:
        """Look up unknown letters in the relay's log, where the settings name one."""
        parts = self._parts
        if parts.relay_log is None or parts.office.halted:
            return
        try:
            told = await ask_the_log(
                parts.database, parts.relay_log, clock=parts.clock, here=parts.here
            )
        except RelayLogUnreadable as fault:
            log.warning("relay log unreadable", fault=str(fault))
            return
        if told:
            log.info("the relay's log told of unknown deliveries", count=told)

    async def _watch_refusals(self) -> None:
        """Believe no provider that suddenly knows nobody; keep back what is planned of a lesson
        that servers refuse.
        """
        async with self._parts.database.writing() as session:
            await fuse.trip(session, now=self._parts.clock())
            await aftermath.hold_faulty(session)

    async def _settle_unknown(self) -> None:
        """What evidence and rules say of unknown letters."""
        parts = self._parts
        now, here = parts.clock(), parts.here
        async with parts.database.writing() as session:
            shown = await unsettled.heed_filed_mail(session, now=now, here=here)
        async with parts.database.writing() as session:
            ruled = await unsettled.judge(session, now=now, here=here)
        if shown or ruled:
            log.warning("unknown deliveries settled", by_evidence=shown, by_rule=ruled)

    async def _file(self, incoming_id: int) -> None:
        parts = self._parts
        try:
            async with parts.database.writing() as session:
                await receive.file(session, incoming_id, now=parts.clock(), here=parts.here)
        except Exception as fault:
            if isinstance(fault, OSError) or (isinstance(fault, DBAPIError) and is_passing(fault)):
                # The database is away: that says nothing of the letter, which is tried again.
                raise
            async with parts.database.writing() as session:
                letter = await conversations.incoming(session, incoming_id)
                letter.filing = conversations.Filing.UNFILED
                letter.reason = f"could not be filed: {type(fault).__name__}"
            log.exception("letter not filed", incoming=incoming_id)

    async def _answer_bell(self) -> None:
        bell = self._parts.bell
        while True:
            await bell.wait()
            bell.clear()
            await self._round(self.send_letters)
            await self._round(self.file_letters)

    async def _round(self, act: Callable[[], Awaitable[None]]) -> None:
        """One round; what interrupts it is logged, and the next bell or tick begins another."""
        try:
            await act()
        except Exception:
            log.exception("round interrupted", round=act.__name__)
            await asyncio.sleep(1)

    async def _listen(self) -> None:
        await listen(self._parts.database, self._parts.bell.set)

    def _tick(self, act: Callable[[], Awaitable[None]], seconds: int) -> None:
        self._scheduler.add_job(act, "interval", seconds=seconds, coalesce=True, max_instances=1)
