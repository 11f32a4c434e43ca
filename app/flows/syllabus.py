"""A course with its published lessons, as it stood when a batch of claims was taken. Decides
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.db.courses import Course, Lesson
from app.domain.schedule import Window


@dataclass(frozen=True, slots=True)
class Place:
    """A lesson's place in its course, as plain values: the hot path asks for them all the time."""

    id: int
    position: int
    slug: str
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Syllabus:
    """A course with its published lessons, in order."""

    course: Course
    window: Window
    lessons: Sequence[Place]


def syllabus(course: Course, lessons: Sequence[Lesson]) -> Syllabus:
    """The syllabus of these rows."""
    places = [Place(each.id, each.position, each.slug, each.delay) for each in lessons]
    return Syllabus(course, course.window, places)
