"""The doors for mail: who may enter, and that 250 means "kept"."""

import asyncio
import smtplib

import pytest
from sqlalchemy.exc import OperationalError

from app.db import conversations
from app.inbox import gate
from app.mail.listener import Brought, Gate, listen
from tests.town import Town

RAW = b"From: camille@example.fr\r\nTo: cours@cours.test\r\nSubject: x\r\n\r\nBonjour.\r\n"


async def bring(server: asyncio.Server, recipient: str, *, lmtp: bool) -> tuple[int, str]:
    """What a mail server reads when it brings a letter; in a thread, as it would be elsewhere."""
    port = server.sockets[0].getsockname()[1]

    def talk() -> tuple[int, str]:
        speak = smtplib.LMTP if lmtp else smtplib.SMTP
        with speak("127.0.0.1", port) as client:
            client.ehlo()
            client.mail("camille@example.fr")
            code, said = client.rcpt(recipient)
            if code != 250:
                return code, said.decode()
            code, said = client.data(RAW)
            return code, said.decode()

    return await asyncio.to_thread(talk)


@pytest.mark.parametrize("lmtp", [True, False])
async def test_a_letter_that_was_answered_250_is_kept_with_its_envelope(town: Town, lmtp: bool):
    server = await listen(gate(town.parts, via="lmtp"), "127.0.0.1", 0, lmtp=lmtp)
    code, _ = await bring(server, "cours@cours.test", lmtp=lmtp)
    server.close()
    assert code == 250
    async with town.parts.database.reading() as session:
        (waiting,) = await conversations.to_be_filed(session, 10)
        letter = await conversations.incoming(session, waiting)
        assert await conversations.raw_of(session, waiting) == RAW
    assert (letter.envelope_from, letter.envelope_to) == ("camille@example.fr", "cours@cours.test")


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("nobody@cours.test", 550),
        ("cours@elsewhere.test", 550),
        ("r+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@cours.test", 550),
        ("b+short@rebonds.cours.test", 550),
        ("postmaster@cours.test", 250),
        ("AUTEUR@COURS.TEST", 250),
    ],
)
async def test_mail_for_nobody_does_not_enter(town: Town, recipient: str, code: int):
    server = await listen(gate(town.parts, via="lmtp"), "127.0.0.1", 0, lmtp=True)
    assert (await bring(server, recipient, lmtp=True))[0] == code
    server.close()


async def test_the_tags_of_our_letters_are_open_in_any_case(town: Town):
    await town.becomes_a_learner()
    lesson = town.mailbox()[1]
    server = await listen(gate(town.parts, via="lmtp"), "127.0.0.1", 0, lmtp=True)
    for address in (str(lesson.message["Reply-To"]), lesson.sender):
        assert (await bring(server, address.upper(), lmtp=True))[0] == 250
    server.close()


async def test_what_could_not_be_kept_is_to_be_brought_again():
    async def anybody(_: str) -> bool:
        return True

    async def full(_: Brought) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    server = await listen(Gate(admits=anybody, take=full), "127.0.0.1", 0, lmtp=True)
    code, said = await bring(server, "cours@cours.test", lmtp=True)
    server.close()
    assert code == 451
    assert "again" in said
