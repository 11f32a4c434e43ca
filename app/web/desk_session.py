"""Who sits at the desk: a signed session in a cookie, and the proof that a form comes from a
page of the desk. Keeps no list of sessions and shows no page.

Three things must be right before the desk changes anything: the session's cookie (SameSite=Lax,
HttpOnly, bound to this host by its `__Host-` name under TLS), a form token that was made for this
very session, and an Origin of our own, when the browser states one.
"""

import hmac
import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Form, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain import token
from app.domain.errors import CrossSite, NotAllowed, Unauthenticated
from app.domain.token import DESK_LIFE, Purpose
from app.flows import grant
from app.web.deps import Parts
from app.web.setting import WebParts

AUTHOR = "author"
# The policy of all other pages is no-referrer; under it a browser states no Origin with a form.
HEADERS = {"Referrer-Policy": "same-origin"}


def open_session(response: Response, parts: WebParts) -> None:
    """Let whoever gets `response` sit at the desk for DESK_LIFE."""
    name = secrets.token_hex(16)
    session = _signed(Purpose.DESK_SESSION, name, parts)
    response.set_cookie(
        _cookie(parts),
        session,
        max_age=int(DESK_LIFE.total_seconds()),
        secure=parts.secure,
        httponly=True,
        samesite="lax",
    )


def close_session(response: Response, parts: WebParts) -> None:
    """Take the cookie back."""
    response.delete_cookie(_cookie(parts), secure=parts.secure, httponly=True, samesite="lax")


def seated(request: Request, parts: Parts) -> str:
    """The name of this browser's session. Raises Unauthenticated without a living one."""
    cookie = request.cookies.get(_cookie(parts), "")
    keys, now = parts.here.keys, parts.clock()
    try:
        return token.verify(cookie, Purpose.DESK_SESSION, keys=keys, now=now)
    except NotAllowed:
        raise Unauthenticated from None


Seated = Annotated[str, Depends(seated)]


def form_token(session: str, parts: WebParts) -> str:
    """What the forms of a page carry, worthless in any other session."""
    return _signed(Purpose.DESK_FORM, session, parts)


def own_origin(request: Request, parts: Parts) -> None:
    """Refuse a form that another site sent. Raises CrossSite."""
    stated = request.headers.get("origin")
    if stated is None:
        return
    ours = urlsplit(parts.here.base_url)
    same_host = urlsplit(stated).netloc == request.headers.get("host", "")
    if stated != f"{ours.scheme}://{ours.netloc}" and not (stated != "null" and same_host):
        raise CrossSite


def own_form(
    session: Seated,
    parts: Parts,
    _: Annotated[None, Depends(own_origin)],
    form: Annotated[str, Form(alias="form_token")] = "",
) -> str:
    """The session that sent this form. Raises Unauthenticated, CrossSite."""
    keys, now = parts.here.keys, parts.clock()
    try:
        made_for = token.verify(form, Purpose.DESK_FORM, keys=keys, now=now)
    except NotAllowed:
        raise CrossSite from None
    if not hmac.compare_digest(made_for, session):
        raise CrossSite
    return session


OwnForm = Depends(own_form)


async def opens_the_desk(session: AsyncSession, presented: str, parts: WebParts) -> bool:
    """Whether `presented` is the admin token, or a living token of the admin API."""
    bootstrap = parts.admin_token.encode()
    if bootstrap and hmac.compare_digest(presented.encode(), bootstrap):
        return True
    try:
        await grant.recognise(session, presented)
    except Unauthenticated:
        return False
    return True


def _signed(purpose: Purpose, subject: str, parts: WebParts) -> str:
    return token.sign(purpose, subject, keys=parts.here.keys, until=parts.clock() + DESK_LIFE)


def _cookie(parts: WebParts) -> str:
    return "__Host-feuilleton" if parts.secure else "feuilleton"
