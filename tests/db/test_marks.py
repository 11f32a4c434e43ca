"""Who may be sent what: the statement that marks many letters and the question about one agree."""

from itertools import product

import pytest
from sqlalchemy import delete, insert, update

from app.db import deliveries, outbox
from app.db.deliveries import Delivery
from app.db.outbox import Claim
from app.db.people import Enrollment
from app.domain.delivery import LetterKind, State, Why
from app.domain.enrollment import Standing
from app.flows import silence
from tests.town import CAMILLE, Town

INTENTS = {
    "confirm:9": LetterKind.CONFIRM,
    "already_enrolled:9": LetterKind.ALREADY_ENROLLED,
    "lesson:7": LetterKind.LESSON,
    "lesson:7:1": LetterKind.LESSON,
    "answer:9": LetterKind.ANSWER,
}
MAY_LEAVE = {
    "confirm:9": set(Standing) - {Standing.LEFT},
    "already_enrolled:9": set(Standing) - {Standing.LEFT},
    "lesson:7": {Standing.ACTIVE, Standing.FINISHED},
    "lesson:7:1": {Standing.ACTIVE, Standing.FINISHED, Standing.PAUSED},
    "answer:9": set(Standing),
}


async def claimed(session, enrollment_id: int, intent: str, now) -> Delivery:
    """A letter in a worker's hand."""
    values = {"planned_for": now, "due_at": now, "ready_at": now, "created_at": now}
    done = await session.execute(
        insert(Delivery)
        .values(
            enrollment_id=enrollment_id,
            kind=INTENTS[intent],
            intent=intent,
            priority=1,
            state=State.CLAIMED,
            planned_day=now.date(),
            attempts=0,
            fence=1,
            **values,
        )
        .returning(Delivery.id)
    )
    return await deliveries.delivery(session, done.scalar_one())


@pytest.mark.parametrize("suppressed", [False, True])
async def test_the_mark_and_the_question_give_the_same_answer(town: Town, suppressed: bool):
    enrollment, now = await town.becomes_a_learner(), town.clock()
    if suppressed:
        async with town.parts.database.writing() as session:
            await silence.silence(session, CAMILLE, now=now, here=town.parts.here)
    for standing, intent in product(Standing, INTENTS):
        async with town.parts.database.writing() as session:
            changed = update(Enrollment).where(Enrollment.id == enrollment.id)
            await session.execute(changed.values(standing=standing))
            letter = await claimed(session, enrollment.id, intent, now)
            why = await outbox.kept_back(session, letter)
        marked = await town.a_worker_marks(Claim(letter.id, 1))
        async with town.parts.database.writing() as session:
            await session.execute(delete(Delivery).where(Delivery.id == letter.id))
        expected = not suppressed and standing in MAY_LEAVE[intent]
        assert (why is None, bool(marked)) == (expected, expected), (standing, intent)
        assert why in (None, Why.LEFT, Why.PAUSED, Why.SUPPRESSED)


async def test_an_old_fence_marks_nothing_and_marking_twice_is_marking_once(town: Town):
    enrollment, now = await town.becomes_a_learner(), town.clock()
    async with town.parts.database.writing() as session:
        letter = await claimed(session, enrollment.id, "answer:9", now)
    for fence, marked in ((0, set()), (1, {letter.id}), (1, {letter.id})):
        assert await town.a_worker_marks(Claim(letter.id, fence)) == marked
