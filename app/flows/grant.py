"""Gives out tokens for the admin API. Keeps digests only; shows a token once.
"""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db.access import ApiToken


def digest_of(token: str) -> str:
    """The form under which a token is kept: SHA-256 (of 256 random bits, so without salt).
    """
    return hashlib.sha256(token.encode()).hexdigest()


async def create_token(session: AsyncSession, name: str, *, now: datetime) -> str:
    """A new token; this text is nowhere kept and cannot be shown again."""
    prefix = secrets.token_hex(3)
    token = f"feu_{prefix}_{secrets.token_urlsafe(32)}"
    session.add(ApiToken(name=name, prefix=prefix, digest=digest_of(token), created_at=now))
    return token
