"""The database goes away while letters go out: restarted, cut in mid-COMMIT, busy, full.

The worker waits for it and goes on by itself; the ledger of the mail server agrees in the end.
"""

import asyncio
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.domain.delivery import WAITING, State
from tests.faults import oracle
from tests.faults.killing import work_until_at_rest
from tests.faults.oracle import ONE_LESSON, Findings, Ledger
from tests.nursery import Child, Nursery
from tests.postgres import private_postgres
from tests.proxy import Proxy, commit, standing_between

pytestmark = pytest.mark.timeout(120)

LEARNERS = 400
# Few connections: the sending lasts long enough for something to happen in the middle of it.
SLOWLY = {"speed": ONE_LESSON, "connections": "2"}


async def settled(stated: dict[str, str], ledger: Ledger, child: Child) -> Findings:
    """What is true when the worker that lived through it has nothing left to do."""
    async with asyncio.timeout(60):
        while not oracle.at_rest(rows := await oracle.ask(stated)):
            assert child.status() is None, "the worker gave up"
            if not any(row.state in WAITING and not row.waits_for_tomorrow for row in rows):
                await oracle.time_passes(stated)
            await asyncio.sleep(0.3)
    child.terminate()
    assert await child.ended() == 0
    rows = await oracle.ask(stated)
    return oracle.assert_nothing_lost_nothing_twice(rows, ledger.sent(), learners=LEARNERS)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
async def test_letters_go_on_when_postgresql_is_back(
    nursery: Nursery, tmp_path: Path, how: signal.Signals
):
    with private_postgres() as server, oracle.sink(tmp_path) as ledger:
        url = server.url.replace("+asyncpg", "")
        stated = oracle.settings(url, ledger.relay, **SLOWLY)
        await oracle.seed(stated, LEARNERS)
        child = nursery.start(tmp_path, stated)
        for letters in (20, 150):
            await ledger.reaches(letters)
            await asyncio.to_thread(server.stop, how)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.start)
        found = await settled(stated, ledger, child)
    assert found.accepted + found.unknown == LEARNERS


@pytest.mark.parametrize("database_url_in_sync", ["postgresql"], indirect=True)
async def test_a_commit_whose_answer_is_lost_loses_and_doubles_nothing(
    nursery: Nursery, database_url_in_sync: str, tmp_path: Path
):
    there = urlsplit(database_url_in_sync)
    address = str(there.hostname), int(there.port or 0)
    between = Proxy(*address, commit, share=0, chance=random.Random(5), rashness=0.5)
    async with standing_between(between) as proxy:
        with oracle.sink(tmp_path) as ledger:
            stated = oracle.settings(database_url_in_sync, ledger.relay, **SLOWLY)
            await oracle.seed(stated, LEARNERS)
            through = database_url_in_sync.replace(f":{there.port}", f":{proxy.at}")
            child = nursery.start(tmp_path, stated | {"database_url": through})
            await ledger.reaches(20)
            proxy.share = 0.1
            found = await settled(stated, ledger, child)
    assert len(proxy.struck) > 3
    assert found.accepted > LEARNERS / 2


def hold(path: Path, seconds: float) -> None:
    """Be another process's long transaction."""
    with sqlite3.connect(path, timeout=30, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        subprocess.run(["sleep", str(seconds)], check=True)
        other.execute("ROLLBACK")
    other.close()


async def test_letters_go_on_when_sqlite_is_no_longer_busy(nursery: Nursery, tmp_path: Path):
    path = tmp_path / "busy.db"
    with oracle.sink(tmp_path) as ledger:
        stated = oracle.settings(f"sqlite:///{path}", ledger.relay, **SLOWLY)
        await oracle.seed(stated, LEARNERS)
        child = nursery.start(tmp_path, stated)
        await ledger.reaches(20)
        for _ in range(2):
            await asyncio.to_thread(hold, path, 3)
        found = await settled(stated, ledger, child)
    assert (found.accepted, found.unknown) == (LEARNERS, 0)


async def test_letters_go_on_when_files_may_grow_again(nursery: Nursery, tmp_path: Path):
    with oracle.sink(tmp_path) as ledger:
        stated = oracle.settings(f"sqlite:///{tmp_path}/full.db", ledger.relay, **SLOWLY)
        await oracle.seed(stated, LEARNERS)
        child = nursery.start(tmp_path, stated)
        await ledger.reaches(20)
        may_grow(child, 4096)
        await asyncio.sleep(2)
        may_grow(child, resource.RLIM_INFINITY)
        found = await settled(stated, ledger, child)
    assert found.accepted + found.unknown == LEARNERS


def may_grow(child: Child, size: int) -> None:
    """How large the files may become that this process writes."""
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with some megabytes of room."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a file system of its own needs the right to mount one (root)")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Take all the room that is left on a disk."""
    command = ["dd", "if=/dev/zero", f"of={ballast}", "bs=4k"]
    subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    assert shutil.disk_usage(ballast).free < 4096


async def test_letters_go_on_when_the_disk_has_room_again(
    nursery: Nursery, tmp_path: Path, small_disk: Path
):
    with oracle.sink(tmp_path) as ledger:
        stated = oracle.settings(f"sqlite:///{small_disk}/full.db", ledger.relay, **SLOWLY)
        await oracle.seed(stated, LEARNERS)
        child = nursery.start(tmp_path, stated)
        await ledger.reaches(20)
        ballast = small_disk / "ballast"
        fill(ballast)
        await asyncio.sleep(2)
        ballast.unlink()
        found = await settled(stated, ledger, child)
    assert found.accepted + found.unknown == LEARNERS


async def no_long_transactions(stated: dict[str, str]) -> None:
    """Who sleeps in the middle of a transaction holds rows that all others wait for; PostgreSQL
    ends it after this time.
    """
    async with oracle.installation(stated) as parts, parts.database.engine.connect() as connection:
        name = parts.database.url.database
        limit = f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '2s'"
        await connection.exec_driver_sql(limit)
        await connection.commit()


@pytest.mark.parametrize("database_url_in_sync", ["postgresql"], indirect=True)
async def test_a_worker_that_slept_past_its_lease_sends_nothing_twice(
    nursery: Nursery, database_url_in_sync: str, tmp_path: Path
):
    with oracle.sink(tmp_path) as ledger:
        stated = oracle.settings(database_url_in_sync, ledger.relay, **SLOWLY)
        await oracle.seed(stated, LEARNERS)
        await no_long_transactions(stated)
        sleeper = nursery.start(tmp_path, stated)
        await ledger.reaches(20)
        sleeper.signal(signal.SIGSTOP)
        await work_until_at_rest(nursery, tmp_path, stated, patience=40)
        before = await oracle.ask(stated)
        sent = len(ledger.sent())
        sleeper.signal(signal.SIGCONT)
        await asyncio.sleep(1)
        found = await settled(stated, ledger, sleeper)
        after = await oracle.ask(stated)
    assert sent > LEARNERS / 2
    assert found.accepted > LEARNERS / 2
    for was, row in zip(before, after, strict=False):
        # What it had begun and nobody else has taken it may end; the rest is not its own any more.
        assert was.state in (row.state, State.UNKNOWN)
