"""Whether letters leave at all, and a person's word that they may again. Halts nothing (guard does)
and sends nothing.

What is due then leaves by the usual rules: lesson after lesson, one per person per day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import instance
from app.db.deliveries import Delivery
from app.domain import delivery as rules
from app.domain.delivery import Event
from app.domain.errors import Conflict
from app.domain.restore import OF_THE_CLOCK, Life, begins_anew, what_to_check

UNDER_WAY = "the database was restored or copied while it was being sent"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sending:
    """Whether sending is halted, why and since when; how many letters are due, and since when the
    first of them.
    """

    halted_at: datetime | None
    halted_because: str | None
    due: int
    oldest_due_at: datetime | None

    @property
    def check(self) -> str | None:
        """What to look at before sending goes on, as a sentence."""
        return what_to_check(self.halted_because) if self.halted_because else None


async def sending(session: AsyncSession, *, now: datetime) -> Sending:
    """How it stands. A database that no worker has come to yet is not halted."""
    row = await instance.instance(session)
    due, oldest = await instance.queue(session, now=now)
    halted_at, because = (row.halted_at, row.halted_because) if row else (None, None)
    return Sending(halted_at, because, due, oldest)


async def halt(session: AsyncSession, *, now: datetime) -> Sending | None:
    """How it stands while nothing may leave, else None: then one row is read, and none counted."""
    row = await instance.instance(session)
    return await sending(session, now=now) if row and row.halted_at else None


async def resume(session: AsyncSession, *, now: datetime) -> Life:
    """A person's word that sending goes on from this database, as it is, and from these hosts.

    What was in hand when it was copied becomes unknown: the original has surely sent it on. Returns
    what a worker of this host may write into its file: the name, new where another state of the old
    one may exist (restore.begins_anew), and the epoch, continued. Raises Conflict when nothing is
    halted.
    """
    row = await instance.instance(session, lock=True)
    if row is None or row.halted_at is None:
        raise Conflict("sending is not halted")
    because = row.halted_because or ""
    if because not in OF_THE_CLOCK:
        lose(await instance.under_way(session), now=now)
    if begins_anew(because):
        row.name = uuid4().hex
    row.epoch += 1
    row.beat_at = row.resumed_at = now
    row.halted_before, row.halted_before_because = row.halted_at, because
    row.halted_at = row.halted_because = None
    log.warning("sending resumed by a person", because=because)
    return Life(row.name, row.epoch)


def lose(in_hand: Sequence[Delivery], *, now: datetime) -> None:
    """Nobody knows what became of these: the rules for unknown letters apply.

    Not even a claim without a mark is surely unsent here: the mark may have come after the copy.
    """
    for delivery in in_hand:
        delivery.state = rules.advance(delivery.state, Event.LOSE)
        delivery.reason, delivery.unknown_since, delivery.lease_until = UNDER_WAY, now, None
