"""Sitting down at the desk and getting up: by the admin token, or by a signed link. GET shows, POST
acts. Decides nothing about who may enter (desk_session does).
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.domain import token
from app.domain.errors import TokenForged, Unauthenticated
from app.domain.token import Purpose
from app.web import desk_session
from app.web.deps import Parts, Reading
from app.web.desk_session import HEADERS, OwnForm, own_origin
from app.web.setting import WebParts

router = APIRouter(prefix="/desk", include_in_schema=False)


@router.get("/enter")
async def show_entrance(request: Request, parts: Parts) -> Response:
    """The form for the token; straight on for who sits at the desk already."""
    try:
        desk_session.seated(request, parts)
    except Unauthenticated:
        return _entrance(request, parts)
    return RedirectResponse("/desk", status_code=303)


@router.post("/enter", dependencies=[Depends(own_origin)])
async def enter(
    request: Request,
    parts: Parts,
    session: Reading,
    presented: Annotated[str, Form(alias="token")] = "",
) -> Response:
    """Sit down, with a token that opens the desk."""
    if not await desk_session.opens_the_desk(session, presented.strip(), parts):
        return _entrance(request, parts, status=403, refused=True)
    return _seat(parts)


@router.get("/enter/{link}")
async def show_link(link: str, request: Request, parts: Parts) -> Response:
    """What the link leads to: a page with a button. Changes nothing."""
    _check(link, parts)
    return _entrance(request, parts, link=link)


@router.post("/enter/{link}", dependencies=[Depends(own_origin)])
async def enter_by_link(link: str, parts: Parts) -> Response:
    """Sit down, with a signed link."""
    _check(link, parts)
    return _seat(parts)


@router.post("/leave", dependencies=[OwnForm])
async def leave_the_desk(parts: Parts) -> Response:
    """Get up: this browser's cookie is taken back."""
    response = RedirectResponse("/desk/enter", status_code=303)
    desk_session.close_session(response, parts)
    return response


def _check(link: str, parts: WebParts) -> None:
    keys, now = parts.here.keys, parts.clock()
    if token.verify(link, Purpose.DESK_ENTER, keys=keys, now=now) != desk_session.AUTHOR:
        raise TokenForged


def _seat(parts: WebParts) -> Response:
    response = RedirectResponse("/desk", status_code=303)
    desk_session.open_session(response, parts)
    return response


def _entrance(request: Request, parts: WebParts, *, status: int = 200, **context: Any) -> Response:
    language = parts.pages.language_for(request.headers.get("accept-language", ""))
    shown = {"link": "", "refused": False} | context
    return parts.pages.page(
        "desk_enter.html", language=language, status=status, headers=HEADERS, **shown
    )
