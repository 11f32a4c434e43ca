"""The doors behind the links of a letter: leaving (RFC 8058) and the learner's pace.

GET shows, POST acts. Leaving needs no login, no cookie and no reason, and answers alike for a link
that nobody knows (any more).
"""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries, people
from app.db.people import Enrollment
from app.domain import token
from app.domain.delivery import State
from app.domain.errors import BodyMalformed
from app.domain.token import Purpose
from app.flows import steer, subscribe
from app.web.deps import Here, Now, Parts, Reading, Writing
from app.web.setting import WebParts
from app.web.signup_form import zones_for

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/u/{door}")
async def show_the_way_out(door: str, parts: Parts) -> Response:
    """A page with one button. Scanners that open every link change nothing."""
    return parts.pages.page("leave.html", door=door)


@router.post("/u/{door}")
async def leave(
    door: str,
    parts: Parts,
    session: Writing,
    now: Now,
    post: Annotated[str, Form(alias="List-Unsubscribe")] = "",
) -> Response:
    """Leave, at once and for good; 200 without redirect, whoever asks (RFC 8058 §3.1)."""
    by = "one_click" if post == "One-Click" else "page"
    await subscribe.leave_by_door(session, door, by=by, now=now)
    return parts.pages.page("left.html")


@router.get("/preferences/{link}")
async def show_preferences(
    link: str, parts: Parts, session: Reading, now: Now, here: Here
) -> Response:
    """How things stand, and what can be changed."""
    return await _preferences(parts, session, _enrollment_id(link, parts), link)


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
    return await _preferences(parts, session, enrollment_id, link, changed=True)


def _enrollment_id(link: str, parts: WebParts) -> int:
    now, keys = parts.clock(), parts.here.keys
    return int(token.verify(link, Purpose.PREFERENCES, keys=keys, now=now))


async def _preferences(
    parts: WebParts, session: AsyncSession, enrollment_id: int, link: str, *, changed: bool = False
) -> Response:
    enrollment, course, person = await people.with_course(session, enrollment_id)
    near, others = zones_for(course.language)
    return parts.pages.page(
        "preferences.html",
        language=course.language,
        enrollment=enrollment,
        course=course,
        person=person,
        link=link,
        changed=changed,
        received=await _received(session, enrollment),
        following=await deliveries.current_lesson(session, enrollment_id),
        receipts=await people.receipts_of(session, enrollment_id),
        near=near,
        others=others,
        zone=enrollment.zone,
    )


async def _received(session: AsyncSession, enrollment: Enrollment) -> list[str]:
    """The titles of the lessons that this learner received, as they received them."""
    titles = []
    for lesson in await deliveries.lessons_so_far(session, enrollment.id):
        if lesson.state is State.ACCEPTED and lesson.version_id:
            titles.append((await courses.version(session, lesson.version_id)).title)
    return titles
