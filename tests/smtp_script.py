"""A mail server that does as it is told, step by step: says what is written for it, late, by half
or not at all, and hangs up when it is told to. Accepts letters where nothing else is written.

Speaks TLS with a certificate made on the spot; checks no password.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)


class Step(StrEnum):
    """Where in a conversation something may be told to happen."""

    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"
    DOT = "dot"
    QUIT = "quit"


class Then(Enum):
    """How it goes on after a step."""

    GO_ON = 0
    HANG = 1
    CUT = 2
    RESET = 3


@dataclass(frozen=True, slots=True)
class Act:
    """At a step: wait, say this, and then."""

    words: bytes | None = None
    then: Then = Then.GO_ON
    after: float = 0.0


def says(words: str, *, after: float = 0.0) -> Act:
    """Answer in these words; a "\\n" in them begins a new line."""
    return Act("\r\n".join([*words.split("\n"), ""]).encode(), after=after)


def half(words: str) -> Act:
    """Answer, but never end the line."""
    return Act(words.encode(), Then.HANG)


HANGS, CUTS, RESETS = Act(b"", Then.HANG), Act(b"", Then.CUT), Act(b"", Then.RESET)
_ORDINARY: dict[Step | None, str] = {
    Step.BANNER: "220 script.test ready",
    Step.STARTTLS: "220 2.0.0 go ahead",
    Step.AUTH: "235 2.7.0 welcome",
    Step.DATA: "354 go on",
    Step.DOT: "250 2.0.0 kept",
    Step.QUIT: "221 2.0.0 bye",
}


class _Over(Exception):
    """The conversation ends here."""


@dataclass(slots=True)
class Accepted:
    """A letter for which the server answers; whether anybody heard it say so is another matter."""

    message_id: str
    recipient: str
    content: bytes


@dataclass(slots=True)
class ScriptedServer:
    """What to do, and what was done: a letter is `accepted` before the answer to its dot."""

    script: dict[Step, Act] = field(default_factory=dict)
    pipelining: bool = True
    auth: bool = False
    certificate: "Certificate | None" = None
    tls_at_once: bool = False
    before_the_answer: Callable[[str], Awaitable[None]] | None = None
    accepted: list[Accepted] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def accepted_for(self, recipient: str) -> list[Accepted]:
        return [each for each in self.accepted if each.recipient == recipient]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from the banner to its end."""
        self.connections += 1
        talk = _Talk(self, reader, writer)
        try:
            await talk.run()
        except (_Over, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@dataclass(slots=True)
class _Talk:
    server: ScriptedServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    recipient: str = ""

    async def run(self) -> None:
        await self._act(Step.BANNER)
        while line := await self.reader.readline():
            self.server.commands.append(line.decode("utf-8", "replace").strip())
            verb = line.split()[0].upper().decode("ascii", "replace") if line.split() else ""
            await self._command(verb, line)

    async def _command(self, verb: str, line: bytes) -> None:
        if verb == "EHLO":
            await self._act(Step.EHLO, self._features())
        elif verb == "RCPT":
            self.recipient = line[line.find(b"<") + 1 : line.rfind(b">")].decode()
            await self._act(Step.RCPT, "250 2.1.5 ok")
        elif verb == "DATA":
            if (await self._act(Step.DATA)).startswith(b"354"):
                await self._content()
        elif verb == "STARTTLS":
            if (await self._act(Step.STARTTLS)).startswith(b"220"):
                assert self.server.certificate
                await self.writer.start_tls(self.server.certificate.server_side)
        elif verb == "QUIT":
            await self._act(Step.QUIT)
            raise _Over
        else:
            step = Step(verb.lower()) if verb.lower() in set(Step) else None
            await self._act(step, _ORDINARY.get(step, "250 2.0.0 ok"))

    async def _content(self) -> None:
        if Step.CONTENT in self.server.script:
            await self._act(Step.CONTENT, "")
        lines = []
        while (line := await self.reader.readline()) not in (b".\r\n", b""):
            lines.append(line)
        if not line:
            raise _Over
        content = b"".join(lines)
        act = self.server.script.get(Step.DOT)
        # Whoever never answers, or not readably, may have kept it: the worst case is played.
        if content and not (act and act.words and act.words[:1] in b"45"):
            found = _MESSAGE_ID.search(content)
            message_id = found[1].decode() if found else "?"
            self.server.accepted.append(Accepted(message_id, self.recipient, content))
        if self.server.before_the_answer:
            await self.server.before_the_answer(self.recipient)
        await self._act(Step.DOT)

    async def _act(self, step: Step | None, ordinary: str = "") -> bytes:
        """Do what is written for a step, or the ordinary thing; returns what was said."""
        ordinary = ordinary or (_ORDINARY.get(step, ""))
        act = self.server.script.get(step) if step else None
        act = act or says(ordinary)
        if act.after:
            await asyncio.sleep(act.after)
        words = act.words if act.words is not None else says(ordinary).words or b""
        self.writer.write(words)
        await self.writer.drain()
        match act.then:
            case Then.HANG:
                await asyncio.sleep(3600)
            case Then.CUT:
                raise _Over
            case Then.RESET:
                self._reset()
                raise _Over
        return words

    def _reset(self) -> None:
        """End with RST instead of FIN: what lies in the buffers is lost on both sides."""
        plug: socket.socket = self.writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def _features(self) -> str:
        secured = self.writer.get_extra_info("ssl_object") is not None
        names = ["script.test", "8BITMIME", "SMTPUTF8"]
        names += ["PIPELINING"] if self.server.pipelining else []
        offers_tls = self.server.certificate and not secured and not self.server.tls_at_once
        names += ["STARTTLS"] if offers_tls else []
        names += ["AUTH PLAIN"] if self.server.auth else []
        return "\n".join([*(f"250-{name}" for name in names[:-1]), f"250 {names[-1]}"])


@asynccontextmanager
async def serving(server: ScriptedServer, *, window: int = 0) -> AsyncIterator[ScriptedServer]:
    """`server`, listening on loopback in the test's own loop. With `window` it takes in no more
    than so many bytes (and some) while it does not read.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    if window:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    server.port = listening.getsockname()[1]
    talks = set[asyncio.Task[None]]()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.ensure_future(server.converse(reader, writer)))

    tls = server.certificate.server_side if server.certificate and server.tls_at_once else None
    limit = window or 2**16
    running = await asyncio.start_server(begin, sock=listening, ssl=tls, limit=limit)
    try:
        yield server
    finally:
        running.close()
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for 127.0.0.1 that nobody has signed but itself."""

    path: Path
    server_side: ssl.SSLContext


def certificate(folder: Path) -> Certificate:
    """Make one; who is to trust it is told by SSL_CERT_FILE."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "script.test")])
    now = datetime.now(UTC)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return Certificate(pem, context)
