"""One round of sending when things go wrong in its middle: it ends, and the next one works."""

import asyncio

import pytest

from app.db import deliveries
from app.db.outbox import Claim
from app.db.pen import Pen
from app.domain.delivery import State
from app.flows.dispatch import send_due
from app.mail.next_hop import Relay
from tests.running import free_port
from tests.town import Town

PATIENCE = 20


async def crowd(town: Town, domains: int, each: int) -> int:
    """People of many providers, who have all signed up at once."""
    for domain in range(domains):
        for number in range(each):
            await town.signs_up(f"p{number}@d{domain}.example")
    return domains * each


async def states(town: Town) -> set[State]:
    found = set()
    async with town.parts.database.reading() as session:
        for number in range(1, 100):
            for each in await deliveries.of_enrollment(session, number):
                found.add(each.state)
    return found


async def test_a_relay_that_is_away_ends_the_round_and_nothing_stays_behind(town: Town):
    people, office = await crowd(town, 20, 2), town.parts.office
    there = office.relay
    office.relay = Relay("smtp", "127.0.0.1", free_port(), None, None)
    await asyncio.wait_for(send_due(office), PATIENCE)
    assert office.relay_fault is not None
    assert office.in_hand == {}
    assert await states(town) == {State.PLANNED}
    office.relay = there
    await asyncio.wait_for(send_due(office), PATIENCE)
    assert len(town.relay.caught) == people


@pytest.mark.parametrize("how", ["stopping", "halted"])
async def test_a_worker_that_must_stop_under_load_gives_the_rest_back(town: Town, how: str):
    people, office = await crowd(town, 20, 2), town.parts.office

    async def stop() -> None:
        setattr(office, how, "a reason")

    town.relay.during_rcpt = stop
    await asyncio.wait_for(send_due(office), PATIENCE)
    assert 0 < len(town.relay.caught) < people
    assert await states(town) == {State.ACCEPTED, State.PLANNED}


async def test_a_relay_that_allows_one_connection_gets_everything_by_that_one(town: Town):
    town.relay.most_connections = 1
    people = await crowd(town, 6, 2)
    await asyncio.wait_for(send_due(town.parts.office), PATIENCE)
    assert len(town.relay.caught) == people


async def test_a_provider_that_asks_for_patience_is_left_alone_at_once(town: Town):
    for number in range(12):
        await town.signs_up(f"p{number}@example.fr")
        town.relay.at_rcpt[f"p{number}@example.fr"] = "421 4.7.0 too fast"
    asked = []

    async def count() -> None:
        asked.append(True)

    town.relay.during_rcpt = count
    await asyncio.wait_for(send_due(town.parts.office), PATIENCE)
    assert len(asked) <= 4


class Failing:
    """A pen that has a moment of strength, and then none."""

    def __init__(self, pen: Pen) -> None:
        self._pen, self.tries = pen, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._pen, name)

    async def claim(self, **asked: object) -> list[Claim]:
        self.tries += 1
        if self.tries > 1:
            raise OSError("the database is away")
        return await self._pen.claim(**asked)


async def test_a_round_that_cannot_claim_says_so_instead_of_trying_for_ever(town: Town):
    await crowd(town, 2, 2)
    office = town.parts.office
    office.courtesy = Busy()
    office.database.pen = failing = Failing(office.database.pen)
    with pytest.raises(OSError, match="away"):
        await asyncio.wait_for(send_due(office, limit=1), PATIENCE)
    assert failing.tries <= 3


class Busy:
    """Nobody is being served."""

    is_due = False


async def test_what_was_claimed_long_ago_is_asked_about_again(town: Town):
    people, office = await crowd(town, 1, 6), town.parts.office

    async def time_passes() -> None:
        town.clock.advance(minutes=6)

    town.relay.during_rcpt = time_passes
    await asyncio.wait_for(send_due(office), PATIENCE)
    assert len(town.relay.caught) == people
    assert office.in_hand == {}
    fences = []
    async with town.parts.database.reading() as session:
        for number in range(1, people + 1):
            fences += [each.fence for each in await deliveries.of_enrollment(session, number)]
    assert min(fences) == 1
    assert max(fences) > 1
