"""The steps of a suppression: written, doubted, believed or struck out.

The table and its plain questions stand in app/db/people.py. Decides nothing about who is right.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import add_once
from app.db.people import Subscriber, Suppression, SuppressionReason


async def suppress(
    session: AsyncSession,
    fingerprint: str,
    reason: SuppressionReason,
    *,
    now: datetime,
    queue: str | None = None,
    doubted: bool = False,
) -> None:
    """Never write to this address again; the first reason stands, unless it is doubted and this
    one is not. `queue` is the provider whose word it is.
    """
    values = {"reason": reason, "queue": queue, "created_at": now}
    values["doubted_at"] = now if doubted else None
    if await add_once(session, Suppression, {"fingerprint": fingerprint, **values}) or doubted:
        return
    stands = Suppression.fingerprint == fingerprint, Suppression.doubted_at.is_not(None)
    await session.execute(update(Suppression).where(*stands).values(**values))


async def gone_at(session: AsyncSession, queue: str, *, since: datetime, until: datetime) -> int:
    """How many mailboxes this provider called gone in that span, and no person has judged since."""
    asked = select(func.count(Suppression.id)).where(
        Suppression.queue == queue,
        Suppression.reason == SuppressionReason.ADDRESS_GONE,
        Suppression.created_at >= since,
        Suppression.created_at <= until,
    )
    return await session.scalar(asked) or 0


async def doubt(session: AsyncSession, queue: str, *, since: datetime, now: datetime) -> None:
    """Let the words of this provider since then count no longer, until a person decides."""
    words = Suppression.queue == queue, Suppression.created_at >= since
    await session.execute(update(Suppression).where(*words).values(doubted_at=now))


async def believe(session: AsyncSession, queue: str) -> None:
    """A person says that the doubted words were right: they are that person's from now on."""
    doubted = Suppression.queue == queue, Suppression.doubted_at.is_not(None)
    await session.execute(update(Suppression).where(*doubted).values(doubted_at=None, queue=None))


async def strike_out(session: AsyncSession, queue: str) -> Sequence[Subscriber]:
    """A person says that they were wrong: as if they had not been said; whose they were, by id."""
    gone = delete(Suppression).where(
        Suppression.queue == queue, Suppression.doubted_at.is_not(None)
    )
    struck = (await session.scalars(gone.returning(Suppression.fingerprint))).all()
    whose = select(Subscriber).where(Subscriber.fingerprint.in_(struck)).order_by(Subscriber.id)
    return (await session.scalars(whose)).all()


async def count_doubted(session: AsyncSession, queue: str) -> int:
    """How many words of this provider wait for a person's decision."""
    asked = select(func.count(Suppression.id)).where(
        Suppression.queue == queue, Suppression.doubted_at.is_not(None)
    )
    return await session.scalar(asked) or 0
