"""Who asks? The bearer of the admin token of the settings, or of one that was given out.

Says who it is, under a name that is safe to keep; what a bearer may do is the same for all.
"""

import hmac
from hashlib import sha256

from fastapi import Request
from fastapi.security import HTTPBearer

from app.domain.errors import Unauthenticated
from app.flows import grant
from app.web.setting import WebParts

SCHEME = HTTPBearer(
    scheme_name="bearer",
    auto_error=False,
    description="`FEUILLETON_ADMIN_TOKEN`, or a token of `feuilleton token create`.",
)
"""For the API description only: it refuses nobody, `authenticate` does."""


async def authenticate(request: Request, parts: WebParts) -> str:
    """The name of who asks: "settings", or "token:" and its number. Raises Unauthenticated."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    text = text.strip()
    if scheme.casefold() != "bearer" or not text:
        raise Unauthenticated
    if _same(text, parts.admin_token):
        return "settings"
    async with parts.database.reading() as session:
        return f"token:{(await grant.recognise(session, text)).id}"


def _same(one: str, other: str) -> bool:
    """In constant time, and blind to the length too: digests are compared."""
    digests = (sha256(text.encode()).digest() for text in (one, other))
    return hmac.compare_digest(*digests)
