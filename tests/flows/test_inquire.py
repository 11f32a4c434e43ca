"""The relay's own log, asked about letters of which nobody knows whether they arrived."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.config import Settings
from app.db import deliveries, rulings
from app.db.deliveries import Delivery
from app.domain.delivery import State
from app.domain.errors import RelayLogUnreadable
from app.flows import discuss, inquire
from app.worker import Worker
from tests.town import CAMILLE, Town


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail.log"


@pytest.fixture
def settings(settings: Settings, path: Path) -> Settings:
    """An installation whose relay stands beside it and writes its log here."""
    return settings.model_copy(update={"relay_log": str(path)})


@pytest.fixture
def log(path: Path, town: Town) -> "Log":
    return Log(path, town)


class Log:
    """What the Postfix beside us writes down."""

    def __init__(self, path: Path, town: Town) -> None:
        self._path, self._town = path, town

    def write(self, said: str, *, at: datetime | None = None) -> None:
        stamp = (at or self._town.clock()).isoformat()
        with self._path.open("a") as file:
            file.write(f"{stamp} relay postfix/{said}\n")

    def begins(self, message_id: str, queue_id: str) -> None:
        self.write(f"smtpd[9]: {queue_id}: client=localhost[127.0.0.1]")
        self.write(f"cleanup[7]: {queue_id}: message-id=<{message_id}>")

    def takes(self, message_id: str, queue_id: str) -> None:
        self.begins(message_id, queue_id)
        self.write(f"qmgr[5]: {queue_id}: from=<b+x@rebonds.cours.test>, size=9, nrcpt=1 (queue)")

    def runs_since_yesterday(self) -> None:
        """It is ours: it has taken letters of this program before."""
        yesterday = self._town.clock() - timedelta(days=1)
        self.write("master[1]: daemon started -- version 3.7.11", at=yesterday)
        self.takes("l.another@cours.test", "AAA")

    def goes_on(self, **later: float) -> None:
        """Somebody says something to it a while later."""
        self._town.clock.advance(**later)
        self.write("smtpd[9]: connect from localhost[127.0.0.1]")


async def letter(town: Town, number: int) -> Delivery:
    async with town.parts.database.reading() as session:
        return await deliveries.delivery(session, number)


async def ruled(town: Town, number: int) -> list[tuple[str, str, str]]:
    async with town.parts.database.reading() as session:
        found = await rulings.rulings_on(session, number)
    return [(each.verdict, each.by, each.because) for each in found]


async def lose_confirmation(town: Town) -> Delivery:
    town.relay.at_dot[CAMILLE] = "cut"
    await town.signs_up()
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    lost = await letter(town, 1)
    assert lost.state is State.UNKNOWN
    return lost


async def lose_lesson(town: Town) -> Delivery:
    await town.becomes_a_learner()
    town.clock.advance(hours=24)
    town.relay.at_dot[CAMILLE] = "cut"
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    return await letter(town, 3)


async def lose_answer(town: Town) -> Delivery:
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "Une question."))
    async with town.parts.database.writing() as session:
        _, answer = await discuss.answer(session, 1, "Une réponse.", now=town.clock())
    town.relay.at_dot[CAMILLE] = "cut"
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    return await letter(town, answer.id)


async def test_a_lesson_that_the_log_shows_as_taken_counts_as_sent_at_once(town: Town, log: Log):
    lost = await lose_lesson(town)
    log.takes(lost.message_id or "", "4XyZ")
    await Worker(town.parts).ask_the_log()
    assert await ruled(town, 3) == [("sent", "relay_log", "queued as 4XyZ")]
    assert (await letter(town, 4)).state is State.PLANNED


async def test_a_lesson_that_a_complete_log_does_not_show_goes_out_again(town: Town, log: Log):
    await town.becomes_a_learner()
    log.runs_since_yesterday()
    town.clock.advance(hours=24)
    town.relay.at_dot[CAMILLE] = "cut"
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    log.goes_on(minutes=7)
    await Worker(town.parts).ask_the_log()
    await town.mail_goes_out()
    assert await ruled(town, 3) == [("resend", "relay_log", inquire.NOT_IN_THE_LOG)]
    assert [town.mailbox()[-1].raw] == town.relay.cut_off
    assert len(town.mailbox()) == 3


async def test_what_was_cut_again_and_again_goes_out_until_it_is_taken(town: Town, log: Log):
    log.runs_since_yesterday()
    await lose_confirmation(town)
    town.relay.at_dot[CAMILLE] = "cut"
    for _ in range(3):
        log.goes_on(minutes=7)
        await Worker(town.parts).ask_the_log()
        await town.mail_goes_out()
    town.relay.at_dot.clear()
    log.goes_on(minutes=7)
    await Worker(town.parts).ask_the_log()
    await town.mail_goes_out()
    assert [verdict for verdict, _, _ in await ruled(town, 1)] == ["resend"] * 4
    assert len({*town.relay.cut_off, town.mailbox()[0].raw}) == 1


async def test_what_the_log_shows_as_begun_only_is_left_to_the_rule(town: Town, log: Log):
    log.runs_since_yesterday()
    lost = await lose_confirmation(town)
    log.begins(lost.message_id or "", "4XyZ")
    log.goes_on(minutes=7)
    await Worker(town.parts).ask_the_log()
    assert await ruled(town, 1) == []


@pytest.mark.parametrize("minutes", [0, 5])
async def test_a_log_that_ends_too_early_says_nothing(town: Town, log: Log, minutes: int):
    log.runs_since_yesterday()
    await lose_confirmation(town)
    log.goes_on(minutes=minutes)
    await Worker(town.parts).ask_the_log()
    assert await ruled(town, 1) == []


async def test_a_log_that_begins_too_late_says_nothing(town: Town, log: Log):
    await lose_confirmation(town)
    town.clock.advance(minutes=1)
    log.takes("l.another@cours.test", "AAA")
    log.goes_on(minutes=7)
    await Worker(town.parts).ask_the_log()
    assert await ruled(town, 1) == []


async def test_an_answer_that_the_log_shows_as_taken_was_sent(town: Town, log: Log):
    lost = await lose_answer(town)
    log.takes(lost.message_id or "", "4XyZ")
    await Worker(town.parts).ask_the_log()
    assert (await letter(town, lost.id)).state is State.ACCEPTED


async def test_an_answer_that_was_not_taken_waits_for_its_author_all_the_same(town: Town, log: Log):
    log.runs_since_yesterday()
    lost = await lose_answer(town)
    log.goes_on(minutes=7)
    for _ in range(3):
        await Worker(town.parts).ask_the_log()
    known = await letter(town, lost.id)
    assert (known.state, known.reason) == (State.UNKNOWN, inquire.NOT_IN_THE_LOG)
    assert await ruled(town, lost.id) == []


async def test_a_log_that_is_not_there_is_said_and_decides_nothing(town: Town, path: Path):
    await lose_confirmation(town)
    await Worker(town.parts).ask_the_log()
    assert await ruled(town, 1) == []
    with pytest.raises(RelayLogUnreadable, match="No such file"):
        await inquire.ask_the_log(town.parts.database, path, clock=town.clock, here=town.parts.here)


async def test_what_a_copied_database_had_in_hand_is_not_looked_up(town: Town, log: Log):
    """It may have gone out by the relay of another machine."""
    log.runs_since_yesterday()
    await lose_confirmation(town)
    async with town.parts.database.writing() as session:
        copied = await deliveries.delivery(session, 1)
        copied.unknown_since = town.clock.advance(minutes=1)
    log.goes_on(minutes=8)
    await Worker(town.parts).ask_the_log()
    assert await ruled(town, 1) == []


async def test_what_was_cut_does_not_count_as_sent_for_the_rule(town: Town, log: Log):
    log.runs_since_yesterday()
    await lose_confirmation(town)
    town.relay.at_dot[CAMILLE] = "cut"
    log.goes_on(minutes=7)
    await Worker(town.parts).ask_the_log()
    await town.mail_goes_out()
    town.clock.advance(minutes=10)
    await Worker(town.parts).sweep()
    assert [by for _, by, _ in await ruled(town, 1)] == ["relay_log", "rule"]


async def test_what_was_cut_for_days_is_left_to_a_person(town: Town, log: Log):
    log.runs_since_yesterday()
    await lose_confirmation(town)
    town.relay.at_dot[CAMILLE] = "cut"
    for _ in range(4):
        log.goes_on(hours=20)
        await Worker(town.parts).ask_the_log()
        await town.mail_goes_out()
    assert len(await ruled(town, 1)) == 2
    assert (await letter(town, 1)).reason == inquire.NOT_IN_THE_LOG
