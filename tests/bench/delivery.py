"""How quick sending is, as ratios of one run (`make bench`; LETTERS, ROUNDS, CONNECTIONS).

F, the floor: aiosmtplib's `sendmail` over 16 connections with prebuilt bytes. Against it: the whole
pipeline, from due rows to recorded outcomes and planned next lessons, with every guarantee on, on
SQLite and on PostgreSQL. Sender: one process; sink: another (tests/sink.py); same sink for all.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import aiosmtplib
import structlog
import uvloop
from sqlalchemy import insert

from app import wiring
from app.config import Settings
from app.db import courses, schema
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.db.register import standing_counts
from app.domain.delivery import LetterKind, State
from app.domain.enrollment import Standing
from app.flows.dispatch import send_due
from app.mail.next_hop import relay as relay_of
from tests import postgres as postgres_server
from tests.postgres import fresh_database, running_postgres

# Speed on a database that may lose what it has committed would be no speed.
EARNEST = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}
LETTERS = int(os.environ.get("LETTERS", "20000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "200"))
FLOOR_CONNECTIONS, FLOOR_LETTERS = 16, 4000


@contextmanager
def sink(folder: Path) -> Iterator[str]:
    """A sink whose ledger goes nowhere."""
    port = folder / "port"
    command = [sys.executable, "-m", "tests.sink", str(port), os.devnull]
    with subprocess.Popen(command) as process:
        while not port.exists() or not port.read_text():
            time.sleep(0.05)
        yield f"smtp://127.0.0.1:{port.read_text()}"
        process.kill()


async def floor(relay: str, wire: bytes) -> float:
    """Letters a second by aiosmtplib alone."""
    hop, left = relay_of(relay), iter(range(FLOOR_LETTERS))

    async def carry() -> None:
        client = aiosmtplib.SMTP(hostname=hop.host, port=hop.port, start_tls=False)
        await client.connect()
        for number in left:
            await client.sendmail("b@cours.test", [f"l{number}@example.fr"], wire)
        await client.quit()

    begun = time.perf_counter()
    await asyncio.gather(*(carry() for _ in range(FLOOR_CONNECTIONS)))
    return FLOOR_LETTERS / (time.perf_counter() - begun)


async def pipeline(database_url: str, relay: str) -> tuple[float, bytes]:
    """Letters a second from due rows to recorded outcomes, and one of the letters."""
    stated = {"secret_keys": "a-key-for-the-bench-that-is-long", "mail_domain": "cours.test"}
    stated |= {"database_url": database_url, "smtp_url": relay, "connections": str(CONNECTIONS)}
    parts = wiring.build(Settings(_env_file=None, **stated))
    await schema.migrate(parts.database)
    await wiring.prepare(parts)
    await seed(parts)
    begun = time.perf_counter()
    taken = await send_due(parts.office)
    took = time.perf_counter() - begun
    async with parts.database.reading() as session:
        counts = await standing_counts(session)
    await parts.database.close()
    expected = {"accepted": LETTERS, "planned": LETTERS}
    if taken != LETTERS or counts != expected:
        raise SystemExit(f"not all letters arrived: {counts}")
    return LETTERS / took, b""


async def seed(parts: wiring.Parts) -> None:
    """So many learners whose first lesson is due."""
    now = parts.clock()
    async with parts.database.writing() as session:
        first = (await courses.published(session, 1))[0]
        numbers = range(1, LETTERS + 1)
        people = [
            {
                "id": n,
                "email": f"l{n}@d{n % 997}.example",
                "key": f"l{n}@d{n % 997}.example",
                "fingerprint": f"f{n}",
                "first_name": f"Camille {n % 50}",
                "created_at": now,
            }
            for n in numbers
        ]
        enrollments = [
            {
                "id": n,
                "course_id": 1,
                "subscriber_id": n,
                "standing": Standing.ACTIVE,
                "zone": "Europe/Paris",
                "door": f"{n:032x}",
                "created_at": now,
                "confirmed_at": now,
            }
            for n in numbers
        ]
        deliveries = [
            {
                "enrollment_id": n,
                "kind": LetterKind.LESSON,
                "intent": f"lesson:{first.id}",
                "priority": 2,
                "state": State.PLANNED,
                "lesson_id": first.id,
                "planned_for": now,
                "planned_day": now.date(),
                "due_at": now,
                "ready_at": now,
                "attempts": 0,
                "fence": 0,
                "created_at": now,
            }
            for n in numbers
        ]
        for table, rows in (
            (Subscriber, people),
            (Enrollment, enrollments),
            (Delivery, deliveries),
        ):
            for at in range(0, LETTERS, 2000):
                await session.execute(insert(table), rows[at : at + 2000])


def example() -> bytes:
    """A letter of about 13 kB, canonical."""
    line = b"Une phrase d'exemple, assez longue pour ressembler a une lettre de cours.\r\n"
    return b"Subject: x\r\nMessage-ID: <x@cours.test>\r\n\r\n" + line * (13_000 // len(line))


def main() -> None:
    postgres_server.FAST_AND_PRIVATE.update(EARNEST)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    print(f"cores: {os.cpu_count()}, letters: {LETTERS}, rounds: {ROUNDS}, sink: tests/sink.py")
    floors, sqlite, postgres = [], [], []
    with (
        tempfile.TemporaryDirectory() as name,
        sink(Path(name)) as relay,
        running_postgres() as base,
    ):
        for round_ in range(ROUNDS):
            floors.append(uvloop.run(floor(relay, example())))
            path = Path(name) / f"bench{round_}.db"
            sqlite.append(uvloop.run(pipeline(f"sqlite:///{path}", relay))[0])
            url = uvloop.run(fresh_database(base, f"bench{round_}"))
            postgres.append(uvloop.run(pipeline(url, relay))[0])
    f = median(floors)
    print(f"F   aiosmtplib sendmail, {FLOOR_CONNECTIONS} connections   {f:8.0f} letters/s")
    for label, figures in (("SQLite", sqlite), ("PostgreSQL", postgres)):
        rate = median(figures)
        words = f"    whole pipeline on {label}"
        print(f"{words:45}{rate:8.0f} letters/s  {rate / f:.2f} x F")


if __name__ == "__main__":
    main()
