"""The command line: what each command does, and the one sentence when it cannot."""

import asyncio
import json
import shutil
import signal
import socket
import sqlite3
import urllib.request
from pathlib import Path

import pytest

from app.wiring import COURSES
from tests.fakes import FakeRelay, running
from tests.running import feuilleton, free_port, started, working

HUMAN = b"From: camille@example.fr\nTo: cours@cours.test\nSubject: Re: x\n\nBonjour.\n\n> oui\n"


@pytest.fixture
def folder(tmp_path: Path, migrated_sqlite: Path) -> Path:
    """A folder with a migrated database where the default setting looks for it."""
    (tmp_path / "var").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "var" / "feuilleton.db")
    return tmp_path


def test_a_message_is_inspected_without_a_database(tmp_path: Path):
    done = feuilleton("inspect", folder=tmp_path, stdin=HUMAN)
    assert json.loads(done.stdout) == {
        "kind": "human",
        "text": "Bonjour.",
        "failed_recipients": [],
        "permanent": False,
        "rule": "person",
    }
    assert list(tmp_path.iterdir()) == []


def test_migrate_makes_the_database_and_says_so(tmp_path: Path):
    done = feuilleton("migrate", folder=tmp_path)
    assert done.stdout == b"the database is up to date\n"
    assert (tmp_path / "var" / "feuilleton.db").exists()


@pytest.mark.parametrize("words", [("run",), ("serve",), ("work",), ("token", "create", "x")])
def test_a_database_that_is_behind_is_refused_in_one_sentence(tmp_path: Path, words):
    (tmp_path / "var").mkdir()
    done = feuilleton(*words, folder=tmp_path)
    assert done.returncode == 1
    (sentence,) = done.stderr.decode().strip().splitlines()
    assert "feuilleton migrate" in sentence


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"smtp_url": "mx.test"}, "FEUILLETON_SMTP_URL"),
        ({"secret_keys": "short"}, "FEUILLETON_SECRET_KEYS"),
        ({"database_url": "feuilleton.db"}, "FEUILLETON_DATABASE_URL"),
        ({"speed": "1440", "smtp_url": "smtp://mx.example.org"}, "FEUILLETON_SPEED"),
        ({"speed": "fast"}, "FEUILLETON_SPEED"),
        ({"lmtp_listen": "here"}, "FEUILLETON_LMTP_LISTEN"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(folder: Path, settings, named):
    done = feuilleton("work", folder=folder, **settings)
    assert done.returncode == 1
    sentence = done.stderr.decode().strip().splitlines()[-1]
    assert named in sentence


def test_a_port_that_is_taken_is_named(folder: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = feuilleton("run", "--port", port, folder=folder)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr.decode()
    assert "--port" in done.stderr.decode()


def test_a_token_is_printed_once_and_opens_the_api(folder: Path):
    token = feuilleton("token", "create", "a test", folder=folder).stdout.decode().strip()
    with started("serve", folder=folder) as served:
        request = urllib.request.Request(f"{served.url}/api/v1/courses")
        request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["items"][0]["slug"] == "mensonges"
        assert served.stop() == 0


def test_the_course_in_the_repository_is_in_order(tmp_path: Path):
    done = feuilleton("course", "check", folder=tmp_path)
    assert done.returncode == 0
    assert b"7 lessons, 0 to mend, 0 to note" in done.stdout


def test_a_broken_course_is_refused_with_file_and_line(folder: Path):
    shutil.copytree(COURSES / "mensonges", folder / "cours")
    lesson = next((folder / "cours").glob("03*.md"))
    lesson.write_text(lesson.read_text() + "\n![image](https://x.test/i.png)\n")
    line = len(lesson.read_text().splitlines())
    checked = feuilleton("course", "check", "cours", folder=folder)
    assert checked.returncode == 1
    assert f"{lesson.name}:{line}: images" in checked.stdout.decode()
    imported = feuilleton("course", "import", "cours", folder=folder)
    assert imported.returncode == 1
    assert f"{lesson.name}:{line}" in imported.stderr.decode()


def test_a_dry_run_says_what_would_change_and_changes_nothing(folder: Path):
    course = str(COURSES / "mensonges")
    dry = feuilleton("course", "import", course, "--dry-run", folder=folder).stdout.decode()
    assert "new          7" in dry
    assert "nothing was changed" in dry
    wet = feuilleton("course", "import", course, folder=folder).stdout.decode()
    assert "new          7" in wet
    again = feuilleton("course", "import", course, folder=folder).stdout.decode()
    assert "unchanged    7" in again


def test_a_piped_message_is_kept(folder: Path):
    words = ("receive", "--sender", "camille@example.fr", "--recipient", "cours@cours.test")
    assert feuilleton(*words, folder=folder, stdin=HUMAN).returncode == 0


def test_a_message_that_cannot_be_kept_is_to_be_brought_again(tmp_path: Path):
    nowhere = f"sqlite:///{tmp_path}/nowhere/x.db"
    done = feuilleton("receive", folder=tmp_path, stdin=HUMAN, database_url=nowhere)
    assert done.returncode == 75


def test_the_doctor_names_what_to_mend(folder: Path):
    port = free_port()
    done = feuilleton("doctor", folder=folder, smtp_url=f"smtp://127.0.0.1:{port}")
    said = done.stdout.decode()
    assert done.returncode == 1
    assert "ok    the database" in said
    assert f"MEND  the relay 127.0.0.1:{port} answers" in said
    assert "FEUILLETON_POSTAL_ADDRESS" in said


def test_the_audit_says_how_each_promise_stands(folder: Path):
    done = feuilleton("doctor", "audit", folder=folder)
    said = done.stdout.decode()
    assert (done.returncode, said.count("\nok ")) == (0, 11)
    assert "I12  nobody sees what is another's" in said


def test_a_broken_promise_is_named_with_ids_and_an_exit_code(folder: Path):
    with sqlite3.connect(folder / "var" / "feuilleton.db") as database:
        database.execute(
            "INSERT INTO incoming_letters (id, raw, digest, message_id, via, received_at, filing)"
            " VALUES (7, '', 'x', '', 'test', '2026-11-24 09:00:00.000000', 'filed')"
        )
    done = feuilleton("doctor", "audit", "--json", folder=folder)
    assert done.returncode == 1
    (broken,) = [each for each in json.loads(done.stdout) if each["holds"] is False]
    (seen,) = broken["violations"]
    assert (broken["invariant"], seen["count"], seen["ids"]) == ("I11", 1, [7])
    assert "I11  no answer is lost" in feuilleton("doctor", "audit", folder=folder).stdout.decode()


def test_an_audit_of_a_database_that_is_behind_is_refused_in_one_sentence(tmp_path: Path):
    (tmp_path / "var").mkdir()
    done = feuilleton("doctor", "audit", folder=tmp_path)
    assert (done.returncode, len(done.stderr.decode().strip().splitlines())) == (1, 1)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_relay_that_is_down_at_the_start_stops_nobody(folder: Path, how: signal.Signals):
    relay = f"smtp://127.0.0.1:{free_port()}"
    with started("run", folder=folder, smtp_url=relay) as run:
        form = b"email=camille%40example.fr"
        with urllib.request.urlopen(f"{run.url}/signup", form) as answer:
            assert answer.status == 200
        run.wait_for("relay unreachable")
        assert run.stop(how) == 0
    assert "camille" not in run.printed


async def test_serve_and_work_are_the_same_as_two_processes(folder: Path):
    async with running(FakeRelay()) as relay:
        with (
            started("serve", folder=folder, smtp_url=relay.url) as served,
            working(folder=folder, smtp_url=relay.url) as work,
        ):
            form = b"email=camille%40example.fr"
            await asyncio.to_thread(urllib.request.urlopen, f"{served.url}/signup", form)
            await relay.something_caught.wait()
            work.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(work.wait, 20) == 0
    assert [letter.recipient for letter in relay.caught] == ["camille@example.fr"]
