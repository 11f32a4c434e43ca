"""How fast letters leave: per provider, per instance, the urgent before the rest."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from app.db import deliveries, queues
from app.domain.ceiling import Ceilings
from app.domain.delivery import State
from app.domain.errors import SettingMissing
from app.domain.pacing import read_paces
from app.domain.provider import EVERY, Pace, held_with
from app.flows import discuss
from app.flows.traffic import Traffic
from app.worker import Worker
from tests.town import CAMILLE, Town


async def crowd(town: Town, domain: str, size: int) -> list[str]:
    """People who have signed up at once."""
    people = [f"p{number}@{domain}" for number in range(size)]
    for each in people:
        await town.signs_up(each)
    return people


class Busy:
    """Counts how many letters are at the server's RCPT at one time, by domain."""

    def __init__(self, town: Town) -> None:
        self.now, self.most = 0, 0
        town.relay.during_rcpt = self.stay

    async def stay(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        self.now -= 1


async def test_a_provider_gets_no_more_connections_than_it_likes(town: Town):
    town.parts.office.connections = 8
    await crowd(town, "orange.fr", 10)
    busy = Busy(town)
    await town.mail_goes_out()
    assert busy.most == 2
    assert len(town.relay.caught) == 10


async def test_the_operators_own_figure_for_a_provider_counts(town: Town):
    town.parts.office.connections = 8
    town.parts.office.traffic = Traffic(read_paces("orange=5x100"), Ceilings())
    await crowd(town, "orange.fr", 12)
    busy = Busy(town)
    await town.mail_goes_out()
    assert 2 < busy.most <= 5


async def test_a_slow_provider_holds_nobody_else_back(town: Town):
    town.parts.office.connections = 4
    await crowd(town, "orange.fr", 8)
    await town.signs_up("late@gmail.com")
    await town.mail_goes_out()
    order = [each.recipient for each in town.relay.caught]
    assert order.index("late@gmail.com") < 6


async def test_a_connection_carries_no_more_letters_than_the_provider_likes(town: Town):
    town.parts.office.connections = 1
    town.parts.office.traffic = Traffic({"orange": Pace(1, 3)}, Ceilings())
    await crowd(town, "orange.fr", 7)
    await town.mail_goes_out()
    assert town.relay.letters_by_connection() == [3, 3, 1]


@pytest.mark.parametrize("name", ["example.fr", EVERY])
async def test_a_held_queue_keeps_its_letters_with_the_reason(town: Town, name: str):
    async with town.parts.database.writing() as session:
        (await queues.queue(session, name)).held_at = town.clock()
    await town.signs_up()
    await town.mail_goes_out()
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        (waiting,) = await deliveries.of_enrollment(session, enrollment.id)
    assert (waiting.state, waiting.reason) == (State.HELD, held_with(name))
    assert town.relay.caught == []


async def test_a_queue_that_asked_for_patience_gets_one_letter_a_minute(town: Town):
    await crowd(town, "example.fr", 3)
    async with town.parts.database.writing() as session:
        slow = await queues.queue(session, "example.fr")
        slow.slowed_until = town.clock() + timedelta(minutes=90)
    arrived = []
    for _ in range(3):
        await town.mail_goes_out()
        arrived.append(len(town.relay.caught))
        town.clock.advance(seconds=61)
    assert arrived == [1, 2, 3]


async def test_above_the_hourly_ceiling_letters_wait_and_are_seen(town: Town):
    town.parts.office.traffic = Traffic({}, Ceilings(hourly=2))
    await crowd(town, "example.fr", 3)
    await town.mail_goes_out()
    assert len(town.relay.caught) == 2
    enrollment = await town.enrollment("p2@example.fr")
    async with town.parts.database.reading() as session:
        (waiting,) = await deliveries.of_enrollment(session, enrollment.id)
    assert waiting.state is State.PLANNED
    assert "ceiling" in (waiting.reason or "")
    town.clock.advance(hours=2)
    await town.mail_goes_out()
    assert len(town.relay.caught) == 3


async def test_lessons_that_wait_for_a_ceiling_do_not_come_in_the_night(town: Town):
    for email in ("first@example.fr", CAMILLE):
        await town.becomes_a_learner(email)
        town.clock.advance(seconds=1)
    town.parts.office.traffic = Traffic({}, Ceilings(daily=1))
    town.clock.advance(hours=24)
    for _ in range(2):
        await town.mail_goes_out()
        town.clock.advance(minutes=2)
    async with town.parts.database.reading() as session:
        enrollment = await town.enrollment()
        waiting = (await deliveries.lessons_so_far(session, enrollment.id))[1]
    assert waiting.ready_at > town.clock() + timedelta(hours=12)
    assert 6 <= waiting.ready_at.hour <= 19


async def test_a_warming_instance_sends_fifty_letters_on_its_first_day(town: Town):
    town.parts.office.traffic = Traffic({}, Ceilings(warming_since=town.clock()))
    await crowd(town, "example.fr", 53)
    await town.mail_goes_out()
    assert len(town.relay.caught) == 50


async def test_the_counts_of_an_hour_survive_the_process(town: Town):
    await crowd(town, "gmail.com", 2)
    await town.becomes_a_learner()
    async with town.parts.database.reading() as session:
        said = await queues.said_since(session, town.clock())
    assert {name: each.accepted for name, each in said.items()} == {"gmail": 2, "example.fr": 2}


async def test_an_answer_overtakes_the_lessons_that_are_in_hand_already(town: Town):
    town.parts.office.connections = 1
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "Une question."))
    for number in range(6):
        await town.becomes_a_learner(f"p{number}@gmail.com")
    town.relay.caught.clear()
    town.clock.advance(hours=25)
    asked = False

    async def the_author_answers() -> None:
        nonlocal asked
        if not asked:
            asked = True
            async with town.parts.database.writing() as session:
                await discuss.answer(session, 1, "Une réponse.", now=town.clock())
            await asyncio.sleep(0.2)

    town.relay.during_rcpt = the_author_answers
    await Worker(town.parts).send_letters()
    subjects = [str(each.message["Subject"]) for each in town.relay.caught]
    place = next(at for at, subject in enumerate(subjects) if subject.startswith("Re:"))
    assert place <= 4, Counter(subjects)
    assert town.mailbox(CAMILLE)


@pytest.mark.parametrize("text", ["gmail", "gmail=x5", "gmail=0x5", "gmail=5x0", "é=1x1"])
def test_a_pace_that_cannot_be_read_is_named(text: str):
    with pytest.raises(SettingMissing, match="FEUILLETON_PACES"):
        read_paces(text)


def test_paces_are_read_as_they_stand():
    assert read_paces(" Gmail=5x50, other=1x2 ") == {"gmail": Pace(5, 50), "other": Pace(1, 2)}
