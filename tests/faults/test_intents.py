"""The same wish is the same row: the database itself refuses a second one."""

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app.db.deliveries import Delivery
from app.wiring import Parts
from tests.faults.oracle import enroll


async def test_a_lesson_cannot_be_planned_twice_for_one_learner(parts: Parts):
    await enroll(parts, 1)
    table = Delivery.__table__
    async with parts.database.reading() as session:
        planned = (await session.execute(select(table))).one()._asdict()
    del planned["id"]
    with pytest.raises(IntegrityError):
        async with parts.database.writing() as session:
            await session.execute(insert(Delivery).values(**planned))
