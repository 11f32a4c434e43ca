"""Writes marks and outcomes of many letters in one transaction.

A group is tried again while the database is away: an answer that a server has given must not be
forgotten because the database was restarted in that moment. Trying twice changes nothing,
since every statement names the state and the fence that it expects.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import bulk
from app.db.bulk import Accepted
from app.db.outbox import Claim
from app.db.session import Database, is_passing
from app.domain.answer import weigh
from app.domain.delivery import Event, Reply
from app.flows.installation import Installation
from app.flows.letterbook import Written
from app.flows.record import record
from app.flows.settle import settle

_PAUSES = (0.1, 0.2, 0.5, 1, 2, 5)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a server said about a letter that was handed over."""

    claim: Claim
    reply: Reply
    wire: bytes
    hop: str | None


class Ledger:
    """The common pen of all connections."""

    def __init__(
        self, database: Database, here: Installation, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._here, self._clock = database, here, clock

    async def write(self, wishes: Sequence[Written | Outcome]) -> list[bool]:
        """Write a group; for a letter whether it may leave, for an outcome whether it was ours.

        While the database is away this waits for it, however long that takes.
        """
        pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
        while True:
            try:
                return await self._write(wishes)
            except (DBAPIError, OSError) as fault:
                if isinstance(fault, DBAPIError) and not is_passing(fault):
                    raise
                log.warning("ledger interrupted", fault=type(fault).__name__, wishes=len(wishes))
                await asyncio.sleep(next(pauses))

    async def _write(self, wishes: Sequence[Written | Outcome]) -> list[bool]:
        outcomes = [wish for wish in wishes if isinstance(wish, Outcome)]
        letters = [wish for wish in wishes if isinstance(wish, Written)]
        now, done = self._clock(), set[int]()
        async with self._database.writing() as session:
            if outcomes:
                done |= await self._record(session, outcomes, now)
            if letters:
                done |= await bulk.mark_in_data(session, [_mark(each) for each in letters], now=now)
        return [wish.claim.delivery_id in done for wish in wishes]

    async def _record(
        self, session: AsyncSession, outcomes: Sequence[Outcome], now: datetime
    ) -> set[int]:
        here = self._here
        accepted = [each for each in outcomes if weigh(each.reply).event is Event.ACCEPT]
        done = set[int]()
        if accepted:
            group = [Accepted(each.claim, each.reply) for each in accepted]
            done |= await settle(session, group, now=now, here=here)
        for each in outcomes:
            if weigh(each.reply).event is not Event.ACCEPT and await record(
                session,
                each.claim,
                each.reply,
                wire=each.wire,
                hop=each.hop,
                now=now,
                here=here,
            ):
                done.add(each.claim.delivery_id)
        return done


def _mark(letter: Written) -> dict[str, object]:
    return {
        "id": letter.claim.delivery_id,
        "fence": letter.claim.fence,
        "digest": letter.digest,
        "message_id": letter.message_id,
        "version_id": letter.version_id,
        "written_at": letter.written_at.isoformat(timespec="microseconds"),
    }
