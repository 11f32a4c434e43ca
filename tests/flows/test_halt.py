"""A database that went back, a copy, a stranger, a clock that jumped: nothing leaves until a person
says so, and then no more than would have left anyway.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from app.config import Settings
from app.db import instance
from app.db.deliveries import Delivery, delivery
from app.db.instance import Instance
from app.domain.delivery import State
from app.domain.errors import Conflict, SettingMissing
from app.domain.restore import Halt
from app.flows import sending
from app.wiring import Parts, build
from app.worker import Worker
from tests.town import CAMILLE, Town

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Host:
    """A worker that goes its rounds when it is told to."""

    worker: Worker
    parts: Parts

    async def works(self) -> None:
        await self.worker.sweep()
        await self.worker.send_letters()

    async def set_row(self, **values: Any) -> None:
        async with self.parts.database.writing() as session:
            await session.execute(update(Instance).values(**values))

    async def row(self) -> Instance:
        async with self.parts.database.reading() as session:
            row = await instance.instance(session)
        assert row
        return row

    async def because(self) -> str | None:
        return (await self.row()).halted_because

    async def person_says_go_on(self) -> None:
        async with self.parts.database.writing() as session:
            await sending.resume(session, now=self.parts.clock())


@pytest.fixture
async def host(parts: Parts) -> Host:
    """A host that has worked on its database for a while."""
    host = Host(Worker(parts), parts)
    await host.works()
    parts.clock.advance(seconds=5)
    await host.works()
    return host


async def test_the_first_start_makes_row_and_file_and_each_beat_counts(host: Host, town: Town):
    before = await host.row()
    await host.works()
    assert (await host.row()).epoch == before.epoch + 1
    assert f'"epoch": {before.epoch + 1}' in host.parts.instance_file.read_text()
    await town.signs_up()
    await host.works()
    assert len(town.mailbox()) == 1


async def test_a_first_worker_that_died_between_row_and_file_halts_nobody(host: Host):
    await host.set_row(epoch=0)
    host.parts.instance_file.unlink()
    await host.works()
    assert await host.because() is None
    assert host.parts.instance_file.exists()


async def test_a_first_start_that_could_not_write_its_file_left_nothing_behind(
    parts: Parts, town: Town, tmp_path: Path
):
    await town.signs_up()
    parts.instance_file = tmp_path / "var" / "instance.json"
    parts.instance_file.parent.symlink_to(tmp_path / "a disk that is not there yet")
    with pytest.raises(SettingMissing):
        await Worker(parts).sweep()
    parts.instance_file.parent.unlink()
    await Host(Worker(parts), parts).works()
    assert len(town.mailbox()) == 1


@pytest.mark.parametrize(
    ("minutes", "because"),
    [
        (60, Halt.CLOCK_JUMPED),
        (8 * 1440, Halt.CLOCK_JUMPED),
        (-60, Halt.CLOCK_JUMPED),
        (14, None),
        (-4, None),
    ],
)
async def test_a_clock_that_jumps_halts_sending_before_the_next_letter(
    host: Host, town: Town, minutes: int, because: Halt | None
):
    town.clock.jump(minutes=minutes)
    await town.signs_up()
    await host.worker.send_letters()
    assert await host.because() == because
    assert len(town.mailbox()) == (0 if because else 1)
    await host.works()
    assert len(town.mailbox()) == (0 if because else 1)


async def test_a_clock_that_is_behind_the_rows_halts_a_worker_that_starts(host: Host, town: Town):
    await town.signs_up()
    town.clock.jump(hours=-2)
    await Host(Worker(host.parts), host.parts).works()
    assert await host.because() == Halt.CLOCK_BEHIND
    assert town.mailbox() == []


async def test_a_clock_that_was_ahead_and_is_right_again_halts_once(host: Host, town: Town):
    town.clock.jump(hours=-2)
    restarted = Host(Worker(host.parts), host.parts)
    await restarted.works()
    await town.signs_up()
    await restarted.person_says_go_on()
    await restarted.works()
    await restarted.works()
    assert len(town.mailbox()) == 1


async def test_a_machine_that_slept_for_days_is_not_halted(host: Host, town: Town):
    await town.signs_up()
    town.clock.advance(days=3)
    await host.works()
    assert await host.because() is None
    assert len(town.mailbox()) == 1


async def test_after_a_jump_of_a_week_a_learner_gets_one_lesson_and_not_seven(
    host: Host, town: Town
):
    await town.becomes_a_learner()
    town.clock.jump(days=8)
    await host.works()
    assert len(town.mailbox()) == 2
    await host.person_says_go_on()
    for _ in range(5):
        await host.works()
    assert len(town.mailbox()) == 3
    town.clock.advance(hours=12)
    await host.works()
    assert len(town.mailbox()) == 3


async def test_a_halt_lasts_until_a_person_ends_it(host: Host, town: Town):
    town.clock.jump(hours=1)
    await host.works()
    town.clock.jump(hours=-1)
    await town.signs_up()
    for _ in range(3):
        await host.works()
    assert town.mailbox() == []
    await host.person_says_go_on()
    await host.works()
    assert len(town.mailbox()) == 1
    with pytest.raises(Conflict):
        await host.person_says_go_on()


async def test_a_database_that_went_back_sends_nothing_and_goes_on_under_a_new_name(
    host: Host, town: Town
):
    before = await host.row()
    await host.set_row(epoch=before.epoch - 1)
    await town.signs_up()
    await host.works()
    assert await host.because() == Halt.WENT_BACK
    assert town.mailbox() == []
    await host.person_says_go_on()
    await host.works()
    assert len(town.mailbox()) == 1
    assert (await host.row()).name != before.name


async def test_the_old_future_of_a_restored_database_is_a_stranger(host: Host):
    old_primary = await host.row()
    await host.set_row(epoch=1)
    await host.works()
    await host.person_says_go_on()
    await host.works()
    await host.set_row(name=old_primary.name, epoch=10**6)
    await host.works()
    assert await host.because() == Halt.STRANGER


async def test_an_empty_database_under_the_file_of_another_is_not_sent_from(host: Host, town: Town):
    async with host.parts.database.writing() as session:
        await session.execute(delete(Instance))
    await town.signs_up()
    await host.works()
    assert await host.because() == Halt.NO_ROW
    assert town.mailbox() == []


async def test_a_halt_that_is_gone_because_the_database_is_another_is_not_lifted(
    host: Host, town: Town
):
    await host.set_row(epoch=1)
    await host.works()
    # Somebody puts an even older dump in its place, in which nothing was ever halted.
    await host.set_row(epoch=1, halted_at=None, halted_because=None)
    await town.signs_up()
    await host.works()
    assert await host.because() == Halt.WENT_BACK
    assert town.mailbox() == []


async def test_a_wrong_clock_does_not_hide_a_restored_database(host: Host, town: Town):
    town.clock.jump(hours=1)
    await host.works()
    await host.set_row(epoch=1)
    await host.works()
    assert await host.because() == Halt.WENT_BACK


async def test_a_second_worker_of_the_same_host_just_works(host: Host, settings: Settings):
    beside = build(settings, clock=host.parts.clock, steady=host.parts.steady)
    await Host(Worker(beside), beside).works()
    await host.works()
    assert beside.office.halted is host.parts.office.halted is None
    await beside.database.close()


async def test_a_new_host_halts_all_until_a_person_lets_it_join(
    host: Host, settings: Settings, tmp_path: Path
):
    moved = settings.model_copy(update={"instance_file": tmp_path / "elsewhere" / "instance.json"})
    there = build(moved, clock=host.parts.clock, steady=host.parts.steady)
    newcomer, name = Host(Worker(there), there), (await host.row()).name
    await newcomer.works()
    await host.works()
    assert there.office.halted == host.parts.office.halted == Halt.NO_FILE
    await host.person_says_go_on()
    for each in (newcomer, host, newcomer, host):
        await each.works()
    assert there.office.halted is host.parts.office.halted is None
    assert (await host.row()).name == name
    await there.database.close()


@pytest.mark.parametrize("state", [State.CLAIMED, State.IN_DATA])
async def test_what_was_in_hand_when_it_was_copied_is_not_sent_again_unasked(
    host: Host, town: Town, state: State
):
    await town.signs_up()
    async with host.parts.database.writing() as session:
        taken = {"state": state, "fence": 1, "lease_until": LONG_AGO}
        await session.execute(update(Delivery).values(**taken))
    await host.set_row(epoch=1)
    await host.works()
    await host.person_says_go_on()
    for _ in range(3):
        await host.works()
    async with host.parts.database.reading() as session:
        letter = await delivery(session, 1)
    assert (letter.state, letter.reason) == (State.UNKNOWN, sending.UNDER_WAY)
    assert town.mailbox(CAMILLE) == []


async def test_claims_whose_lease_still_runs_are_left_alone_until_a_person_goes_on(
    host: Host, town: Town
):
    await town.signs_up()
    async with host.parts.database.writing() as session:
        until = town.clock() + (town.clock() - LONG_AGO)
        taken = {"state": State.CLAIMED, "fence": 1, "lease_until": until}
        await session.execute(update(Delivery).values(**taken))
    await host.set_row(epoch=1)
    await host.works()
    async with host.parts.database.reading() as session:
        assert (await delivery(session, 1)).state is State.CLAIMED
    await host.person_says_go_on()
    async with host.parts.database.reading() as session:
        assert (await delivery(session, 1)).state is State.UNKNOWN


async def test_a_claim_of_a_dead_worker_is_not_let_go_while_sending_is_halted(
    host: Host, town: Town
):
    await town.signs_up()
    town.clock.jump(hours=1)
    await host.works()
    async with host.parts.database.writing() as session:
        taken = {"state": State.CLAIMED, "fence": 1, "lease_until": LONG_AGO}
        await session.execute(update(Delivery).values(**taken))
    await host.works()
    async with host.parts.database.reading() as session:
        assert (await delivery(session, 1)).state is State.CLAIMED
