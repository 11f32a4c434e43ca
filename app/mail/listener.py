"""Takes mail by SMTP or LMTP and hands it on. Judges no letter and keeps none: what it is given to
call keeps it, and only when that has returned does the sending server read 250.

One recipient per transaction: each letter then has one fate and one answer (RFC 2033 §4.2).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from aiosmtpd.smtp import SMTP as Protocol

LARGEST = 10_240_000


@dataclass(frozen=True, slots=True)
class Brought:
    """A letter at the door, with its envelope."""

    raw: bytes
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may be written to here, and what takes a letter in.

    `admits` answers for a recipient; `take` returns once the letter is safe, and raises OSError (or
    an error of its store) when it is not: the server is then told to come again (451).
    """

    admits: Callable[[str], Awaitable[bool]]
    take: Callable[[Brought], Awaitable[None]]

    async def handle_RCPT(
        self,
        server: Protocol,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Unknown recipients never enter (550), so what is not for us costs nothing."""
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        if not await self.admits(address):
            return "550 5.1.1 there is nobody of this name here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Protocol, session: Session, envelope: Envelope) -> str:
        """250 only when the letter is kept."""
        raw = envelope.original_content or b""
        sender = envelope.mail_from or ""
        await self.take(Brought(raw, sender, envelope.rcpt_tos[0]))
        return "250 2.0.0 kept"

    async def handle_exception(self, fault: Exception) -> str:
        """Nothing was kept: the sending server keeps the letter and tries again."""
        return f"451 4.3.0 not kept ({type(fault).__name__}); try again"


async def listen(gate: Gate, host: str, port: int, *, lmtp: bool) -> asyncio.Server:
    """A listening server in the running loop; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    limits: dict[str, Any] = {"data_size_limit": LARGEST, "enable_SMTPUTF8": True, "loop": loop}
    speak = LMTP if lmtp else SMTP
    return await loop.create_server(lambda: speak(gate, **limits), host, port)
