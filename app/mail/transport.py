"""Carries bytes to the relay and says exactly how far it came. Changes no byte of a letter but the
dots (RFC 5321 §4.5.2), repeats nothing on its own, and knows no delivery.

aiosmtplib opens the connection (TLS, AUTH, EHLO) and raises the same errors whether a connection
broke before or after the final dot. The difference is "surely not sent" against "nobody knows", so
each command is given here by itself and each answer comes back as a Reply with its phase.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from app.domain.delivery import Phase, Reply
from app.domain.errors import SettingMissing
from app.mail.pipeline import ReplyQueue

# RFC 5321 §4.5.3.2, in seconds; ten minutes after the dot, since giving up early makes duplicates.
_CONNECT_PATIENCE, _COMMAND_PATIENCE, _DATA_PATIENCE, _DOT_PATIENCE = 60, 300, 120, 600
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Relay:
    """The next hop: `smtp://`, `smtps://` (TLS from the start) or `smtp+starttls://user:pass@host`."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    @property
    def on_loopback(self) -> bool:
        """True when letters given to it do not leave this machine at once."""
        return self.host in _LOOPBACK


def relay(url: str) -> Relay:
    """The relay that a URL names. Raises SettingMissing with the forms that are understood."""
    forms = SettingMissing(
        "FEUILLETON_SMTP_URL reads smtp://host:port, smtps://user:password@host "
        "or smtp+starttls://user:password@host:587"
    )
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise forms
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as fault:
        raise forms from fault
    return Relay(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class Line:
    """One connection to the relay, for one letter after another."""

    def __init__(self, relay: Relay, *, helo: str) -> None:
        self._smtp = SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user,
            password=relay.password,
            local_hostname=helo,
            use_tls=relay.scheme == "smtps",
            start_tls=relay.scheme == "smtp+starttls",
            timeout=_COMMAND_PATIENCE,
        )
        self._queue: ReplyQueue | None = None
        self._pipelining = False
        self._unfinished = False
        self._hop: str | None = None

    @property
    def alive(self) -> bool:
        """Whether the connection still stands, as far as this end knows."""
        return self._queue is not None and self._queue.standing

    @property
    def hop(self) -> str | None:
        """The server at the other end, as `host [address]:port TLSv1.3`; None before that."""
        return self._hop

    async def open(self) -> Reply:
        """Connect, greet, secure and log in, as the relay's URL asks. Code 2yz when all is well."""
        reply = await _told(Phase.CONNECT, self._smtp.connect(timeout=_CONNECT_PATIENCE))
        if reply.code // 100 != 2:
            return reply
        reply = await _told(Phase.HELLO, self._smtp.ehlo())
        if reply.code // 100 == 2:
            self._hop = _described(self._smtp)
            self._pipelining = self._smtp.supports_extension("pipelining")
            self._queue = ReplyQueue.take_over(self._smtp)
        return reply

    async def send(self, sender: str, recipient: str, wire: bytes) -> Reply:
        """Offer a letter and hand it over: the first refusal, or the answer to the final dot.

        Phase DOT: as it says, code 0 meaning that nobody knows. Any earlier phase: surely not sent.
        """
        if self._queue is None:
            return Reply(Phase.CONNECT, 0, "the connection is not open")
        utf8 = not recipient.isascii()
        if utf8 and not self._smtp.supports_extension("smtputf8"):
            return Reply(Phase.RECIPIENT, 553, "5.6.7 the relay carries no non-ASCII addresses")
        refusal = await self._offer(self._queue, sender, recipient, utf8=utf8)
        if refusal:
            return refusal
        self._queue.send(stuffed(wire) + b".\r\n")
        return Reply(Phase.DOT, *await self._queue.reply(_DOT_PATIENCE))

    async def close(self) -> None:
        """Say goodbye. What happens to the goodbye changes nothing about any letter."""
        if self._queue and self._queue.standing:
            self._queue.send(b"QUIT\r\n")
            await self._queue.reply(5)
            self._queue.drop()
        self._smtp.close()

    async def _offer(
        self, queue: ReplyQueue, sender: str, recipient: str, *, utf8: bool
    ) -> Reply | None:
        """MAIL, RCPT and DATA, in one write where the server can take it (RFC 2920)."""
        mail = f"MAIL FROM:<{sender}>{' SMTPUTF8' if utf8 else ''}\r\n".encode()
        commands = [(Phase.SENDER, mail, _COMMAND_PATIENCE)]
        commands.append((Phase.RECIPIENT, f"RCPT TO:<{recipient}>\r\n".encode(), _COMMAND_PATIENCE))
        commands.append((Phase.DATA, b"DATA\r\n", _DATA_PATIENCE))
        if self._unfinished:
            commands.insert(0, (Phase.SENDER, b"RSET\r\n", _COMMAND_PATIENCE))
        if not self._pipelining:
            return await self._offer_singly(queue, commands)
        queue.send(b"".join(command for _, command, _ in commands))
        replies = [Reply(phase, *await queue.reply(wait)) for phase, _, wait in commands]
        refusal = next((reply for reply in replies if not _goes_on(reply)), None)
        if refusal and replies[-1].code == 354:
            # The server wants a content although nobody may have it: give it none (RFC 2920 §3.1).
            queue.send(b".\r\n")
            await queue.reply(_DOT_PATIENCE)
        self._unfinished = refusal is not None
        return refusal

    async def _offer_singly(
        self, queue: ReplyQueue, commands: list[tuple[Phase, bytes, int]]
    ) -> Reply | None:
        for phase, command, wait in commands:
            queue.send(command)
            reply = Reply(phase, *await queue.reply(wait))
            if not _goes_on(reply):
                self._unfinished = True
                return reply
        self._unfinished = False
        return None


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


def _goes_on(reply: Reply) -> bool:
    return reply.code == 354 if reply.phase is Phase.DATA else reply.code // 100 == 2


async def _told(phase: Phase, answer: Awaitable[tuple[int, str]]) -> Reply:
    """An answer as a Reply; code 0 where the server gave none that can be read."""
    try:
        code, text = await answer
    except SMTPResponseException as refusal:
        code, text = max(refusal.code, 0), refusal.message
    except (SMTPException, OSError) as fault:
        return Reply(phase, 0, f"{type(fault).__name__}: no answer")
    return Reply(phase, code, text)
