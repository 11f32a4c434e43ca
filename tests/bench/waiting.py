"""How long people wait: from the confirmation to lesson 1 in the mailbox, and at the form while the
same process sends at full pace. The real command `feuilleton run`, over HTTP and SMTP.
"""

import asyncio
import os
import re
import sqlite3
import tempfile
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from statistics import median, quantiles

import asyncpg
import httpx2
import uvloop

from tests.bench import ground
from tests.bench.sink import Sink
from tests.postgres import fresh_database
from tests.running import Running, started

CONFIRMS, VISITORS, A_SECOND = 60, 400, 25
DUE = int(os.environ.get("DUE", "40000"))
_TO, _LINK = (
    re.compile(rb"^To: .*?<?([\w.+-]+@[\w.-]+)>?\r$", re.MULTILINE),
    re.compile(r"/confirm/\S+"),
)


class Mailbox(Sink):
    """A sink in the bench's own process that keeps the last letter to each address."""

    letters: dict[str, tuple[float, bytes]]
    arrived: asyncio.Event

    def data_received(self, data: bytes) -> None:
        before = bytes(self._buffer) + data
        super().data_received(data)
        if b"\r\n.\r\n" in before and (found := _TO.search(before)):
            self.letters[found[1].decode()] = (time.perf_counter(), before)
            self.arrived.set()


async def open_mailbox() -> tuple[str, asyncio.Server]:
    """The address of a mailbox, which listens as long as the server is kept."""
    Mailbox.letters, Mailbox.arrived = {}, asyncio.Event()
    server = await asyncio.get_running_loop().create_server(Mailbox, "127.0.0.1", 0)
    return f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", server


async def letter_to(address: str, *, after: float = 0) -> tuple[float, bytes]:
    """The letter that came to an address after an instant, waiting for it."""
    while Mailbox.letters.get(address, (0, b""))[0] <= after:
        Mailbox.arrived.clear()
        await asyncio.wait_for(Mailbox.arrived.wait(), 30)
    return Mailbox.letters[address]


async def confirmations(client: httpx2.AsyncClient) -> list[float]:
    """Milliseconds from the press of the button to the acceptance of lesson 1."""
    waits = []
    for number in range(CONFIRMS):
        address = f"c{number}@example.fr"
        await client.post("/signup", data={"email": address, "first_name": "Camille"})
        came, raw = await letter_to(address)
        body = message_from_bytes(raw, policy=default).get_body(("plain",))
        link = _LINK.search(body.get_content())
        assert link
        pressed = time.perf_counter()
        await client.post(link[0])
        arrived, _ = await letter_to(address, after=came)
        waits.append((arrived - pressed) * 1000)
    return waits


async def visits(client: httpx2.AsyncClient, kind: str) -> list[float]:
    """Milliseconds of sign-ups that come at a steady rate, as visitors do: nobody waits for the
    answer to somebody else.
    """

    async def sign_up(number: int) -> float:
        form = {"email": f"{kind}{number}@example.fr", "first_name": "Camille"}
        begun = time.perf_counter()
        answer = await client.post("/signup", data=form)
        assert answer.status_code == 200, answer.text
        return (time.perf_counter() - begun) * 1000

    coming = []
    for number in range(VISITORS):
        coming.append(asyncio.create_task(sign_up(number)))
        await asyncio.sleep(1 / A_SECOND)
    return await asyncio.gather(*coming)


async def sent(database_url: str) -> int:
    """Letters that were accepted so far."""
    if database_url.startswith("sqlite"):
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as connection:
            return int(connection.execute("SELECT count(*) FROM attempts").fetchone()[0])
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    count = await connection.fetchval("SELECT count(*) FROM attempts")
    await connection.close()
    return int(count)


async def measure(database_url: str, engine: str) -> None:
    """Print what people wait on one engine."""
    relay, server = await open_mailbox()
    stated = ground.settings(database_url, relay)
    parts = await ground.install(stated)
    with tempfile.TemporaryDirectory() as folder:
        running: Running
        with started("run", folder=Path(folder), **stated) as running:
            async with httpx2.AsyncClient(base_url=running.url, timeout=30) as client:
                waits = await confirmations(client)
                idle = await visits(client, "i")
                await ground.seed(parts, 1_000_001, 1_000_000 + DUE)
                await asyncio.sleep(2)
                before, begun = await sent(database_url), time.perf_counter()
                busy = await visits(client, "b")
                took, after = time.perf_counter() - begun, await sent(database_url)
                await asyncio.sleep(1)
                alone, begun = await sent(database_url), time.perf_counter()
                await asyncio.sleep(2)
                free = (await sent(database_url) - alone) / (time.perf_counter() - begun)
    await parts.database.close()
    server.close()
    p99 = [quantiles(each, n=100)[98] for each in (idle, busy)]
    print(
        f"  {engine}: confirm to lesson 1: median {median(waits):.0f} ms, "
        f"p95 {quantiles(waits, n=20)[18]:.0f} ms"
    )
    print(
        f"  {engine}: sign-ups at {A_SECOND}/s, p99: idle {p99[0]:.1f} ms, while sending "
        f"{(after - before) / took:.0f} letters/s {p99[1]:.1f} ms ({p99[1] / p99[0]:.2f} x); "
        f"without visitors it sends {free:.0f}/s"
    )


def main() -> None:
    """Print the table."""
    print(
        f"cores {os.cpu_count()}, `feuilleton run`, {CONFIRMS} confirmations, {VISITORS} sign-ups"
    )
    with tempfile.TemporaryDirectory() as folder, ground.postgres() as base:
        uvloop.run(measure(f"sqlite:///{Path(folder) / 'w.db'}", "SQLite"))
        url = uvloop.run(fresh_database(base, "w"))
        uvloop.run(measure(url, "PostgreSQL"))
