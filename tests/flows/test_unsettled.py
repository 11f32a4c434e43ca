"""Letters of which nobody knows whether they arrived: what is done about each kind, and by whom."""

import asyncio
import hashlib
from email.message import EmailMessage

import pytest

from app.config import Settings
from app.db import conversations, deliveries, instance, outbox, people, rulings
from app.db.deliveries import Delivery
from app.domain import token
from app.domain.conversation import Turn
from app.domain.delivery import LetterKind, State
from app.domain.restore import Halt
from app.domain.token import Purpose
from app.domain.unknown import UnknownRule
from app.flows import author, discuss, steer
from app.mail.compose import return_path
from app.worker import Worker
from tests.town import CAMILLE, Town


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """With `resend_once` where a test asks for it by the marker's parameter."""
    wanted = getattr(request, "param", UnknownRule.ASSUME_SENT)
    return settings.model_copy(update={"unknown_lessons": wanted})


resend_once = pytest.mark.parametrize("settings", [UnknownRule.RESEND_ONCE], indirect=True)


async def letter(town: Town, number: int) -> Delivery:
    async with town.parts.database.reading() as session:
        return await deliveries.delivery(session, number)


async def ruled(town: Town, number: int) -> list[tuple[str, str]]:
    async with town.parts.database.reading() as session:
        return [(each.verdict, each.by) for each in await rulings.rulings_on(session, number)]


async def tries(town: Town, number: int) -> list[tuple[int, str, str]]:
    async with town.parts.database.reading() as session:
        tried = await deliveries.attempts_of(session, number)
    return [(each.number, each.outcome, each.phase_name) for each in tried]


async def time_passes(town: Town, **span: float) -> None:
    """The worker sweeps and sends when it is over."""
    town.clock.advance(**span)
    await Worker(town.parts).sweep()
    await town.mail_goes_out()


def the_line_breaks(town: Town) -> list[bytes]:
    """From now on connections are cut right after the dot; here come the letters of then."""
    town.relay.at_dot[CAMILLE] = "cut"
    return town.relay.cut_off


async def lose_confirmation(town: Town) -> tuple[int, list[bytes]]:
    seen = the_line_breaks(town)
    await town.signs_up()
    await town.mail_goes_out()
    assert (await letter(town, 1)).state is State.UNKNOWN
    return 1, seen


async def lose_second_lesson(town: Town) -> tuple[int, list[bytes]]:
    await town.becomes_a_learner()
    seen = the_line_breaks(town)
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    assert (await letter(town, 3)).state is State.UNKNOWN
    return 3, seen


async def lose_answer(town: Town) -> int:
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "Une question."))
    async with town.parts.database.writing() as session:
        _, answer = await discuss.answer(session, 1, "Une réponse.", now=town.clock())
    the_line_breaks(town)
    await town.mail_goes_out()
    assert (await letter(town, answer.id)).state is State.UNKNOWN
    return answer.id


async def lessons(town: Town) -> list[State]:
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        return [each.state for each in await deliveries.lessons_so_far(session, enrollment.id)]


async def test_a_confirmation_goes_out_once_more_after_ten_minutes_with_the_same_bytes(town: Town):
    number, seen = await lose_confirmation(town)
    before = await letter(town, number)
    town.relay.at_dot.clear()
    await time_passes(town, minutes=9.9)
    assert town.mailbox() == []
    await time_passes(town, minutes=0.1)
    (arrived,) = town.mailbox()
    assert [arrived.raw] == seen
    assert arrived.message["Message-ID"] == f"<{before.message_id}>"
    assert hashlib.sha256(arrived.raw).hexdigest() == before.digest
    assert await ruled(town, number) == [("resend", "rule")]


async def test_a_confirmation_never_goes_out_a_third_time(town: Town):
    number, seen = await lose_confirmation(town)
    for _ in range(300):
        await time_passes(town, minutes=10)
    assert len(seen) == 2
    assert len(set(seen)) == 1
    assert await ruled(town, number) == [("resend", "rule")]
    assert (await letter(town, number)).state is State.UNKNOWN
    assert await tries(town, number) == [(1, "unknown", "dot"), (2, "unknown", "dot")]


async def test_an_answer_waits_for_its_author_however_long_that_takes(town: Town):
    number = await lose_answer(town)
    town.relay.at_dot.clear()
    for _ in range(40):
        await time_passes(town, days=1)
    assert (await letter(town, number)).state is State.UNKNOWN
    assert await ruled(town, number) == []


async def test_a_lesson_counts_as_sent_after_a_day_and_the_next_one_is_planned(town: Town):
    number, seen = await lose_second_lesson(town)
    town.relay.at_dot.clear()
    await time_passes(town, hours=23.9)
    assert await lessons(town) == [State.ACCEPTED, State.UNKNOWN]
    await time_passes(town, hours=0.1)
    assert await lessons(town) == [State.ACCEPTED, State.ACCEPTED, State.PLANNED]
    assert await ruled(town, number) == [("sent", "rule")]
    await town.days_pass(2)
    assert "Leçon 3" in town.mailbox()[2].text
    assert len(seen) == 1


@resend_once
async def test_a_lesson_goes_out_again_after_a_day_where_the_operator_wants_that(town: Town):
    number, seen = await lose_second_lesson(town)
    town.relay.at_dot.clear()
    await time_passes(town, hours=24)
    assert [town.mailbox()[-1].raw] == seen
    assert await ruled(town, number) == [("resend", "rule")]
    assert await lessons(town) == [State.ACCEPTED, State.ACCEPTED, State.PLANNED]


@resend_once
async def test_a_lesson_that_becomes_unknown_twice_counts_as_sent(town: Town):
    number, seen = await lose_second_lesson(town)
    await time_passes(town, hours=24)
    await time_passes(town, hours=23.9)
    assert await lessons(town) == [State.ACCEPTED, State.UNKNOWN]
    await time_passes(town, hours=0.1)
    assert await ruled(town, number) == [("resend", "rule"), ("sent", "rule")]
    assert await lessons(town) == [State.ACCEPTED, State.ACCEPTED, State.PLANNED]
    assert len(seen) == 2
    assert len(set(seen)) == 1


@resend_once
async def test_a_lesson_is_sent_again_in_the_hours_of_its_course(town: Town):
    number, _ = await lose_second_lesson(town)
    town.relay.at_dot.clear()
    await time_passes(town, hours=24 + 12)
    assert len(town.mailbox()) == 2
    assert (await letter(town, number)).ready_at > town.clock()
    await time_passes(town, hours=12)
    assert len(town.mailbox()) == 3


@resend_once
async def test_the_bytes_stay_fixed_when_the_second_try_is_put_off_before_its_content(town: Town):
    """Also where a dead worker left no copy of them behind."""
    number, seen = await lose_second_lesson(town)
    async with town.parts.database.writing() as session:
        await outbox.forget_bytes(session, number)
    town.relay.at_dot.clear()
    town.relay.at_rcpt[CAMILLE] = "451 4.7.1 come again"
    await time_passes(town, hours=24)
    town.relay.at_rcpt.clear()
    await time_passes(town, hours=2)
    assert [town.mailbox()[-1].raw] == seen


async def test_while_all_is_halted_nothing_is_decided(town: Town):
    number, _ = await lose_second_lesson(town)
    await Worker(town.parts).sweep()
    async with town.parts.database.writing() as session:
        row = await instance.instance(session)
        assert row is not None
        row.halted_at, row.halted_because = town.clock(), Halt.WENT_BACK
    await time_passes(town, hours=48)
    assert await ruled(town, number) == []


async def test_a_letter_that_cannot_be_written_alike_is_not_tried_for_ever(town: Town):
    number, _ = await lose_confirmation(town)
    async with town.parts.database.writing() as session:
        lost = await deliveries.delivery(session, number)
        lost.digest = "another"
    for _ in range(10):
        await time_passes(town, minutes=10)
    assert await ruled(town, number) == [("resend", "rule")]
    assert (await letter(town, number)).state is State.UNKNOWN


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


async def test_what_a_dead_worker_had_in_hand_is_an_attempt_of_which_nothing_is_known(town: Town):
    number, _ = await lose_second_lesson(town)
    async with town.parts.database.writing() as session:
        lost = await deliveries.delivery(session, number)
        lost.state, lost.lease_until, lost.unknown_since = State.IN_DATA, town.clock(), None
    town.clock.advance(minutes=3)
    await Worker(town.parts).sweep()
    assert await tries(town, number) == [(1, "unknown", "dot"), (2, "unknown", "dot")]
    assert (await letter(town, number)).unknown_since == town.clock()


@pytest.mark.parametrize(
    ("word", "verdict", "then"),
    [
        ("take-as-sent", "sent", [State.ACCEPTED, State.ACCEPTED, State.PLANNED]),
        ("release", "resend", [State.ACCEPTED, State.PLANNED]),
        ("give-up", "give_up", [State.ACCEPTED, State.CANCELLED, State.PLANNED]),
    ],
)
async def test_a_persons_word_is_written_down(
    town: Town, api, word: str, verdict: str, then: list[State]
):
    number, _ = await lose_second_lesson(town)
    answer = await api.post(f"/api/v1/deliveries/{number}/{word}")
    assert answer.status_code == 200
    assert await ruled(town, number) == [(verdict, "person")]
    assert await lessons(town) == then


async def test_to_skip_an_unknown_lesson_is_a_word_on_it_too(town: Town):
    number, _ = await lose_second_lesson(town)
    enrollment = await town.enrollment()
    async with town.parts.database.writing() as session:
        await steer.skip(session, enrollment.id, now=town.clock(), here=town.parts.here)
    assert await ruled(town, number) == [("give_up", "person")]


async def test_a_word_on_a_letter_that_is_not_unknown_is_no_ruling(town: Town):
    await town.signs_up()
    async with town.parts.database.writing() as session:
        await author.give_up(session, 1, now=town.clock(), here=town.parts.here)
    assert await ruled(town, 1) == []


async def test_after_a_persons_resend_no_rule_sends_a_third_time(town: Town):
    number, seen = await lose_confirmation(town)
    async with town.parts.database.writing() as session:
        await author.release(session, number, now=town.clock())
    for _ in range(5):
        await time_passes(town, minutes=10)
    assert len(seen) == 2
    assert (await letter(town, number)).kind is LetterKind.CONFIRM


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_the_rules_wait_for_nobody_who_holds_a_learner(town: Town):
    number, _ = await lose_second_lesson(town)
    town.clock.advance(hours=24)
    async with town.parts.database.writing() as session:
        await people.enrollment(session, (await town.enrollment()).id, lock=True)
        async with asyncio.timeout(5):
            await Worker(town.parts).sweep()
    assert await ruled(town, number) == []
    await Worker(town.parts).sweep()
    assert await ruled(town, number) == [("sent", "rule")]


async def test_several_workers_decide_once(town: Town):
    number, _ = await lose_second_lesson(town)
    town.clock.advance(hours=24)
    await asyncio.gather(*(Worker(town.parts).sweep() for _ in range(3)))
    assert await ruled(town, number) == [("sent", "rule")]
