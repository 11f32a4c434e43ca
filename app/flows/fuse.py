"""The circuit breaker at work, and a person's word on a queue that is held.

A provider that suddenly knows nobody any more is not believed: its queue is held, and what it said
in that hour suppresses nobody before a person decides. The rule itself is domain/breaker; queues
that are held for other reasons are held by standstill.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import outbox, people, queues, refusals, suppressed
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.db.queues import ProviderQueue, Said
from app.db.session import ready
from app.domain import breaker
from app.domain import delivery as rules
from app.domain.delivery import Event
from app.domain.errors import Conflict
from app.domain.meaning import PERSONAL
from app.flows import pace, standstill
from app.flows.installation import Installation
from app.flows.record import go_on, unfix

# Each worker counts what was accepted every few seconds; what was refused waits for that here, or a
# quick start would look like a provider that knows nobody.
_LAG = timedelta(seconds=10)
log = structlog.get_logger()


async def trip(session: AsyncSession, *, now: datetime) -> list[str]:
    """Open the breaker of each provider that calls too many mailboxes gone; returns the names.

    The sliding hour is read from whole clock hours, of which one alone would forget what was said
    a minute before it began, and two would dilute a sudden change: each is asked, the begun hour
    and the begun hour with the one before it, and either opens.
    """
    opened = []
    for name, said in sorted((await queues.said_since(session, now - breaker.WATCH)).items()):
        if said.gone and await _blows(session, name, said, now):
            queue = await queues.queue(session, name)
            if queue.broken_at is None:
                await _open(session, queue, said, now=now)
                opened.append(name)
    return opened


async def _blows(session: AsyncSession, name: str, both: Said, now: datetime) -> bool:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    begun = (await queues.said_since(session, this_hour, name=name)).get(name, Said())
    for since, said in ((this_hour, begun), (this_hour - breaker.WATCH, both)):
        gone = await suppressed.gone_at(session, name, since=since, until=now - _LAG)
        if breaker.opens(said.asked, gone):
            return True
    return False


async def _open(session: AsyncSession, queue: ProviderQueue, said: Said, *, now: datetime) -> None:
    queue.broken_at = now
    standstill.hold(queue, f"gone: {said.gone} of {said.asked} mailboxes", now=now)
    await suppressed.doubt(session, queue.name, since=breaker.doubted_from(now), now=now)
    log.error("circuit breaker opened", queue=queue.name, gone=said.gone, asked=said.asked)


async def release(
    session: AsyncSession, name: str, *, now: datetime, here: Installation
) -> ProviderQueue:
    """Let a held or slowed queue go on at its full pace, and all letters that waited for it.

    Raises RecordUnknown, and Conflict while its breaker is open: then it must be said who was
    wrong.
    """
    await queues.known(session, name)
    queue = await queues.queue(session, name)
    if queue.broken_at is not None:
        raise Conflict("say first whether its mailboxes are really gone")
    await standstill.open_again(session, queue, now=now, here=here)
    return queue


async def mailboxes_are_gone(
    session: AsyncSession, name: str, *, now: datetime, here: Installation
) -> ProviderQueue:
    """A person says that the provider was right: its words count, and the queue goes on.

    Raises RecordUnknown, Conflict when the breaker is not open.
    """
    queue = await _broken(session, name)
    await suppressed.believe(session, name)
    await standstill.open_again(session, queue, now=now, here=here)
    return queue


async def provider_was_wrong(
    session: AsyncSession, name: str, *, now: datetime, here: Installation
) -> ProviderQueue:
    """A person says that the mailboxes are there: nobody is suppressed, what was refused goes out
    after all, and the queue goes on. Raises RecordUnknown, Conflict when the breaker is not open.
    """
    opened_at = (await queues.known(session, name)).broken_at
    since = breaker.doubted_from(opened_at or now)
    for person in await suppressed.strike_out(session, name):
        await _make_good(session, person, since=since, now=now, here=here)
    queue = await _broken(session, name)
    await standstill.open_again(session, queue, now=now, here=here)
    return queue


async def _broken(session: AsyncSession, name: str) -> ProviderQueue:
    await queues.known(session, name)
    queue = await queues.queue(session, name)
    if queue.broken_at is None:
        raise Conflict("nothing is doubted about this queue")
    return queue


async def _make_good(
    session: AsyncSession,
    person: Subscriber,
    *,
    since: datetime,
    now: datetime,
    here: Installation,
) -> None:
    """Send what was refused to this person, and plan what was cancelled because of it."""
    for each in await people.enrollments_of(session, person.id):
        enrollment = await people.enrollment(session, each.id, lock=True)
        await _retract(session, enrollment, since=since, now=now, here=here)
        await session.flush()
        await go_on(session, enrollment, now=now, here=here)


async def _retract(
    session: AsyncSession,
    enrollment: Enrollment,
    *,
    since: datetime,
    here: Installation,
    now: datetime,
) -> None:
    mine = Delivery.enrollment_id == enrollment.id
    for letter in await refusals.rejected(session, mine, causes=PERSONAL, since=since):
        letter.state = rules.advance(letter.state, Event.RETRACT)
        letter.reason, letter.first_tried_at = None, None
        letter.ready_at = await pace.in_window(session, letter, enrollment, now, speed=here.speed)
        if not await outbox.frozen(session, letter.id):
            unfix(letter)
        ready(session)
