"""Sending, seen from the relay’s side: what a server says, and what becomes of the letter."""

import asyncio
import hashlib

import pytest

from app.db import conversations, courses, deliveries
from app.db.courses import Version
from app.db.deliveries import Delivery
from app.db.people import Enrollment
from app.domain.course import read_course
from app.domain.delivery import LetterKind, State
from app.flows import author, discuss, dispatch, fuse, silence, steer
from app.wiring import COURSES
from app.worker import Worker
from tests.town import CAMILLE, Town

PAUL = "paul@example.fr"


async def lesson(town: Town, email: str = CAMILLE) -> Delivery:
    """The newest lesson of a learner."""
    enrollment = await town.enrollment(email)
    async with town.parts.database.reading() as session:
        return (await deliveries.lessons_so_far(session, enrollment.id))[-1]


async def attempts(town: Town, delivery: Delivery) -> list[tuple[str, str, int]]:
    async with town.parts.database.reading() as session:
        tried = await deliveries.attempts_of(session, delivery.id)
    return [(each.outcome, each.phase_name, each.code) for each in tried]


async def test_what_is_not_due_stays(town: Town):
    await town.becomes_a_learner()
    town.clock.advance(hours=23)
    await town.mail_goes_out()
    assert (await lesson(town)).state is State.PLANNED
    assert len(town.mailbox()) == 2


async def test_a_temporary_refusal_is_tried_again_with_the_same_bytes(town: Town):
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "451 4.3.0 not now"
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    deferred = await lesson(town)
    assert deferred.state is State.DEFERRED
    assert deferred.reason == "dot: 451 4.3.0 not now"

    del town.relay.at_dot[CAMILLE]
    town.clock.advance(minutes=4)
    await town.mail_goes_out()
    assert len(town.mailbox()) == 2
    town.clock.advance(minutes=1)
    await town.mail_goes_out()
    arrived = town.mailbox()[-1]
    assert arrived.message["Date"].datetime == deferred.due_at
    assert await attempts(town, deferred) == [("deferred", "dot", 451), ("accepted", "dot", 250)]


async def test_a_letter_whose_fate_is_unknown_is_never_sent_again_by_itself(town: Town):
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "cut"
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    await town.days_pass(10)
    lost = await lesson(town)
    assert lost.state is State.UNKNOWN
    assert await attempts(town, lost) == [("unknown", "dot", 0)]
    assert len(town.mailbox()) == 2


async def test_a_dead_mailbox_ends_all_writing_to_it(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "550 5.1.1 user unknown"
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    assert (await lesson(town)).state is State.REJECTED
    town.relay.at_rcpt.clear()
    await town.signs_up()
    await town.days_pass(3)
    assert len(town.mailbox()) == 2


async def test_a_refusal_by_policy_says_nothing_about_the_address(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "550 5.7.1 blocked by policy"
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    town.relay.at_rcpt.clear()
    town.clock.advance(days=31)
    async with town.parts.database.writing() as session:
        here = town.parts.here
        await fuse.release(session, "example.fr", now=town.clock(), here=here)
    await town.signs_up()
    await town.mail_goes_out()
    assert any("déjà inscrit" in each.message["Subject"] for each in town.mailbox())


async def test_a_relay_that_is_down_costs_no_letter_and_no_attempt(town: Town):
    await town.signs_up()
    working = town.parts.office.relay
    town.parts.office.relay = type(working)("smtp", "127.0.0.1", 1, None, None)
    await town.mail_goes_out()
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        (waiting,) = await deliveries.of_enrollment(session, enrollment.id)
    assert (waiting.state, waiting.attempts) == (State.PLANNED, 0)
    assert "cannot be reached" in (waiting.reason or "")

    town.parts.office.relay = working
    await town.mail_goes_out()
    assert len(town.mailbox()) == 1


async def test_one_lesson_that_cannot_be_rendered_holds_itself_and_nothing_else(town: Town):
    await town.becomes_a_learner()
    await town.becomes_a_learner("paul@example.fr")
    async with town.parts.database.writing() as session:
        enrollment = await town.enrollment()
        (_, broken) = await deliveries.lessons_so_far(session, enrollment.id)
        broken = await deliveries.delivery(session, broken.id)
        version = await _broken_version(session, broken)
        broken.version_id = version
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    held = await lesson(town)
    assert held.state is State.HELD
    assert "nobody_knows" in (held.reason or "")
    assert len(town.mailbox("paul@example.fr")) == 3


async def _broken_version(session, delivery: Delivery) -> int:
    newest = await courses.newest_version(session, delivery.lesson_id)
    fields = {c.name: getattr(newest, c.name) for c in Version.__table__.columns}
    fields |= {"id": None, "number": 0, "body": "Bonjour {{ nobody_knows }}."}
    broken = Version(**fields)
    session.add(broken)
    await session.flush()
    return broken.id


@pytest.mark.parametrize("moment", ["before the claim", "after the claim"])
async def test_who_leaves_before_the_hand_over_gets_nothing(town: Town, moment: str):
    await two_learners_of_one_line(town)

    async def goodbye() -> None:
        await town.client.post(town.mailbox()[1].link("u"))

    if moment == "before the claim":
        await goodbye()
    else:
        town.relay.during_data = goodbye
    await town.mail_goes_out()
    cancelled = await lesson(town)
    assert (cancelled.state, cancelled.reason) == (State.CANCELLED, "left")
    assert (len(town.mailbox()), len(town.mailbox(PAUL))) == (2, 3)


async def test_who_pauses_after_the_claim_gets_the_lesson_after_the_pause(town: Town):
    enrollment = await two_learners_of_one_line(town)

    async def pause() -> None:
        async with town.parts.database.writing() as session:
            await steer.pause(session, enrollment.id, now=town.clock())

    town.relay.during_data = pause
    await town.mail_goes_out()
    town.relay.during_data = None
    held = await lesson(town)
    assert (held.state, held.reason) == (State.HELD, "paused")
    async with town.parts.database.writing() as session:
        await steer.resume(session, enrollment.id, now=town.clock(), here=town.parts.here)
    await town.mail_goes_out()
    assert len(town.mailbox()) == 3


async def two_learners_of_one_line(town: Town) -> Enrollment:
    """Paul's second lesson is due a second before Camille's, and there is one connection only."""
    town.parts.office.connections = 1
    await town.becomes_a_learner(PAUL)
    town.clock.advance(seconds=1)
    enrollment = await town.becomes_a_learner()
    town.clock.advance(hours=24)
    return enrollment


async def test_what_a_dead_worker_had_only_claimed_is_seen_and_goes_out_after_all(town: Town):
    await town.signs_up()
    await town.a_worker_takes()
    town.clock.advance(seconds=119)
    await Worker(town.parts).sweep()
    town.clock.advance(seconds=2)
    await Worker(town.parts).sweep()
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        (lost,) = await deliveries.of_enrollment(session, enrollment.id)
    assert (lost.state, lost.reason) == (State.UNKNOWN, "never_handed_over")
    await Worker(town.parts).sweep()
    await town.mail_goes_out()
    assert len(town.mailbox()) == 1


async def test_what_a_dead_worker_was_handing_over_becomes_unknown_and_waits(town: Town):
    await town.signs_up()
    (claim,) = await town.a_worker_takes()
    assert await town.a_worker_marks(claim) == {claim.delivery_id}
    town.clock.advance(seconds=121)
    for _ in range(3):
        await Worker(town.parts).sweep()
    await town.days_pass(1)
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        (lost,) = await deliveries.of_enrollment(session, enrollment.id)
    assert lost.state is State.UNKNOWN
    assert town.mailbox() == []


async def test_a_worker_keeps_the_leases_of_what_it_is_still_sending(town: Town):
    await town.signs_up()
    claims = await town.a_worker_takes()
    town.parts.office.in_hand |= {claim.delivery_id: claim for claim in claims}
    for _ in range(10):
        town.clock.advance(seconds=60)
        await Worker(town.parts).sweep()
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        (mine,) = await deliveries.of_enrollment(session, enrollment.id)
    assert mine.state is State.CLAIMED


async def test_two_workers_never_take_the_same_letter(town: Town):
    for number in range(12):
        await town.signs_up(f"learner{number}@example.fr")

    async def take() -> list[int]:
        return [claim.delivery_id for claim in await town.a_worker_takes()]

    taken = [
        number for each in await asyncio.gather(*(take() for _ in range(4))) for number in each
    ]
    assert len(taken) == len(set(taken)) == 12


async def test_a_worker_told_to_stop_gives_back_what_it_has_not_offered(town: Town):
    await town.signs_up()
    town.parts.office.stopping = True
    await dispatch.send_due(town.parts.office)
    town.parts.office.stopping = False
    assert town.mailbox() == []
    await town.mail_goes_out()
    assert len(town.mailbox()) == 1


@pytest.mark.parametrize(
    ("answer", "state"), [(None, State.ACCEPTED), ("451 4.3.0 not now", State.UNKNOWN)]
)
async def test_a_worker_that_was_given_up_may_still_bring_news_of_an_acceptance(
    town: Town, answer: str | None, state: State
):
    await town.becomes_a_learner()
    town.clock.advance(hours=24)
    office = town.parts.office

    async def the_server_thinks_for_an_hour() -> None:
        office.in_hand.clear()
        town.clock.advance(hours=1)
        await Worker(town.parts).sweep()
        assert (await lesson(town)).state is State.UNKNOWN

    town.relay.during_data = the_server_thinks_for_an_hour
    if answer:
        town.relay.at_dot[CAMILLE] = answer
    await town.mail_goes_out()
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        second = (await deliveries.lessons_so_far(session, enrollment.id))[1]
    assert second.state is state


async def test_answers_go_before_lessons(town: Town):
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "Une question."))
    town.clock.advance(hours=24)
    async with town.parts.database.writing() as session:
        await discuss.answer(session, 1, "Une réponse.", now=town.clock())
    (first,) = await town.a_worker_takes(1)
    async with town.parts.database.reading() as session:
        kind = (await deliveries.delivery(session, first.delivery_id)).kind
    assert kind is LetterKind.ANSWER


async def edit_next_lesson(town: Town) -> None:
    """The author changes the text of lesson 2 while it waits."""
    files = author.read_folder(COURSES / "mensonges")
    name = next(name for name in files if name.startswith("02"))
    files[name] += "\nUne phrase ajoutée.\n"
    async with town.parts.database.writing() as session:
        await author.publish(session, read_course(files), now=town.clock())


async def test_a_lesson_refused_before_its_content_goes_out_with_the_text_of_its_day(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "451 4.7.1 greylisted, come again"
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    town.relay.at_rcpt.clear()
    await edit_next_lesson(town)
    town.clock.advance(minutes=5)
    await town.mail_goes_out()
    assert "Une phrase ajoutée." in town.mailbox()[-1].text


async def test_a_lesson_refused_after_its_content_goes_out_with_the_same_bytes(town: Town):
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "451 4.3.0 not now"
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    digest = (await lesson(town)).digest
    await edit_next_lesson(town)
    town.clock.advance(minutes=5)
    await town.mail_goes_out()
    arrived = town.mailbox()[-1]
    assert "Une phrase ajoutée." not in arrived.text
    assert hashlib.sha256(arrived.raw).hexdigest() == digest


async def test_an_unknown_lesson_that_cannot_be_written_alike_waits_for_a_word(town: Town):
    await town.becomes_a_learner()
    town.clock.advance(hours=24)
    (claim,) = await town.a_worker_takes()
    await town.a_worker_marks(claim, digest="other")
    town.clock.advance(minutes=3)
    await Worker(town.parts).sweep()
    async with town.parts.database.writing() as session:
        await author.release(session, claim.delivery_id, now=town.clock())
    await town.mail_goes_out()
    lost = await lesson(town)
    assert lost.state is State.UNKNOWN
    assert "cannot be written alike" in (lost.reason or "")
    assert len(town.mailbox()) == 2


async def test_what_a_person_must_mend_is_held_and_not_tried_for_days(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "554 5.4.6 too many hops"
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    held = await lesson(town)
    assert held.state is State.HELD
    assert "554 5.4.6 too many hops" in (held.reason or "")


async def test_a_lesson_released_after_it_expired_gets_its_five_days_again(town: Town):
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "451 4.3.0 not now"
    await town.days_pass(8)
    expired = await lesson(town)
    assert expired.state is State.EXPIRED
    async with town.parts.database.writing() as session:
        await author.release(session, expired.id, now=town.clock())
    await town.mail_goes_out()
    assert (await lesson(town)).state is State.DEFERRED


async def test_no_lesson_goes_to_who_has_not_confirmed_again(town: Town):
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "cut"
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    lost = await lesson(town)
    await town.client.post(town.mailbox()[1].link("u"))
    await town.signs_up()
    async with town.parts.database.writing() as session:
        await author.release(session, lost.id, now=town.clock())
    await town.mail_goes_out()
    assert all("Leçon 2" not in letter.text for letter in town.mailbox())


async def test_an_answer_that_may_not_leave_puts_the_conversation_back(town: Town):
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "Une question."))
    async with town.parts.database.writing() as session:
        await discuss.answer(session, 1, "Une réponse.", now=town.clock())
    async with town.parts.database.writing() as session:
        await silence.silence(session, CAMILLE, now=town.clock(), here=town.parts.here)
    await town.mail_goes_out()
    async with town.parts.database.reading() as session:
        assert (await conversations.conversation(session, 1)).turn == "open"


async def test_who_may_be_written_to_again_goes_on(town: Town):
    await town.becomes_a_learner()
    here = town.parts.here
    async with town.parts.database.writing() as session:
        await silence.silence(session, CAMILLE, now=town.clock(), here=here)
    await town.days_pass(2)
    assert len(town.mailbox()) == 2
    async with town.parts.database.writing() as session:
        await silence.lift(session, CAMILLE, now=town.clock(), here=here)
    await town.days_pass(2)
    assert "Leçon 2" in town.mailbox()[2].text
