"""Letters of which nobody knows whether they arrived: what is done about each kind, and by whom."""

import asyncio
import hashlib

import pytest

from app.config import Settings
from app.db import deliveries, instance, outbox, people
from app.domain.delivery import LetterKind, State
from app.domain.restore import Halt
from app.domain.unknown import UnknownRule
from app.flows import author, steer
from app.worker import Worker
from tests.doubts import (
    lessons,
    letter,
    lose_answer,
    lose_confirmation,
    lose_second_lesson,
    ruled,
    time_passes,
    tries,
)
from tests.town import CAMILLE, Town


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """With `resend_once` where a test asks for it by the marker's parameter."""
    wanted = getattr(request, "param", UnknownRule.ASSUME_SENT)
    return settings.model_copy(update={"unknown_lessons": wanted})


resend_once = pytest.mark.parametrize("settings", [UnknownRule.RESEND_ONCE], indirect=True)


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
