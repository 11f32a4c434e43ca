"""The doors behind the links of a letter: leaving (RFC 8058) and the learner's pace.

GET shows, POST acts. Leaving needs no login, no cookie and no reason, and answers alike for a link
that nobody knows (any more).
"""

import re
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import deliveries, people, postbook
from app.db.deliveries import Delivery
from app.domain import token
from app.domain.delivery import SETTLED, State
from app.domain.errors import BodyMalformed
from app.domain.token import Purpose
from app.flows import steer, subscribe
from app.web.deps import Here, Now, Parts, Reading, Writing
from app.web.setting import WebParts
from app.web.zone_options import zone_options

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_LOOKS = ["GET", "HEAD"]
_DOOR = re.compile(r"[0-9a-f]{32}")


@router.api_route("/u/{door}", methods=_LOOKS)
async def show_the_way_out(request: Request, parts: Parts) -> Response:
    """A page with one button, the same for a door that nobody knows. Scanners that open every link
    change nothing.
    """
    return parts.pages.page("leave.html", language=_language(request, parts))


@router.post("/u/{door}")
async def leave(
    door: str,
    request: Request,
    parts: Parts,
    session: Writing,
    now: Now,
    post: Annotated[str, Form(alias="List-Unsubscribe")] = "",
) -> Response:
    """Leave, at once and for good; 200 without redirect, whoever asks (RFC 8058 §3.1)."""
    by = "one_click" if post == "One-Click" else "page"
    if _DOOR.fullmatch(door):
        await subscribe.leave_by_door(session, door, by=by, now=now)
    return parts.pages.page("left.html", language=_language(request, parts))


@router.api_route("/preferences/{link}", methods=_LOOKS)
async def show_preferences(
    link: str, parts: Parts, session: Reading, now: Now, here: Here
) -> Response:
    """How things stand, and what can be changed."""
    return await _preferences(parts, session, _enrollment_id(link, parts))


@router.post("/preferences/{link}")
async def change_preferences(
    link: str,
    parts: Parts,
    session: Writing,
    now: Now,
    here: Here,
    act: Annotated[str, Form()],
    timezone: Annotated[str, Form()] = "",
) -> Response:
    """Pause, resume, move to another zone or leave; the page that follows says what comes next."""
    enrollment_id = _enrollment_id(link, parts)
    match act:
        case "pause":
            await steer.pause(session, enrollment_id, now=now)
        case "resume":
            await steer.resume(session, enrollment_id, now=now, here=here)
        case "move":
            await steer.move_to(session, enrollment_id, timezone, now=now, here=here)
        case "leave":
            await steer.unsubscribe(session, enrollment_id, by="page", now=now)
        case _:
            raise BodyMalformed
    await session.flush()
    return await _preferences(parts, session, enrollment_id, changed=act)


def _enrollment_id(link: str, parts: WebParts) -> int:
    now, keys = parts.clock(), parts.here.keys
    return int(token.verify(link, Purpose.PREFERENCES, keys=keys, now=now))


def _language(request: Request, parts: WebParts) -> str:
    return parts.pages.language_for(request.headers.get("accept-language", ""))


async def _preferences(
    parts: WebParts, session: AsyncSession, enrollment_id: int, *, changed: str = ""
) -> Response:
    enrollment, course, person = await people.with_course(session, enrollment_id)
    letters = await postbook.letters_to(session, enrollment_id)
    titles = {letter.delivery.id: letter.title or "" for letter in letters}
    lessons = await deliveries.lessons_so_far(session, enrollment_id)
    following = _following(lessons)
    return parts.pages.page(
        "preferences.html",
        language=course.language,
        enrollment=enrollment,
        course=course,
        person=person,
        author=parts.here.author,
        changed=changed,
        received=[lesson for lesson in lessons if lesson.state is State.ACCEPTED],
        following=following,
        titles=titles,
        receipts=await people.receipts_of(session, enrollment_id),
        zone=enrollment.zone,
        zones=zone_options(parts.pages, course.language, enrollment.zone),
    )


def _following(lessons: Iterable[Delivery]) -> Delivery | None:
    """The lesson that is neither received nor cancelled; at most one is."""
    return next((lesson for lesson in lessons if lesson.state not in SETTLED), None)
