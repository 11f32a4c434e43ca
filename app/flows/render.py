"""From a delivery to the bytes of its letter: loads what the letter needs, renders, composes.

Reads only. Decides nothing about whether the letter may leave (dispatch does, right before it
does).
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import conversations, courses, people
from app.db.courses import Course, Lesson, LessonState, Version
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.domain import schedule, token
from app.domain.address import Address
from app.domain.delivery import LetterKind
from app.domain.errors import LessonWithdrawn, RenderFailed
from app.domain.token import CONFIRM_LIFE, Purpose
from app.flows.installation import Installation
from app.flows.plan import calendar_of
from app.mail import parse
from app.mail.compose import (
    AUTHOR_SENDER,
    SERVICE_SENDER,
    CourseMark,
    Envelope,
    Sender,
    compose,
)
from app.mail.letters import (
    AlreadyEnrolledContext,
    AnswerContext,
    ConfirmContext,
    LessonContext,
    LetterContext,
)
from app.mail.templates import Templates


@dataclass(frozen=True, slots=True)
class Manuscript:
    """A letter ready for the wire. `version_id` is the Version that a lesson carries."""

    wire: bytes
    message_id: str
    version_id: int | None


@dataclass(frozen=True, slots=True)
class Thread:
    """What an answer hangs on: the Message-IDs above it and the subject they bear."""

    subject: str
    replies_to: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Addressee:
    """One person in one course, with the delivery that is being written."""

    delivery: Delivery
    enrollment: Enrollment
    course: Course
    person: Subscriber


async def render(
    session: AsyncSession,
    delivery: Delivery,
    templates: Templates,
    *,
    now: datetime,
    here: Installation,
) -> Manuscript:
    """The letter of this delivery, written at `now`. Raises RenderFailed, LessonWithdrawn."""
    to = Addressee(delivery, *await people.with_course(session, delivery.enrollment_id))
    context, mark, thread, version = await _context(session, to, templates, now=now, here=here)
    language = to.course.language
    envelope = _envelope(to, mark, thread, now=now, here=here)
    letter = templates.render(context, language)
    try:
        wire = compose(letter, envelope)
    except ValueError as fault:
        raise RenderFailed(f"the letter cannot be written as mail: {fault}") from fault
    return Manuscript(wire, envelope.message_id, version.id if version else None)


async def _context(
    session: AsyncSession,
    to: Addressee,
    templates: Templates,
    *,
    now: datetime,
    here: Installation,
) -> tuple[LetterContext, CourseMark | None, Thread, Version | None]:
    match to.delivery.kind:
        case LetterKind.CONFIRM:
            return await _confirm(session, to, here=here), None, Thread(""), None
        case LetterKind.ALREADY_ENROLLED:
            return _already_enrolled(to, here=here), None, Thread(""), None
        case LetterKind.ANSWER:
            answer, thread = await _answer(session, to, here=here)
            return answer, None, thread, None
        case LetterKind.LESSON:
            lesson, version = await _lesson_text(session, to.delivery)
            context = await _lesson(session, to, lesson, version, templates, now=now, here=here)
            return context, _mark(to, lesson, here=here), Thread(""), version


def _envelope(
    to: Addressee, mark: CourseMark | None, thread: Thread, *, now: datetime, here: Installation
) -> Envelope:
    kind = to.delivery.kind
    local = {LetterKind.LESSON: to.course.sender, LetterKind.ANSWER: AUTHOR_SENDER}
    mailbox, _, domain = to.person.email.rpartition("@")
    return Envelope(
        kind=kind,
        sender=Sender(here.author.name, local.get(kind, SERVICE_SENDER), here.mail_domain),
        recipient=Address(mailbox, domain, domain),
        recipient_name=to.person.first_name if kind is not LetterKind.CONFIRM else "",
        mail_domain=here.mail_domain,
        tag=token.tag(Purpose.REPLY, to.delivery.id, keys=here.keys),
        language=to.course.language,
        written_at=now,
        course=mark,
        replies_to=thread.replies_to,
        references=thread.references,
    )


def preferences_url(enrollment_id: int, here: Installation) -> str:
    """The page where a learner pauses and resumes; the link does not expire."""
    link = token.sign(Purpose.PREFERENCES, str(enrollment_id), keys=here.keys, until=None)
    return here.url("preferences", link)


async def _confirm(session: AsyncSession, to: Addressee, *, here: Installation) -> ConfirmContext:
    receipt = await people.receipt(session, to.delivery.receipt_id or 0)
    until = receipt.requested_at + CONFIRM_LIFE
    link = token.sign(Purpose.CONFIRM, str(receipt.id), keys=here.keys, until=until)
    return ConfirmContext(
        course_title=to.course.title,
        lessons=len(await courses.published(session, to.course.id)),
        confirm_url=here.url("confirm", link),
        refuse_url=here.url("u", to.enrollment.door),
        author=here.author,
        accent=to.course.accent,
    )


def _already_enrolled(to: Addressee, *, here: Installation) -> AlreadyEnrolledContext:
    return AlreadyEnrolledContext(
        course_title=to.course.title,
        first_name=to.person.first_name,
        preferences_url=preferences_url(to.enrollment.id, here),
        author=here.author,
        accent=to.course.accent,
    )


async def _lesson_text(session: AsyncSession, delivery: Delivery) -> tuple[Lesson, Version]:
    lesson = await courses.lesson(session, delivery.lesson_id or 0)
    if delivery.version_id:
        return lesson, await courses.version(session, delivery.version_id)
    if lesson.state is LessonState.WITHDRAWN:
        raise LessonWithdrawn
    version = await courses.newest_version(session, lesson.id)
    if version is None:
        raise RenderFailed(f"the lesson {lesson.slug} has no published text")
    return lesson, version


async def _lesson(
    session: AsyncSession,
    to: Addressee,
    lesson: Lesson,
    version: Version,
    templates: Templates,
    *,
    now: datetime,
    here: Installation,
) -> LessonContext:
    in_course = await courses.published(session, to.course.id)
    order = [each.id for each in in_course]
    number = order.index(lesson.id) + 1 if lesson.id in order else lesson.position
    body_html, body_text = templates.fill_prose(
        version.body,
        {
            "first_name": to.person.first_name,
            "author_name": here.author.name,
            "lesson_number": number,
            "lesson_total": len(order),
        },
    )
    following = in_course[number] if lesson.id in order and number < len(order) else None
    upcoming = await courses.newest_version(session, following.id) if following else None
    return LessonContext(
        course_title=to.course.title,
        first_name=to.person.first_name,
        subject=version.subject,
        preheader=version.preheader,
        title=version.title,
        number=number,
        total=len(order),
        body_html=body_html,
        body_text=body_text,
        question=version.question,
        next_title=upcoming.title if upcoming else "",
        next_day=_day_of(to, following, now=now, here=here) if following and upcoming else None,
        preferences_url=preferences_url(to.enrollment.id, here),
        unsubscribe_url=here.url("u", to.enrollment.door),
        author=here.author,
        accent=to.course.accent,
    )


def _day_of(to: Addressee, following: Lesson, *, now: datetime, here: Installation) -> date:
    today = calendar_of(to.delivery, now, here.speed)
    zone = schedule.zone(to.enrollment.zone)
    return schedule.slot_following(today, following.delay, window=to.course.window, zone=zone).day


def _mark(to: Addressee, lesson: Lesson, *, here: Installation) -> CourseMark:
    return CourseMark(
        slug=to.course.slug,
        lesson=lesson.slug,
        unsubscribe_url=here.url("u", to.enrollment.door),
        help_url=preferences_url(to.enrollment.id, here),
    )


async def _answer(
    session: AsyncSession, to: Addressee, *, here: Installation
) -> tuple[AnswerContext, Thread]:
    remark = await conversations.remark(session, to.delivery.remark_id or 0)
    asked = await conversations.remark(session, remark.answers_id) if remark.answers_id else None
    thread = await _thread(session, asked.incoming_id if asked else None, to)
    zone = schedule.zone(to.enrollment.zone)
    written = (asked.written_at if asked else remark.written_at).astimezone(zone)
    context = AnswerContext(
        subject=thread.subject,
        words=remark.words,
        quoted=asked.words if asked else "",
        quoted_on=written.date(),
        learner_name=to.person.first_name,
        author=here.author,
        accent=to.course.accent,
    )
    return context, thread


async def _thread(session: AsyncSession, incoming_id: int | None, to: Addressee) -> Thread:
    """RFC 5322 §3.6.4: In-Reply-To is the parent's id, References the parent's and its id."""
    if incoming_id is None:
        return Thread(f"Re: {to.course.title}")
    mail = parse.read(await conversations.raw_of(session, incoming_id))
    subject = mail.subject if mail.subject[:3].casefold() == "re:" else f"Re: {mail.subject}"
    above = mail.references or mail.in_reply_to
    references = (*above, mail.message_id) if mail.message_id else above
    return Thread(subject.strip(), mail.message_id, references[-20:])
