"""Asks the relay's own log about letters of which nobody knows whether they arrived.

What the log shows settles them at once; where it is complete and does not show them they were
surely not taken. Where it says nothing, nothing is done.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import doubtful
from app.db.deliveries import Delivery
from app.db.doubtful import Doubt
from app.db.people import Enrollment
from app.db.session import Database
from app.domain import delivery as rules
from app.domain.delivery import LetterKind
from app.domain.errors import RelayLogUnreadable
from app.domain.unknown import LESSON_WAITS, LOG_SETTLES, By
from app.flows import unsettled
from app.flows.installation import Installation
from app.mail.relay_log import Reading, look

NOT_IN_THE_LOG = "the relay's log is complete and does not show that it was taken"
_GRACE = timedelta(hours=1)


async def ask_the_log(
    database: Database, path: Path, *, clock: Callable[[], datetime], here: Installation
) -> int:
    """Look up a batch of unknown letters; returns how many were decided.

    The file is read in a thread, and no transaction is open meanwhile. Raises RelayLogUnreadable.
    """
    now = clock()
    async with database.reading() as session:
        doubts = await doubtful.for_the_log(
            session,
            since=now - LESSON_WAITS - _GRACE,
            looked_up=NOT_IN_THE_LOG,
        )
    if not doubts:
        return 0
    wanted = {doubt.message_id for doubt in doubts}
    try:
        log = await asyncio.to_thread(look, path, wanted, now=now)
    except OSError as fault:
        raise RelayLogUnreadable(f"{path}: {fault.strerror}") from fault
    async with database.writing() as session:
        return await _heed(session, doubts, log, now=clock(), here=here)


async def _heed(
    session: AsyncSession,
    doubts: Sequence[Doubt],
    log: Reading,
    *,
    now: datetime,
    here: Installation,
) -> int:
    asked = {doubt.delivery_id: doubt for doubt in doubts}
    done = 0
    for delivery, enrollment in await doubtful.hold(session, list(asked)):
        doubt, by = asked[delivery.id], By.RELAY_LOG
        if queue_id := log.taken.get(doubt.message_id):
            because = f"queued as {queue_id}"
            await unsettled.take(session, delivery, enrollment, by, because, now=now, here=here)
            done += 1
        elif log.excludes(doubt.message_id, doubt.written_at, doubt.tried_at + LOG_SETTLES):
            done += await _not_taken(session, delivery, enrollment, doubt, now=now, here=here)
    return done


async def _not_taken(
    session: AsyncSession,
    delivery: Delivery,
    enrollment: Enrollment,
    doubt: Doubt,
    *,
    now: datetime,
    here: Installation,
) -> bool:
    """An answer waits for its author's word all the same, and so does what is long overdue."""
    if delivery.kind is LetterKind.ANSWER or rules.expired(delivery.kind, doubt.written_at, now):
        delivery.reason = NOT_IN_THE_LOG
        return False
    by = By.RELAY_LOG
    await unsettled.send_again(
        session, delivery, enrollment, by, NOT_IN_THE_LOG, now=now, here=here
    )
    return True
