"""The replies of a server, one after another, on a connection that aiosmtplib opened.

aiosmtplib's protocol holds one future for one reply and drops what comes besides; here each reply
is told as soon as it is complete, so that several commands may be written at once (RFC 2920), and
no task has to wake up for it. Knows no command and no letter.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from aiosmtplib import SMTP
from aiosmtplib.protocol import SMTPProtocol

_LONGEST = 64_000
UNREADABLE = "the answer could not be read"


class Replies(SMTPProtocol):
    """Takes a connection over from the protocol that opened it (also under TLS).

    `hear(code, text)` is called for each reply, with code 0 for one that cannot be read, after
    which the connection is cut: a late answer must never be taken for the answer to something else.
    `lose()` is called once, when the connection ends.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hear: Callable[[int, str], None],
        lose: Callable[[], None],
    ) -> None:
        super().__init__(loop=loop)
        self._hear, self._lose = hear, lose
        self._rest = b""
        self._text: list[str] = []
        self.standing = True

    @classmethod
    def take_over(
        cls, opened: SMTP, hear: Callable[[int, str], None], lose: Callable[[], None]
    ) -> "Replies":
        """The replies on an open connection. Nothing may be outstanding on it."""
        replies = cls(asyncio.get_running_loop(), hear, lose)
        protocol = opened.protocol
        if protocol is None or protocol.transport is None:
            replies.standing = False
        else:
            replies.transport = protocol.transport
            cast(asyncio.Transport, protocol.transport).set_protocol(replies)
        return replies

    def send(self, data: bytes) -> None:
        """Write, if there is still somebody to write to; `lose` tells if there is not."""
        if self.standing and self.transport is not None:
            cast(asyncio.Transport, self.transport).write(data)

    def drop(self) -> None:
        """Cut the connection."""
        if self.transport is not None:
            self.transport.close()
        self._end()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST:
            self._give_up()
        for line in lines:
            if not self.standing:
                return
            self._line(line)

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._end()

    def _line(self, line: bytes) -> None:
        """One line of a reply (RFC 5321 §4.2)."""
        code, more = line[:3], line[3:4]
        if not (code.isdigit() and len(code) == 3 and more in (b"", b" ", b"-", b"\r")):
            self._give_up()
            return
        text = line[4:].decode("utf-8", "replace").strip()
        if more == b"-":
            self._text.append(text)
            if sum(map(len, self._text)) > _LONGEST:
                self._give_up()
            return
        if self._text:
            text = "\n".join([*self._text, text])
            self._text.clear()
        self._hear(int(code), text)

    def _give_up(self) -> None:
        self._hear(0, UNREADABLE)
        self.drop()

    def _end(self) -> None:
        if self.standing:
            self.standing = False
            self._lose()
