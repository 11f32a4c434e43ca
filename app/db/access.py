"""Who may use the admin API, and which requests were already answered: tokens and idempotency keys.

Keeps digests only: neither a token nor the body of a request can be read back from here.
"""

from datetime import datetime, timedelta

from sqlalchemy import Text, UniqueConstraint, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, add_once
from app.domain.errors import RecordUnknown

KEY_LIFE = timedelta(hours=24)
_FORGOTTEN_AT_ONCE = 100


class ApiToken(Base):
    """A bearer token, as the SHA-256 of its text. `prefix` tells them apart in lists."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """One POST that was carried out, with its answer, so that a repeated call changes nothing."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("bearer", "key"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    bearer: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    request_digest: Mapped[str] = mapped_column(Text)
    status: Mapped[int]
    answer: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


async def token_with(session: AsyncSession, digest: str) -> ApiToken | None:
    """The living token with this digest."""
    asked = select(ApiToken).where(ApiToken.digest == digest, ApiToken.revoked_at.is_(None))
    return await session.scalar(asked)


async def answered(session: AsyncSession, bearer: str, key: str) -> IdempotencyKey | None:
    """The answer given to an earlier request with this key."""
    asked = select(IdempotencyKey).where(IdempotencyKey.bearer == bearer, IdempotencyKey.key == key)
    return await session.scalar(asked)


async def token(session: AsyncSession, token_id: int) -> ApiToken:
    """The token with this id, revoked or not. Raises RecordUnknown."""
    found = await session.get(ApiToken, token_id)
    if found is None:
        raise RecordUnknown
    return found


async def reserve(
    session: AsyncSession, bearer: str, key: str, request_digest: str, *, now: datetime
) -> bool:
    """Take a key for a request that is about to be carried out; False when it was taken before.

    Of two requests that bring the same key at once, the second waits here until the first one's
    transaction has ended. The oldest keys are forgotten on the way, once their life is over.
    """
    values = {
        "bearer": bearer,
        "key": key,
        "request_digest": request_digest,
        "status": 0,
        "answer": "",
        "created_at": now,
    }
    await _forget_old_keys(session, before=now - KEY_LIFE)
    return await add_once(session, IdempotencyKey, values)


async def note_answer(
    session: AsyncSession, bearer: str, key: str, *, status: int, answer: str
) -> None:
    """Write down how a request was answered, in the transaction that took its key."""
    taken = IdempotencyKey.bearer == bearer, IdempotencyKey.key == key
    await session.execute(update(IdempotencyKey).where(*taken).values(status=status, answer=answer))


async def _forget_old_keys(session: AsyncSession, *, before: datetime) -> None:
    oldest = select(IdempotencyKey.id).order_by(IdempotencyKey.id).limit(_FORGOTTEN_AT_ONCE)
    ended = (
        select(IdempotencyKey.id)
        .where(IdempotencyKey.id.in_(oldest), IdempotencyKey.created_at < before)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.id.in_(ended)))
