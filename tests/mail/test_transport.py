"""What a line to the relay tells: which phase, which answer, and whether it can be known at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.domain.answer import weigh
from app.domain.delivery import Event, Phase
from app.domain.errors import SettingMissing
from app.mail.next_hop import Relay, relay
from app.mail.transport import Line
from tests.fakes import FakeRelay, running

WIRE = b"Subject: x\r\n\r\n.dot\r\n..dots\r\nend\r\n"
GOOD = {"hello": "250 here", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", "dot": "250 ok"}


@asynccontextmanager
async def server(**answers: str) -> AsyncIterator[Relay]:
    """A server that answers each step as told; "" closes the connection, "hang" says nothing."""
    script = GOOD | answers
    gone, talks = asyncio.Event(), set[asyncio.Task[object]]()

    async def say(writer: asyncio.StreamWriter, step: str) -> bool:
        answer = script[step]
        if answer == "hang":
            await gone.wait()
        if not answer or answer == "hang":
            return False
        writer.write(answer.encode() + b"\r\n")
        return True

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            verb = line[:4].decode().upper()
            step = {"EHLO": "hello", "QUIT": "dot", "RSET": "dot"}.get(verb, verb)
            if not await say(writer, step):
                break
            if verb == "DATA" and script["DATA"].startswith("354"):
                while await reader.readline() not in (b".\r\n", b""):
                    pass
                if not await say(writer, "dot"):
                    break
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    yield Relay("smtp", "127.0.0.1", port, None, None)
    gone.set()
    listening.close()
    await asyncio.gather(*talks)
    await listening.wait_closed()


async def hand_over(hop: Relay) -> tuple[Phase, int, Event]:
    line = Line(hop, helo="cours.test")
    reply = await line.open()
    if reply.code == 250:
        reply = await line.send("b@cours.test", "c@example.fr", WIRE)
    await line.close()
    return reply.phase, reply.code, weigh(reply).event


@pytest.mark.parametrize(
    ("answers", "phase", "code", "event"),
    [
        ({}, Phase.DOT, 250, Event.ACCEPT),
        ({"hello": ""}, Phase.HELLO, 0, Event.DEFER),
        ({"MAIL": "550 5.7.1 no"}, Phase.SENDER, 550, Event.DEFER),
        ({"MAIL": ""}, Phase.SENDER, 0, Event.DEFER),
        ({"RCPT": "550 5.1.1 unknown"}, Phase.RECIPIENT, 550, Event.REJECT),
        ({"RCPT": "452 4.2.2 full"}, Phase.RECIPIENT, 452, Event.DEFER),
        ({"RCPT": ""}, Phase.RECIPIENT, 0, Event.DEFER),
        ({"DATA": "554 no"}, Phase.DATA, 554, Event.REJECT),
        ({"DATA": ""}, Phase.DATA, 0, Event.DEFER),
        ({"dot": ""}, Phase.DOT, 0, Event.LOSE),
        ({"dot": "garbage"}, Phase.DOT, 0, Event.LOSE),
        ({"dot": "451 later"}, Phase.DOT, 451, Event.DEFER),
        ({"dot": "550 spam"}, Phase.DOT, 550, Event.REJECT),
        ({"dot": "250-two\r\n250 lines"}, Phase.DOT, 250, Event.ACCEPT),
    ],
)
@pytest.mark.parametrize("hello", ["250 here", "250-here\r\n250 PIPELINING"])
async def test_each_way_to_fail_is_told_apart(hello, answers, phase, code, event):
    async with server(**{"hello": hello} | answers) as hop:
        assert await hand_over(hop) == (phase, code, event)


async def test_nobody_at_the_door_is_a_fault_of_the_connection():
    hop = Relay("smtp", "127.0.0.1", 1, None, None)
    assert await hand_over(hop) == (Phase.CONNECT, 0, Event.DEFER)


async def test_one_line_carries_many_letters_and_dots_arrive_as_they_were():
    async with running(FakeRelay()) as fake:
        line = Line(relay(fake.url), helo="cours.test")
        await line.open()
        for n in range(3):
            reply = await line.send("b@cours.test", f"c{n}@example.fr", WIRE)
            assert (reply.phase, reply.code) == (Phase.DOT, 250)
        await line.close()
    assert [letter.raw for letter in fake.caught] == [WIRE] * 3


async def test_after_a_refusal_the_line_carries_the_next_letter():
    async with running(FakeRelay(at_rcpt={"gone@example.fr": "550 5.1.1 unknown"})) as fake:
        line = Line(relay(fake.url), helo="cours.test")
        await line.open()
        assert (await line.send("b@cours.test", "gone@example.fr", WIRE)).code == 550
        assert (await line.send("b@cours.test", "here@example.fr", WIRE)).code == 250
        await line.close()
    assert [letter.recipient for letter in fake.caught] == ["here@example.fr"]


async def test_a_mailbox_beyond_ascii_needs_a_relay_that_carries_it():
    async with server() as hop:
        line = Line(hop, helo="cours.test")
        await line.open()
        reply = await line.send("b@cours.test", "é@example.fr", WIRE)
        await line.close()
    assert (reply.phase, reply.code, reply.enhanced) == (Phase.RECIPIENT, 553, "5.6.7")


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("smtp://localhost", Relay("smtp", "localhost", 25, None, None)),
        ("smtps://u:p%40ss@mx.test", Relay("smtps", "mx.test", 465, "u", "p@ss")),
        ("smtp+starttls://u:p@mx.test:2587", Relay("smtp+starttls", "mx.test", 2587, "u", "p")),
    ],
)
def test_a_relay_is_named_by_a_url(url, read):
    assert relay(url) == read


@pytest.mark.parametrize("url", ["", "mx.test", "http://mx.test", "smtp://", "smtp://host:99999"])
def test_a_url_that_names_no_relay_is_explained(url):
    with pytest.raises(SettingMissing, match="FEUILLETON_SMTP_URL"):
        relay(url)
