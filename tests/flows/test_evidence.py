"""A mail that names a letter shows that it arrived: replies, reports of failure, complaints."""

from email.message import EmailMessage

from app.db import conversations, deliveries, rulings
from app.domain import token
from app.domain.conversation import Turn
from app.domain.delivery import State
from app.domain.token import Purpose
from app.mail.compose import return_path
from tests.doubts import lessons, letter, lose_answer, lose_second_lesson, ruled, time_passes
from tests.town import CAMILLE, Town


def bounce_of(wire: bytes, status: str = "5.1.1") -> bytes:
    """The report of a server that took the letter and could not deliver it (RFC 3464)."""
    head = wire.partition(b"\r\n\r\n")[0].decode()
    return (
        "From: MAILER-DAEMON@relay.example\r\nSubject: Undelivered Mail\r\n"
        "Message-ID: <report@relay.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\r\n\r\n'
        "--x\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--x\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; {CAMILLE}\r\nAction: failed\r\nStatus: {status}\r\n"
        f"--x\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n--x--\r\n"
    ).encode()


def complaint_about(wire: bytes) -> bytes:
    """What a provider sends when its user says "spam" (RFC 5965)."""
    return (
        (
            b"From: fbl@provider.example\r\nSubject: complaint\r\n"
            b"Message-ID: <fbl@provider.example>\r\nMIME-Version: 1.0\r\n"
            b'Content-Type: multipart/report; report-type=feedback-report; boundary="x"\r\n\r\n'
            b"--x\r\nContent-Type: text/plain\r\n\r\nAn abuse report.\r\n"
            b"--x\r\nContent-Type: message/feedback-report\r\n\r\n"
            b"Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\n\r\n"
            b"--x\r\nContent-Type: message/rfc822\r\n\r\n"
        )
        + wire
        + b"\r\n--x--\r\n"
    )


def reply_to(wire: bytes, **headers: str) -> bytes:
    """What a mail program, or a machine, makes of an answer to the letter."""
    head = wire.partition(b"\r\n\r\n")[0].decode()
    message_id = next(line for line in head.split("\r\n") if line.startswith("Message-ID:"))
    reply = EmailMessage()
    reply["From"], reply["To"] = CAMILLE, "cours@cours.test"
    reply["Message-ID"] = "<reply@mail.example.fr>"
    reply["In-Reply-To"] = message_id.partition(": ")[2]
    for name, value in headers.items():
        reply[name.replace("_", "-")] = value
    reply.set_content("Merci, je réfléchis.")
    return reply.as_bytes()


async def test_a_reply_shows_that_the_lesson_arrived(town: Town):
    number, (wire,) = await lose_second_lesson(town)
    incoming = await town.mail_comes_in(reply_to(wire))
    assert await lessons(town) == [State.ACCEPTED, State.ACCEPTED, State.PLANNED]
    async with town.parts.database.reading() as session:
        (ruling,) = await rulings.rulings_on(session, number)
        assert (await conversations.conversation(session, 1)).turn is Turn.OPEN
    assert (ruling.verdict, ruling.by) == ("sent", "evidence")
    assert ruling.because == f"incoming {incoming}: human"


async def test_an_answer_that_is_answered_was_received(town: Town):
    number = await lose_answer(town)
    wire = town.relay.cut_off[0]
    await town.mail_comes_in(reply_to(wire))
    assert (await letter(town, number)).state is State.ACCEPTED
    async with town.parts.database.reading() as session:
        assert (await conversations.conversation(session, 1)).turn is Turn.OPEN


async def test_a_report_of_failure_settles_the_doubt_and_then_has_its_usual_effect(town: Town):
    number, (wire,) = await lose_second_lesson(town)
    town.relay.at_dot.clear()
    tag = token.tag(Purpose.RETURN, number, keys=town.parts.here.keys)
    await town.mail_comes_in(bounce_of(wire), to=return_path(tag, "cours.test"))
    assert await ruled(town, number) == [("sent", "evidence")]
    await town.days_pass(3)
    assert len(town.mailbox()) == 2
    assert await lessons(town) == [State.ACCEPTED, State.ACCEPTED, State.CANCELLED]


async def test_a_complaint_settles_the_doubt_and_ends_the_course(town: Town):
    number, (wire,) = await lose_second_lesson(town)
    await town.mail_comes_in(complaint_about(wire))
    assert await ruled(town, number) == [("sent", "evidence")]
    assert await lessons(town) == [State.ACCEPTED, State.ACCEPTED, State.CANCELLED]


async def test_a_mail_that_names_no_letter_settles_nothing(town: Town):
    number, _ = await lose_second_lesson(town)
    stranger = EmailMessage()
    stranger["From"], stranger["To"] = CAMILLE, "cours@cours.test"
    stranger["Message-ID"] = "<m@mail.example.fr>"
    stranger.set_content("Où est la leçon ?")
    await town.mail_comes_in(stranger.as_bytes())
    assert await ruled(town, number) == []


async def test_a_machine_that_answered_before_the_silence_was_noticed_counts_too(town: Town):
    """The worker dies with the letter in hand; an absence notice comes before its lease is over."""
    number, (wire,) = await lose_second_lesson(town)
    async with town.parts.database.writing() as session:
        lost = await deliveries.delivery(session, number)
        lost.state, lost.lease_until = State.IN_DATA, town.clock()
    await town.mail_comes_in(reply_to(wire, Auto_Submitted="auto-replied"))
    assert await ruled(town, number) == []
    await time_passes(town, minutes=2)
    assert await ruled(town, number) == [("sent", "evidence")]
