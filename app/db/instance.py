"""The one row that says which installation this database belongs to, how far it has lived, and
whether sending is stopped.

The same is written in a file outside the database (instance_file); what a difference means is
decided elsewhere.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, Text, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, add_once
from app.db.deliveries import IN_FLIGHT_ROWS, WAITING_ROWS, Delivery


class Instance(Base):
    """`epoch` counts the beats of all workers; `beat_at` is the wall time of the last one.
    `halted_at` stops all sending until a person says to go on; `halted_because` is a word of
    domain.restore.Halt. Of the last halt that a person ended, `halted_before` is when it had begun,
    `halted_before_because` why, and `resumed_at` when it ended.
    """

    __tablename__ = "instance"
    __table_args__ = ()

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)
    epoch: Mapped[int]
    beat_at: Mapped[datetime]
    halted_at: Mapped[datetime | None]
    halted_because: Mapped[str | None] = mapped_column(Text)
    halted_before: Mapped[datetime | None]
    halted_before_because: Mapped[str | None] = mapped_column(Text)
    resumed_at: Mapped[datetime | None]


async def instance(session: AsyncSession, *, lock: bool = False) -> Instance | None:
    """The row, if this database was ever worked on."""
    asked = _the_row()
    return (await session.scalars(asked.with_for_update() if lock else asked)).first()


async def founded(session: AsyncSession, name: str, *, now: datetime) -> tuple[Instance, bool]:
    """The row, locked, made if nobody has worked on this database yet; True when it was made here.

    Of several that come at once one makes it.
    """
    row = await instance(session, lock=True)
    if row:
        return row, False
    made = await add_once(session, Instance, {"id": 1, "name": name, "epoch": 0, "beat_at": now})
    return (await session.scalars(_the_row().with_for_update())).one(), made


async def queue(session: AsyncSession, *, now: datetime) -> tuple[int, datetime | None]:
    """How many letters would leave at `now`, and since when the first of them has been due."""
    asked = select(func.count(), func.min(Delivery.ready_at))
    row = (await session.execute(asked.where(WAITING_ROWS, Delivery.ready_at <= now))).one()
    return row[0], row[1]


async def under_way(
    session: AsyncSession, *, silent_since: datetime | None = None
) -> Sequence[Delivery]:
    """What workers have in hand, locked: all of it, or what no worker has prolonged until then."""
    asked = select(Delivery).where(IN_FLIGHT_ROWS)
    if silent_since:
        asked = asked.where(Delivery.lease_until < silent_since)
    return (await session.scalars(asked.with_for_update())).all()


def _the_row() -> Select[Instance]:
    return select(Instance).execution_options(populate_existing=True)
