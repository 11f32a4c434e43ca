"""Stands between two programs and cuts their connection at the worst moment: what a client said has
arrived, and what it is answered never does. Understands just enough of SMTP and of PostgreSQL's
protocol to find that moment.
"""

import asyncio
import random
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]

# A simple query of this one word (PostgreSQL manual, "Message Formats": Query).
_COMMIT = re.compile(rb"Q\x00\x00\x00.COMMIT;?\x00", re.DOTALL)
_DOT = b"\r\n.\r\n"
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)
_KEPT = 2**18


def final_dot(said: bytearray) -> str | None:
    """The Message-ID of the letter that has just been said to its end, which is then forgotten."""
    end = said.find(_DOT)
    if end < 0:
        return None
    found = _MESSAGE_ID.search(bytes(said[:end]))
    del said[: end + len(_DOT)]
    return found[1].decode() if found else "?"


def commit(said: bytearray) -> str | None:
    """COMMIT, when it has just been said."""
    found = _COMMIT.search(said)
    said.clear()
    return "COMMIT" if found else None


@dataclass(slots=True)
class Proxy:
    """An address in front of another. Of the moments that `fatal` finds, `share` are struck: the
    answer is lost, or (for `rashness` of them) the word itself. `struck` are their names.
    """

    host: str
    port: int
    fatal: Callable[[bytearray], str | None]
    share: float
    chance: random.Random
    rashness: float = 0.0
    at: int = 0
    struck: list[str] = field(default_factory=list)
    talks: set[asyncio.Task[None]] = field(default_factory=set)

    def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talks.add(asyncio.ensure_future(self._meet((reader, writer))))

    async def _meet(self, client: Ends) -> None:
        try:
            server = await asyncio.open_connection(self.host, self.port)
        except OSError:
            reset(client[1])
            return
        await _Wire(self, client, server).run()


@dataclass(slots=True)
class _Wire:
    proxy: Proxy
    client: Ends
    server: Ends
    said: bytearray = field(default_factory=bytearray)
    is_struck: bool = False

    async def run(self) -> None:
        """Pass on until one end is closed or the moment has come."""
        ways = [asyncio.create_task(self._upward()), asyncio.create_task(self._downward())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for _, writer in (self.client, self.server):
                reset(writer)

    async def _upward(self) -> None:
        while data := await self.client[0].read(65536):
            self.said += data
            name = self.proxy.fatal(self.said)
            del self.said[: max(len(self.said) - _KEPT, 0)]
            if name and self.proxy.chance.random() < self.proxy.share:
                self.proxy.struck.append(name)
                self.is_struck = True
                if self.proxy.chance.random() < self.proxy.rashness:
                    return
            self.server[1].write(data)
            await self.server[1].drain()

    async def _downward(self) -> None:
        while (data := await self.server[0].read(65536)) and not self.is_struck:
            self.client[1].write(data)
            await self.client[1].drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST."""
    plug: socket.socket = writer.get_extra_info("socket")
    if plug.fileno() >= 0:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def standing_between(proxy: Proxy) -> AsyncIterator[Proxy]:
    """`proxy`, listening on loopback in the test's own loop; its port is `at`."""
    server = await asyncio.start_server(proxy.meet, "127.0.0.1", 0)
    proxy.at = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for each in proxy.talks:
            each.cancel()
        await asyncio.gather(*proxy.talks, return_exceptions=True)
        await asyncio.sleep(0)
