"""What follows from refusals: for the letter, for its reader, and for nobody else."""

from datetime import UTC, datetime
from itertools import product

import pytest

from app.db import deliveries, outbox, people, queues
from app.db.deliveries import Delivery
from app.db.outbox import Claim
from app.db.people import Suppression, SuppressionReason
from app.domain.delivery import Phase, Reply, State
from app.domain.enrollment import Standing
from app.flows import author, discuss, record, steer
from tests.flows.test_receive import bounce
from tests.town import CAMILLE, Town

CODES = (0, 421, 450, 451, 452, 500, 530, 535, 550, 552, 553, 554, 556, 571)
TEXTS = (
    "",
    "5.1.1 user unknown",
    "5.1.10 null MX",
    "5.1.2 no such domain",
    "5.2.1 mailbox disabled",
    "5.2.2 mailbox full",
    "5.7.1 blocked by policy",
    "5.7.17 mailbox owner has changed",
    "5.3.4 message too big",
    "4.7.0 slow down",
    "no such user here",
)


async def lessons(town: Town, email: str = CAMILLE) -> list[Delivery]:
    enrollment = await town.enrollment(email)
    async with town.parts.database.reading() as session:
        return list(await deliveries.lessons_so_far(session, enrollment.id))


async def lesson(town: Town) -> Delivery:
    return (await lessons(town))[-1]


async def suppression(town: Town, email: str = CAMILLE) -> Suppression | None:
    async with town.parts.database.reading() as session:
        person = await people.subscriber_by_key(session, email)
        assert person is not None
        return await people.suppression_of(session, person.fingerprint)


async def a_day_passes(town: Town, days: int = 1) -> None:
    """The worker goes its round once a day, at the same hour."""
    for _ in range(days):
        town.clock.advance(days=1)
        await town.mail_goes_out()


async def decides(town: Town, verb) -> None:
    """The author says a word about the newest lesson."""
    newest, more = await lesson(town), {"now": town.clock()}
    if verb is author.give_up:
        more["here"] = town.parts.here
    async with town.parts.database.writing() as session:
        await verb(session, newest.id, **more)


async def refused(town: Town, reply: Reply) -> None:
    """The newest lesson, on its way, is answered so."""
    known = await lesson(town)
    async with town.parts.database.writing() as session:
        letter = await deliveries.delivery(session, known.id)
        letter.state, letter.first_tried_at = State.IN_DATA, None
        await session.flush()
        claim, here = Claim(letter.id, letter.fence), town.parts.here
        said = {"wire": b"", "hop": None, "now": town.clock(), "here": here}
        assert await record.record(session, claim, reply, **said)


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.HELLO, Phase.SENDER])
async def test_no_failure_before_rcpt_says_anything_about_the_reader(town: Town, phase: Phase):
    await town.becomes_a_learner()
    for code, text in product(CODES, TEXTS):
        await refused(town, Reply(phase, code, text))
        town.clock.advance(days=1)
    assert await suppression(town) is None
    assert (await town.enrollment()).standing is Standing.ACTIVE
    async with town.parts.database.reading() as session:
        assert {queue.name for queue in await queues.remembered(session)} == {"*"}
        said = await queues.said_since(session, datetime(2026, 1, 1, tzinfo=UTC))
    assert sum(each.refused + each.deferred + each.gone for each in said.values()) == 0


@pytest.mark.parametrize(
    ("answer", "days"),
    [
        ("550 5.1.1 user unknown", 1),
        ("550 no, thank you", 2),
        ("550 5.2.1 mailbox disabled", 4),
        ("550 5.1.2 bad destination system", 4),
    ],
)
async def test_a_refusal_suppresses_when_it_came_often_enough(town: Town, answer: str, days: int):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = answer
    for _ in range(days):
        assert await suppression(town) is None
        await a_day_passes(town)
        await decides(town, author.give_up)
    found = await suppression(town)
    assert found is not None
    assert (found.reason, found.queue) == (SuppressionReason.ADDRESS_GONE, "example.fr")


async def test_whoever_accepted_something_since_is_counted_anew(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "550 no, thank you"
    await a_day_passes(town)
    await decides(town, author.give_up)
    town.relay.at_rcpt.clear()
    await a_day_passes(town)
    assert "Leçon 3" in town.mailbox()[-1].text
    town.relay.at_rcpt[CAMILLE] = "550 no, thank you"
    await a_day_passes(town)
    assert (await lesson(town)).state is State.REJECTED
    assert await suppression(town) is None


async def test_after_the_final_dot_nobody_is_gone_at_the_first_word(town: Town):
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "550 5.1.1 user unknown"
    await a_day_passes(town)
    assert (await lesson(town)).state is State.REJECTED
    assert await suppression(town) is None


async def test_reports_to_the_return_path_count_like_a_servers_word(town: Town):
    await town.becomes_a_learner()
    for letters in (2, 3, 4):
        assert await suppression(town) is None
        town.clock.advance(minutes=1)
        await town.mail_comes_in(bounce(town.mailbox()[-1].sender, "5.1.2"))
        while len(town.mailbox()) == letters and await suppression(town) is None:
            await a_day_passes(town)
    assert await suppression(town) is not None
    assert len(town.mailbox()) == 4


async def test_one_letter_that_comes_back_often_is_one_signal(town: Town):
    await town.becomes_a_learner()
    returned = bounce(town.mailbox()[-1].sender, "5.2.1")
    for number in range(6):
        await town.mail_comes_in(returned + b"\n" * number)
        town.clock.advance(days=1)
    assert await suppression(town) is None


async def test_a_report_to_another_address_of_ours_suppresses_nobody(town: Town):
    await town.becomes_a_learner()
    replies_to = str(town.mailbox()[-1].message["Reply-To"].addresses[0].addr_spec)
    await town.mail_comes_in(bounce(replies_to, "5.1.1"))
    assert await suppression(town) is None


async def test_a_mailbox_that_stays_full_pauses_the_course_until_somebody_says_so(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "452 4.2.2 mailbox full"
    for _ in range(2):
        while (await lesson(town)).state is not State.EXPIRED:
            await a_day_passes(town)
        await decides(town, author.give_up)
    while (await town.enrollment()).standing is Standing.ACTIVE:
        await a_day_passes(town)
    enrollment, full = await town.enrollment(), await lesson(town)
    assert enrollment.paused_by == full.reason == "mailbox_full"
    assert full.state is State.HELD
    assert (enrollment.paused_at - datetime(2026, 11, 25, 9, tzinfo=UTC)).days >= 14
    assert await suppression(town) is None

    town.relay.at_rcpt.clear()
    await decides(town, author.release)
    await town.mail_goes_out()
    assert (await town.enrollment()).standing is Standing.ACTIVE
    assert "Leçon 4" in town.mailbox()[-1].text


async def test_a_lesson_deferred_in_the_evening_is_tried_again_next_morning(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "451 4.3.0 not now"
    town.clock.now = datetime(2026, 11, 25, 18, 50, tzinfo=UTC)  # ten to eight in Paris
    await town.mail_goes_out()
    assert (await lesson(town)).ready_at == datetime(2026, 11, 25, 18, 55, tzinfo=UTC)
    town.clock.advance(minutes=5)
    await town.mail_goes_out()
    assert (await lesson(town)).ready_at == datetime(2026, 11, 26, 6, 30, tzinfo=UTC)


async def test_who_has_just_confirmed_gets_the_first_lesson_at_any_hour(town: Town):
    town.clock.now = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
    await town.signs_up()
    await town.mail_goes_out()
    await town.confirms()
    town.relay.at_rcpt[CAMILLE] = "451 4.7.1 greylisted, come again"
    await town.mail_goes_out()
    town.relay.at_rcpt.clear()
    town.clock.advance(minutes=5)
    await town.mail_goes_out()
    assert "Leçon 1" in town.mailbox()[-1].text


async def test_an_answer_is_tried_again_at_night(town: Town):
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "Une question."))
    town.clock.now = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
    async with town.parts.database.writing() as session:
        await discuss.answer(session, 1, "Une réponse.", now=town.clock())
    town.relay.at_rcpt[CAMILLE] = "451 4.3.0 not now"
    await town.mail_goes_out()
    town.relay.at_rcpt.clear()
    town.clock.advance(minutes=5)
    await town.mail_goes_out()
    assert "Une réponse." in town.mailbox()[-1].text


async def expired_lesson(town: Town) -> Delivery:
    """Lesson 2 was deferred for more than five days; the server is well again."""
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "451 4.3.0 not now"
    while (await lesson(town)).state is not State.EXPIRED:
        await a_day_passes(town)
    town.relay.at_dot.clear()
    return await lesson(town)


async def test_a_lesson_that_expired_pauses_the_course_and_is_never_passed_over(town: Town):
    expired = await expired_lesson(town)
    await a_day_passes(town, 5)
    enrollment = await town.enrollment()
    assert (enrollment.standing, enrollment.paused_by) == (Standing.PAUSED, "expired")
    assert [each.id for each in await lessons(town)][-1] == expired.id
    assert len(town.mailbox()) == 2


async def test_an_expired_lesson_that_is_sent_again_takes_the_course_on(town: Town):
    await expired_lesson(town)
    await decides(town, author.release)
    await a_day_passes(town, 4)
    enrollment = await town.enrollment()
    assert (enrollment.standing, enrollment.paused_by) == (Standing.ACTIVE, None)
    assert "Leçon 2" in town.mailbox()[2].text
    assert "Leçon 3" in town.mailbox()[3].text


async def test_an_expired_lesson_that_is_given_up_takes_the_course_on(town: Town):
    await expired_lesson(town)
    await decides(town, author.give_up)
    await a_day_passes(town)
    assert "Leçon 3" in town.mailbox()[-1].text


async def test_a_learner_who_comes_back_gets_what_had_expired(town: Town):
    await expired_lesson(town)
    enrollment, here = await town.enrollment(), town.parts.here
    async with town.parts.database.writing() as session:
        await steer.resume(session, enrollment.id, now=town.clock(), here=here)
    await town.mail_goes_out()
    assert "Leçon 2" in town.mailbox()[-1].text


async def test_a_pause_that_the_learner_wished_outlives_the_authors_word(town: Town):
    await expired_lesson(town)
    enrollment = await town.enrollment()
    async with town.parts.database.writing() as session:
        await steer.pause(session, enrollment.id, now=town.clock())
    await decides(town, author.release)
    await a_day_passes(town)
    held = await lesson(town)
    assert (held.state, held.reason) == (State.HELD, "paused")
    assert len(town.mailbox()) == 2


async def test_every_refusal_is_kept_with_its_cause(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "550 5.2.1 mailbox disabled"
    await a_day_passes(town)
    async with town.parts.database.reading() as session:
        (tried,) = await deliveries.attempts_of(session, (await lesson(town)).id)
        assert await outbox.frozen(session, tried.delivery_id) is None
    assert (tried.phase_name, tried.code, tried.cause) == ("recipient", 550, "mailbox_disabled")
