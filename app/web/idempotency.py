"""Carries out a request once, however often it is sent: the header `Idempotency-Key`.

Key, digest of the request and answer are written in the transaction of the act itself: either both
happened or neither. A refused request keeps no key. An answer is kept without the secret that it
shows (a token is shown once, also to who repeats the request).
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import access
from app.domain.errors import KeyMalformed, KeyReused

HEADER = "Idempotency-Key"
LONGEST_KEY = 200
SHOWN_ONCE = "token"
_KEY = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_KEY}}}")


async def once(
    session: AsyncSession,
    request: Request,
    bearer: str,
    act: Callable[[Request], Awaitable[Response]],
    *,
    now: datetime,
) -> Response:
    """Do `act`, or give the answer that the same bearer got for the same key and request before.

    Raises KeyReused for another request under a known key, KeyMalformed for what is no key.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return await act(request)
    if not _KEY.fullmatch(key):
        raise KeyMalformed
    digest = await _digest(request)
    if not await access.reserve(session, bearer, key, digest, now=now):
        return await _again(session, bearer, key, digest)
    answer = await act(request)
    await access.note_answer(
        session, bearer, key, status=answer.status_code, answer=_kept(bytes(answer.body))
    )
    return answer


async def _again(session: AsyncSession, bearer: str, key: str, digest: str) -> Response:
    known = await access.answered(session, bearer, key)
    if known is None or known.request_digest != digest:
        raise KeyReused
    return Response(known.answer, status_code=known.status, media_type="application/json")


async def _digest(request: Request) -> str:
    """Names the request: its method and target, the form of its body, and the body."""
    url = request.url
    head = (request.method, url.path, url.query, request.headers.get("content-type", ""))
    said = "\0".join(head).encode() + b"\0" + await request.body()
    return hashlib.sha256(said).hexdigest()


def _kept(body: bytes) -> str:
    answer = json.loads(body)
    if SHOWN_ONCE not in answer:
        return body.decode()
    return json.dumps(answer | {SHOWN_ONCE: None}, ensure_ascii=False)
