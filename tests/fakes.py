"""Stand-ins with behaviour: a relay that really speaks SMTP, and a clock that is set by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP


class Clock:
    """Reads what the test says: Tuesday 24 November 2026, 10:00 in Paris, at first."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
        self.passed = 0.0

    def __call__(self) -> datetime:
        return self.now

    def steady(self) -> float:
        """The seconds that really passed."""
        return self.passed

    def advance(self, **span: float) -> datetime:
        """Time passes."""
        self.passed += timedelta(**span).total_seconds()
        return self.jump(**span)

    def jump(self, **span: float) -> datetime:
        """Somebody sets the clock; no time passes."""
        self.now += timedelta(**span)
        return self.now


@dataclass(slots=True)
class Caught:
    """A letter as the relay got it."""

    sender: str
    recipient: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return body.get_content().replace("\r\n", "\n")

    @property
    def html(self) -> str:
        body = self.message.get_body(("html",))
        assert body is not None
        return body.get_content()

    def link(self, path: str) -> str:
        """The path of the first link below `path` in the text."""
        word = next(word for word in self.text.split() if f"/{path}/" in word)
        return word[word.index(f"/{path}/") :]


@dataclass(slots=True)
class FakeRelay:
    """An SMTP server on loopback that keeps what it accepts.

    `at_rcpt` and `at_dot` are answers to give instead of 250, by recipient; "cut" closes the
    connection without one, and `cut_off` has the letter. `during_rcpt` and `during_data` let
    something happen meanwhile.
    """

    port: int = 0
    caught: list[Caught] = field(default_factory=list)
    at_rcpt: dict[str, str] = field(default_factory=dict)
    at_dot: dict[str, str] = field(default_factory=dict)
    cut_off: list[bytes] = field(default_factory=list)
    most_connections: int | None = None
    greeted: list[Any] = field(default_factory=list)
    carried: dict[int, int] = field(default_factory=dict)
    sessions: list[Any] = field(default_factory=list)
    something_caught: asyncio.Event = field(default_factory=asyncio.Event)
    during_rcpt: Callable[[], Awaitable[object]] | None = None
    during_data: Callable[[], Awaitable[object]] | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, recipient: str) -> list[Caught]:
        return [letter for letter in self.caught if letter.recipient == recipient]

    def letters_by_connection(self) -> list[int]:
        """How many letters each connection carried, in the order of their first letters."""
        return list(self.carried.values())

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if self.most_connections is not None:
            self.greeted = [each for each in self.greeted if each.transport]
            if len(self.greeted) >= self.most_connections:
                return ["421 4.7.0 too many connections"]
            self.greeted.append(server)
        return responses

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.during_rcpt:
            await self.during_rcpt()
        if answer := self.at_rcpt.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        recipient = envelope.rcpt_tos[0]
        if self.during_data:
            await self.during_data()
        answer = self.at_dot.get(recipient)
        if answer == "cut":
            self.cut_off.append(envelope.original_content)
            server.transport.abort()
            return "421 too late"
        if answer:
            return answer
        self.carried[id(session)] = self.carried.get(id(session), 0) + 1
        self.sessions.append(session)
        self.caught.append(Caught(envelope.mail_from, recipient, envelope.original_content))
        self.something_caught.set()
        return "250 2.0.0 queued as TEST"


@asynccontextmanager
async def running(relay: FakeRelay) -> AsyncIterator[FakeRelay]:
    """`relay`, listening in the test's own loop."""
    loop, talks = asyncio.get_running_loop(), list[SMTP]()

    def talk() -> SMTP:
        talks.append(SMTP(relay, loop=loop))
        return talks[-1]

    server = await loop.create_server(talk, "127.0.0.1", relay.port)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await server.wait_closed()
        for each in talks:
            if each.transport:
                each.transport.close()
        await asyncio.sleep(0)
