"""The worker dies at each named moment of a letter's way, as if the power had gone.

One database goes through all moments, one after another, each with learners of its own; whatever
is left of the dead is swept up before the next.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from app.flows.points import POINTS
from tests.faults import oracle
from tests.faults.killing import work_until_at_rest
from tests.faults.oracle import Ledger
from tests.nursery import Nursery

LEARNERS = 16
NOWHERE = "smtp://127.0.0.1:1"


async def die_at(
    point: str, pass_: int, stated: dict[str, str], folder: Path, nursery: Nursery, workers: int
) -> int:
    """Start workers that end at a moment; returns how many did. Who never comes by is killed: on
    one database, one worker may take all the work of the others.
    """
    # Claims are only given back where there is nobody to give the letters to.
    relay = {"smtp_url": NOWHERE} if point == "before_release" else {}
    deadly = stated | relay | {"die_at": f"{point}:{pass_}"}
    children = [nursery.start(folder, deadly) for _ in range(workers)]
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            while all(child.status() is None for child in children):
                await asyncio.sleep(0.02)
        async with asyncio.timeout(0.7):
            while any(child.status() is None for child in children):
                await asyncio.sleep(0.02)
    died = sum(child.status() == -9 for child in children)
    for child in children:
        if child.status() is None:
            child.kill()
    return died


def nothing_doubled(ledger: Ledger, point: str) -> None:
    sent = ledger.sent()
    assert len(sent) == len(set(sent)), f"twice after {point}"


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("database_url_in_sync", "workers"),
    [("sqlite", 1), ("postgresql", 1), ("postgresql", 4)],
    indirect=["database_url_in_sync"],
)
async def test_a_worker_that_dies_at_any_moment_loses_nothing_and_doubles_nothing(
    database_url_in_sync: str, nursery: Nursery, tmp_path: Path, workers: int
):
    with oracle.sink(tmp_path) as ledger:
        more = {"speed": oracle.ONE_LESSON, "connections": "4"}
        stated = oracle.settings(database_url_in_sync, ledger.relay, **more)
        await oracle.seed(stated, 0)
        learners = 0
        for point in POINTS:
            async with oracle.installation(stated) as parts:
                await oracle.enroll(parts, LEARNERS, after=learners)
            learners += LEARNERS
            assert await die_at(point, 1, stated, tmp_path, nursery, workers), f"none at {point}"
            nothing_doubled(ledger, point)
            await oracle.time_passes(stated)
        await work_until_at_rest(nursery, tmp_path, stated)
        rows = await oracle.ask(stated)
        found = oracle.assert_nothing_lost_nothing_twice(rows, ledger.sent(), learners=learners)
    assert found.accepted > learners / 2


@pytest.mark.timeout(60)
async def test_a_worker_that_dies_leaves_in_doubt_no_more_letters_than_it_has_connections(
    database_url_in_sync: str, nursery: Nursery, tmp_path: Path
):
    connections = 2
    with oracle.sink(tmp_path) as ledger:
        more = {"speed": oracle.ONE_LESSON, "connections": str(connections)}
        stated = oracle.settings(database_url_in_sync, ledger.relay, **more)
        await oracle.seed(stated, LEARNERS)
        assert await die_at("after_content", LEARNERS - 4, stated, tmp_path, nursery, 1)
        await work_until_at_rest(nursery, tmp_path, stated)
        rows = await oracle.ask(stated)
        found = oracle.assert_nothing_lost_nothing_twice(rows, ledger.sent(), learners=LEARNERS)
    assert 1 <= found.unknown <= connections
