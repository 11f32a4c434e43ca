"""Shows the author how a lesson reads: as the letter to a sample learner, or as one learner got it.

Sends nothing, writes nothing and addresses nobody.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries, people
from app.db.courses import Course, Lesson, Version
from app.domain.errors import LessonUnknown
from app.flows.installation import Installation
from app.mail.letters import LessonContext
from app.mail.templates import Letter, Templates


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of a lesson as one learner read it, or would; `html` is safe to print."""

    version: Version
    html: str
    was_received: bool


async def sample_letter(
    session: AsyncSession,
    course: Course,
    lesson_id: int,
    templates: Templates,
    *,
    here: Installation,
) -> Letter:
    """The newest Version of a lesson as a whole letter, to a learner called Camille.

    Raises LessonUnknown for a lesson of another course or without a text, RenderFailed.
    """
    lesson = await courses.lesson(session, lesson_id)
    version = await courses.newest_version(session, lesson_id)
    if lesson.course_id != course.id or version is None:
        raise LessonUnknown
    sample = LessonContext.sample()
    values = await _values(session, lesson, sample.first_name, here)
    html, text = templates.fill_prose(version.body, values)
    context = replace(
        sample,
        course_title=course.title,
        subject=version.subject,
        preheader=version.preheader,
        title=version.title,
        number=values["lesson_number"],
        total=values["lesson_total"],
        body_html=html,
        body_text=text,
        question=version.question,
        author=here.author,
        accent=course.accent,
    )
    return templates.render(context, course.language)


async def as_read_by(
    session: AsyncSession,
    enrollment_id: int,
    lesson_id: int,
    templates: Templates,
    *,
    here: Installation,
) -> Reading | None:
    """The Version of a lesson that this learner received, else the newest; None without any.

    Raises RecordUnknown, RenderFailed.
    """
    _, _, person = await people.with_course(session, enrollment_id)
    lesson = await courses.lesson(session, lesson_id)
    so_far = await deliveries.lessons_so_far(session, enrollment_id)
    received = next((d.version_id for d in so_far if d.lesson_id == lesson_id), None)
    version = (
        await courses.version(session, received)
        if received
        else await courses.newest_version(session, lesson_id)
    )
    if version is None:
        return None
    values = await _values(session, lesson, person.first_name, here)
    html, _ = templates.fill_prose(version.body, values)
    return Reading(version, html, was_received=received is not None)


async def _values(
    session: AsyncSession, lesson: Lesson, first_name: str, here: Installation
) -> dict[str, Any]:
    """What the placeholders of a lesson stand for."""
    order = [each.id for each in await courses.published(session, lesson.course_id)]
    return {
        "first_name": first_name,
        "author_name": here.author.name,
        "lesson_number": order.index(lesson.id) + 1 if lesson.id in order else lesson.position,
        "lesson_total": len(order),
    }
