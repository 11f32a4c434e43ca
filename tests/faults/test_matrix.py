"""What a server may do to a letter, step by step, and what becomes of it.

Each row of the matrix is played by a scripted server against the real connection and the real
rows. Then the server mends its ways and an hour passes: what waited arrives, once; what may have
arrived is not sent again; and nobody is struck off for what was said before his name was.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.db.deliveries import Attempt, Delivery
from app.db.people import Suppression
from app.domain.delivery import Phase, State
from app.mail import transport
from app.mail.next_hop import relay
from app.wiring import Parts
from app.worker import Worker
from tests.fakes import Clock
from tests.faults.oracle import address, enroll
from tests.smtp_script import (
    CUTS,
    HANGS,
    RESETS,
    Act,
    Certificate,
    ScriptedServer,
    Step,
    Then,
    certificate,
    half,
    says,
    serving,
)

pytestmark = pytest.mark.timeout(20)

IMPATIENT = transport.Patience(connect=0.3, command=0.3, data=0.3, dot=0.5)
LEARNERS = 2
# What never comes to the rows of a letter is the same on both engines.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass(slots=True)
class Place:
    """The parts of an installation and the server that they send through."""

    parts: Parts
    clock: Clock
    server: ScriptedServer = field(default_factory=ScriptedServer)

    def sends_through(self, url: str) -> None:
        self.parts.office.relay = relay(url)
        self.parts.office.patience = IMPATIENT

    async def mail_goes_out(self) -> None:
        await Worker(self.parts).send_letters()

    async def is_mended(self) -> None:
        """The server does as it should, and an hour passes with a worker in it."""
        self.server.script.clear()
        for _ in range(4):
            self.clock.now += timedelta(minutes=15)
            worker = Worker(self.parts)
            await worker.sweep()
            await worker.send_letters()

    async def lessons(self) -> list[Delivery]:
        async with self.parts.database.reading() as session:
            first = select(Delivery).order_by(Delivery.id).limit(LEARNERS)
            return list(await session.scalars(first))

    async def states(self) -> set[State]:
        return {each.state for each in await self.lessons()}

    async def attempts(self) -> set[tuple[str, int, str]]:
        """What the ledger says: phase, code and outcome of each try."""
        async with self.parts.database.reading() as session:
            tried = await session.scalars(select(Attempt))
            return {(each.phase_name, each.code, each.outcome) for each in tried}

    async def struck_off(self) -> int:
        async with self.parts.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(Suppression)) or 0

    def accepted(self) -> list[int]:
        """How many letters the server kept for each learner."""
        return [len(self.server.accepted_for(address(n + 1))) for n in range(LEARNERS)]


@pytest.fixture
async def place(parts: Parts, clock: Clock) -> Place:
    await enroll(parts, LEARNERS)
    return Place(parts, clock)


@pytest.fixture
async def talking(request: pytest.FixtureRequest, place: Place) -> AsyncIterator[Place]:
    """A place whose server offers PIPELINING, or does not."""
    place.server.pipelining = request.param == "pipelined"
    async with serving(place.server):
        place.sends_through(f"smtp://127.0.0.1:{place.server.port}")
        yield place


@dataclass(frozen=True, slots=True)
class Case:
    """What the server does at a step; how far the letter came; what becomes of it, and later."""

    step: Step
    act: Act
    phase: Phase
    code: int
    state: State
    later: State
    struck_off: bool = False

    @property
    def attempt(self) -> tuple[str, int, str]:
        """What the ledger says of the try; a letter that is held was deferred, and then kept."""
        outcome = State.DEFERRED if self.state is State.HELD else self.state
        return self.phase.name.lower(), self.code, outcome


DEFERRED, UNKNOWN, ACCEPTED = State.DEFERRED, State.UNKNOWN, State.ACCEPTED
HELD, REJECTED = State.HELD, State.REJECTED
GONE = "550 5.1.1 no such user"
CASES = {
    "MAIL 421": Case(Step.MAIL, says("421 closing"), Phase.SENDER, 421, DEFERRED, ACCEPTED),
    "MAIL 451": Case(Step.MAIL, says("451 not now"), Phase.SENDER, 451, DEFERRED, ACCEPTED),
    "MAIL 550": Case(Step.MAIL, says("550 go away"), Phase.SENDER, 550, HELD, HELD),
    "MAIL 550 gone": Case(Step.MAIL, says(GONE), Phase.SENDER, 550, HELD, HELD),
    "MAIL 530": Case(Step.MAIL, says("530 5.7.0 log in"), Phase.SENDER, 530, HELD, HELD),
    "MAIL cut": Case(Step.MAIL, CUTS, Phase.SENDER, 0, DEFERRED, ACCEPTED),
    "MAIL hang": Case(Step.MAIL, HANGS, Phase.SENDER, 0, DEFERRED, ACCEPTED),
    "MAIL garbage": Case(Step.MAIL, says("what?"), Phase.SENDER, 0, DEFERRED, ACCEPTED),
    "RCPT 450": Case(Step.RCPT, says("450 busy"), Phase.RECIPIENT, 450, DEFERRED, ACCEPTED),
    "RCPT 451 grey": Case(
        Step.RCPT, says("451 4.7.1 greylisted"), Phase.RECIPIENT, 451, DEFERRED, ACCEPTED
    ),
    "RCPT 550 gone": Case(
        Step.RCPT, says(GONE), Phase.RECIPIENT, 550, REJECTED, REJECTED, struck_off=True
    ),
    "RCPT 550 bare": Case(Step.RCPT, says("550 no"), Phase.RECIPIENT, 550, REJECTED, REJECTED),
    "RCPT 550 policy": Case(Step.RCPT, says("550 5.7.1 blocked"), Phase.RECIPIENT, 550, HELD, HELD),
    "RCPT 552 full": Case(
        Step.RCPT, says("552 5.2.2 mailbox full"), Phase.RECIPIENT, 552, DEFERRED, ACCEPTED
    ),
    "RCPT cut": Case(Step.RCPT, CUTS, Phase.RECIPIENT, 0, DEFERRED, ACCEPTED),
    "RCPT reset": Case(Step.RCPT, RESETS, Phase.RECIPIENT, 0, DEFERRED, ACCEPTED),
    "RCPT hang": Case(Step.RCPT, HANGS, Phase.RECIPIENT, 0, DEFERRED, ACCEPTED),
    "DATA 451": Case(Step.DATA, says("451 full disk"), Phase.DATA, 451, DEFERRED, ACCEPTED),
    "DATA 554": Case(Step.DATA, says("554 5.7.1 no"), Phase.DATA, 554, HELD, HELD),
    "354 cut": Case(Step.DATA, CUTS, Phase.DATA, 0, DEFERRED, ACCEPTED),
    "354 hang": Case(Step.DATA, HANGS, Phase.DATA, 0, DEFERRED, ACCEPTED),
    "354 half": Case(Step.DATA, half("354 go"), Phase.DATA, 0, DEFERRED, ACCEPTED),
    "cut after 354": Case(
        Step.DATA, Act(b"354 go on\r\n", Then.CUT), Phase.DOT, 0, UNKNOWN, UNKNOWN
    ),
    "body stall": Case(Step.CONTENT, HANGS, Phase.DOT, 0, UNKNOWN, UNKNOWN),
    "body cut": Case(
        Step.CONTENT, Act(b"", Then.RESET, after=0.05), Phase.DOT, 0, UNKNOWN, UNKNOWN
    ),
    "dot 250": Case(Step.DOT, says("250 ok"), Phase.DOT, 250, ACCEPTED, ACCEPTED),
    "dot 250 late": Case(Step.DOT, says("250 ok", after=0.3), Phase.DOT, 250, ACCEPTED, ACCEPTED),
    "dot 250 too late": Case(Step.DOT, says("250 ok", after=0.8), Phase.DOT, 0, UNKNOWN, UNKNOWN),
    "dot 250 lost": Case(Step.DOT, RESETS, Phase.DOT, 0, UNKNOWN, UNKNOWN),
    "dot cut": Case(Step.DOT, CUTS, Phase.DOT, 0, UNKNOWN, UNKNOWN),
    "dot hang": Case(Step.DOT, HANGS, Phase.DOT, 0, UNKNOWN, UNKNOWN),
    "dot 421": Case(Step.DOT, says("421 4.3.2 down"), Phase.DOT, 421, DEFERRED, ACCEPTED),
    "dot 451": Case(Step.DOT, says("451 4.3.0 later"), Phase.DOT, 451, DEFERRED, ACCEPTED),
    "dot 550": Case(Step.DOT, says("550 5.6.0 bad"), Phase.DOT, 550, REJECTED, REJECTED),
    "dot garbage": Case(Step.DOT, says("ok, fine"), Phase.DOT, 0, UNKNOWN, UNKNOWN),
    "dot 354": Case(Step.DOT, says("354 go on"), Phase.DOT, 354, UNKNOWN, UNKNOWN),
    "dot half line": Case(Step.DOT, half("250 2.0.0 ke"), Phase.DOT, 0, UNKNOWN, UNKNOWN),
    "dot half a multi-line": Case(
        Step.DOT, half("250-2.0.0 kept\r\n"), Phase.DOT, 0, UNKNOWN, UNKNOWN
    ),
    "dot multi-line": Case(
        Step.DOT, says("250-2.0.0 kept\n250 2.0.0 as X1"), Phase.DOT, 250, ACCEPTED, ACCEPTED
    ),
    "QUIT cut": Case(Step.QUIT, CUTS, Phase.DOT, 250, ACCEPTED, ACCEPTED),
    "QUIT reset": Case(Step.QUIT, RESETS, Phase.DOT, 250, ACCEPTED, ACCEPTED),
}


@pytest.mark.parametrize(
    ("database_url", "talking"),
    [("sqlite", "one by one"), ("postgresql", "pipelined")],
    indirect=True,
)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_letter_meets_a_server_that_fails_at_a_step(talking: Place, case: Case):
    talking.server.script[case.step] = case.act
    await talking.mail_goes_out()
    assert await talking.states() == {case.state}
    assert await talking.attempts() == {case.attempt}

    await talking.is_mended()
    assert await talking.states() == {case.later}
    assert max(talking.accepted()) <= 1
    if case.later is ACCEPTED:
        assert min(talking.accepted()) == 1
    assert bool(await talking.struck_off()) == case.struck_off


BEFORE_ANY_LETTER = {
    "no banner": (Step.BANNER, HANGS, Phase.CONNECT, 0),
    "421 banner": (Step.BANNER, says("421 too busy"), Phase.CONNECT, 421),
    "554 banner": (Step.BANNER, says("554 no mail here"), Phase.CONNECT, 554),
    "banner cut": (Step.BANNER, CUTS, Phase.CONNECT, 0),
    "banner garbage": (Step.BANNER, says("hello"), Phase.CONNECT, 0),
    "EHLO cut": (Step.EHLO, CUTS, Phase.HELLO, 0),
    "EHLO hang": (Step.EHLO, HANGS, Phase.HELLO, 0),
    "EHLO 421": (Step.EHLO, says("421 no"), Phase.HELLO, 421),
}


async def costs_nothing(place: Place, phase: Phase, code: int) -> None:
    """The letters wait untouched, with the reason, and arrive when the relay is back."""
    await place.mail_goes_out()
    fault = place.parts.office.relay_fault
    assert fault is not None
    assert (fault.phase, fault.code) == (phase, code)
    waiting = await place.lessons()
    assert {(each.state, each.attempts) for each in waiting} == {(State.PLANNED, 0)}
    assert all("cannot be reached" in (each.reason or "") for each in waiting)
    assert await place.struck_off() == 0


async def and_arrives_once(place: Place) -> None:
    await place.is_mended()
    assert await place.states() == {ACCEPTED}
    assert place.accepted() == [1] * LEARNERS


@ON_SQLITE
@pytest.mark.parametrize(
    ("step", "act", "phase", "code"), BEFORE_ANY_LETTER.values(), ids=BEFORE_ANY_LETTER
)
async def test_a_relay_that_fails_before_any_letter_costs_no_letter(
    place: Place, step: Step, act: Act, phase: Phase, code: int
):
    place.server.script[step] = act
    async with serving(place.server):
        place.sends_through(f"smtp://127.0.0.1:{place.server.port}")
        await costs_nothing(place, phase, code)
        await and_arrives_once(place)


@ON_SQLITE
async def test_a_relay_that_refuses_the_connection_costs_no_letter(place: Place):
    place.sends_through("smtp://127.0.0.1:1")
    await costs_nothing(place, Phase.CONNECT, 0)


@ON_SQLITE
async def test_however_many_letters_wait_they_go_on_waiting_and_then_they_go(place: Place):
    many = 60
    await enroll(place.parts, many - LEARNERS, after=LEARNERS)
    place.parts.office.connections = 2
    place.sends_through("smtp://127.0.0.1:1")
    async with asyncio.timeout(10):
        await costs_nothing(place, Phase.CONNECT, 0)
    async with serving(place.server):
        place.sends_through(f"smtp://127.0.0.1:{place.server.port}")
        async with asyncio.timeout(10):
            await place.is_mended()
    assert len({each.message_id for each in place.server.accepted}) == many
    assert len(place.server.accepted) == many


@pytest.fixture
def self_signed(tmp_path: Path) -> Certificate:
    return certificate(tmp_path)


@pytest.fixture
def trusted(self_signed: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    monkeypatch.setenv("SSL_CERT_FILE", str(self_signed.path))
    return self_signed


SECURED = {
    "STARTTLS 454": (Step.STARTTLS, says("454 4.7.0 not now"), 454),
    "STARTTLS cut": (Step.STARTTLS, CUTS, 0),
    "STARTTLS hang": (Step.STARTTLS, HANGS, 0),
    "AUTH 535": (Step.AUTH, says("535 5.7.8 wrong"), 535),
    "AUTH 454": (Step.AUTH, says("454 4.7.0 later"), 454),
    "AUTH cut": (Step.AUTH, CUTS, 0),
}


@ON_SQLITE
@pytest.mark.parametrize(("step", "act", "code"), SECURED.values(), ids=SECURED)
async def test_a_relay_that_fails_to_secure_or_to_let_in_costs_no_letter(
    place: Place, trusted: Certificate, step: Step, act: Act, code: int
):
    place.server = ScriptedServer({step: act}, auth=True, certificate=trusted)
    async with serving(place.server):
        place.sends_through(f"smtp+starttls://me:secret@127.0.0.1:{place.server.port}")
        await costs_nothing(place, Phase.CONNECT, code)
        await and_arrives_once(place)
        assert not any(command.startswith("AUTH PLAIN\0") for command in place.server.commands)


@ON_SQLITE
@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_a_certificate_that_nobody_signed_costs_no_letter(
    place: Place, self_signed: Certificate, scheme: str
):
    at_once = scheme == "smtps"
    place.server = ScriptedServer(certificate=self_signed, tls_at_once=at_once, auth=True)
    async with serving(place.server):
        place.sends_through(f"{scheme}://me:secret@127.0.0.1:{place.server.port}")
        await costs_nothing(place, Phase.CONNECT, 0)
    assert not [each for each in place.server.commands if each.startswith("AUTH")]


@ON_SQLITE
@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_a_letter_goes_out_under_tls_and_the_ledger_says_so(
    place: Place, trusted: Certificate, scheme: str
):
    at_once = scheme == "smtps"
    place.server = ScriptedServer(certificate=trusted, tls_at_once=at_once, auth=True)
    async with serving(place.server):
        place.sends_through(f"{scheme}://me:secret@127.0.0.1:{place.server.port}")
        await place.mail_goes_out()
    assert place.accepted() == [1] * LEARNERS


@ON_SQLITE
async def test_a_receiver_that_reads_on_after_we_gave_up_has_the_letter_once(place: Place):
    place.server.script[Step.CONTENT] = Act(b"", after=1.0)
    async with serving(place.server, window=2048):
        place.sends_through(f"smtp://127.0.0.1:{place.server.port}")
        await place.mail_goes_out()
        assert await place.states() == {UNKNOWN}
        await place.is_mended()
        assert await place.states() == {UNKNOWN}
    assert max(place.accepted()) <= 1
