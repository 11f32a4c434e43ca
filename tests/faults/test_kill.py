"""The worker killed in the middle of its work, again and again: nothing lost, nothing twice.

The oracle is the ledger of a mail server in a process of its own, compared with the database.
`make chaos` does the same for a thousand kills.
"""

import random
from pathlib import Path

import pytest

from app.domain.delivery import State
from tests.faults import oracle
from tests.faults.killing import Chaos, run, work_until_at_rest
from tests.nursery import Nursery

ACCEPTED, PLANNED = State.ACCEPTED, State.PLANNED


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


@pytest.mark.timeout(90)
async def test_a_worker_that_is_told_to_stop_in_mid_work_leaves_nothing_in_doubt(
    database_url_in_sync: str, tmp_path: Path, nursery: Nursery
):
    learners = 300
    with oracle.sink(tmp_path) as ledger:
        more = {"speed": oracle.ONE_LESSON, "connections": "4"}
        stated = oracle.settings(database_url_in_sync, ledger.relay, **more)
        await oracle.seed(stated, learners)
        for letters in (20, 60, 120):
            child = nursery.start(tmp_path, stated)
            await ledger.reaches(letters)
            child.terminate()
            assert await child.ended(15) == 0
            assert {row.state for row in await oracle.ask(stated)} <= {ACCEPTED, PLANNED}
        await work_until_at_rest(nursery, tmp_path, stated)
        rows = await oracle.ask(stated)
        found = oracle.assert_nothing_lost_nothing_twice(rows, ledger.sent(), learners=learners)
    assert found.accepted == learners
