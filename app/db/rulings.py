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
from app.domain.unknown import By


class Verdict(StrEnum):
    """What was decided."""

    SENT = "sent"
    RESEND = "resend"
    GIVE_UP = "give_up"


class Ruling(Base):
    """One decision, and by whom; `because` says more."""

    __tablename__ = "rulings"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"), index=True)
    at: Mapped[datetime]
    verdict: Mapped[Verdict] = mapped_column(words(Verdict))
    by: Mapped[By] = mapped_column(words(By))
    because: Mapped[str] = mapped_column(Text)


def note(
    session: AsyncSession,
    delivery_id: int,
    verdict: Verdict,
    by: By,
    because: str,
    *,
    now: datetime,
) -> None:
    """Append one decision; `because` is cut at 512 letters."""
    session.add(
        Ruling(delivery_id=delivery_id, at=now, verdict=verdict, by=by, because=because[:512])
    )


async def rulings_on(session: AsyncSession, delivery_id: int) -> Sequence[Ruling]:
    """The decisions about one delivery, in order."""
    asked = select(Ruling).where(Ruling.delivery_id == delivery_id).order_by(Ruling.id)
    return (await session.scalars(asked)).all()
