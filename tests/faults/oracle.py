"""What the tests of faults share: a town of learners, a mail server's ledger, and the comparison.

The ledger is kept by a process that nobody disturbs. Per letter it holds at most one line; every
lesson is in it or in a state that is seen; each learner's lessons came in order.
"""

import asyncio
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from app import wiring
from app.config import Settings
from app.db import courses, schema
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.domain.delivery import IN_FLIGHT, SETTLED, State, Why
from app.domain.enrollment import Standing
from app.wiring import Parts
from tests.crowd import due_lesson

ROOT = Path(__file__).parents[2]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# A day of the course lasts half a second, so all seven lessons come while things go wrong; or it
# lasts a day, and there is only the first.
SPEED, ONE_LESSON = "172800", "1"
LESSONS, PROVIDERS = 7, 16


@dataclass(slots=True)
class Row:
    """What the database says of a lesson."""

    message_id: str
    enrollment_id: int
    lesson_id: int
    state: State
    ready_at: datetime
    reason: str | None

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more happens to it without a person, or before another day."""
        if self.state is State.UNKNOWN:
            return self.reason != Why.NEVER_HANDED_OVER
        return self.state in SETTLED or self.waits_for_tomorrow

    @property
    def waits_for_tomorrow(self) -> bool:
        """Whether it is planned for long after the test."""
        far = datetime.now(UTC) + timedelta(hours=1)
        return self.state is State.PLANNED and self.ready_at > far


@dataclass(slots=True)
class Ledger:
    """A mail server's own account of what it accepted, in that order."""

    relay: str
    path: Path

    def sent(self) -> list[str]:
        """The Message-IDs."""
        return [line.split()[0] for line in self.path.read_text().splitlines()]

    async def reaches(self, letters: int) -> None:
        """Wait until so many were accepted: the worker is in the middle of its work."""
        async with asyncio.timeout(30):
            while len(self.sent()) < letters:
                await asyncio.sleep(0.005)


@dataclass(slots=True)
class Findings:
    """What a comparison found."""

    letters: int
    accepted: int
    unknown: int
    doubled: list[str]
    lost: list[Row]


@contextmanager
def sink(folder: Path) -> Iterator[Ledger]:
    """A mail server that accepts everything, in a process of its own."""
    port, ledger = folder / "port", folder / "ledger"
    command = [sys.executable, "-m", "tests.sink", str(port), str(ledger)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        while not port.exists() or not port.read_text():
            time.sleep(0.02)
        try:
            yield Ledger(f"smtp://127.0.0.1:{port.read_text()}", ledger)
        finally:
            process.kill()


def settings(database_url: str, relay: str, **more: str) -> dict[str, str]:
    """The settings of a worker that is in a hurry."""
    return {
        "database_url": database_url,
        "smtp_url": relay,
        "speed": SPEED,
        "secret_keys": "a-key-for-tests-that-is-long-enough",
        "mail_domain": "cours.test",
        "connections": "16",
    } | more


@asynccontextmanager
async def installation(stated: dict[str, str]) -> AsyncIterator[Parts]:
    """The installation that these settings name, looked at from beside the worker."""
    parts = wiring.build(Settings(_env_file=None, **stated))
    try:
        yield parts
    finally:
        await parts.database.close()


async def seed(stated: dict[str, str], learners: int) -> None:
    """A migrated database with learners who have all just confirmed; lesson 1 is due."""
    async with installation(stated) as parts:
        await schema.migrate(parts.database)
        await wiring.prepare(parts)
        if learners:
            await enroll(parts, learners)


async def enroll(parts: Parts, learners: int, *, after: int = 0) -> None:
    """Learners who have all just confirmed; their numbers follow `after`."""
    now, numbers = parts.clock(), range(after + 1, after + learners + 1)
    async with parts.database.writing() as session:
        first = (await courses.published(session, 1))[0]
        await session.execute(insert(Subscriber), [_person(n, now) for n in numbers])
        await session.execute(insert(Enrollment), [_journey(n, now) for n in numbers])
        await session.execute(insert(Delivery), [due_lesson(n, first.id, now) for n in numbers])


def address(n: int) -> str:
    """Where the n-th learner reads; at one of several providers, each of which is spared."""
    return f"l{n}@ecole{n % PROVIDERS}.fr"


def _person(n: int, now: datetime) -> dict[str, Any]:
    return {
        "id": n,
        "email": address(n),
        "key": address(n),
        "fingerprint": f"f{n}",
        "first_name": f"L{n}",
        "created_at": now,
    }


def _journey(n: int, now: datetime) -> dict[str, Any]:
    return {
        "id": n,
        "course_id": 1,
        "subscriber_id": n,
        "standing": Standing.ACTIVE,
        "zone": "Europe/Paris",
        "door": f"{n:032x}",
        "created_at": now,
        "confirmed_at": now,
    }


async def ask(stated: dict[str, str]) -> list[Row]:
    """All lessons, in the order in which they were planned."""
    async with installation(stated) as parts, parts.database.reading() as session:
        columns = [getattr(Delivery, each.name) for each in fields(Row)]
        return [Row(*row) for row in await session.execute(select(*columns).order_by(Delivery.id))]


async def time_passes(stated: dict[str, str]) -> None:
    """All leases lapse, without waiting two minutes for it; but for rows that are just written."""
    async with installation(stated) as parts, parts.database.writing() as session:
        in_flight = select(Delivery.id).where(Delivery.state.in_(IN_FLIGHT))
        ours = in_flight.order_by(Delivery.id).with_for_update(skip_locked=True)
        lapsed = update(Delivery).where(Delivery.id.in_(ours)).values(lease_until=LONG_AGO)
        await session.execute(lapsed.execution_options(synchronize_session=False))


def at_rest(rows: Sequence[Row]) -> bool:
    """Whether nothing is left to do but what waits for a person, or for another day."""
    return all(row.is_at_rest for row in rows)


def compare(rows: Sequence[Row], sent: Sequence[str]) -> Findings:
    """The ledger against the database, when the work is at rest.

    Lost is what is neither in the ledger nor visibly in question, and a journey that stops without
    a visible reason.
    """
    known = Counter(sent)
    findings = Findings(
        letters=len(rows),
        accepted=sum(row.state is State.ACCEPTED for row in rows),
        unknown=sum(row.state is State.UNKNOWN for row in rows),
        doubled=[each for each, times in known.items() if times > 1],
        lost=[row for row in rows if row.state is State.ACCEPTED and row.message_id not in known],
    )
    findings.lost += [lessons[-1] for lessons in journeys(rows) if not _ended_well(lessons)]
    return findings


def journeys(rows: Sequence[Row]) -> list[list[Row]]:
    """The lessons of each learner."""
    found = defaultdict(list)
    for row in rows:
        found[row.enrollment_id].append(row)
    return list(found.values())


def _ended_well(lessons: Sequence[Row]) -> bool:
    last = lessons[-1]
    if last.state in SETTLED:
        return len(lessons) == LESSONS
    return last.state is State.UNKNOWN or last.waits_for_tomorrow


def assert_nothing_lost_nothing_twice(
    rows: Sequence[Row], sent: Sequence[str], *, learners: int
) -> Findings:
    """Hold the database and the ledger against each other. Returns what was found."""
    findings = compare(rows, sent)
    assert not findings.doubled, f"twice: {findings.doubled[:3]}"
    assert not findings.lost, f"lost: {findings.lost[:3]}"
    assert at_rest(rows)
    assert set(sent) <= {row.message_id for row in rows if row.message_id}
    assert len(journeys(rows)) == learners
    place = {message_id: at for at, message_id in enumerate(sent)}
    for lessons in journeys(rows):
        assert all(row.state is State.ACCEPTED for row in lessons[:-1])
        places = [place[row.message_id] for row in lessons if row.message_id in place]
        assert places == sorted(places)
    return findings
