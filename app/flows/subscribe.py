"""How a visitor becomes a learner and how a learner leaves: sign up, confirm, leave.

Speaks no SMTP and shows no page. Signing up gives the same answer whether the address is new, known
or suppressed; only the mailbox learns the difference.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries, people
from app.db.courses import Course
from app.db.people import ConsentReceipt, Enrollment, Subscriber
from app.domain import consent, name, schedule, token
from app.domain import delivery as rules
from app.domain import enrollment as progress
from app.domain.address import Address
from app.domain.delivery import Event, LetterKind, Why
from app.domain.enrollment import Standing, Step
from app.domain.errors import TransitionForbidden
from app.domain.token import Purpose
from app.flows.installation import Installation
from app.flows.plan import plan_letter, plan_next
from app.mail.recipient import read_address


@dataclass(frozen=True, slots=True)
class Application:
    """What a visitor sent, as typed. `course` None is the first one, `zone` None the course's."""

    email: str
    first_name: str = ""
    course: str | None = None
    zone: str | None = None
    method: str = "form"


async def sign_up(
    session: AsyncSession, application: Application, *, now: datetime, here: Installation
) -> Course:
    """Take an application: a pending enrollment and a confirmation letter, in one transaction.

    Raises AddressMalformed, AddressRefused, NameRefused, ZoneUnknown or CourseUnknown; otherwise
    returns the course, and nothing in what it returns tells who is known here.
    """
    course = await courses.course_by_slug(session, application.course)
    address = read_address(application.email)
    first_name = name.first_name(application.first_name)
    zone = schedule.zone(application.zone or course.zone).key
    if await people.is_suppressed(session, here.fingerprint(address)):
        return course
    person = await _meet(session, address, first_name, now=now, here=here)
    enrollment = await people.enroll(
        session, course.id, person.id, zone=zone, door=secrets.token_hex(16), now=now
    )
    if progress.allowed(enrollment.standing, Step.SIGN_UP):
        enrollment.standing = progress.advance(enrollment.standing, Step.SIGN_UP)
        if enrollment.confirmed_at is None:
            enrollment.zone = zone
        if first_name and not await people.has_confirmed(session, person.id):
            person.first_name = first_name
        await _ask_to_confirm(session, enrollment, course, application.method, now=now, here=here)
    else:
        await _say_already_enrolled(session, enrollment, now=now, here=here)
    return course


async def confirm(
    session: AsyncSession, link: str, *, now: datetime, here: Installation
) -> tuple[Enrollment, Course]:
    """The second half of the double opt-in; pressing twice is as good as once.

    Raises TokenForged, TokenExpired, and TransitionForbidden for who has left since.
    """
    receipt = await _receipt_of(session, link, now=now, here=here)
    enrollment = await people.enrollment(session, receipt.enrollment_id, lock=True)
    course = await courses.course(session, enrollment.course_id)
    if enrollment.left_at and receipt.requested_at <= enrollment.left_at:
        raise TransitionForbidden("this link is older than the goodbye; sign up again")
    was = enrollment.standing
    enrollment.standing = progress.advance(was, Step.CONFIRM)
    if was is Standing.PENDING:
        receipt.confirmed_at = enrollment.confirmed_at = now
        await plan_next(session, enrollment, course, now=now, speed=here.speed)
    return enrollment, course


async def preview_confirmation(
    session: AsyncSession, link: str, *, now: datetime, here: Installation
) -> tuple[Enrollment, Course]:
    """What a confirmation link leads to; changes nothing. Raises TokenForged, TokenExpired."""
    receipt = await _receipt_of(session, link, now=now, here=here)
    enrollment = await people.enrollment(session, receipt.enrollment_id)
    return enrollment, await courses.course(session, enrollment.course_id)


async def leave(session: AsyncSession, enrollment: Enrollment, *, by: str, now: datetime) -> None:
    """Stop everything for this enrollment, at once; a second goodbye changes nothing.

    `by` says how: "page", "one_click", "reply", "author". The caller holds the enrollment's lock.
    Answers of the author to what was written before still go out.
    """
    if enrollment.standing is Standing.LEFT:
        return
    enrollment.standing = progress.advance(enrollment.standing, Step.LEAVE)
    enrollment.left_at, enrollment.left_by = now, by
    for letter in await deliveries.ahead(session, enrollment.id):
        if letter.kind is not LetterKind.ANSWER:
            letter.state = rules.advance(letter.state, Event.CANCEL)
            letter.reason = Why.LEFT


async def leave_by_door(
    session: AsyncSession, door: str, *, by: str, now: datetime
) -> Enrollment | None:
    """Leave through the link of a letter. An unknown door is no fault: there is nobody to free."""
    enrollment = await people.enrollment_behind(session, door)
    if enrollment:
        await leave(session, enrollment, by=by, now=now)
    return enrollment


async def _meet(
    session: AsyncSession, address: Address, first_name: str, *, now: datetime, here: Installation
) -> Subscriber:
    return await people.meet(
        session,
        email=str(address),
        key=address.key,
        fingerprint=here.fingerprint(address),
        first_name=first_name,
        now=now,
    )


async def _ask_to_confirm(
    session: AsyncSession,
    enrollment: Enrollment,
    course: Course,
    method: str,
    *,
    now: datetime,
    here: Installation,
) -> None:
    """One confirmation a day per address, whoever asks: nobody's mailbox is a target."""
    asked = await people.confirmations_asked(session, enrollment.subscriber_id)
    if not consent.may_ask(asked, now, day=here.scaled(consent.A_DAY)):
        return
    lessons = len(await courses.published(session, course.id))
    receipt = ConsentReceipt(
        enrollment_id=enrollment.id,
        wording=consent.wording(course.title, lessons, course.language),
        wording_version=consent.WORDING_VERSION,
        language=course.language,
        method=method,
        requested_at=now,
    )
    session.add(receipt)
    await session.flush()
    await plan_letter(
        session, enrollment, LetterKind.CONFIRM, receipt.id, now=now, receipt_id=receipt.id
    )


async def _say_already_enrolled(
    session: AsyncSession, enrollment: Enrollment, *, now: datetime, here: Installation
) -> None:
    kind = LetterKind.ALREADY_ENROLLED
    last = await deliveries.newest_of_kind(session, enrollment.id, kind)
    if last and now - last.created_at < here.scaled(consent.A_MONTH):
        return
    await plan_letter(session, enrollment, kind, last.id if last else 0, now=now)


async def _receipt_of(
    session: AsyncSession, link: str, *, now: datetime, here: Installation
) -> ConsentReceipt:
    subject = token.verify(link, Purpose.CONFIRM, keys=here.keys, now=now)
    return await people.receipt(session, int(subject))
