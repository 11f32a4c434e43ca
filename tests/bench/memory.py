"""The resident memory of `feuilleton work` while ten thousand and a million deliveries go out.

MANY sets the larger number. PostgreSQL; the worker is the real command in a process of its own.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import asyncpg
import uvloop

from tests.bench import ground
from tests.postgres import fresh_database
from tests.running import working

SIZES = [10_000, int(os.environ.get("MANY", "1000000"))]


def resident(process: int) -> float:
    """Megabytes."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def prepare(database_url: str, relay: str, size: int) -> None:
    """So many due letters."""
    parts = await ground.install(ground.settings(database_url, relay))
    await ground.seed(parts, 1, size)
    await parts.database.close()


async def accepted(database_url: str) -> int:
    """How many have gone out."""
    connection = await asyncpg.connect(database_url)
    done = await connection.fetchval("SELECT count(*) FROM attempts")
    await connection.close()
    return int(done)


def watch(database_url: str, relay: str, size: int) -> tuple[list[float], float]:
    """The memory at each tenth of the way, and the letters a second."""
    stated = ground.settings(database_url, relay)
    plain = database_url.replace("+asyncpg", "")
    seen: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        with working(folder=Path(folder), **stated) as process:
            done = 0
            while done < size:
                time.sleep(0.2 if size < 100_000 else 2)
                done = asyncio.run(accepted(plain))
                if done > size * len(seen) // 10:
                    seen.append(resident(process.pid))
            took = time.monotonic() - begun
            process.terminate()
            process.wait(30)
    return seen, size / took


def main() -> None:
    """Print the table."""
    print(f"cores {os.cpu_count()}, PostgreSQL, connections {ground.CONNECTIONS}: resident memory")
    with ground.sink() as relay, ground.postgres() as base:
        for size in SIZES:
            url = uvloop.run(fresh_database(base, f"m{size}"))
            uvloop.run(prepare(url, relay, size))
            seen, rate = watch(url, relay, size)
            shown = " ".join(f"{each:.0f}" for each in seen)
            print(f"  {size:>9,} letters at {rate:5.0f}/s: {shown} MB")
