"""The lists of the admin API, page by page: one named question per resource, filters by equality.

A page is found by its place (keyset on id), never counted and never skipped over, so that the last
page costs what the first one does and rows that are added meanwhile disturb no page. Reads only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.access import ApiToken
from app.db.conversations import Conversation, Filing, IncomingLetter, Remark
from app.db.courses import Course, Lesson, LessonState, Version
from app.db.deliveries import Attempt, Delivery
from app.db.people import Enrollment, Subscriber, Suppression, SuppressionReason
from app.db.queues import ProviderQueue
from app.db.rulings import Ruling
from app.domain.conversation import Turn, Voice
from app.domain.delivery import LetterKind, State
from app.domain.enrollment import Standing

R = TypeVar(
    "R",
    ApiToken,
    Conversation,
    Course,
    Delivery,
    Enrollment,
    IncomingLetter,
    Lesson,
    ProviderQueue,
    Remark,
    Subscriber,
    Suppression,
    Version,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows: at most `limit`, the first one after the row with the id `after` (None: from the
    beginning), the oldest first unless `newest_first`.
    """

    after: int | None
    limit: int
    newest_first: bool = False


async def courses(session: AsyncSession, span: Span, *, slug: str | None) -> Sequence[Course]:
    """Courses; each filter that is None lets everything pass, here and below."""
    return await _page(session, Course, span, _equal((Course.slug, slug)))


async def lessons(
    session: AsyncSession, span: Span, *, course_id: int | None, state: LessonState | None
) -> Sequence[Lesson]:
    """Lessons in the order in which they were made; `position` is their place in the course."""
    wanted = _equal((Lesson.course_id, course_id), (Lesson.state, state))
    return await _page(session, Lesson, span, wanted)


async def versions(
    session: AsyncSession, span: Span, *, lesson_id: int | None
) -> Sequence[Version]:
    """Versions of all lessons or of one."""
    return await _page(session, Version, span, _equal((Version.lesson_id, lesson_id)))


async def subscribers(
    session: AsyncSession, span: Span, *, key: str | None, course_id: int | None
) -> Sequence[Subscriber]:
    """People; `key` is the comparison form of an address, `course_id` who is or was enrolled."""
    wanted = _equal((Subscriber.key, key))
    if course_id is not None:
        enrolled = select(Enrollment.subscriber_id).where(Enrollment.course_id == course_id)
        wanted.append(Subscriber.id.in_(enrolled))
    return await _page(session, Subscriber, span, wanted)


async def enrollments(
    session: AsyncSession,
    span: Span,
    *,
    course_id: int | None,
    subscriber_id: int | None,
    standing: Standing | None,
) -> Sequence[Enrollment]:
    """Enrollments."""
    wanted = _equal(
        (Enrollment.course_id, course_id),
        (Enrollment.subscriber_id, subscriber_id),
        (Enrollment.standing, standing),
    )
    return await _page(session, Enrollment, span, wanted)


async def deliveries(
    session: AsyncSession,
    span: Span,
    *,
    course_id: int | None,
    enrollment_id: int | None,
    lesson_id: int | None,
    kind: LetterKind | None,
    state: State | None,
) -> Sequence[Delivery]:
    """Deliveries, planned and past."""
    wanted = _equal(
        (Delivery.enrollment_id, enrollment_id),
        (Delivery.lesson_id, lesson_id),
        (Delivery.kind, kind),
        (Delivery.state, state),
    )
    return await _page(
        session, Delivery, span, [*wanted, *_in_course(Delivery.enrollment_id, course_id)]
    )


async def conversations(
    session: AsyncSession,
    span: Span,
    *,
    course_id: int | None,
    enrollment_id: int | None,
    lesson_id: int | None,
    turn: Turn | None,
) -> Sequence[Conversation]:
    """Conversations."""
    wanted = _equal(
        (Conversation.enrollment_id, enrollment_id),
        (Conversation.lesson_id, lesson_id),
        (Conversation.turn, turn),
    )
    return await _page(
        session, Conversation, span, [*wanted, *_in_course(Conversation.enrollment_id, course_id)]
    )


async def remarks(
    session: AsyncSession, span: Span, *, conversation_id: int | None, voice: Voice | None
) -> Sequence[Remark]:
    """Remarks, in all conversations or in one."""
    wanted = _equal((Remark.conversation_id, conversation_id), (Remark.voice, voice))
    return await _page(session, Remark, span, wanted)


async def incoming(
    session: AsyncSession,
    span: Span,
    *,
    enrollment_id: int | None,
    filing: Filing | None,
    kind: str | None,
) -> Sequence[IncomingLetter]:
    """Incoming letters, without their bytes."""
    wanted = _equal(
        (IncomingLetter.enrollment_id, enrollment_id),
        (IncomingLetter.filing, filing),
        (IncomingLetter.kind, kind),
    )
    return await _page(session, IncomingLetter, span, wanted)


async def suppressions(
    session: AsyncSession,
    span: Span,
    *,
    fingerprint: str | None,
    reason: SuppressionReason | None,
) -> Sequence[Suppression]:
    """Suppressions; an address is looked up by its fingerprint."""
    wanted = _equal((Suppression.fingerprint, fingerprint), (Suppression.reason, reason))
    return await _page(session, Suppression, span, wanted)


async def tokens(session: AsyncSession, span: Span) -> Sequence[ApiToken]:
    """API tokens, revoked ones among them."""
    return await _page(session, ApiToken, span, [])


async def queues(session: AsyncSession, span: Span) -> Sequence[ProviderQueue]:
    """Queues of which something was to be remembered."""
    return await _page(session, ProviderQueue, span, [])


async def attempts_at(
    session: AsyncSession, deliveries: Sequence[Delivery]
) -> dict[int, list[Attempt]]:
    """The tries at each of these deliveries, in order, by delivery id; nothing where none was."""
    ids = [delivery.id for delivery in deliveries]
    asked = select(Attempt).where(Attempt.delivery_id.in_(ids)).order_by(Attempt.id)
    tried: dict[int, list[Attempt]] = {}
    for attempt in await session.scalars(asked):
        tried.setdefault(attempt.delivery_id, []).append(attempt)
    return tried


async def rulings_at(
    session: AsyncSession, deliveries: Sequence[Delivery]
) -> dict[int, list[Ruling]]:
    """What was decided about these deliveries while they were unknown, in order, by delivery id."""
    ids = [delivery.id for delivery in deliveries]
    asked = select(Ruling).where(Ruling.delivery_id.in_(ids)).order_by(Ruling.id)
    ruled: dict[int, list[Ruling]] = {}
    for ruling in await session.scalars(asked):
        ruled.setdefault(ruling.delivery_id, []).append(ruling)
    return ruled


def _equal(*pairs: tuple[Any, Any]) -> list[Any]:
    return [column == value for column, value in pairs if value is not None]


def _in_course(enrollment_id: Any, course_id: int | None) -> list[Any]:
    if course_id is None:
        return []
    enrolled = select(Enrollment.id).where(Enrollment.course_id == course_id)
    return [enrollment_id.in_(enrolled)]


async def _page(
    session: AsyncSession, table: type[R], span: Span, wanted: Sequence[Any]
) -> Sequence[R]:
    asked: Select[R] = select(table).where(*wanted).limit(span.limit)
    if span.after is not None:
        asked = asked.where(table.id < span.after if span.newest_first else table.id > span.after)
    order = table.id.desc() if span.newest_first else table.id.asc()
    return (await session.scalars(asked.order_by(order))).all()
