"""The queues of mailbox providers: which are held or slowed, and what they said, hour by hour.

A queue is a name (see domain.provider.queue_of) and has a row once there was something to remember
of it. Decides nothing: what a sign of haste or a refusal means is said by the caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, add_once
from app.domain.errors import RecordUnknown


class ProviderQueue(Base):
    """One provider's queue out of the ordinary. Held: no letter leaves until a person lets it go
    on. `broken_at` is when the circuit breaker opened (then it is held too).
    """

    __tablename__ = "provider_queues"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    slowed_until: Mapped[datetime | None]
    held_at: Mapped[datetime | None]
    held_because: Mapped[str | None] = mapped_column(Text)
    broken_at: Mapped[datetime | None]

    @property
    def is_quiet(self) -> bool:
        """Nothing is remembered of it any more."""
        return self.slowed_until is None and self.held_at is None


class ProviderHour(Base):
    """What one queue's servers said within one hour (UTC): letters `asked` for at RCPT or later,
    and what they answered. `gone` are those of "no such mailbox" among the refused.
    """

    __tablename__ = "provider_hours"
    __table_args__ = ()

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    accepted: Mapped[int]
    deferred: Mapped[int]
    refused: Mapped[int]
    gone: Mapped[int]


@dataclass(slots=True)
class Said:
    """Counts to be added to an hour of a queue."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    gone: int = 0

    @property
    def asked(self) -> int:
        """How many letters a server spoke about."""
        return self.accepted + self.deferred + self.refused

    def add(self, more: "Said") -> None:
        """Add these counts."""
        self.accepted += more.accepted
        self.deferred += more.deferred
        self.refused += more.refused
        self.gone += more.gone


async def known(session: AsyncSession, name: str) -> ProviderQueue:
    """The row of this queue. Raises RecordUnknown when nothing was ever to be remembered of it."""
    found = await session.scalar(select(ProviderQueue).where(ProviderQueue.name == name))
    if found is None:
        raise RecordUnknown
    return found


async def is_broken(session: AsyncSession, name: str) -> bool:
    """Whether this queue's circuit breaker is open."""
    broken = ProviderQueue.name == name, ProviderQueue.broken_at.is_not(None)
    return await session.scalar(select(ProviderQueue.id).where(*broken)) is not None


async def count_held(session: AsyncSession) -> int:
    """How many queues wait for a person."""
    held = ProviderQueue.held_at.is_not(None)
    return await session.scalar(select(func.count(ProviderQueue.id)).where(held)) or 0


async def queue(session: AsyncSession, name: str) -> ProviderQueue:
    """The row of this queue, locked; made when there is none."""
    await add_once(session, ProviderQueue, {"name": name})
    asked = select(ProviderQueue).where(ProviderQueue.name == name).with_for_update()
    return (await session.scalars(asked.execution_options(populate_existing=True))).one()


async def remembered(session: AsyncSession) -> Sequence[ProviderQueue]:
    """All queues of which anything is remembered, by name."""
    return (await session.scalars(select(ProviderQueue).order_by(ProviderQueue.name))).all()


async def count(session: AsyncSession, said: Mapping[str, Said], *, now: datetime) -> None:
    """Add to the hour of `now`. In the order of names, so that two writers never stand in each
    other's way."""
    if not said:
        return
    hour = now.replace(minute=0, second=0, microsecond=0)
    dialect = session.get_bind().dialect.name
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(ProviderHour)
    added = insert.on_conflict_do_update(
        index_elements=["hour", "name"],
        set_={
            column: getattr(ProviderHour, column) + getattr(insert.excluded, column)
            for column in ("accepted", "deferred", "refused", "gone")
        },
    )
    rows = [
        {
            "hour": hour,
            "name": name,
            "accepted": each.accepted,
            "deferred": each.deferred,
            "refused": each.refused,
            "gone": each.gone,
        }
        for name, each in sorted(said.items())
    ]
    await session.execute(added, rows)


async def said_since(
    session: AsyncSession, since: datetime, *, name: str | None = None
) -> dict[str, Said]:
    """The sums of all full and begun hours from the hour of `since` on, by queue."""
    hour = since.replace(minute=0, second=0, microsecond=0)
    columns = ProviderHour.accepted, ProviderHour.deferred, ProviderHour.refused, ProviderHour.gone
    asked = (
        select(ProviderHour.name, *map(func.sum, columns))
        .where(ProviderHour.hour >= hour)
        .group_by(ProviderHour.name)
    )
    if name is not None:
        asked = asked.where(ProviderHour.name == name)
    return {row[0]: Said(*map(int, row[1:])) for row in await session.execute(asked)}
