"""The worker: woken at once by a ready row, alone on SQLite, drained when it is told to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.db import conversations, courses
from app.db.alone import only_worker
from app.db.listen import listen
from app.db.session import Database
from app.domain.errors import WorkerAlreadyThere
from app.flows import receive
from app.flows.receive import Arrival
from app.wiring import build, prepare
from app.worker import Worker
from tests.town import Town


async def test_a_ready_row_wakes_the_worker_of_its_own_process(town: Town):
    assert not town.parts.bell.is_set()
    await town.signs_up()
    assert town.parts.bell.is_set()


async def test_a_transaction_that_makes_nothing_ready_wakes_nobody(town: Town):
    await town.client.get("/")
    await town.client.post("/u/unknown")
    assert not town.parts.bell.is_set()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_on_postgresql_it_wakes_the_workers_of_other_processes(
    town: Town, settings: Settings
):
    elsewhere = build(settings)
    hearing = asyncio.create_task(listen(elsewhere.database, elsewhere.bell.set))
    await asyncio.wait_for(elsewhere.bell.wait(), 20)
    elsewhere.bell.clear()
    await town.signs_up()
    await asyncio.wait_for(elsewhere.bell.wait(), 20)
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    await elsewhere.database.close()


async def test_a_worker_sends_files_and_stops(town: Town):
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(town.parts).run(stop))
    await town.signs_up()
    await asyncio.wait_for(town.relay.something_caught.wait(), 20)
    stop.set()
    await asyncio.wait_for(working, 20)
    assert len(town.mailbox()) == 1


async def test_a_letter_that_is_being_handed_over_is_finished_before_the_end(town: Town):
    stop = asyncio.Event()

    async def the_order_to_stop_comes() -> None:
        stop.set()
        await asyncio.sleep(0.2)

    town.relay.during_data = the_order_to_stop_comes
    working = asyncio.create_task(Worker(town.parts).run(stop))
    await town.signs_up()
    await asyncio.wait_for(working, 20)
    assert len(town.mailbox()) == 1
    town.relay.during_data = None
    await town.confirms()
    assert (await town.enrollment()).standing == "active"


async def test_a_second_worker_on_sqlite_is_refused(town: Town, settings: Settings):
    other = build(settings)
    with only_worker(town.parts.database):
        if town.parts.database.is_sqlite:
            with pytest.raises(WorkerAlreadyThere), only_worker(other.database):
                pass
        else:
            with only_worker(other.database):
                pass
    with only_worker(other.database):
        pass
    await other.database.close()


async def test_a_round_that_fails_does_not_silence_the_worker(town: Town):
    await town.signs_up()
    working_clock, stop = town.parts.office.clock, asyncio.Event()
    failures = iter([True, True])

    def broken_at_first():
        if next(failures, False):
            raise ValueError("a clock that stands still")
        return working_clock()

    town.parts.office.clock = broken_at_first
    working = asyncio.create_task(Worker(town.parts).run(stop))
    await asyncio.wait_for(town.relay.something_caught.wait(), 20)
    stop.set()
    await asyncio.wait_for(working, 20)


async def test_two_processes_that_start_together_import_the_course_once(settings: Settings):
    several = [build(settings) for _ in range(3)]
    await asyncio.gather(*(prepare(parts) for parts in several))
    async with several[0].database.reading() as session:
        assert len(await courses.all_courses(session)) == 1
        assert len(await courses.lessons_of(session, 1)) == 7
    for parts in several:
        await parts.database.close()


class Flickering:
    """A database that is away for the first transactions that would write."""

    def __init__(self, database: Database, *faults: Exception) -> None:
        self._database, self._faults = database, list(faults)
        self.reading = database.reading

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        if self._faults:
            raise self._faults.pop()
        async with self._database.writing() as session:
            yield session


@pytest.mark.parametrize(
    "away", [OperationalError("UPDATE", {}, Exception("gone")), ConnectionResetError()]
)
async def test_a_reply_that_meets_a_database_that_is_away_is_filed_later(
    town: Town, away: Exception
):
    await town.becomes_a_learner()
    arrival = Arrival(town.reply_to(town.mailbox()[1], "Une question."), via="test")
    async with town.parts.database.writing() as session:
        letter = await receive.keep(session, arrival, now=town.clock())
    steady = town.parts.database
    town.parts.database = Flickering(steady, away)
    with pytest.raises(type(away)):
        await Worker(town.parts).file_letters()
    await Worker(town.parts).file_letters()
    town.parts.database = steady
    async with steady.reading() as session:
        assert (await conversations.incoming(session, letter.id)).filing == "filed"
        assert len(await conversations.remarks_of(session, 1)) == 1
