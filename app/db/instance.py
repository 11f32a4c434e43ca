"""The one row that says which installation this database belongs to, how far it has lived, and
whether sending is stopped.

The same is written in a file outside the database (app/mail never reads either); what a difference
means is decided elsewhere.
"""

from datetime import datetime

from sqlalchemy import Text, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Instance(Base):
    """`epoch` counts the beats of all workers; `beat_at` is the wall time of the last one.
    `halted_at` stops all sending until a person says to go on. `warming_since` is when the instance
    first sent from a new address (None: it is warm).
    """

    __tablename__ = "instance"
    __table_args__ = ()

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)
    epoch: Mapped[int]
    beat_at: Mapped[datetime]
    halted_at: Mapped[datetime | None]
    halted_because: Mapped[str | None] = mapped_column(Text)
    warming_since: Mapped[datetime | None]


async def instance(session: AsyncSession, *, lock: bool = False) -> Instance | None:
    """The row, if this database was ever worked on."""
    asked = select(Instance).execution_options(populate_existing=True)
    return (await session.scalars(asked.with_for_update() if lock else asked)).first()
