"""One worker of the bench in a process of its own: waits for a word, sends until nothing is due.

python -m tests.bench.worker DATABASE_URL RELAY
"""

import sys

import uvloop

from app import wiring
from app.config import Settings
from app.flows.dispatch import send_due
from app.serving import settle_memory
from tests.bench import ground


async def work(database_url: str, relay: str) -> None:
    """Tell that all is built, wait for the word, send."""
    parts = wiring.build(Settings(_env_file=None, **ground.settings(database_url, relay)))
    settle_memory()
    print("ready", flush=True)
    sys.stdin.readline()
    while await send_due(parts.office):
        pass
    await parts.database.close()


if __name__ == "__main__":
    uvloop.run(work(*sys.argv[1:]))
