"""Who may use the admin API, and which requests were already answered: tokens and idempotency keys.

Keeps digests only: neither a token nor the body of a request can be read back from here.
"""

from datetime import datetime

from sqlalchemy import Text, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


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
