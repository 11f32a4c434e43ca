"""Mail that comes in: kept first, filed in its place, and allowed to act only when it may."""

import pytest

from app.db import conversations, people, register
from app.db.conversations import IncomingLetter
from app.domain.conversation import Turn
from tests.town import CAMILLE, Town


async def kept(town: Town, incoming_id: int) -> IncomingLetter:
    async with town.parts.database.reading() as session:
        return await conversations.incoming(session, incoming_id)


async def open_conversations(town: Town) -> list[register.Waiting]:
    async with town.parts.database.reading() as session:
        return list(await register.conversations_in(session, Turn.OPEN))


async def words(town: Town) -> list[str]:
    found = []
    async with town.parts.database.reading() as session:
        for waiting in await register.conversations_in(session, Turn.OPEN):
            remarks = await conversations.remarks_of(session, waiting.conversation.id)
            found += [remark.words for remark in remarks]
    return found


async def test_a_reply_finds_its_learner_and_its_lesson(town: Town):
    await town.becomes_a_learner()
    await town.days_pass(1)
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "À propos de la première."))
    (waiting,) = await open_conversations(town)
    assert waiting.person.email == CAMILLE
    assert waiting.lesson is not None
    assert waiting.lesson.position == 1
    assert await words(town) == ["À propos de la première."]


async def test_words_and_what_was_left_out_are_both_kept(town: Town):
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "Oui."))
    (waiting,) = await open_conversations(town)
    async with town.parts.database.reading() as session:
        (remark,) = await conversations.remarks_of(session, waiting.conversation.id)
    assert remark.words == "Oui."
    assert "> Bonjour Camille," in remark.elided


async def test_the_same_mail_by_two_ways_counts_once(town: Town):
    await town.becomes_a_learner()
    raw = town.reply_to(town.mailbox()[1], "Une fois.")
    once = await town.mail_comes_in(raw)
    again = await town.mail_comes_in(b"Received: from elsewhere\r\n by here; today\r\n" + raw)
    assert once == again
    assert await words(town) == ["Une fois."]


async def test_without_reply_to_the_thread_names_the_lesson(town: Town):
    await town.becomes_a_learner()
    raw = town.reply_to(town.mailbox()[1], "Sans étiquette.")
    head, gap, body = raw.partition(b"\n\n")
    head = b"\n".join(
        b"To: cours@cours.test" if line.startswith(b"To:") else line for line in head.split(b"\n")
    )
    letter = await kept(town, await town.mail_comes_in(head + gap + body))
    assert letter.attributed_by == "thread"
    assert len(await open_conversations(town)) == 1


async def test_a_bare_mail_from_a_learner_goes_to_the_lesson_received_last(town: Town):
    await town.becomes_a_learner()
    raw = f"From: {CAMILLE}\nTo: cours@cours.test\nSubject: Bonjour\n\nUne idée.\n".encode()
    letter = await kept(town, await town.mail_comes_in(raw))
    assert letter.attributed_by == "sender"
    (waiting,) = await open_conversations(town)
    assert waiting.lesson is not None


async def test_a_stranger_becomes_no_subscriber_and_the_letter_is_kept(town: Town):
    raw = b"From: stranger@example.org\nTo: cours@cours.test\nSubject: hello\n\nHello.\n"
    letter = await kept(town, await town.mail_comes_in(raw))
    assert letter.filing == "unfiled"
    assert letter.reason
    async with town.parts.database.reading() as session:
        assert await people.subscriber_by_key(session, "stranger@example.org") is None
        assert await conversations.raw_of(session, letter.id) == raw


async def test_a_forged_tag_opens_no_conversation(town: Town):
    await town.becomes_a_learner()
    raw = b"From: x@example.org\nTo: r+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@cours.test\n\nBonjour.\n"
    letter = await kept(town, await town.mail_comes_in(raw))
    assert letter.filing == "unfiled"


async def test_stop_from_the_learner_ends_the_course(town: Town):
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "STOP"))
    assert (await town.enrollment()).standing == "left"


async def test_stop_from_somebody_elses_address_only_speaks(town: Town):
    await town.becomes_a_learner()
    stranger = "ami@example.org"
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "STOP", sender=stranger))
    assert (await town.enrollment()).standing == "active"
    async with town.parts.database.reading() as session:
        (waiting,) = await register.conversations_in(session, Turn.OPEN)
        (remark,) = await conversations.remarks_of(session, waiting.conversation.id)
    assert remark.written_from == stranger


def bounce(return_path: str, status: str) -> bytes:
    """A report as Postfix writes it."""
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.example.fr (Mail Delivery System)
To: {return_path}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.fr

Final-Recipient: rfc822; {CAMILLE}
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} refused

--b--
""".encode()


@pytest.mark.parametrize(("status", "letters"), [("5.1.1", 2), ("5.2.2", 3), ("5.7.1", 3)])
async def test_only_a_dead_mailbox_ends_a_course(town: Town, status: str, letters: int):
    await town.becomes_a_learner()
    await town.mail_comes_in(bounce(town.mailbox()[1].sender, status))
    await town.days_pass(1)
    assert len(town.mailbox()) == letters


async def test_a_bounce_that_names_no_letter_of_ours_does_nothing(town: Town):
    await town.becomes_a_learner()
    forged = "b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@rebonds.cours.test"
    await town.mail_comes_in(bounce(forged, "5.1.1"))
    assert (await town.enrollment()).standing == "active"


async def test_an_absence_notice_is_no_reply(town: Town):
    await town.becomes_a_learner()
    raw = town.reply_to(town.mailbox()[1], "Je suis absente jusqu’au 12.")
    letter = await kept(town, await town.mail_comes_in(b"Auto-Submitted: auto-replied\n" + raw))
    assert (letter.kind, letter.filing) == ("auto_reply", "filed")
    assert await open_conversations(town) == []


HALF = b"To: cours@cours.test\nSubject: =?utf-7?Q?+2AA-?=\n\nx\n"


@pytest.mark.parametrize("raw", [b"", b"\0\0\0", b"\xff" * 100, b"From: \n\n", b"\r\n\r\n", HALF])
async def test_no_bytes_are_lost_whatever_they_are(town: Town, raw: bytes):
    letter = await kept(town, await town.mail_comes_in(raw))
    assert letter.filing in ("filed", "unfiled")
    async with town.parts.database.reading() as session:
        assert await conversations.raw_of(session, letter.id) == raw
