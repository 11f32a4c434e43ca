"""What learner and author do to the pace: pause, resume, skip, resend, another zone, goodbye."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.db import deliveries
from app.db.deliveries import Delivery
from app.domain.delivery import State
from app.domain.errors import Conflict, LessonUnknown, TransitionForbidden, ZoneUnknown
from app.flows import steer
from tests.town import CAMILLE, Town


async def ahead(town: Town, email: str = CAMILLE) -> Delivery | None:
    enrollment = await town.enrollment(email)
    async with town.parts.database.writing() as session:
        return await deliveries.current_lesson(session, enrollment.id)


async def pause(town: Town) -> None:
    enrollment = await town.enrollment()
    async with town.parts.database.writing() as session:
        await steer.pause(session, enrollment.id, now=town.clock())


async def resume(town: Town) -> None:
    enrollment = await town.enrollment()
    async with town.parts.database.writing() as session:
        await steer.resume(session, enrollment.id, now=town.clock(), here=town.parts.here)


async def skip(town: Town) -> None:
    enrollment = await town.enrollment()
    async with town.parts.database.writing() as session:
        await steer.skip(session, enrollment.id, now=town.clock(), here=town.parts.here)


async def resend(town: Town, lesson_id: int) -> None:
    enrollment = await town.enrollment()
    async with town.parts.database.writing() as session:
        await steer.resend(session, enrollment.id, lesson_id, now=town.clock())


async def test_a_pause_does_not_use_up_the_wait(town: Town):
    await town.becomes_a_learner()
    town.clock.advance(hours=6)
    await pause(town)
    await town.days_pass(5)
    assert len(town.mailbox()) == 2
    await resume(town)
    town.clock.advance(hours=17)
    await town.mail_goes_out()
    assert len(town.mailbox()) == 2
    await town.days_pass(1)
    assert len(town.mailbox()) == 3


async def test_pausing_and_resuming_twice_is_as_good_as_once(town: Town):
    await town.becomes_a_learner()
    before = await ahead(town)
    await pause(town)
    await pause(town)
    await resume(town)
    await resume(town)
    after = await ahead(town)
    assert before is not None
    assert after is not None
    assert (after.state, after.due_at) == (State.PLANNED, before.due_at)


async def test_a_lesson_accepted_during_a_pause_plans_the_next_one_held(town: Town):
    await town.becomes_a_learner()
    town.clock.advance(hours=24)
    town.relay.during_data = lambda: pause(town)
    await town.mail_goes_out()
    town.relay.during_data = None
    assert len(town.mailbox()) == 3
    held = await ahead(town)
    assert held is not None
    assert (held.state, held.reason) == (State.HELD, "paused")


async def test_a_skipped_lesson_never_comes_and_the_next_one_keeps_its_wait(town: Town):
    await town.becomes_a_learner()
    await skip(town)
    await town.days_pass(1)
    assert len(town.mailbox()) == 2
    await town.days_pass(1)
    third = town.mailbox()[-1]
    assert "Tout se passe en ligne" in third.text.splitlines()[2]


async def test_skipping_to_the_end_finishes_the_course(town: Town):
    await town.becomes_a_learner()
    for _ in range(6):
        await skip(town)
    assert (await town.enrollment()).standing == "finished"
    with pytest.raises(Conflict):
        await skip(town)


async def test_a_copy_goes_at_once_and_leaves_the_course_where_it_is(town: Town):
    await town.becomes_a_learner()
    before = await ahead(town)
    lesson_id = 1
    for copies in (1, 2):
        await resend(town, lesson_id)
        await town.mail_goes_out()
        assert len(town.mailbox()) == 2 + copies
    first, copy, again = town.mailbox()[1:]
    assert first.text == copy.text == again.text
    assert len({each.message["Message-ID"] for each in (first, copy, again)}) == 3
    after = await ahead(town)
    assert before is not None
    assert after is not None
    assert before.id == after.id


async def test_a_lesson_that_was_not_received_cannot_be_sent_again(town: Town):
    await town.becomes_a_learner()
    with pytest.raises(LessonUnknown):
        await resend(town, 2)


async def test_a_changed_zone_moves_the_lesson_that_waits(town: Town):
    enrollment = await town.becomes_a_learner()
    async with town.parts.database.writing() as session:
        here = town.parts.here
        zone = "Pacific/Auckland"
        await steer.move_to(session, enrollment.id, zone, now=town.clock(), here=here)
        with pytest.raises(ZoneUnknown):
            await steer.move_to(session, enrollment.id, "Mars", now=town.clock(), here=here)
    lesson = await ahead(town)
    assert lesson is not None
    there = lesson.due_at.astimezone(ZoneInfo("Pacific/Auckland"))
    assert time(7, 30) <= there.time() < time(7, 55)
    assert lesson.due_at - town.clock() >= timedelta(hours=24)


async def test_who_left_may_come_back_and_goes_on_where_they_stopped(town: Town):
    await town.becomes_a_learner()
    await town.days_pass(1)
    await town.client.post(town.mailbox()[1].link("u"))
    await town.days_pass(2)
    with pytest.raises(TransitionForbidden):
        await resume(town)
    await town.signs_up()
    await town.mail_goes_out()
    await town.confirms()
    await town.mail_goes_out()
    titles = [each.text.splitlines()[0] for each in town.mailbox() if "Leçon" in each.text]
    assert [title[:7] for title in titles] == ["Leçon 1", "Leçon 2", "Leçon 3"]


async def test_an_old_link_does_not_bring_back_who_has_left(town: Town):
    await town.becomes_a_learner()
    await town.client.post(town.mailbox()[1].link("u"))
    old = town.mailbox()[0].link("confirm")
    assert (await town.client.post(old)).status_code == 409
    assert (await town.enrollment()).standing == "left"


async def test_after_an_outage_lessons_come_one_a_day_in_order(town: Town):
    await town.becomes_a_learner()
    town.clock.advance(days=6)
    await town.days_pass(6)
    received = [each for each in town.mailbox() if "Leçon" in each.text]
    days = [each.message["Date"].datetime.date() for each in received]
    assert len(days) == len(set(days))
    assert days == sorted(days)
    assert len(received) > 4


async def test_a_trial_runs_faster_and_its_letters_say_the_days_it_plays(town: Town):
    object.__setattr__(town.parts.here, "speed", 1440.0)
    await town.becomes_a_learner()
    for _ in range(12 * 6):
        town.clock.advance(seconds=10)
        await town.mail_goes_out()
    assert (await town.enrollment()).standing == "finished"
    announced = [each.text for each in town.mailbox() if "part mercredi 25 novembre" in each.text]
    assert len(announced) == 1
    assert town.clock() - datetime(2026, 11, 24, 9, 0, tzinfo=ZoneInfo("UTC")) < timedelta(
        minutes=13
    )
