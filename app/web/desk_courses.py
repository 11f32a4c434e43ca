"""The desk's view of courses: the lessons in order, and each as the letter that learners get.

Publishes nothing: courses are imported from their files. The one button is the author's word on a
lesson that servers refuse.
"""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from app.db import courses
from app.db.courses import Lesson, Version
from app.flows import mend, preview
from app.web.deps import Now, Writing
from app.web.desk_page import AtDesk, Id, back_to
from app.web.desk_session import OwnForm
from app.web.public import Slug

router = APIRouter(prefix="/desk/courses", include_in_schema=False)
# A letter carries its style in its elements; it runs nothing, loads nothing and leads nowhere.
_LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A lesson with its newest text; None before one was published."""

    lesson: Lesson
    version: Version | None


@router.get("")
async def overview(desk: AtDesk) -> Response:
    """Every course."""
    found = await courses.all_courses(desk.session)
    counts = [len(await courses.published(desk.session, course.id)) for course in found]
    return await desk.page("desk_courses.html", courses=list(zip(found, counts, strict=True)))


@router.get("/{slug}")
async def course(slug: Slug, desk: AtDesk) -> Response:
    """One course: when its letters leave, and its lessons in order, withdrawn ones among them."""
    found = await courses.course_by_slug(desk.session, slug)
    newest = await courses.newest_versions(desk.session, found.id)
    lessons = await courses.lessons_of(desk.session, found.id)
    return await desk.page(
        "desk_course.html",
        course=found,
        places=[Place(lesson, newest.get(lesson.id)) for lesson in lessons],
        sender=f"{found.sender}@{desk.parts.here.mail_domain}",
    )


@router.get("/{slug}/lessons/{lesson_id}")
async def lesson(slug: Slug, lesson_id: Id, desk: AtDesk, said: str = "") -> Response:
    """One lesson as a letter, in a frame, and as the text that goes with it."""
    found = await courses.course_by_slug(desk.session, slug)
    letter = await preview.sample_letter(
        desk.session, found, lesson_id, desk.parts.templates, here=desk.parts.here
    )
    return await desk.page(
        "desk_lesson.html",
        said=said,
        course=found,
        lesson_id=lesson_id,
        letter=letter,
        version=await courses.newest_version(desk.session, lesson_id),
        faulty_at=(await courses.lesson(desk.session, lesson_id)).faulty_at,
    )


@router.post("/{slug}/lessons/{lesson_id}/trust", dependencies=[OwnForm])
async def trust(slug: Slug, lesson_id: Id, session: Writing, now: Now) -> Response:
    """Stand by a lesson whose copies are kept back."""
    await mend.stand_by(session, lesson_id, now=now)
    return back_to("courses", slug, "lessons", lesson_id, said="lesson_trusted")


@router.get("/{slug}/lessons/{lesson_id}/letter")
async def letter(slug: Slug, lesson_id: Id, desk: AtDesk) -> Response:
    """The HTML of the letter itself, for the frame."""
    found = await courses.course_by_slug(desk.session, slug)
    letter = await preview.sample_letter(
        desk.session, found, lesson_id, desk.parts.templates, here=desk.parts.here
    )
    return HTMLResponse(letter.html, headers={"Content-Security-Policy": _LETTER_POLICY})
