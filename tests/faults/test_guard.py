"""A database copied or restored, with real processes: not one letter leaves before a person's word.

The oracle is the ledger of a mail server that the copy alone may speak to.
"""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.config import Settings
from tests.faults.oracle import Ledger, ask, at_rest, compare, seed, settings, sink
from tests.postgres import fresh_database
from tests.running import PATIENCE, feuilleton, working

LEARNERS = 30
pytestmark = pytest.mark.timeout(240)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def works_until(folder: Path, stated: dict[str, str], done: Callable[[], bool]) -> None:
    """A worker that is stopped in order when `done` is true."""
    with working(folder=folder, **stated) as process:
        until(done)
        process.terminate()
        assert process.wait(PATIENCE) == 0


def works_and_is_halted(folder: Path, stated: dict[str, str], because: str) -> None:
    """A worker that finds something wrong, and is watched for a while longer."""
    words = ("resume",)
    with working(folder=folder, **stated) as process:
        until(lambda: because in feuilleton(*words, folder=folder, **stated).stdout.decode())
        time.sleep(7)
        process.terminate()
        assert process.wait(PATIENCE) == 0


def has_sent(ledger: Ledger, letters: int) -> Callable[[], bool]:
    return lambda: len(ledger.sent()) >= letters


def is_done(stated: dict[str, str]) -> Callable[[], bool]:
    return lambda: at_rest(asyncio.run(ask(stated)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the original runs; its ledger lies beside it, so that a copy begins an empty one."""
    (tmp_path / "original").mkdir()
    (tmp_path / "beside").mkdir()
    return tmp_path / "original"


def in_folder(folder: Path, ledger: Ledger) -> dict[str, str]:
    return settings(f"sqlite:///{folder}/feuilleton.db", ledger.relay)


def test_a_volume_that_is_copied_sends_nothing_and_the_original_goes_on(
    folder: Path, tmp_path: Path
):
    with sink(tmp_path) as ours, sink(tmp_path / "beside") as theirs:
        stated = in_folder(folder, ours)
        asyncio.run(seed(stated, LEARNERS))
        works_until(folder, stated, has_sent(ours, LEARNERS))
        subprocess.run(["cp", "-a", folder, tmp_path / "copy"], check=True)
        with working(folder=folder, **stated):
            works_and_is_halted(tmp_path / "copy", in_folder(tmp_path / "copy", theirs), "copied")
            until(is_done(stated))
        findings = compare(asyncio.run(ask(stated)), ours.sent())
        assert theirs.sent() == []
    assert (findings.doubled, findings.lost) == ([], [])
    assert findings.accepted == LEARNERS * 7


def test_a_restored_database_sends_nothing_until_a_person_says_so(folder: Path, tmp_path: Path):
    with sink(tmp_path) as ours:
        stated = in_folder(folder, ours)
        asyncio.run(seed(stated, LEARNERS))
        works_until(folder, stated | {"speed": "20000"}, has_sent(ours, LEARNERS))
        back_up(folder / "feuilleton.db", tmp_path / "backup.db")
        works_until(folder, stated, has_sent(ours, 3 * LEARNERS))
        sent = len(ours.sent())
        restore(tmp_path / "backup.db", folder / "feuilleton.db")
        works_and_is_halted(folder, stated, "went_back")
        assert len(ours.sent()) == sent

        refused = feuilleton("resume", folder=folder, **stated)
        assert refused.returncode == 1
        assert "--yes" in refused.stderr.decode()
        done = feuilleton("resume", "--yes", folder=folder, **stated)
        assert done.returncode == 0
        assert "letters are due, the first since 20" in done.stdout.decode()
        works_until(folder, stated, has_sent(ours, sent + LEARNERS))


def test_a_cloned_postgresql_under_a_fresh_folder_sends_nothing(
    folder: Path, tmp_path: Path, postgres: str
):
    with sink(tmp_path) as ours, sink(tmp_path / "beside") as theirs:
        url = asyncio.run(fresh_database(postgres, "guarded"))
        stated = settings(in_clear(url), ours.relay)
        asyncio.run(seed(stated, LEARNERS))
        works_until(folder, stated, has_sent(ours, LEARNERS))
        url = asyncio.run(fresh_database(postgres, "cloned", template="guarded"))
        cloned = settings(in_clear(url), theirs.relay)
        works_and_is_halted(tmp_path / "beside", cloned, "no_file")
        assert theirs.sent() == []
        works_until(folder, stated, has_sent(ours, 2 * LEARNERS))
        assert len(set(ours.sent())) == len(ours.sent())


def test_a_worker_that_cannot_keep_its_file_does_not_begin(folder: Path, tmp_path: Path):
    with sink(tmp_path) as ours:
        stated = in_folder(folder, ours) | {"instance_file": str(folder / "var" / "x.json")}
        asyncio.run(seed(stated, LEARNERS))
        (folder / "var").write_text("a file where the folder should be")
        done = feuilleton("work", folder=folder, **stated)
        assert ours.sent() == []
    assert done.returncode == 1
    assert "FEUILLETON_INSTANCE_FILE" in done.stderr.decode().splitlines()[-1]


def test_the_file_says_which_database_and_how_far_it_came(folder: Path, tmp_path: Path):
    with sink(tmp_path) as ours:
        stated = in_folder(folder, ours)
        asyncio.run(seed(stated, LEARNERS))
        works_until(folder, stated, has_sent(ours, LEARNERS))
    said = json.loads((folder / Settings.model_fields["instance_file"].default).read_text())
    with closing(sqlite3.connect(folder / "feuilleton.db")) as rows:
        assert rows.execute("SELECT name, epoch FROM instance").fetchone() == (
            said["name"],
            said["epoch"],
        )


def in_clear(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def back_up(database: Path, to: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def restore(backup: Path, database: Path) -> None:
    for each in (database, *database.parent.glob(f"{database.name}-*")):
        each.unlink()
    shutil.copy(backup, database)
