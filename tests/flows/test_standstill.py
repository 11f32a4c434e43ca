"""Providers' queues: slowed, held, broken and let go; and lessons that servers refuse."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.db import courses, deliveries, people, queues, suppressed
from app.db.courses import Lesson
from app.db.deliveries import Delivery
from app.db.people import Suppression
from app.db.queues import ProviderQueue, Said
from app.domain.delivery import State
from app.domain.errors import Conflict
from app.domain.provider import EVERY, held_with
from app.flows import amend, fuse, mend, standstill
from app.worker import Worker
from tests.crowd import crowd
from tests.flows.test_receive import bounce
from tests.flows.test_refusals import a_day_passes, lesson
from tests.town import CAMILLE, Town

GONE = "550 5.1.1 user unknown"


async def queue_named(town: Town, name: str) -> ProviderQueue | None:
    async with town.parts.database.reading() as session:
        return {each.name: each for each in await queues.remembered(session)}.get(name)


async def states(town: Town) -> dict[str, int]:
    """How many lessons there are in each state."""
    asked = select(Delivery.state, func.count()).where(Delivery.kind == "lesson")
    async with town.parts.database.reading() as session:
        rows = await session.execute(asked.group_by(Delivery.state))
        return {str(state): number for state, number in rows}


async def decides(town: Town, verb, name: str) -> None:
    async with town.parts.database.writing() as session:
        await verb(session, name, now=town.clock(), here=town.parts.here)


async def test_a_sign_of_haste_slows_the_provider_for_ninety_minutes(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "421 4.7.0 too many messages"
    await a_day_passes(town)
    slowed = await queue_named(town, "example.fr")
    assert slowed.slowed_until == town.clock() + timedelta(minutes=90)
    assert slowed.held_at is None
    assert (await lesson(town)).state is State.DEFERRED


async def test_a_refusal_by_policy_holds_the_provider_until_a_person_lets_it_go(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "550 5.7.1 blocked by policy"
    await a_day_passes(town)
    held, letter = await queue_named(town, "example.fr"), await lesson(town)
    assert held.held_because == "recipient: 550 5.7.1 blocked by policy"
    assert (letter.state, letter.reason) == (State.HELD, held_with("example.fr"))
    town.relay.at_rcpt.clear()
    await a_day_passes(town)
    assert len(town.mailbox()) == 2

    await decides(town, fuse.release, "example.fr")
    await town.mail_goes_out()
    assert "Leçon 2" in town.mailbox()[-1].text
    assert (await queue_named(town, "example.fr")).is_quiet


async def test_the_first_reason_for_holding_a_queue_stands(town: Town):
    queue = ProviderQueue(name="gmail")
    standstill.hold(queue, "recipient: 550 first", now=town.clock())
    standstill.hold(queue, "recipient: 550 second", now=town.clock())
    assert queue.held_because == "recipient: 550 first"


async def held_letters(town: Town, reason: str, **values) -> None:
    """Every lesson waits for this reason."""
    async with town.parts.database.writing() as session:
        for letter in await session.scalars(select(Delivery).where(Delivery.kind == "lesson")):
            letter.state, letter.reason = State.HELD, reason
            for name, value in values.items():
                setattr(letter, name, value)
        for name in ("gmail", EVERY):
            await queues.queue(session, name)


async def test_a_released_queue_sends_at_its_readers_hours_and_nothing_before_its_time(town: Town):
    await crowd(town, 1, "gmail.com")
    await held_letters(town, held_with("gmail"))
    town.clock.now = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
    await decides(town, fuse.release, "gmail")
    async with town.parts.database.reading() as session:
        letter = await deliveries.delivery(session, 1)
    assert letter.state is State.PLANNED
    assert letter.ready_at == datetime(2026, 11, 25, 6, 30, tzinfo=UTC)

    later = datetime(2026, 12, 3, 9, 0, tzinfo=UTC)
    await held_letters(town, held_with("gmail"), ready_at=later)
    await decides(town, fuse.release, "gmail")
    async with town.parts.database.reading() as session:
        assert (await deliveries.delivery(session, 1)).ready_at == later


async def test_letting_one_queue_go_leaves_the_others_letters(town: Town):
    await crowd(town, 2, "gmail.com")
    await held_letters(town, held_with(EVERY))
    await decides(town, fuse.release, "gmail")
    assert await states(town) == {"held": 2}
    await decides(town, fuse.release, EVERY)
    assert await states(town) == {"planned": 2}


async def test_refusals_are_counted_by_queue_and_hour(town: Town):
    for email in await crowd(town, 3, "gmail.com"):
        town.relay.at_rcpt[email] = GONE if email.startswith("learner0") else "451 4.3.0 not now"
    await town.mail_goes_out()
    async with town.parts.database.reading() as session:
        said = (await queues.said_since(session, town.clock()))["gmail"]
    assert (said.deferred, said.refused, said.gone) == (2, 1, 1)


async def gone_of(town: Town, gone: int, asked: int) -> list[str]:
    """So many of so many learners at Gmail are unknown there; a moment later the worker looks.

    Acceptances are counted by the sender itself; here the test says how many there were.
    """
    emails = await crowd(town, gone, "gmail.com")
    for email in emails:
        town.relay.at_rcpt[email] = GONE
    await town.mail_goes_out()
    async with town.parts.database.writing() as session:
        await queues.count(session, {"gmail": Said(accepted=asked - gone)}, now=town.clock())
    town.clock.advance(seconds=15)
    await Worker(town.parts).sweep()
    return emails


async def suppressed_among(town: Town, emails: list[str]) -> int:
    async with town.parts.database.reading() as session:
        whose = [await people.subscriber_by_key(session, email) for email in emails]
        return sum([await people.is_suppressed(session, each.fingerprint) for each in whose])


async def test_a_provider_that_suddenly_knows_nobody_is_not_believed(town: Town):
    emails = await gone_of(town, 10, 100)
    broken = await queue_named(town, "gmail")
    assert broken.broken_at == broken.held_at == town.clock()
    assert await suppressed_among(town, emails) == 0


async def test_refusals_wait_for_the_acceptances_to_be_counted(town: Town):
    emails = await crowd(town, 10, "gmail.com")
    for email in emails:
        town.relay.at_rcpt[email] = GONE
    await town.mail_goes_out()
    town.clock.advance(seconds=5)
    await Worker(town.parts).sweep()
    assert await queue_named(town, "gmail") is None


@pytest.mark.parametrize(("gone", "asked"), [(9, 9), (10, 200)])
async def test_few_dead_mailboxes_break_nothing(town: Town, gone: int, asked: int):
    emails = await gone_of(town, gone, asked)
    assert await queue_named(town, "gmail") is None
    assert await suppressed_among(town, emails) == gone


async def test_an_hour_that_began_a_minute_ago_remembers_the_one_before(town: Town):
    town.clock.now = datetime(2026, 11, 24, 9, 59, tzinfo=UTC)
    await gone_of(town, 5, 5)
    town.clock.now = datetime(2026, 11, 24, 10, 1, tzinfo=UTC)
    for email in (more := await crowd(town, 5, "googlemail.com")):
        town.relay.at_rcpt[email] = GONE
    await town.mail_goes_out()
    town.clock.advance(seconds=15)
    await Worker(town.parts).sweep()
    assert (await queue_named(town, "gmail")).broken_at is not None
    assert await suppressed_among(town, more) == 0


async def test_a_broken_queue_is_not_let_go_without_a_decision(town: Town):
    await gone_of(town, 10, 100)
    with pytest.raises(Conflict):
        await decides(town, fuse.release, "gmail")


async def test_mailboxes_that_are_really_gone_stay_suppressed_and_open_nothing_again(town: Town):
    emails = await gone_of(town, 10, 100)
    await decides(town, fuse.mailboxes_are_gone, "gmail")
    town.clock.advance(minutes=1)
    await Worker(town.parts).sweep()
    assert (await queue_named(town, "gmail")).is_quiet
    assert await suppressed_among(town, emails) == 10
    assert await states(town) == {"rejected": 10}


async def test_a_provider_that_was_wrong_costs_nobody_a_letter(town: Town):
    emails = await gone_of(town, 10, 100)
    town.relay.at_rcpt.clear()
    await decides(town, fuse.provider_was_wrong, "gmail")
    assert await suppressed_among(town, emails) == 0
    await town.mail_goes_out()
    assert [len(town.mailbox(email)) for email in emails] == [1] * 10
    async with town.parts.database.reading() as session:
        assert await session.scalar(select(func.count(Suppression.id))) == 0


async def test_what_was_said_before_the_doubtful_hour_stands(town: Town):
    (early,) = await crowd(town, 1, "googlemail.com")
    town.relay.at_rcpt[early] = GONE
    await town.mail_goes_out()
    town.clock.advance(hours=3)
    await gone_of(town, 10, 100)
    await decides(town, fuse.provider_was_wrong, "gmail")
    assert await suppressed_among(town, [early]) == 1


async def test_a_persons_word_about_an_address_outlives_the_doubt(town: Town):
    emails = await gone_of(town, 10, 100)
    async with town.parts.database.writing() as session:
        person = await people.subscriber_by_key(session, emails[0])
        reason = people.SuppressionReason.COMPLAINT
        await suppressed.suppress(session, person.fingerprint, reason, now=town.clock())
    assert await suppressed_among(town, emails) == 1
    await decides(town, fuse.provider_was_wrong, "gmail")
    assert await suppressed_among(town, emails) == 1


async def test_reports_about_us_hold_a_provider_when_three_readers_got_them(town: Town):
    emails = await crowd(town, 3, "gmail.com")
    await town.mail_goes_out()
    for number, email in enumerate(emails):
        assert await queue_named(town, "gmail") is None, number
        for copy in (b"", b"\n"):
            await town.mail_comes_in(bounce(town.mailbox(email)[0].sender, "5.7.1") + copy)
    assert (await queue_named(town, "gmail")).held_at is not None
    assert await suppressed_among(town, emails) == 0


CONTENT = "554 5.6.0 message content rejected"


async def faulty_lesson(town: Town, number: int = 3) -> list[str]:
    """Servers of so many learners refused lesson 1; another one has it before them."""
    refusing = await crowd(town, number, "laposte.net")
    for email in refusing:
        town.relay.at_dot[email] = CONTENT
    await town.mail_goes_out()
    await crowd(town, 1, "gmail.com")
    await Worker(town.parts).sweep()
    return refusing


async def test_a_lesson_that_three_servers_refuse_goes_to_nobody_else(town: Town):
    await faulty_lesson(town)
    await town.mail_goes_out()
    assert await states(town) == {"rejected": 3, "held": 1}
    async with town.parts.database.reading() as session:
        assert await session.scalar(select(func.count(Suppression.id))) == 0


async def test_two_refusals_of_a_lesson_are_those_servers_own_affair(town: Town):
    await faulty_lesson(town, 2)
    await town.mail_goes_out()
    assert (await states(town))["rejected"] == 2
    assert len(town.mailbox("learner0@gmail.com")) == 1


async def first_lesson(session) -> Lesson:
    return (await session.scalars(select(Lesson).order_by(Lesson.position))).first()


async def test_a_lesson_that_the_author_stands_by_goes_out_as_it_is(town: Town):
    await faulty_lesson(town)
    async with town.parts.database.writing() as session:
        await mend.stand_by(session, (await first_lesson(session)).id, now=town.clock())
    await town.mail_goes_out()
    assert len(town.mailbox("learner0@gmail.com")) == 1
    assert (await states(town))["rejected"] == 3


async def test_a_mended_lesson_goes_out_to_who_waited_and_to_who_was_refused(town: Town):
    refusing = await faulty_lesson(town)
    town.relay.at_dot.clear()
    async with town.parts.database.writing() as session:
        lesson = await first_lesson(session)
        old = await courses.newest_version(session, lesson.id)
        body = f"{old.body}\nUne phrase mendée.\n"
        text = amend.Text(old.title, old.subject, old.preheader, old.question, body)
        templates, now = town.parts.templates, town.clock()
        await amend.publish_version(session, lesson.id, text, templates, now=now)
    await town.mail_goes_out()
    for email in [*refusing, "learner0@gmail.com"]:
        assert "Une phrase mendée." in town.mailbox(email)[-1].text
