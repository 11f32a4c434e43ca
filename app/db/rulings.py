"""Rulings: what was decided, when and by whom, about letters of which nobody knew whether they
arrived.

Append-only. Decides nothing and moves no delivery.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, words


class Verdict(StrEnum):
    """What was decided."""

    SENT = "sent"
    RESEND = "resend"
    GIVE_UP = "give_up"


class Ruling(Base):
    """One decision. `by` is `rule`, `evidence`, `relay_log` or `person`; `because` says more."""

    __tablename__ = "rulings"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"), index=True)
    at: Mapped[datetime]
    verdict: Mapped[Verdict] = mapped_column(words(Verdict))
    by: Mapped[str] = mapped_column(Text)
    because: Mapped[str] = mapped_column(Text)


async def rulings_on(session: AsyncSession, delivery_id: int) -> Sequence[Ruling]:
    """The decisions about one delivery, in order."""
    asked = select(Ruling).where(Ruling.delivery_id == delivery_id).order_by(Ruling.id)
    return (await session.scalars(asked)).all()
