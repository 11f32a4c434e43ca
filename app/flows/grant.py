"""Gives out tokens for the admin API. Keeps digests only; shows a token once."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import access
from app.db.access import ApiToken
from app.domain.errors import Unauthenticated


def digest_of(token: str) -> str:
    """The form under which a token is kept: SHA-256 (of 256 random bits, so without salt)."""
    return hashlib.sha256(token.encode()).hexdigest()


async def create_token(session: AsyncSession, name: str, *, now: datetime) -> str:
    """A new token; this text is nowhere kept and cannot be shown again."""
    prefix = secrets.token_hex(3)
    token = f"feu_{prefix}_{secrets.token_urlsafe(32)}"
    session.add(ApiToken(name=name, prefix=prefix, digest=digest_of(token), created_at=now))
    return token


async def recognise(session: AsyncSession, token: str) -> ApiToken:
    """The living token with this text. Raises Unauthenticated."""
    known = await access.token_with(session, digest_of(token))
    if known is None:
        raise Unauthenticated
    return known


async def revoke(session: AsyncSession, token_id: int, *, now: datetime) -> ApiToken:
    """Let a token open nothing any more; a second time changes nothing. Raises RecordUnknown."""
    token = await access.token(session, token_id)
    token.revoked_at = token.revoked_at or now
    return token
