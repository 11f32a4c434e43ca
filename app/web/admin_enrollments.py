"""The admin API on enrollments: list, read, and the verbs of pace. Each route calls one of them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.db import listing, people
from app.db.people import Enrollment
from app.domain.enrollment import Standing
from app.flows import steer
from app.web.admin_deliveries import DeliveryOut, with_attempts
from app.web.admin_fields import Id, IdNamed, IdWanted, Name, answer_like, body_like
from app.web.admin_route import Acting, admin_router
from app.web.deps import Here, Now, Reading
from app.web.paging import Page, Paged

router = admin_router("enrollments")


class EnrollmentOut(BaseModel):
    """A person in a course. `left_by` says by which way somebody left, `paused_by` why the course
    was paused by itself (null: a person asked for it).
    """

    model_config = answer_like(
        id=20,
        course_id=1,
        subscriber_id=12,
        standing="active",
        timezone="Europe/Paris",
        created_at="2026-11-24T09:00:00Z",
        confirmed_at="2026-11-24T09:04:10Z",
        paused_at=None,
        paused_by=None,
        finished_at=None,
        left_at=None,
        left_by=None,
    )

    id: int
    course_id: int
    subscriber_id: int
    standing: Standing
    timezone: str = Field(validation_alias="zone")
    created_at: datetime
    confirmed_at: datetime | None
    paused_at: datetime | None
    paused_by: str | None
    finished_at: datetime | None
    left_at: datetime | None
    left_by: str | None


class EnrollmentPatch(BaseModel):
    """The learner's time zone, by its IANA name."""

    model_config = body_like(timezone="America/Montreal")

    timezone: Name


class ResendIn(BaseModel):
    """Which lesson."""

    model_config = body_like(lesson_id=1)

    lesson_id: IdNamed


@router.get("/enrollments", response_model=Page[EnrollmentOut])
async def list_enrollments(
    session: Reading,
    paged: Paged,
    course_id: IdWanted = None,
    subscriber_id: IdWanted = None,
    standing: Standing | None = None,
) -> dict[str, Any]:
    """Who is or was in which course."""
    rows = await listing.enrollments(
        session, paged.span, course_id=course_id, subscriber_id=subscriber_id, standing=standing
    )
    return paged.page(rows)


@router.get("/enrollments/{enrollment_id}", response_model=EnrollmentOut)
async def read_enrollment(enrollment_id: Id, session: Reading) -> Enrollment:
    """One person in one course."""
    return await people.enrollment(session, enrollment_id)


@router.patch("/enrollments/{enrollment_id}", response_model=EnrollmentOut)
async def move_enrollment(
    enrollment_id: Id, change: EnrollmentPatch, session: Acting, now: Now, here: Here
) -> Enrollment:
    """Follow the learner into another time zone; the lesson that lies ahead is planned anew."""
    return await steer.move_to(session, enrollment_id, change.timezone, now=now, here=here)


@router.post("/enrollments/{enrollment_id}/pause", response_model=EnrollmentOut)
async def pause_enrollment(enrollment_id: Id, session: Acting, now: Now) -> Enrollment:
    """Send no lesson until the learner is back; a pause does not use up the wait."""
    return await steer.pause(session, enrollment_id, now=now)


@router.post("/enrollments/{enrollment_id}/resume", response_model=EnrollmentOut)
async def resume_enrollment(enrollment_id: Id, session: Acting, now: Now, here: Here) -> Enrollment:
    """Go on where the pause began."""
    return await steer.resume(session, enrollment_id, now=now, here=here)


@router.post("/enrollments/{enrollment_id}/skip", response_model=EnrollmentOut)
async def skip_lesson(enrollment_id: Id, session: Acting, now: Now, here: Here) -> Enrollment:
    """Pass over the lesson that lies ahead and plan the next one."""
    return await steer.skip(session, enrollment_id, now=now, here=here)


@router.post("/enrollments/{enrollment_id}/unsubscribe", response_model=EnrollmentOut)
async def unsubscribe_enrollment(enrollment_id: Id, session: Acting, now: Now) -> Enrollment:
    """Let the learner go, at once; twice is as good as once. Only they can come back."""
    return await steer.unsubscribe(session, enrollment_id, by="author", now=now)


@router.post("/enrollments/{enrollment_id}/resend", status_code=202, response_model=DeliveryOut)
async def resend_lesson(
    enrollment_id: Id, which: ResendIn, session: Acting, now: Now
) -> dict[str, Any]:
    """Send one more copy of a lesson that was received, the same Version, at once."""
    copy = await steer.resend(session, enrollment_id, which.lesson_id, now=now)
    await session.flush()
    return (await with_attempts(session, [copy]))[0]
