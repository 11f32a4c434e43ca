"""The hot path's statements on both engines: what comes back from them, and what stands then."""

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.db import deliveries
from app.db.deliveries import Delivery
from app.db.instance import Instance
from app.db.outbox import Claim
from app.db.pen import Accepted, Planned
from app.domain.delivery import LetterKind, Priority, State, Why
from app.domain.restore import Life
from tests.town import CAMILLE, Town


async def lessons(town: Town) -> list[Delivery]:
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        return list(await deliveries.lessons_so_far(session, enrollment.id))


def accepted(claim: Claim, enrollment_id: int) -> Accepted:
    return Accepted(claim.delivery_id, claim.fence, enrollment_id, 5, 250, "2.0.0 ok", "relay")


async def test_details_come_in_the_order_of_the_claims(town: Town):
    for number in range(4):
        await town.signs_up(f"learner{number}@example.fr")
        town.clock.advance(seconds=1)
    claims = list(reversed(await town.a_worker_takes()))
    rows = await town.parts.database.pen.details(claims)
    assert [row.id for row in rows] == [claim.delivery_id for claim in claims]
    assert [row.email for row in rows] == [f"learner{n}@example.fr" for n in (3, 2, 1, 0)]
    assert all(row.planned_for.tzinfo and row.written_at is None for row in rows)


async def test_what_is_urgent_is_claimed_without_the_lessons_before_it(town: Town):
    await town.becomes_a_learner()
    town.clock.advance(hours=24)
    await town.signs_up("late@example.fr")
    now, pen = town.clock(), town.parts.database.pen
    until = now + timedelta(minutes=2)
    (claim,) = await pen.claim(now=now, lease_until=until, limit=9, urgent=True)
    async with town.parts.database.reading() as session:
        taken = await deliveries.delivery(session, claim.delivery_id)
    assert (taken.kind, taken.priority) == (LetterKind.CONFIRM, Priority.SERVICE)


async def test_an_acceptance_is_recorded_once_and_only_by_whose_fence_it_is(town: Town):
    enrollment = await town.becomes_a_learner()
    town.clock.advance(hours=24)
    (claim,) = await town.a_worker_takes()
    await town.a_worker_marks(claim)
    stale = Claim(claim.delivery_id, claim.fence - 1)
    for each, recorded in ((stale, 0), (claim, 1), (claim, 0)):
        async with town.parts.database.pen.hand() as hand:
            done = await hand.accept([accepted(each, enrollment.id)], now=town.clock())
        assert len(done) == recorded
    second = (await lessons(town))[1]
    assert (second.state, second.attempts, second.lease_until) == (State.ACCEPTED, 1, None)
    async with town.parts.database.reading() as session:
        (tried,) = await deliveries.attempts_of(session, second.id)
    assert (tried.code, tried.text, tried.hop, tried.number) == (250, "2.0.0 ok", "relay", 1)


async def test_a_transaction_that_breaks_leaves_nothing(town: Town):
    enrollment = await town.becomes_a_learner()
    town.clock.advance(hours=24)
    (claim,) = await town.a_worker_takes()
    await town.a_worker_marks(claim)
    with suppress(RuntimeError):
        async with town.parts.database.pen.hand() as hand:
            await hand.accept([accepted(claim, enrollment.id)], now=town.clock())
            raise RuntimeError
    assert (await lessons(town))[1].state is State.IN_DATA


async def test_learners_bring_every_lesson_they_ever_had(town: Town):
    enrollment = await town.becomes_a_learner()
    async with town.parts.database.pen.hand() as hand:
        (learner,) = await hand.learners([enrollment.id])
    states = [each.state for each in learner.lessons]
    assert (learner.id, learner.zone, states) == (
        enrollment.id,
        "Europe/Paris",
        ["accepted", "planned"],
    )


async def test_a_planned_row_reads_back_as_it_was_meant(town: Town):
    enrollment, now = await town.becomes_a_learner(), town.clock()
    at = now + timedelta(days=3)
    row = Planned(enrollment.id, "lesson:6", 6, State.HELD, Why.PAUSED, at, at.date(), at)
    async with town.parts.database.pen.hand() as hand:
        await hand.plan([row], now=now)
    planned = (await lessons(town))[-1]
    assert (planned.state, planned.reason, planned.priority) == ("held", "paused", Priority.LESSON)
    assert (planned.planned_for, planned.planned_day, planned.ready_at) == (at, at.date(), at)


async def test_finishing_ends_only_what_is_active(town: Town):
    enrollment = await town.becomes_a_learner()
    async with town.parts.database.pen.hand() as hand:
        await hand.finish([enrollment.id], now=town.clock())
    assert (await town.enrollment()).finished_at == town.clock()


async def test_nothing_is_claimed_before_its_time(town: Town):
    await town.becomes_a_learner()
    assert await town.a_worker_takes() == []
    async with town.parts.database.writing() as session:
        soon = update(Delivery).where(Delivery.state == State.PLANNED)
        await session.execute(soon.values(ready_at=town.clock()))
    assert len(await town.a_worker_takes()) == 1
    assert CAMILLE in (await town.parts.database.pen.details([Claim(3, 1)]) or [""])[0]


@pytest.mark.parametrize(
    ("name", "epoch", "halted", "taken"),
    [("ours", 7, False, 1), ("other", 7, False, 0), ("ours", 6, False, 0), ("ours", 9, True, 0)],
)
async def test_from_a_database_that_is_not_as_the_worker_knows_it_nothing_is_taken(
    town: Town, name: str, epoch: int, halted: bool, taken: int
):
    await town.signs_up()
    now = town.clock()
    async with town.parts.database.writing() as session:
        row = Instance(id=1, name=name, epoch=epoch, beat_at=now, halted_at=now if halted else None)
        session.add(row)
    until, life = now + timedelta(minutes=2), Life("ours", 7)
    claims = await town.parts.database.pen.claim(now=now, lease_until=until, limit=5, life=life)
    assert len(claims) == taken
