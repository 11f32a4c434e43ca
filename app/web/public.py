"""The visitor's doors: the landing page, signing up, confirming. GET shows, POST acts.

Signing up answers alike whether the address is new, known or suppressed.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses
from app.db.courses import Course
from app.domain import consent
from app.domain.enrollment import Standing
from app.domain.errors import BadInput, TransitionForbidden
from app.flows import subscribe
from app.mail import prose
from app.web import problems
from app.web.colour import legible
from app.web.deps import Here, Now, Parts, Reading, Writing
from app.web.setting import WebParts
from app.web.signup_form import Typed, read_typed
from app.web.zone_options import zone_options

router = APIRouter()
Slug = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,100}$")]
_LOOKS = ["GET", "HEAD"]
_PAGE: dict[str, Any] = {"response_class": HTMLResponse, "include_in_schema": False}

_EXAMPLE = {
    "email": "camille@exemple.fr",
    "first_name": "Camille",
    "course": "mensonges",
    "timezone": "Europe/Paris",
}
_SIGNUP_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {
                "schema": {
                    "type": "object",
                    "required": ["email"],
                    "properties": {
                        name: {"type": "string", "maxLength": 2000}
                        for name in (*_EXAMPLE, "website", "altcha")
                    },
                },
                "example": _EXAMPLE,
            }
            for kind in ("application/json", "application/x-www-form-urlencoded")
        },
    },
    "responses": {
        "202": {
            "description": "Accepted (JSON).",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["status", "message"],
                        "properties": {"status": {"const": "accepted"}, "message": {}},
                    },
                    "example": {
                        "status": "accepted",
                        "message": "Regardez votre boîte : une lettre vous y attend.",
                    },
                },
            },
        },
        "200": {
            "description": "Accepted: the page that says so, to who sent a form.",
            "content": {"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>…"}},
        },
    },
}


@router.api_route("/", methods=_LOOKS, **_PAGE)
async def landing(parts: Parts, session: Reading) -> Response:
    """The page of the first course."""
    return await _landing(parts, session, None, Typed())


@router.api_route("/c/{slug}", methods=_LOOKS, **_PAGE)
async def course_page(slug: Slug, parts: Parts, session: Reading) -> Response:
    """The page of one course. 404 when there is none of this name."""
    return await _landing(parts, session, slug, Typed())


@router.get("/c/{slug}/accent.css", include_in_schema=False)
async def accent(slug: Slug, session: Reading) -> Response:
    """The course's one colour, by day and by night, which a page may not carry in itself under our
    content policy.
    """
    course = await courses.course_by_slug(session, slug)
    by_day, by_night = (legible(course.accent, dark=dark) for dark in (False, True))
    css = (
        f":root {{ --accent: {by_day}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: {by_night}; }} }}\n"
    )
    return Response(css, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/signup", include_in_schema=False)
async def back_to_the_form() -> Response:
    """Who comes back to the address of the form by hand finds the form."""
    return RedirectResponse("/", status_code=303)


@router.post("/signup", status_code=202, openapi_extra=_SIGNUP_BODY)
async def sign_up(
    request: Request, parts: Parts, session: Writing, now: Now, here: Here
) -> Response:
    """Ask for a course: a letter goes to the address, and nothing else until it is confirmed."""
    typed = await read_typed(request)
    try:
        course = await _sign_up(session, typed, now=now, here=here)
    except BadInput as fault:
        if typed.as_json or problems.wants_problem(request):
            raise
        return await _landing(parts, session, typed.course or None, typed, fault=fault)
    if typed.as_json:
        said = parts.pages.say(
            "Regardez votre boîte : une lettre vous y attend.", language=course.language
        )
        return JSONResponse({"status": "accepted", "message": said}, status_code=202)
    return parts.pages.page("signed_up.html", language=course.language, course=course)


@router.api_route("/confirm/{link}", methods=_LOOKS, **_PAGE)
async def show_confirmation(
    link: str, parts: Parts, session: Reading, now: Now, here: Here
) -> Response:
    """What the link leads to: a page with a button. Changes nothing (RFC 9110 §9.2.1)."""
    enrollment, course = await subscribe.preview_confirmation(session, link, now=now, here=here)
    if enrollment.standing is Standing.LEFT:
        raise TransitionForbidden
    pending = enrollment.standing is Standing.PENDING
    return parts.pages.page(
        "confirm.html", language=course.language, course=course, pending=pending
    )


@router.post("/confirm/{link}", **_PAGE)
async def confirm(link: str, parts: Parts, session: Writing, now: Now, here: Here) -> Response:
    """Confirm; a second press shows the same page and changes nothing."""
    enrollment, course = await subscribe.confirm(session, link, now=now, here=here)
    return parts.pages.page(
        "confirmed.html", language=course.language, course=course, enrollment=enrollment
    )


async def _sign_up(session: AsyncSession, typed: Typed, **rest: Any) -> Course:
    """A filled honeypot gets the answer that everybody gets, and nothing else."""
    if typed.is_machine:
        return await courses.course_by_slug(session, typed.course or None)
    return await subscribe.sign_up(session, typed.application(), **rest)


async def _landing(
    parts: WebParts,
    session: AsyncSession,
    slug: str | None,
    typed: Typed,
    *,
    fault: BadInput | None = None,
) -> Response:
    course = await courses.course_by_slug(session, slug)
    lessons = await courses.published(session, course.id)
    versions = await courses.newest_versions(session, course.id)
    return parts.pages.page(
        "landing.html",
        language=course.language,
        status=problems.status_of(fault) if fault else 200,
        course=course,
        description=prose.to_html(course.description),
        titles=[versions[lesson.id].title for lesson in lessons if lesson.id in versions],
        author=parts.here.author,
        page_url=parts.here.url("c", course.slug) if slug else parts.here.url(""),
        wording=consent.wording(course.title, len(lessons), course.language),
        privacy_url=parts.privacy_url,
        typed=typed,
        zones=zone_options(parts.pages, course.language, typed.timezone or course.zone),
        complaint=parts.pages.say(problems.said(fault), language=course.language) if fault else "",
        complaint_about=fault.code if fault else "",
    )
