"""Carries bytes to the relay and says exactly how far it came. Changes no byte of a letter but the
dots (RFC 5321 §4.5.2), repeats nothing on its own, and knows no delivery.

aiosmtplib opens the connection (TLS, AUTH, EHLO) and raises the same errors whether a connection
broke before or after the final dot. The difference is "surely not sent" against "nobody knows", so
each command is given here by itself and each answer comes back as a Reply with its phase.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from app.domain.delivery import Phase, Reply
from app.mail.next_hop import Relay
from app.mail.pipeline import Replies

_GOODBYE_SECONDS = 5
_LOST = "the connection was lost"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for an answer, in seconds (RFC 5321 §4.5.3.2): ten minutes after the dot,
    since giving up early makes duplicates.
    """

    connect: float = 60
    command: float = 300
    data: float = 120
    dot: float = 600


class Line:
    """One connection to the relay, for one letter after another.

    `point` is told the names of moments (see flows/points.py) at which a test may end the process.
    """

    def __init__(
        self,
        relay: Relay,
        *,
        helo: str,
        patience: Patience = Patience(),
        point: Callable[[str], None] | None = None,
    ) -> None:
        self._smtp = SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user,
            password=relay.password,
            local_hostname=helo,
            use_tls=relay.scheme == "smtps",
            start_tls=relay.scheme == "smtp+starttls",
            timeout=patience.command,
        )
        self._patience, self._point = patience, point
        self._replies: Replies | None = None
        self._pipelining = self._utf8 = self._unfinished = False
        self._hop: str | None = None
        # The letter under way: what is still to be written, what is still to be answered, the
        # first refusal, and whom to tell.
        self._commands: deque[tuple[Phase, bytes]] = deque()
        self._expected: deque[Phase] = deque()
        self._wire, self._dotless = b"", False
        self._refusal: Reply | None = None
        self._done: Callable[[Reply], None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def alive(self) -> bool:
        """Whether the connection still stands, as far as this end knows."""
        return self._replies is not None and self._replies.standing

    @property
    def hop(self) -> str | None:
        """The server at the other end, as `host [address]:port TLSv1.3`; None before that."""
        return self._hop

    async def open(self) -> Reply:
        """Connect, greet, secure and log in, as the relay's URL asks. Code 2yz when all is well."""
        connecting = self._smtp.connect(timeout=self._patience.connect)
        reply = await _told(Phase.CONNECT, connecting)
        if reply.code // 100 != 2:
            return reply
        reply = await _told(Phase.HELLO, self._smtp.ehlo())
        if reply.code // 100 == 2:
            self._hop = _described(self._smtp)
            self._pipelining = self._smtp.supports_extension("pipelining")
            self._utf8 = self._smtp.supports_extension("smtputf8")
            self._replies = Replies.take_over(self._smtp, self._heard, self._lost)
        return reply

    def carry(
        self,
        sender: str,
        recipient: str,
        wire: bytes,
        done: Callable[[Reply], None],
        *,
        dotless: bool = False,
    ) -> None:
        """Offer a letter and hand it over; `done` is told the first refusal, or the answer to the
        final dot. One letter at a time. `dotless`: no line of it begins with a dot, so that nobody
        need look.

        Phase DOT: as it says, code 0 meaning that nobody knows. Any earlier phase: surely not sent.
        """
        self._done, self._wire, self._refusal = done, wire, None
        self._dotless = dotless
        utf8 = not recipient.isascii()
        if self._replies is None or not self._replies.standing:
            self._finish(Reply(Phase.CONNECT, 0, "the connection is not open"))
            return
        if utf8 and not self._utf8:
            lacking = "5.6.7 the relay carries no non-ASCII addresses"
            self._finish(Reply(Phase.RECIPIENT, 553, lacking))
            return
        extension = " SMTPUTF8" if utf8 else ""
        mail = f"MAIL FROM:<{sender}>{extension}\r\n"
        rcpt = f"RCPT TO:<{recipient}>\r\n"
        self._wait(self._patience.command)
        if self._pipelining and not self._unfinished:
            self._expected = deque((Phase.SENDER, Phase.RECIPIENT, Phase.DATA))
            self._replies.send(f"{mail}{rcpt}DATA\r\n".encode())
            return
        self._commands = deque(
            (
                (Phase.SENDER, mail.encode()),
                (Phase.RECIPIENT, rcpt.encode()),
                (Phase.DATA, b"DATA\r\n"),
            )
        )
        if self._unfinished:
            self._commands.appendleft((Phase.SENDER, b"RSET\r\n"))
        self._unfinished = False
        self._next_command()

    async def send(self, sender: str, recipient: str, wire: bytes) -> Reply:
        """`carry`, for who waits."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.carry(sender, recipient, wire, reply.set_result)
        return await reply

    async def close(self) -> None:
        """Say goodbye. What happens to the goodbye changes nothing about any letter."""
        if self._replies and self._replies.standing and self._done is None:
            said: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self._done = said.set_result
            self._expected.append(Phase.SENDER)
            # Whatever is answered ends it, as after a refusal.
            self._refusal = Reply(Phase.SENDER, 221, "goodbye")
            self._wait(_GOODBYE_SECONDS)
            self._replies.send(b"QUIT\r\n")
            await said
        if self._replies:
            self._replies.drop()
        if self._timer:
            self._timer.cancel()
        self._smtp.close()

    def _heard(self, code: int, text: str) -> None:
        if not self._expected:
            # Said unasked, as "421 closing": it must not be taken for the answer to the next word.
            if self._replies and code:
                self._replies.drop()
            return
        phase = self._expected.popleft()
        if code == 0 or phase is Phase.DOT:
            self._finish(self._refusal or Reply(phase, code, text))
            return
        if self._refusal is None and not _goes_on(phase, code):
            self._refusal = Reply(phase, code, text)
        if self._refusal:
            self._refused(phase, code)
        elif phase is Phase.DATA:
            self._hand_over()
        elif self._commands:
            self._next_command()

    def _refused(self, phase: Phase, code: int) -> None:
        """The first refusal stands; what was written besides is still to be answered."""
        self._unfinished = True
        if self._expected:
            return
        if phase is Phase.DATA and code == 354 and self._replies:
            # The server wants a content although nobody may have it: give it none (RFC 2920 §3.1).
            self._expected.append(Phase.DOT)
            self._wait(self._patience.dot)
            self._replies.send(b".\r\n")
        else:
            self._finish(self._refusal or Reply(phase, code, ""))

    def _next_command(self) -> None:
        phase, command = self._commands.popleft()
        self._expected.append(phase)
        self._wait(self._patience.data if phase is Phase.DATA else self._patience.command)
        if self._replies:
            self._replies.send(command)

    def _hand_over(self) -> None:
        if self._point:
            self._point("before_content")
        self._expected.append(Phase.DOT)
        self._wait(self._patience.dot)
        if self._replies:
            wire = self._wire if self._dotless else stuffed(self._wire)
            self._replies.send(wire + b".\r\n")
        if self._point:
            self._point("after_content")

    def _lost(self) -> None:
        if self._done:
            phase = self._expected[0] if self._expected else Phase.SENDER
            self._finish(self._refusal or Reply(phase, 0, _LOST))

    def _finish(self, reply: Reply) -> None:
        done, self._done = self._done, None
        self._expected.clear()
        self._commands.clear()
        self._wire = b""
        if reply.code == 0 and self._replies:
            self._replies.drop()
        if done:
            done(reply)

    def _wait(self, seconds: float) -> None:
        """Wait no longer than this for the next answer. One timer per connection is kept, and set
        anew only when it would ring too late: a timer per command costs more than the command.
        """
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + seconds
        if self._timer and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = loop.call_later(seconds, self._look, seconds)

    def _look(self, seconds: float) -> None:
        self._timer = None
        if self._done is None:
            return
        left = self._deadline - asyncio.get_running_loop().time()
        if left > 0:
            self._timer = asyncio.get_running_loop().call_later(left, self._look, seconds)
            return
        phase = self._expected[0] if self._expected else Phase.SENDER
        refusal = self._refusal
        if self._replies:
            # A late answer must never be taken for the answer to something else.
            done, self._done = self._done, None
            self._replies.drop()
            self._done = done
        self._finish(refusal or Reply(phase, 0, "no answer in time"))


def stuffed(wire: bytes) -> bytes:
    """Canonical bytes with their leading dots doubled (RFC 5321 §4.5.2)."""
    doubled = wire.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled


def _described(smtp: SMTP) -> str:
    """The other end of an open connection, with the version of TLS or the word `clear`."""
    transport = smtp.protocol.transport if smtp.protocol else None
    address = transport.get_extra_info("peername") if transport else None
    secured = transport.get_extra_info("ssl_object") if transport else None
    version = secured.version() if secured else "clear"
    return f"{smtp.hostname} [{address[0] if address else '?'}]:{smtp.port} {version}"


def _goes_on(phase: Phase, code: int) -> bool:
    return code == 354 if phase is Phase.DATA else code // 100 == 2


async def _told(phase: Phase, answer: Awaitable[tuple[int, str]]) -> Reply:
    """An answer as a Reply; code 0 where the server gave none that can be read."""
    try:
        code, text = await answer
    except SMTPResponseException as refusal:
        code, text = max(refusal.code, 0), refusal.message
    except (SMTPException, OSError) as fault:
        return Reply(phase, 0, f"{type(fault).__name__}: no answer")
    return Reply(phase, code, text)
