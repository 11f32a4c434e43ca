"""The ground of the bench: a sink, databases in earnest, learners whose first lesson is due.

Rows are made by the database itself, so that a million of them take seconds.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text, update

from app import wiring
from app.config import Settings
from app.db import courses, schema
from app.db.courses import Version
from app.flows.letterbook import Letterbook
from app.wiring import Parts
from tests import postgres as postgres_server
from tests.postgres import running_postgres

CONNECTIONS = int(os.environ.get("CONNECTIONS", "200"))
LETTER_SIZE = 13_000
# Speed on a database that may lose what it has committed would be no speed.
EARNEST = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}
_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT :low UNION ALL SELECT n + 1 FROM numbers "
    "WHERE n < :high)",
    "postgresql": "WITH numbers(n) AS (SELECT generate_series(CAST(:low AS int), :high))",
}
_PEOPLE = """
INSERT INTO subscribers (id, email, key, fingerprint, first_name, created_at)
{numbers} SELECT n, 'l' || n || '@d' || (n % 997) || '.example',
    'l' || n || '@d' || (n % 997) || '.example', 'f' || n, 'Camille ' || (n % 50), :now FROM numbers
"""
_ENROLLMENTS = """
INSERT INTO enrollments (id, course_id, subscriber_id, standing, zone, door, created_at,
    confirmed_at)
{numbers} SELECT n, 1, n, 'active', 'Europe/Paris', {door}, :now, :now FROM numbers
"""
_DELIVERIES = """
INSERT INTO deliveries (enrollment_id, kind, intent, priority, state, lesson_id, planned_for,
    planned_day, due_at, ready_at, attempts, fence, created_at)
{numbers} SELECT n, 'lesson', 'lesson:' || :lesson, 2, 'planned', CAST(:lesson AS int), {due},
    :day, {due}, {due}, 0, 0, :now FROM numbers
"""
_DIALECT = {
    "sqlite": {
        "door": "printf('%032x', n)",
        "due": "datetime(:due, (n % 3600) || ' seconds') || '.000000'",
    },
    "postgresql": {
        "door": "lpad(to_hex(n), 32, '0')",
        "due": "CAST(:due AS timestamptz) + (n % 3600) * interval '1 second'",
    },
}


@contextmanager
def sink(latency: float = 0) -> Iterator[str]:
    """The address of a running sink."""
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port"
        command = [sys.executable, "-m", "tests.bench.sink", str(port), str(latency)]
        with subprocess.Popen(command) as process:
            try:
                while not port.exists() or not port.read_text():
                    time.sleep(0.05)
                yield f"smtp://127.0.0.1:{port.read_text()}"
            finally:
                process.kill()


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL that loses nothing."""
    postgres_server.FAST_AND_PRIVATE.update(EARNEST)
    with running_postgres() as url:
        yield url


def settings(database_url: str, relay: str, **more: str) -> dict[str, str]:
    """What an installation of the bench is told."""
    return {
        "secret_keys": "a-key-for-the-bench-that-is-long",
        "mail_domain": "cours.test",
        "database_url": database_url,
        "smtp_url": relay,
        "connections": str(CONNECTIONS),
        **more,
    }


async def install(stated: dict[str, str]) -> Parts:
    """An installation with the course, whose first lesson makes a letter of LETTER_SIZE."""
    parts = wiring.build(Settings(_env_file=None, **stated))
    await schema.migrate(parts.database)
    await wiring.prepare(parts)
    await seed(parts, 1, 1)
    async with parts.database.reading() as session:
        lesson = (await courses.published(session, 1))[0]
        version = await courses.newest_version(session, lesson.id)
    assert version is not None
    paragraphs = version.body.split("\n\n")
    while len(await a_letter(parts)) > LETTER_SIZE:
        paragraphs.pop()
        shorter = update(Version).where(Version.id == version.id)
        async with parts.database.writing() as session:
            await session.execute(shorter.values(body="\n\n".join(paragraphs)))
        parts.office.press._editions.clear()
    async with parts.database.writing() as session:
        for table in ("attempts", "deliveries", "enrollments", "subscribers"):
            await session.execute(text(f"DELETE FROM {table}"))
    return parts


async def a_letter(parts: Parts) -> bytes:
    """One of the letters that are due, as it would go out unsigned."""
    pen, now = parts.database.pen, parts.clock()
    claims = await pen.claim(now=now, lease_until=now, limit=1)
    rows = await pen.details(claims)
    async with parts.database.writing() as session:
        await session.execute(text("UPDATE deliveries SET state = 'planned'"))
    book = Letterbook(parts.database, parts.office.press, parts.here, at=now)
    await book.open(rows)
    sketch = book.sketch(rows[0], now=now)
    assert sketch is not None
    return sketch.wire


async def seed(parts: Parts, first: int, last: int, *, days_ahead: int = 0) -> None:
    """Learners with these numbers, whose first lesson became due within the last hour, or becomes
    so in so many days.
    """
    engine = parts.database.url.get_backend_name()
    async with parts.database.reading() as session:
        lesson = (await courses.published(session, 1))[0]
    now = parts.clock().replace(microsecond=0)
    due = now.timestamp() - 3600 + days_ahead * 86_400
    values = {
        "now": now if engine == "postgresql" else f"{now:%Y-%m-%d %H:%M:%S}.000000",
        "due": _stamp(due, engine),
        "day": now.date() if engine == "postgresql" else f"{now:%Y-%m-%d}",
        "lesson": str(lesson.id) if engine == "postgresql" else lesson.id,
    }
    for low in range(first, last + 1, 200_000):
        span = {"low": low, "high": min(last, low + 199_999)}
        async with parts.database.writing() as session:
            for sql in (_PEOPLE, _ENROLLMENTS, _DELIVERIES):
                ready = sql.format(numbers=_NUMBERS[engine], **_DIALECT[engine])
                used = {
                    name: value for name, value in (values | span).items() if f":{name}" in ready
                }
                await session.execute(text(ready), used)
    if engine == "postgresql":
        async with parts.database.writing() as session:
            await session.execute(text("ANALYZE"))


def _stamp(seconds: float, engine: str) -> object:
    at = datetime.fromtimestamp(seconds, UTC)
    return at if engine == "postgresql" else f"{at:%Y-%m-%d %H:%M:%S}"
