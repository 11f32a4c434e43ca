"""The images of Versions, made when first needed and kept: one for readers with a name, one for
those without. An image is as old as everything it was made from; when any of that changes, so does
its key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.db.courses import Version
from app.domain.address import Address
from app.domain.delivery import LetterKind
from app.domain.errors import LessonWithdrawn, RenderFailed
from app.domain.schedule import Window
from app.flows.installation import Installation
from app.flows.syllabus import Syllabus
from app.mail.compose import CourseMark, Envelope, Sender
from app.mail.letters import LessonContext
from app.mail.skeleton import Skeleton, build, mark
from app.mail.templates import Templates

_KEPT = 512


@dataclass(frozen=True, slots=True)
class Edition:
    """An image, the Version that it shows, and the wait before the lesson that it announces."""

    image: Skeleton
    version_id: int
    next_delay: timedelta | None
    window: Window
    language: str


class Press:
    """Makes editions and keeps the latest ones."""

    def __init__(self, templates: Templates, here: Installation) -> None:
        self.templates, self._here = templates, here
        self._editions: dict[tuple[Any, ...], Edition] = {}

    def edition(
        self, syllabus: Syllabus, version: Version, newest: Mapping[int, Version], *, named: bool
    ) -> Edition:
        """The edition of `version` in its course as it is now.

        Raises LessonWithdrawn when the lesson is no longer part of it, RenderFailed.
        """
        order = [lesson.id for lesson in syllabus.lessons]
        if version.lesson_id not in order:
            raise LessonWithdrawn
        number = order.index(version.lesson_id) + 1
        following = syllabus.lessons[number] if number < len(order) else None
        announced = newest.get(following.id) if following else None
        course = syllabus.course
        about = (course.slug, course.title, course.language, course.sender, course.accent)
        key = (version.id, number, len(order), announced and announced.id, about, named)
        if key not in self._editions:
            if len(self._editions) >= _KEPT:
                self._editions.clear()
            image = self._image(syllabus, version, announced, number, named=named)
            delay = following.delay if following and announced else None
            self._editions[key] = Edition(
                image, version.id, delay, syllabus.window, course.language
            )
        return self._editions[key]

    def _image(
        self,
        syllabus: Syllabus,
        version: Version,
        announced: Version | None,
        number: int,
        *,
        named: bool,
    ) -> Skeleton:
        name = mark("first_name") if named else ""
        total, course, here = len(syllabus.lessons), syllabus.course, self._here
        filled = {
            "first_name": name,
            "author_name": here.author.name,
            "lesson_number": number,
            "lesson_total": total,
        }
        body_html, body_text = self.templates.fill_prose(version.body, filled)
        context = LessonContext(
            course_title=course.title,
            first_name=name,
            subject=version.subject,
            preheader=version.preheader,
            title=version.title,
            number=number,
            total=total,
            body_html=body_html,
            body_text=body_text,
            question=version.question,
            next_title=announced.title if announced else "",
            next_day=mark("next_day") if announced else None,
            preferences_url=mark("preferences_url"),
            unsubscribe_url=mark("unsubscribe_url"),
            author=here.author,
            accent=course.accent,
        )
        letter = self.templates.render(context, course.language)
        slug = next(each.slug for each in syllabus.lessons if each.id == version.lesson_id)
        try:
            return build(letter, self._envelope(syllabus, slug))
        except ValueError as fault:
            raise RenderFailed(f"the letter cannot be written as mail: {fault}") from fault

    def _envelope(self, syllabus: Syllabus, lesson_slug: str) -> Envelope:
        here, course = self._here, syllabus.course
        return Envelope(
            kind=LetterKind.LESSON,
            sender=Sender(here.author.name, course.sender, here.mail_domain),
            recipient=Address("", "", ""),
            recipient_name="",
            mail_domain=here.mail_domain,
            tag="",
            language=course.language,
            written_at=datetime.min,  # noqa: DTZ901 (the image has a mark there)
            course=CourseMark(course.slug, lesson_slug, here.url("u", "door"), ""),
        )
