"""What the author changes outside the course files: a course, a lesson's place, its text, a name.

The rules are those of the files (domain/course.py): what `course check` would refuse is refused
here. Plans nothing anew: changed hours and delays hold for lessons that are planned from now on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, people
from app.db.courses import Course, Lesson, Version
from app.db.people import Subscriber
from app.domain import course as files
from app.domain import name, schedule
from app.domain.course import LessonDraft
from app.domain.errors import AlreadyThere, CourseBroken
from app.flows import author
from app.mail.templates import Templates


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a lesson as a program sends it; all but `body` (Markdown) are single lines."""

    title: str
    subject: str
    preheader: str
    question: str
    body: str


async def change_course(
    session: AsyncSession, course_id: int, changes: Mapping[str, Any]
) -> Course:
    """Change what the course says of itself. `changes` has the keys of course.toml, but `opens`
    and `closes` ("07:30") apart; the slug and the language stay.

    Raises RecordUnknown, ZoneUnknown, CourseBroken.
    """
    course = await courses.course(session, course_id)
    about = {
        "slug": course.slug,
        "title": course.title,
        "language": course.language,
        "sender": course.sender,
        "zone": course.zone,
        "opens": course.opens.isoformat("minutes"),
        "closes": course.closes.isoformat("minutes"),
        "weekdays": course.weekdays.split(),
        "accent": course.accent,
        "promise": course.promise,
        "description": course.description,
        **changes,
    }
    schedule.zone(about["zone"])
    about["window"] = [about["opens"], about["closes"]]
    author.describe(course, files.read_about(about, "course"))
    return course


async def change_lesson(
    session: AsyncSession, lesson_id: int, changes: Mapping[str, Any]
) -> Lesson:
    """Change `position`, `delay_minutes` or `state` of a lesson. Raises LessonUnknown."""
    lesson = await courses.lesson(session, lesson_id)
    lesson.position = changes.get("position", lesson.position)
    lesson.delay_minutes = changes.get("delay_minutes", lesson.delay_minutes)
    lesson.state = changes.get("state", lesson.state)
    return lesson


async def publish_version(
    session: AsyncSession, lesson_id: int, text: Text, templates: Templates, *, now: datetime
) -> Version:
    """A new Version of a lesson, for all who are still to receive it.

    Raises LessonUnknown, CourseBroken with the line of the body (1-based) that is to be mended, and
    AlreadyThere when this is the newest text already.
    """
    lesson = await courses.lesson(session, lesson_id, lock=True)
    draft = _draft(lesson, text)
    findings = [*files.lint_lesson(draft), *author.check_placeholders(draft, templates)]
    grave = next((finding for finding in findings if finding.grave), None)
    if grave:
        raise CourseBroken(grave.file, grave.line, grave.remedy)
    version = await author.new_version(session, lesson, draft, now=now)
    if version is None:
        raise AlreadyThere("the newest Version of this lesson has this very text")
    await session.flush()
    return version


async def rename(session: AsyncSession, subscriber_id: int, typed: str) -> Subscriber:
    """Address a person by another first name, or by none. Raises RecordUnknown, NameRefused."""
    person = await people.subscriber(session, subscriber_id)
    person.first_name = name.first_name(typed)
    return person


def _draft(lesson: Lesson, text: Text) -> LessonDraft:
    body = text.body.replace("\r\n", "\n")
    above = len(body) - len(body.lstrip())
    return LessonDraft(
        file="body",
        slug=lesson.slug,
        position=lesson.position,
        title=text.title,
        subject=text.subject,
        preheader=text.preheader,
        question=text.question,
        delay=lesson.delay,
        body=body.strip() + "\n",
        body_line=1 + body[:above].count("\n"),
    )
