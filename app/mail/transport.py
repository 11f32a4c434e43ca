"""Carries bytes to the relay and says exactly how far it came. Changes no byte of a letter but the
dots (RFC 5321 §4.5.2), repeats nothing on its own, and knows no delivery.

aiosmtplib opens the connection (TLS, AUTH, EHLO) and raises the same errors whether a connection
broke before or after the final dot. The difference is "surely not sent" against "nobody knows", so
each command is given here by itself and each answer comes back as a Reply with its phase.
"""

import re
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from app.domain.delivery import Phase, Reply
from app.domain.errors import SettingMissing

# RFC 5321 §4.5.3.2; ten minutes after the dot, since giving up early there makes duplicates.
_PATIENCE = {Phase.CONNECT: 60, Phase.HELLO: 300, Phase.SENDER: 300, Phase.RECIPIENT: 300}
_DATA_PATIENCE, _DOT_PATIENCE = 120, 600
_DOT = re.compile(rb"^\.", re.MULTILINE)
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
            timeout=_PATIENCE[Phase.HELLO],
        )

    @property
    def alive(self) -> bool:
        """Whether the connection still stands, as far as this end knows."""
        return self._smtp.is_connected

    async def open(self) -> Reply:
        """Connect, greet, secure and log in, as the relay's URL asks. Code 2yz when all is well."""
        reply = await _told(Phase.CONNECT, self._smtp.connect(timeout=_PATIENCE[Phase.CONNECT]))
        if reply.code // 100 != 2:
            return reply
        return await _told(Phase.HELLO, self._smtp.ehlo())

    async def offer(self, sender: str, recipient: str) -> Reply:
        """MAIL FROM and RCPT TO: the first refusal, or the acceptance of the recipient.

        Nothing is sent yet whatever comes back.
        """
        utf8 = not recipient.isascii()
        if utf8 and not self._smtp.supports_extension("smtputf8"):
            return Reply(Phase.RECIPIENT, 553, "5.6.7 the relay carries no non-ASCII addresses")
        options = ["SMTPUTF8"] if utf8 else []
        encoding = "utf-8" if utf8 else "ascii"
        reply = await _told(
            Phase.SENDER, self._smtp.mail(sender, options=options, encoding=encoding)
        )
        if reply.code // 100 != 2:
            return reply
        return await _told(Phase.RECIPIENT, self._smtp.rcpt(recipient, encoding=encoding))

    async def hand_over(self, wire: bytes) -> Reply:
        """DATA, the content, the final dot. Phase DATA: surely not sent; phase DOT: as it says."""
        begun = await _told(Phase.DATA, self._smtp.execute_command(b"DATA", timeout=_DATA_PATIENCE))
        if begun.code != 354:
            return begun
        ended = await _told(Phase.DOT, self._content(wire))
        if ended.code == 0:
            # A late answer to this letter must never be taken for the answer to the next one.
            self._smtp.close()
        return ended

    async def forget(self) -> None:
        """Give up a letter that was offered and shall not leave after all."""
        await _told(Phase.SENDER, self._smtp.rset())

    async def close(self) -> None:
        """Say goodbye. What happens to the goodbye changes nothing about any letter."""
        if self.alive:
            with suppress(SMTPException, OSError):
                await self._smtp.quit(timeout=5)
        self._smtp.close()

    async def _content(self, wire: bytes) -> tuple[int, str]:
        if self._smtp.protocol is None:
            raise ConnectionResetError("the connection was lost")
        self._smtp.protocol.write(_DOT.sub(b"..", wire) + b".\r\n")
        return await self._smtp.protocol.read_response(timeout=_DOT_PATIENCE)


async def _told(phase: Phase, answer: Awaitable[tuple[int, str]]) -> Reply:
    """An answer as a Reply; code 0 where the server gave none that can be read."""
    try:
        code, text = await answer
    except SMTPResponseException as refusal:
        code, text = max(refusal.code, 0), refusal.message
    except (SMTPException, OSError) as fault:
        return Reply(phase, 0, f"{type(fault).__name__}: no answer")
    return Reply(phase, code, text)
