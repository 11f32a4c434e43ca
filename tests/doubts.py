"""Letters that were lost on the way, on purpose: what tests of the unknown have in common."""

from app.db import deliveries, rulings
from app.db.deliveries import Delivery
from app.domain.delivery import State
from app.flows import discuss
from app.worker import Worker
from tests.town import CAMILLE, Town


async def letter(town: Town, number: int) -> Delivery:
    async with town.parts.database.reading() as session:
        return await deliveries.delivery(session, number)


async def ruled(town: Town, number: int) -> list[tuple[str, str]]:
    async with town.parts.database.reading() as session:
        return [(each.verdict, each.by) for each in await rulings.rulings_on(session, number)]


async def tries(town: Town, number: int) -> list[tuple[int, str, str]]:
    async with town.parts.database.reading() as session:
        tried = await deliveries.attempts_of(session, number)
    return [(each.number, each.outcome, each.phase_name) for each in tried]


async def time_passes(town: Town, **span: float) -> None:
    """The worker sweeps and sends when it is over."""
    town.clock.advance(**span)
    await Worker(town.parts).sweep()
    await town.mail_goes_out()


def the_line_breaks(town: Town) -> list[bytes]:
    """From now on connections are cut right after the dot; here come the letters of then."""
    town.relay.at_dot[CAMILLE] = "cut"
    return town.relay.cut_off


async def lose_confirmation(town: Town) -> tuple[int, list[bytes]]:
    seen = the_line_breaks(town)
    await town.signs_up()
    await town.mail_goes_out()
    assert (await letter(town, 1)).state is State.UNKNOWN
    return 1, seen


async def lose_second_lesson(town: Town) -> tuple[int, list[bytes]]:
    await town.becomes_a_learner()
    seen = the_line_breaks(town)
    town.clock.advance(hours=24)
    await town.mail_goes_out()
    assert (await letter(town, 3)).state is State.UNKNOWN
    return 3, seen


async def lose_answer(town: Town) -> int:
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "Une question."))
    async with town.parts.database.writing() as session:
        _, answer = await discuss.answer(session, 1, "Une réponse.", now=town.clock())
    the_line_breaks(town)
    await town.mail_goes_out()
    assert (await letter(town, answer.id)).state is State.UNKNOWN
    return answer.id


async def lessons(town: Town) -> list[State]:
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        return [each.state for each in await deliveries.lessons_so_far(session, enrollment.id)]
