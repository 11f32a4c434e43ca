"""The replies of a server, one after another, on a connection that aiosmtplib opened.

aiosmtplib's protocol holds one future for one reply and drops what comes besides; here replies
queue up, so that several commands may be written at once (RFC 2920). Knows no command, no letter.
"""

import asyncio
from collections import deque
from typing import cast

from aiosmtplib import SMTP
from aiosmtplib.protocol import SMTPProtocol

_LONGEST = 64_000
LOST = (0, "the connection was lost")
UNREADABLE = (0, "the answer could not be read")


class ReplyQueue(SMTPProtocol):
    """Takes a connection over from the protocol that opened it (also under TLS)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._replies: deque[tuple[int, str]] = deque()
        self._text: list[str] = []
        self._waiter: asyncio.Future[None] | None = None
        self._lost = False

    @classmethod
    def take_over(cls, opened: SMTP) -> "ReplyQueue":
        """The queue of an open connection. Nothing may be outstanding on it."""
        loop = asyncio.get_running_loop()
        queue = cls(loop)
        protocol = opened.protocol
        if protocol is None or protocol.transport is None:
            queue._end()
            return queue
        queue.transport = protocol.transport
        cast(asyncio.Transport, protocol.transport).set_protocol(queue)
        return queue

    @property
    def standing(self) -> bool:
        """Whether the connection still stands, as far as this end knows."""
        return not self._lost and self.transport is not None and not self.transport.is_closing()

    def send(self, data: bytes) -> None:
        """Write, if there is still somebody to write to; the next reply tells if there is not."""
        if self.standing:
            self.write(data)

    async def reply(self, patience: float) -> tuple[int, str]:
        """The next reply: its code and text; code 0 when there is none within `patience` seconds.

        After a missing or unreadable reply the connection is of no more use: a late answer must
        never be taken for the answer to something else.
        """
        try:
            async with asyncio.timeout(patience):
                while not self._replies and not self._lost:
                    self._waiter = self._loop.create_future()
                    await self._waiter
        except TimeoutError:
            self.drop()
            return 0, f"no answer within {patience:g} seconds"
        return self._replies.popleft() if self._replies else LOST

    def drop(self) -> None:
        """Cut the connection."""
        if self.transport is not None:
            self.transport.close()
        self._end()

    def data_received(self, data: bytes) -> None:
        self._buffer.extend(data)
        if len(self._buffer) > _LONGEST:
            self._give_up()
            return
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            if not self._line(line):
                self._give_up()
                return
        if self._replies:
            self._wake()

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._end()

    def _line(self, line: bytes) -> bool:
        """One line of a reply (RFC 5321 §4.2); False when it is none."""
        code, more = line[:3], line[3:4]
        if not (code.isdigit() and len(code) == 3 and more in (b"", b" ", b"-")):
            return False
        self._text.append(line[4:].decode("utf-8", "replace").strip())
        if more != b"-":
            self._replies.append((int(code), "\n".join(self._text)))
            self._text.clear()
        return True

    def _give_up(self) -> None:
        self._replies.append(UNREADABLE)
        self.drop()

    def _end(self) -> None:
        self._lost = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
