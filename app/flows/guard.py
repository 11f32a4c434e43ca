"""Keeps a restored, copied or strange database, and a clock that jumped, from sending anything.

Every worker beats, before its first letter and then every few seconds: it compares the row with the
file outside the database and the clocks with each other, and raises the epoch in both. What does
not fit halts all workers on this database until a person says to go on (flows/sending).

A worker that has seen a halt and its end adopts the row as it is then. One that was not running
meanwhile asks anew: better two questions than two letters. Sends nothing.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import instance, instance_file
from app.db.instance import Instance
from app.db.instance_file import Page
from app.domain.clock_guard import Clock, Reading, believe
from app.domain.restore import OF_THE_CLOCK, Halt, Life, judge, outweighs, what_to_check
from app.flows.office import PostOffice
from app.flows.sending import lose

_CLOCK = {Clock.JUMPED: Halt.CLOCK_JUMPED, Clock.BEHIND: Halt.CLOCK_BEHIND}
log = structlog.get_logger()


class Guard:
    """One worker's watch: what it last read from its clocks, and the halt that it last saw.

    `steady` are seconds that pass alike whatever the wall clock is set to.
    """

    def __init__(
        self,
        office: PostOffice,
        path: Path,
        *,
        clock: Callable[[], datetime],
        steady: Callable[[], float],
    ) -> None:
        self._office, self._path, self._clock, self._steady = office, path, clock, steady
        self._last: Reading | None = None
        self._saw: datetime | None = None

    def clock_is_off(self) -> bool:
        """Whether the wall clock has jumped since the last beat; asks no database."""
        return believe(self._read_clocks(), last=self._last, newest=None) is not Clock.FINE

    async def beat(self) -> None:
        """Compare, go on or halt, and let `office.halted` say which.

        Raises SettingMissing when the file cannot be used, and whatever a database that is away
        raises: who cannot compare must not begin to send.
        """
        reading = self._read_clocks()
        async with self._office.database.writing() as session:
            row, is_new = await instance.founded(session, uuid4().hex, now=reading.wall)
            # Under the row's lock: no other worker's file can be newer than this row.
            page = await asyncio.to_thread(instance_file.read, self._path)
            _halt(row, self._judge(row, page, reading, is_new=is_new), now=reading.wall)
            await _note(session, row, page, now=reading.wall)
        self._last = reading
        self._take_over(row)
        if row.halted_at is None:
            await self._write(row)

    async def _write(self, row: Instance) -> None:
        life = Life(row.name, row.epoch)
        await asyncio.to_thread(instance_file.write, self._path, life)
        if not row.epoch:
            # Only now that the file is there may anything leave.
            await self.beat()

    def _judge(
        self, row: Instance, page: Page | None, reading: Reading, *, is_new: bool
    ) -> Halt | None:
        life = None if is_new else Life(row.name, row.epoch)
        file, moved = (page.life, page.moved) if page else (None, False)
        because = None if self._is_lifted(row) else judge(life, file, moved=moved)
        return because or _CLOCK.get(believe(reading, last=self._last, newest=row.beat_at))

    def _is_lifted(self, row: Instance) -> bool:
        """Whether a person has ended the very halt that this worker saw, on this database."""
        seen = self._saw is not None and row.halted_before == self._saw
        return seen and row.halted_at is None

    def _take_over(self, row: Instance) -> None:
        """Let this process and its log know what the row says about all of them."""
        because = row.halted_because if row.halted_at else None
        if because and because != self._office.halted:
            said = what_to_check(because)
            log.error("sending halted", because=because, check=said, then="feuilleton resume")
        if self._office.halted and not because:
            log.warning("sending goes on")
        self._office.halted, self._saw = because, row.halted_at
        self._office.life = Life(row.name, row.epoch)

    def _read_clocks(self) -> Reading:
        return Reading(self._clock(), self._steady())


def _halt(row: Instance, because: Halt | None, *, now: datetime) -> None:
    """Note the reason, if there is one and no better one stands."""
    if because and row.halted_at is None:
        row.halted_at, row.halted_because = now, because
    elif because and outweighs(because, row.halted_because or ""):
        row.halted_because = because


async def _note(session: AsyncSession, row: Instance, page: Page | None, *, now: datetime) -> None:
    """One beat more; or, halted as a copy, what its dead workers had in hand is given up.

    Nothing of that sort for a living worker, of this process or another: it prolongs its leases,
    finishes what it is handing over and gives the rest back.
    """
    if row.halted_at is None:
        if row.epoch or page:
            row.epoch, row.beat_at = row.epoch + 1, now
    elif row.halted_because not in OF_THE_CLOCK:
        lose(await instance.under_way(session, silent_since=now), now=now)
