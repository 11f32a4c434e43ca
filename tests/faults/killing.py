"""Kills workers at random moments, again and again, while there is always something to send.

As a program it does so for long, and prints what it found: `make chaos` (KILLS=1000).
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from app.db.deliveries import Delivery
from app.domain.delivery import WAITING
from tests.faults import oracle
from tests.faults.oracle import Findings, Ledger
from tests.nursery import Nursery, nursery
from tests.postgres import fresh_database, running_postgres

# From the fork on: while modules are wired, while claims are taken, in the middle of sending.
SHORTEST_LIFE, LONGEST_LIFE = 0.1, 2.0


@dataclass(slots=True)
class Chaos:
    """A town under fire: `workers` processes on one database, `kills` in all. More learners come
    while there are less than `most`.
    """

    stated: dict[str, str]
    folder: Path
    workers: int
    kills: int
    learners: int = 150
    most: int = 10**6
    chance: random.Random = field(default_factory=random.Random)
    killed: int = 0

    async def rage(self, workers: Nursery) -> None:
        """Kill until enough were killed; each dead worker is followed by another."""
        loads = asyncio.create_task(self._feed())
        await asyncio.gather(*(self._lives(workers) for _ in range(self.workers)))
        loads.cancel()
        await asyncio.gather(loads, return_exceptions=True)

    async def _lives(self, workers: Nursery) -> None:
        while self.killed < self.kills:
            self.killed += 1
            child = workers.start(self.folder, self.stated)
            await asyncio.sleep(self.chance.uniform(SHORTEST_LIFE, LONGEST_LIFE))
            child.kill()
            await oracle.time_passes(self.stated)

    async def _feed(self) -> None:
        """More learners come whenever the queue runs dry."""
        async with oracle.installation(self.stated) as parts:
            while True:
                await asyncio.sleep(0.3)
                async with parts.database.reading() as session:
                    waiting = select(func.count()).where(Delivery.state.in_(WAITING))
                    few = (await session.scalar(waiting) or 0) < 100
                if few and self.learners < self.most:
                    await oracle.enroll(parts, 100, after=self.learners)
                    self.learners += 100


async def work_until_at_rest(
    workers: Nursery, folder: Path, stated: dict[str, str], *, patience: float = 90
) -> None:
    """One worker that nobody kills, until nothing is left to do but what waits for a person."""
    await oracle.time_passes(stated)
    child, until = workers.start(folder, stated), time.monotonic() + patience
    await asyncio.sleep(1)
    while not oracle.at_rest(await oracle.ask(stated)) and time.monotonic() < until:
        await oracle.time_passes(stated)
        await asyncio.sleep(0.3)
    child.terminate()
    assert await child.ended() == 0, (folder / "worker.log").read_text()


async def run(chaos: Chaos, workers: Nursery, ledger: Ledger, *, patience: float = 90) -> Findings:
    """Seed, rage, let the last one finish, compare. Fails when anything was lost or doubled."""
    await oracle.seed(chaos.stated, chaos.learners)
    await chaos.rage(workers)
    await work_until_at_rest(workers, chaos.folder, chaos.stated, patience=patience)
    rows = await oracle.ask(chaos.stated)
    return oracle.assert_nothing_lost_nothing_twice(rows, ledger.sent(), learners=chaos.learners)


async def _long(database_url: str, workers: int, kills: int) -> None:
    seed, began = random.randrange(2**32), time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        oracle.sink(Path(folder)) as ledger,
        nursery() as births,
    ):
        url = database_url or f"sqlite:///{folder}/chaos.db"
        stated = oracle.settings(url, ledger.relay)
        chance = random.Random(seed)
        chaos = Chaos(stated, Path(folder), workers, kills, chance=chance)
        found = await run(chaos, births, ledger, patience=900)
    print(
        f"{stated['database_url'].partition(':')[0]:10} workers={workers} kills={chaos.killed} "
        f"learners={chaos.learners} letters={found.letters} accepted={found.accepted} "
        f"unknown={found.unknown} doubled={len(found.doubled)} lost={len(found.lost)} "
        f"seed={seed} minutes={(time.monotonic() - began) / 60:.1f}",
        flush=True,
    )


async def _postgresql(base: str, kills: int) -> None:
    url = (await fresh_database(base, "chaos")).replace("postgresql+asyncpg", "postgresql")
    await _long(url, 4, kills)


if __name__ == "__main__":
    KILLS = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("KILLS", "1000"))
    with running_postgres() as server:
        asyncio.run(_postgresql(server, KILLS - KILLS // 4))
    asyncio.run(_long("", 1, KILLS // 4))
