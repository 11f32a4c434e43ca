"""The worker killed in the middle of its work, again and again: nothing lost, nothing twice.

The oracle is the ledger of a mail server in a process of its own, compared with the database.
`make chaos` does the same for a thousand kills.
"""

import random
from pathlib import Path

import pytest

from tests.faults import oracle
from tests.faults.killing import Chaos, run
from tests.nursery import Nursery


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_url_in_sync", "workers"),
    [("sqlite", 1), ("postgresql", 4)],
    indirect=["database_url_in_sync"],
)
async def test_workers_that_are_killed_lose_nothing_and_double_nothing(
    database_url_in_sync: str, tmp_path: Path, nursery: Nursery, workers: int
):
    with oracle.sink(tmp_path) as ledger:
        stated = oracle.settings(database_url_in_sync, ledger.relay)
        chance = random.Random(workers)
        chaos = Chaos(stated, tmp_path, workers, kills=6 * workers, most=250, chance=chance)
        found = await run(chaos, nursery, ledger)
    assert found.accepted > chaos.learners
