"""The admin API on lessons and their Versions: list, read, move, withdraw, publish a new text."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, Strict

from app.db import courses, listing
from app.db.courses import Lesson, LessonState, Version
from app.flows import amend, mend
from app.web.admin_fields import (
    Id,
    IdWanted,
    Line,
    Text,
    absent,
    answer_like,
    body_like,
    given,
)
from app.web.admin_route import Acting, admin_router
from app.web.deps import Now, Parts, Reading
from app.web.paging import Page, Paged

router = admin_router("lessons")
_A_YEAR = 365 * 24 * 60
_TEXT = {
    "title": "Avoir un gros réseau est la clé de tout !",
    "subject": "Mensonge n° 1 : il vous faut un gros réseau",
    "preheader": "Cinq cents contacts, et pas un qui décroche.",
    "question": "Qui appelleriez-vous demain à 8 heures ?",
    "body": "Bonjour {{ first_name }},\n\nComptez vos contacts, puis ceux qui décrochent.\n",
}


class LessonOut(BaseModel):
    """A place in a course; the text is its newest Version. `delay_minutes` is the wait after the
    lesson before was accepted. `faulty_at`: its copies are kept back because several people's
    servers refused its content.
    """

    model_config = answer_like(
        id=3,
        course_id=1,
        slug="en-ligne",
        position=3,
        delay_minutes=1440,
        state="published",
        faulty_at=None,
        created_at="2026-11-24T09:00:00Z",
    )

    id: int
    course_id: int
    slug: str
    position: int
    delay_minutes: int
    state: LessonState
    faulty_at: datetime | None
    created_at: datetime


class LessonPatch(BaseModel):
    """What may be changed; what is left out stays."""

    model_config = body_like(position=4, delay_minutes=2880)

    position: Annotated[int, Strict(), Field(ge=1, le=9999)] = Field(default_factory=absent)
    delay_minutes: Annotated[int, Strict(), Field(ge=0, le=_A_YEAR)] = Field(default_factory=absent)
    state: LessonState = Field(default_factory=absent)


class VersionIn(BaseModel):
    """A text; `body` is Markdown with the placeholders of course files."""

    model_config = body_like(**_TEXT)

    title: Line
    subject: Line
    preheader: Line
    question: Line
    body: Text


class VersionOut(BaseModel):
    """The text of a lesson at one time; it never changes."""

    model_config = answer_like(
        id=8, lesson_id=1, number=2, **_TEXT, published_at="2026-11-24T09:00:00Z"
    )

    id: int
    lesson_id: int
    number: int
    title: str
    subject: str
    preheader: str
    question: str
    body: str
    published_at: datetime


@router.get("/lessons", response_model=Page[LessonOut])
async def list_lessons(
    session: Reading, paged: Paged, course_id: IdWanted = None, state: LessonState | None = None
) -> dict[str, Any]:
    """The lessons, withdrawn ones among them; `position` tells their place in the course."""
    rows = await listing.lessons(session, paged.span, course_id=course_id, state=state)
    return paged.page(rows)


@router.get("/lessons/{lesson_id}", response_model=LessonOut)
async def read_lesson(lesson_id: Id, session: Reading) -> Lesson:
    """One lesson."""
    return await courses.lesson(session, lesson_id)


@router.patch("/lessons/{lesson_id}", response_model=LessonOut)
async def change_lesson(lesson_id: Id, change: LessonPatch, session: Acting) -> Lesson:
    """Move a lesson, change its delay, withdraw it or take it back.

    Each learner's next lesson is the first published one, by position, that they have not received.
    A withdrawn lesson that was planned is passed over. A changed delay plans nobody anew.
    """
    return await amend.change_lesson(session, lesson_id, given(change))


@router.post("/lessons/{lesson_id}/stand-by", response_model=LessonOut)
async def stand_by_lesson(lesson_id: Id, session: Acting, now: Now) -> Lesson:
    """Let the copies of a lesson go that are kept back because servers refused its content.

    A conflict when none is kept back. A new Version lets them go too, in its own words.
    """
    return await mend.stand_by(session, lesson_id, now=now)


@router.get("/versions", response_model=Page[VersionOut])
async def list_versions(
    session: Reading, paged: Paged, lesson_id: IdWanted = None
) -> dict[str, Any]:
    """The texts of all lessons, or of one."""
    return paged.page(await listing.versions(session, paged.span, lesson_id=lesson_id))


@router.get("/versions/{version_id}", response_model=VersionOut)
async def read_version(version_id: Id, session: Reading) -> Version:
    """One text, as it was and stays."""
    return await courses.version(session, version_id)


@router.post("/lessons/{lesson_id}/versions", status_code=201, response_model=VersionOut)
async def publish_version(
    lesson_id: Id, text: VersionIn, session: Acting, parts: Parts, now: Now
) -> Version:
    """Publish a new text of a lesson: all who are still to receive the lesson get it.

    The rules are those of course files: an unknown placeholder, HTML or an image is refused with
    422, which names the line of the body. A text that is the newest already is a conflict.
    """
    written = amend.Text(**text.model_dump())
    return await amend.publish_version(session, lesson_id, written, parts.templates, now=now)
