"""What a claim of 500 due letters costs, and the look that finds nothing due, at growing sizes.

Rows as after some years: of each learner's seven lessons six have arrived and one lies ahead.
"""

import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

import uvloop
from sqlalchemy import text

from app.wiring import Parts
from tests.bench import ground
from tests.postgres import fresh_database

SIZES = [int(each) for each in os.environ.get("SIZES", "10000,1000000,7000000").split(",")]
_DUE, _TIMES, _LESSONS = 500, 15, 7
_PAST = """
INSERT INTO deliveries (enrollment_id, kind, intent, priority, state, lesson_id, planned_for,
    planned_day, due_at, ready_at, attempts, fence, created_at)
SELECT d.enrollment_id, 'lesson', 'lesson:past:' || :number, 2, 'accepted', d.lesson_id,
    d.planned_for, d.planned_day, d.due_at, d.ready_at, 1, 1, d.created_at
FROM deliveries d WHERE d.state = 'planned' AND d.enrollment_id BETWEEN :low AND :high
"""
_UNCLAIM = "UPDATE deliveries SET state = 'planned' WHERE state = 'claimed'"


async def figures(database_url: str, size: int) -> tuple[float, float]:
    """Milliseconds of a claim of 500, and of finding nothing due."""
    parts = await ground.install(ground.settings(database_url, "smtp://127.0.0.1:25"))
    learners = size // _LESSONS
    await ground.seed(parts, 1, learners, days_ahead=5)
    for number in range(_LESSONS - 1):
        for low in range(1, learners + 1, 200_000):
            async with parts.database.writing() as session:
                span = {"number": str(number), "low": low, "high": low + 199_999}
                await session.execute(text(_PAST), span)
    if not parts.database.is_sqlite:
        async with parts.database.writing() as session:
            await session.execute(text("ANALYZE"))
    now, pen = parts.clock(), parts.database.pen
    nothing = await _took(lambda: pen.claim(now=now, lease_until=now, limit=_DUE))
    await ground.seed(parts, learners + 1, learners + _DUE)
    now, until = parts.clock(), parts.clock() + timedelta(minutes=2)
    claim = await _took(
        lambda: pen.claim(now=now, lease_until=until, limit=_DUE), after=lambda: _unclaim(parts)
    )
    await parts.database.close()
    return claim, nothing


async def _took(
    act: Callable[[], Awaitable[list[object]]],
    *,
    after: Callable[[], Awaitable[None]] | None = None,
) -> float:
    times = []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        found = await act()
        times.append((time.perf_counter() - begun) * 1000)
        assert len(found) == (_DUE if after else 0)
        if after:
            await after()
    return median(times)


async def _unclaim(parts: Parts) -> None:
    async with parts.database.writing() as session:
        await session.execute(text(_UNCLAIM))


def main() -> None:
    """Print the table."""
    print(
        f"cores {os.cpu_count()}, medians of {_TIMES}: claim of {_DUE} due, look with nothing due"
    )
    with tempfile.TemporaryDirectory() as folder, ground.postgres() as base:
        for engine in ("SQLite", "PostgreSQL"):
            rows = []
            for size in SIZES:
                if engine == "SQLite":
                    url = f"sqlite:///{Path(folder) / f'c{size}.db'}"
                else:
                    url = uvloop.run(fresh_database(base, f"c{size}"))
                rows.append(uvloop.run(figures(url, size)))
                claim, nothing = rows[-1]
                print(f"  {engine:12}{size:>10,} rows{claim:9.1f} ms{nothing:9.2f} ms")
            ratio = max(claim for claim, _ in rows) / min(claim for claim, _ in rows)
            print(f"  {engine:12}largest claim {ratio:.1f} x the smallest")
