"""Courses, their lessons, and the immutable Versions of each lesson's text, with their questions.

Does not read course files and does not decide which lesson comes next.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, words
from app.domain.errors import CourseUnknown, LessonUnknown, RecordUnknown
from app.domain.schedule import WEEKDAYS, Window


class LessonState(StrEnum):
    """Whether a lesson is part of the course at present."""

    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Course(Base):
    """A course: who sends it, in which language and when. `weekdays` reads "mon tue wed"."""

    __tablename__ = "courses"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(Text)
    zone: Mapped[str] = mapped_column(Text)
    opens: Mapped[time]
    closes: Mapped[time]
    weekdays: Mapped[str] = mapped_column(Text)
    accent: Mapped[str] = mapped_column(Text)
    promise: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]

    @property
    def window(self) -> Window:
        """When lessons of this course may leave."""
        days = frozenset(WEEKDAYS.index(day) for day in self.weekdays.split())
        return Window(self.opens, self.closes, days)


class Lesson(Base):
    """A place in a course. Its text is its newest Version, `delay_minutes` the wait before it.

    `faulty_at` is set while its copies are kept back because several servers refused its content.
    What was refused before `trusted_at`, the author's last word on that, does not count any more.
    """

    __tablename__ = "lessons"
    __table_args__ = (UniqueConstraint("course_id", "slug"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    slug: Mapped[str] = mapped_column(Text)
    position: Mapped[int]
    delay_minutes: Mapped[int]
    state: Mapped[LessonState] = mapped_column(words(LessonState))
    faulty_at: Mapped[datetime | None]
    trusted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @property
    def delay(self) -> timedelta:
        """How long this lesson waits after the one before it was accepted."""
        return timedelta(minutes=self.delay_minutes)


class Version(Base):
    """The text of a lesson at one time; never changed once written."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("lesson_id", "number"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    lesson_id: Mapped[int] = mapped_column(ForeignKey("lessons.id"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime]


Index("ix_lessons_course_position", Lesson.course_id, Lesson.position)


async def all_courses(session: AsyncSession) -> Sequence[Course]:
    """Every course, the first created first."""
    return (await session.scalars(select(Course).order_by(Course.id))).all()


async def course_by_slug(session: AsyncSession, slug: str | None) -> Course:
    """The course of this name, or the first one when no name is given. Raises CourseUnknown."""
    asked = select(Course).order_by(Course.id).limit(1)
    found = await session.scalar(asked.where(Course.slug == slug) if slug else asked)
    if found is None:
        raise CourseUnknown
    return found


async def course(session: AsyncSession, course_id: int) -> Course:
    """The course with this id. Raises RecordUnknown."""
    return _there(await session.get(Course, course_id))


async def lesson(session: AsyncSession, lesson_id: int, *, lock: bool = False) -> Lesson:
    """The lesson with this id; `lock` lets one writer at a time number a Version of it.

    Raises LessonUnknown.
    """
    found = await session.get(Lesson, lesson_id, with_for_update=lock or None)
    if found is None:
        raise LessonUnknown
    return found


async def version(session: AsyncSession, version_id: int) -> Version:
    """The Version with this id. Raises RecordUnknown."""
    found = await session.get(Version, version_id)
    if found is None:
        raise RecordUnknown
    return found


async def lessons_of(session: AsyncSession, course_id: int) -> Sequence[Lesson]:
    """The lessons of a course in order, withdrawn ones among them."""
    asked = select(Lesson).where(Lesson.course_id == course_id)
    return (await session.scalars(asked.order_by(Lesson.position, Lesson.id))).all()


async def published(session: AsyncSession, course_id: int) -> list[Lesson]:
    """The lessons that learners receive, in order."""
    lessons = await lessons_of(session, course_id)
    return [lesson for lesson in lessons if lesson.state is LessonState.PUBLISHED]


async def newest_version(session: AsyncSession, lesson_id: int) -> Version | None:
    """The text that who is still to receive this lesson gets; None before the first import."""
    asked = select(Version).where(Version.lesson_id == lesson_id)
    return (await session.scalars(asked.order_by(Version.number.desc()).limit(1))).first()


async def newest_versions(session: AsyncSession, course_id: int) -> dict[int, Version]:
    """The newest Version of each lesson of a course, by lesson id."""
    lessons = select(Lesson.id).where(Lesson.course_id == course_id)
    in_course = select(Version).where(Version.lesson_id.in_(lessons)).order_by(Version.number)
    return {version.lesson_id: version for version in await session.scalars(in_course)}


def _there(found: Course | None) -> Course:
    if found is None:
        raise RecordUnknown
    return found
