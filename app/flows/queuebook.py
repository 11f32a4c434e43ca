"""What is known of each provider's queue, as the desk, the API and the figures show it. Changes
nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import queues, refusals, suppressed
from app.db.queues import ProviderQueue, Said
from app.db.refusals import Held
from app.domain.provider import OTHER, held_with

A_DAY = timedelta(days=1)
_BUSIEST = 30


@dataclass(frozen=True, slots=True)
class Known:
    """One queue: how it stands, how many letters wait for it and how many words of its provider
    are doubted, and what its servers said in the last day. `slowed_until` lies ahead, or is None.
    """

    name: str
    slowed_until: datetime | None
    held_at: datetime | None
    held_because: str | None
    broken_at: datetime | None
    waiting: int
    doubted: int
    last_day: Said


async def known(
    session: AsyncSession, rows: Iterable[ProviderQueue], *, now: datetime
) -> list[Known]:
    """All that is known of these queues."""
    said = await queues.said_since(session, now - A_DAY)
    return [await _known(session, row, said.get(row.name, Said()), now) for row in rows]


async def at_a_glance(session: AsyncSession, *, now: datetime) -> list[Known]:
    """What the desk shows: the queues that are held, then the slowed ones, then the busiest."""
    said = await queues.said_since(session, now - A_DAY)
    rows = {row.name: row for row in await queues.remembered(session) if not row.is_quiet}
    busiest = sorted(said, key=lambda name: (-said[name].asked, name))[:_BUSIEST]
    names = dict.fromkeys([*rows, *busiest])
    found = [
        await _known(
            session, rows.get(name) or ProviderQueue(name=name), said.get(name, Said()), now
        )
        for name in names
    ]
    return sorted(found, key=lambda each: (each.held_at is None, each.slowed_until is None))


async def by_provider(session: AsyncSession, *, now: datetime) -> dict[str, Said]:
    """What was said in the last day, small domains together: there may be thousands of them."""
    sums: dict[str, Said] = {}
    for name, said in (await queues.said_since(session, now - A_DAY)).items():
        sums.setdefault(OTHER if "." in name else name, Said()).add(said)
    return sums


async def _known(session: AsyncSession, row: ProviderQueue, said: Said, now: datetime) -> Known:
    slowed = row.slowed_until
    return Known(
        name=row.name,
        slowed_until=slowed if slowed and slowed > now else None,
        held_at=row.held_at,
        held_because=row.held_because,
        broken_at=row.broken_at,
        waiting=await _waiting(session, row),
        doubted=await suppressed.count_doubted(session, row.name) if row.broken_at else 0,
        last_day=said,
    )


async def _waiting(session: AsyncSession, row: ProviderQueue) -> int:
    if row.held_at is None:
        return 0
    return await refusals.count_held(session, Held(held_with(row.name)))
