"""What the author does: publish a course from its files, and decide about letters that wait for a
word.

Publishes immutable Versions: a text that changed becomes a new Version, a text that did not becomes
nothing. Half a course is never imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries, people
from app.db.courses import Course, Lesson, LessonState, Version
from app.db.deliveries import Delivery
from app.db.people import Enrollment
from app.db.rulings import Verdict
from app.db.session import ready
from app.domain import course as files
from app.domain import delivery as rules
from app.domain import schedule
from app.domain.course import CourseDraft, Finding, LessonDraft
from app.domain.delivery import Event, LetterKind, Why
from app.domain.errors import CourseBroken
from app.domain.unknown import By
from app.flows import discuss, mend, pace, record, unsettled
from app.flows.installation import Installation
from app.mail.templates import Templates


@dataclass(slots=True)
class Import:
    """What an import did, by lesson slug."""

    course: str
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> dict[str, str]:
    """The course files in a folder, name → text. Raises CourseBroken for what is not UTF-8."""
    texts = {}
    for path in sorted([*folder.glob("*.md"), *folder.glob("course.toml")]):
        try:
            texts[path.name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as fault:
            raise CourseBroken(path.name, 0, "is not UTF-8; save it as UTF-8") from fault
    return texts


def check(texts: Mapping[str, str], templates: Templates) -> tuple[CourseDraft, list[Finding]]:
    """Read a course and say what is to be mended. Raises CourseBroken when it cannot be read."""
    draft = files.read_course(texts)
    findings = list(files.lint(draft))
    for lesson in draft.lessons:
        findings.extend(check_placeholders(lesson, templates))
    return draft, findings


def check_placeholders(lesson: LessonDraft, templates: Templates) -> list[Finding]:
    """What is wrong with the placeholders of a lesson, at the line where it can be told."""
    complaint = templates.complaint(lesson.body)
    if complaint is None:
        return []
    for number, line in enumerate(lesson.body.split("\n"), lesson.body_line):
        if "{" in line and (alone := templates.complaint(line)):
            return [Finding(lesson.file, number, alone, True)]
    return [Finding(lesson.file, lesson.body_line, complaint, True)]


async def publish(session: AsyncSession, draft: CourseDraft, *, now: datetime) -> Import:
    """Write a course as it is in its files; learners still to receive a lesson get its new text."""
    course = await _course(session, draft, now=now)
    done = Import(draft.slug)
    known = {lesson.slug: lesson for lesson in await courses.lessons_of(session, course.id)}
    for lesson_draft in draft.lessons:
        lesson = known.pop(lesson_draft.slug, None) or await _lesson(
            session, course, lesson_draft, now=now
        )
        lesson.position = lesson_draft.position
        lesson.delay_minutes = int(lesson_draft.delay.total_seconds() // 60)
        lesson.state = LessonState.PUBLISHED
        await _version(session, lesson, lesson_draft, done, now=now)
    for lesson in known.values():
        if lesson.state is LessonState.PUBLISHED:
            lesson.state = LessonState.WITHDRAWN
            done.withdrawn.append(lesson.slug)
    return done


async def take_as_sent(
    session: AsyncSession, delivery_id: int, *, now: datetime, here: Installation
) -> Delivery:
    """Decide that an unknown delivery arrived; the course goes on. Raises TransitionForbidden."""
    delivery, enrollment = await _both(session, delivery_id)
    by, because = By.PERSON, "the author says that it was sent"
    await unsettled.take(session, delivery, enrollment, by, because, now=now, here=here)
    return delivery


async def release(session: AsyncSession, delivery_id: int, *, now: datetime) -> Delivery:
    """Let a held, expired or unknown delivery go, now; an unknown one goes with the same bytes.

    A course that was paused because the lesson did not arrive goes on with it. Raises
    TransitionForbidden.
    """
    delivery, enrollment = await _both(session, delivery_id)
    because = "the author wants it sent again"
    unsettled.note_word(session, delivery, Verdict.RESEND, because, now=now)
    delivery.state = rules.advance(delivery.state, Event.RELEASE)
    delivery.reason, delivery.ready_at, delivery.first_tried_at = None, now, None
    if rules.is_step(delivery.kind, delivery.intent):
        pace.end_own_pause(enrollment)
    ready(session)
    return delivery


async def give_up(
    session: AsyncSession, delivery_id: int, *, now: datetime, here: Installation
) -> Delivery:
    """Decide that a letter shall not be sent (any more); of a lesson, that the course goes on
    without it. Raises TransitionForbidden.
    """
    delivery, enrollment = await _both(session, delivery_id)
    because = "the author gives it up"
    unsettled.note_word(session, delivery, Verdict.GIVE_UP, because, now=now)
    delivery.state = rules.advance(delivery.state, Event.CANCEL)
    delivery.reason = Why.GIVEN_UP
    if delivery.kind is LetterKind.LESSON:
        pace.end_own_pause(enrollment)
        await session.flush()
        await record.go_on(session, enrollment, now=now, here=here)
    if delivery.kind is LetterKind.ANSWER and delivery.remark_id:
        await discuss.answer_failed(session, delivery.remark_id, now=now)
    return delivery


async def _both(session: AsyncSession, delivery_id: int) -> tuple[Delivery, Enrollment]:
    """A delivery and its enrollment, both locked in the order that all verbs keep, and fresh."""
    known = await deliveries.delivery(session, delivery_id)
    enrollment = await people.enrollment(session, known.enrollment_id, lock=True)
    delivery = await deliveries.delivery(session, delivery_id, lock=True)
    await session.refresh(delivery)
    return delivery, enrollment


async def _course(session: AsyncSession, draft: CourseDraft, *, now: datetime) -> Course:
    course = await session.scalar(select(Course).where(Course.slug == draft.slug))
    if course is None:
        course = Course(slug=draft.slug, created_at=now)
        session.add(course)
    describe(course, draft)
    await session.flush()
    return course


def describe(course: Course, draft: CourseDraft) -> None:
    """Write what a draft says about its course."""
    course.title, course.language, course.sender = draft.title, draft.language, draft.sender
    course.zone, course.accent = draft.zone, draft.accent
    course.promise, course.description = draft.promise, draft.description
    course.opens, course.closes = draft.window.opens, draft.window.closes
    course.weekdays = " ".join(schedule.WEEKDAYS[day] for day in sorted(draft.window.weekdays))


async def _lesson(
    session: AsyncSession, course: Course, draft: LessonDraft, *, now: datetime
) -> Lesson:
    lesson = Lesson(
        course_id=course.id,
        slug=draft.slug,
        position=draft.position,
        delay_minutes=0,
        state=LessonState.PUBLISHED,
        created_at=now,
    )
    session.add(lesson)
    await session.flush()
    return lesson


async def _version(
    session: AsyncSession, lesson: Lesson, draft: LessonDraft, done: Import, *, now: datetime
) -> None:
    version = await new_version(session, lesson, draft, now=now)
    if version is None:
        done.unchanged.append(lesson.slug)
    else:
        (done.new if version.number == 1 else done.changed).append(lesson.slug)


async def new_version(
    session: AsyncSession, lesson: Lesson, draft: LessonDraft, *, now: datetime
) -> Version | None:
    """Publish the text of a draft as the lesson's newest Version; None when it is that already.

    Where its last text was refused by servers, this one goes out in its place.
    """
    newest = await courses.newest_version(session, lesson.id)
    if newest and newest.digest == draft.digest:
        return None
    version = Version(
        lesson_id=lesson.id,
        number=newest.number + 1 if newest else 1,
        title=draft.title,
        subject=draft.subject,
        preheader=draft.preheader,
        question=draft.question,
        body=draft.body,
        digest=draft.digest,
        published_at=now,
    )
    session.add(version)
    await mend.by_new_text(session, lesson, now=now)
    return version
