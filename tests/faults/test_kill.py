"""The worker killed in the middle of its work, again and again: nothing lost, nothing twice.

The oracle is the ledger of a mail server in a process of its own, compared with the database.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from app import wiring
from app.config import Settings
from app.db import courses, schema
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.domain.delivery import IN_FLIGHT, SETTLED, LetterKind, State
from app.domain.enrollment import Standing
from tests.running import working

LEARNERS, KILLS = 150, 6
# A day of the course lasts half a second, so all seven lessons come while the workers die.
SPEED = "172800"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Row:
    """What the database says of a lesson."""

    message_id: str
    enrollment_id: int
    lesson_id: int
    state: State


@contextmanager
def sink(folder: Path) -> Iterator[tuple[str, Path]]:
    """The address of a running sink, and its ledger."""
    port, ledger = folder / "port", folder / "ledger"
    command = [sys.executable, "-m", "tests.sink", str(port), str(ledger)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        while not port.exists() or not port.read_text():
            time.sleep(0.05)
        yield f"smtp://127.0.0.1:{port.read_text()}", ledger
        process.kill()


def settings(database_url: str, relay: str) -> dict[str, str]:
    return {
        "database_url": database_url,
        "smtp_url": relay,
        "speed": SPEED,
        "secret_keys": "a-key-for-tests-that-is-long-enough",
        "mail_domain": "cours.test",
        "connections": "16",
    }


async def seed(stated: dict[str, str]) -> None:
    """Learners who have all just confirmed."""
    parts = wiring.build(Settings(_env_file=None, **stated))
    await schema.migrate(parts.database)
    await wiring.prepare(parts)
    now = parts.clock()
    async with parts.database.writing() as session:
        first = (await courses.published(session, 1))[0]
        for n in range(1, LEARNERS + 1):
            person = {"id": n, "email": f"l{n}@example.fr", "key": f"l{n}@example.fr"}
            more = {"fingerprint": f"f{n}", "first_name": f"L{n}", "created_at": now}
            await session.execute(insert(Subscriber).values(**person, **more))
            await session.execute(
                insert(Enrollment).values(
                    id=n,
                    course_id=1,
                    subscriber_id=n,
                    standing=Standing.ACTIVE,
                    zone="Europe/Paris",
                    door=f"{n:032x}",
                    created_at=now,
                    confirmed_at=now,
                )
            )
            await session.execute(
                insert(Delivery).values(
                    enrollment_id=n,
                    kind=LetterKind.LESSON,
                    intent=f"lesson:{first.id}",
                    priority=2,
                    state=State.PLANNED,
                    lesson_id=first.id,
                    planned_for=now,
                    planned_day=now.date(),
                    due_at=now,
                    ready_at=now,
                    attempts=0,
                    fence=0,
                    created_at=now,
                )
            )
    await parts.database.close()


async def ask(stated: dict[str, str]) -> list[Row]:
    parts = wiring.build(Settings(_env_file=None, **stated))
    async with parts.database.reading() as session:
        columns = Delivery.message_id, Delivery.enrollment_id, Delivery.lesson_id, Delivery.state
        rows = [Row(*row) for row in await session.execute(select(*columns).order_by(Delivery.id))]
    await parts.database.close()
    return rows


async def time_passes(stated: dict[str, str]) -> None:
    """The leases of the dead lapse, without waiting two minutes for it."""
    parts = wiring.build(Settings(_env_file=None, **stated))
    async with parts.database.writing() as session:
        lapsed = update(Delivery).where(Delivery.state.in_(IN_FLIGHT)).values(lease_until=LONG_AGO)
        await session.execute(lapsed)
    await parts.database.close()


def work_until_done(folder: Path, stated: dict[str, str]) -> None:
    """One worker that nobody kills, until nothing is left to do but what waits for a person."""
    until = time.monotonic() + 90
    with working(folder=folder, **stated) as process:
        while time.monotonic() < until:
            time.sleep(1)
            rows = asyncio.run(ask(stated))
            if all(row.state in SETTLED | {State.UNKNOWN} for row in rows):
                break
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_url_in_sync", "workers"),
    [("sqlite", 1), ("postgresql", 1), ("postgresql", 3)],
    indirect=["database_url_in_sync"],
)
def test_workers_that_are_killed_lose_nothing_and_double_nothing(
    database_url_in_sync: str, tmp_path: Path, workers: int
):
    chance = random.Random(workers)
    with sink(tmp_path) as (relay, ledger):
        stated = settings(database_url_in_sync, relay)
        asyncio.run(seed(stated))
        for _ in range(KILLS):
            with ExitStack() as stack:
                processes = [
                    stack.enter_context(working(folder=tmp_path, **stated)) for _ in range(workers)
                ]
                time.sleep(1.2 + chance.random() * 1.5)
                for process in processes:
                    process.kill()
            asyncio.run(time_passes(stated))
        work_until_done(tmp_path, stated)
        rows = asyncio.run(ask(stated))
        sent = [line.split()[0] for line in ledger.read_text().splitlines()]

    assert [each for each, times in Counter(sent).items() if times > 1] == []
    assert {row.state for row in rows} <= SETTLED | {State.UNKNOWN}
    for row in rows:
        assert (row.message_id in sent) or row.state is not State.ACCEPTED
    assert set(sent) <= {row.message_id for row in rows}
    journeys = defaultdict(list)
    for row in rows:
        journeys[row.enrollment_id].append(row)
    assert len(journeys) == LEARNERS
    for lessons in journeys.values():
        ended_well = len(lessons) == 7 and lessons[-1].state is State.ACCEPTED
        assert ended_well or lessons[-1].state is State.UNKNOWN
        assert all(row.state is State.ACCEPTED for row in lessons[:-1])
        places = [sent.index(row.message_id) for row in lessons if row.message_id in sent]
        assert places == sorted(places)
