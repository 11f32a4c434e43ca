"""Subscribers, their enrollments, the receipts of their consent, and suppressions, with their
questions. Decides nothing about who may be written to.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, add_once, words
from app.db.courses import Course
from app.domain.enrollment import Standing
from app.domain.errors import RecordUnknown


class SuppressionReason(StrEnum):
    """Why an address is never written to again."""

    ADDRESS_GONE = "address_gone"
    COMPLAINT = "complaint"
    REQUEST = "request"
    AUTHOR = "author"


class Subscriber(Base):
    """A person. `key` compares addresses; `fingerprint` is the same under which suppressions are
    kept.
    """

    __tablename__ = "subscribers"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text, unique=True)
    fingerprint: Mapped[str] = mapped_column(Text, index=True)
    first_name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Enrollment(Base):
    """A person in a course. `door` is the random 128-bit name of the way out, in every lesson.
    `paused_by` says why the course was paused by itself; None when a person asked for the pause.
    """

    __tablename__ = "enrollments"
    __table_args__ = (
        UniqueConstraint("course_id", "subscriber_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id"), index=True)
    standing: Mapped[Standing] = mapped_column(words(Standing))
    zone: Mapped[str] = mapped_column(Text)
    door: Mapped[str] = mapped_column(Text, index=True)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    left_by: Mapped[str | None] = mapped_column(Text)


class ConsentReceipt(Base):
    """The proof of one consent: the exact wording, when it was asked, when it was confirmed."""

    __tablename__ = "consent_receipts"

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id"), index=True)
    wording: Mapped[str] = mapped_column(Text)
    wording_version: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class Suppression(Base):
    """A keyed fingerprint of an address that is never written to; outlives the person's records.

    `queue` is the provider whose word it was, for machines' reasons: when that provider turns out
    to have been wrong about everybody, its words can be taken back. From `doubted_at` on it does
    not count: the provider's circuit breaker is open, and a person has not decided yet.
    """

    __tablename__ = "suppressions"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text, unique=True)
    reason: Mapped[SuppressionReason] = mapped_column(words(SuppressionReason))
    queue: Mapped[str | None] = mapped_column(Text)
    doubted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


Index("ix_receipts_enrollment_requested", ConsentReceipt.enrollment_id, ConsentReceipt.requested_at)


async def subscriber(session: AsyncSession, subscriber_id: int) -> Subscriber:
    """The person with this id. Raises RecordUnknown."""
    found = await session.get(Subscriber, subscriber_id)
    if found is None:
        raise RecordUnknown
    return found


async def subscriber_by_key(session: AsyncSession, key: str) -> Subscriber | None:
    """The person whose address has this comparison form."""
    return await session.scalar(select(Subscriber).where(Subscriber.key == key))


async def enrollment(
    session: AsyncSession, enrollment_id: int, *, lock: bool = False
) -> Enrollment:
    """The enrollment with this id; `lock` holds the row until the transaction ends.

    Every verb that changes who may be written to, and the sender right before a hand-over, takes
    the lock: of a leaving and a sending that meet, one comes first. Raises RecordUnknown.
    """
    asked = select(Enrollment).where(Enrollment.id == enrollment_id)
    found = await session.scalar(asked.with_for_update() if lock else asked)
    if found is None:
        raise RecordUnknown
    return found


async def meet(session: AsyncSession, *, key: str, now: datetime, **values: str) -> Subscriber:
    """The person with this address key, made known with `values` if they are new.

    Two visitors who type the same address in the same moment meet the same person.
    """
    await add_once(session, Subscriber, {"key": key, "created_at": now, **values})
    return (await session.scalars(select(Subscriber).where(Subscriber.key == key))).one()


async def enroll(
    session: AsyncSession,
    course_id: int,
    subscriber_id: int,
    *,
    zone: str,
    door: str,
    now: datetime,
) -> Enrollment:
    """This person's enrollment in this course, locked; a pending one is made if there is none."""
    new = {
        "course_id": course_id,
        "subscriber_id": subscriber_id,
        "standing": Standing.PENDING,
        "zone": zone,
        "door": door,
        "created_at": now,
    }
    await add_once(session, Enrollment, new)
    asked = select(Enrollment).where(
        Enrollment.course_id == course_id, Enrollment.subscriber_id == subscriber_id
    )
    return (await session.scalars(asked.with_for_update())).one()


async def confirmations_asked(session: AsyncSession, subscriber_id: int) -> Sequence[datetime]:
    """When this person was asked to confirm, in any course, the newest first."""
    asked = (
        select(ConsentReceipt.requested_at)
        .join(Enrollment, Enrollment.id == ConsentReceipt.enrollment_id)
        .where(Enrollment.subscriber_id == subscriber_id)
    )
    return (await session.scalars(asked.order_by(ConsentReceipt.id.desc()).limit(10))).all()


async def enrollments_of(session: AsyncSession, subscriber_id: int) -> Sequence[Enrollment]:
    """All of a person's enrollments, the newest first."""
    asked = select(Enrollment).where(Enrollment.subscriber_id == subscriber_id)
    return (await session.scalars(asked.order_by(Enrollment.id.desc()))).all()


async def has_confirmed(session: AsyncSession, subscriber_id: int) -> bool:
    """Whether this person ever confirmed anything; then only they may change what is theirs."""
    confirmed = exists().where(
        Enrollment.subscriber_id == subscriber_id, Enrollment.confirmed_at.is_not(None)
    )
    return bool(await session.scalar(select(confirmed)))


async def enrollment_behind(session: AsyncSession, door: str) -> Enrollment | None:
    """The enrollment whose letters carry this way out, locked; None for an unknown one."""
    asked = select(Enrollment).where(Enrollment.door == door)
    return await session.scalar(asked.with_for_update())


async def receipt(session: AsyncSession, receipt_id: int) -> ConsentReceipt:
    """The consent receipt with this id. Raises RecordUnknown."""
    found = await session.get(ConsentReceipt, receipt_id)
    if found is None:
        raise RecordUnknown
    return found


async def receipts_of(session: AsyncSession, enrollment_id: int) -> Sequence[ConsentReceipt]:
    """The consent receipts of an enrollment, the newest first."""
    asked = select(ConsentReceipt).where(ConsentReceipt.enrollment_id == enrollment_id)
    return (await session.scalars(asked.order_by(ConsentReceipt.id.desc()))).all()


async def is_suppressed(session: AsyncSession, fingerprint: str) -> bool:
    """Whether this address must not be written to; a word that is doubted does not count."""
    return await suppression_of(session, fingerprint) is not None


async def suppression(session: AsyncSession, suppression_id: int) -> Suppression:
    """The suppression with this id. Raises RecordUnknown."""
    found = await session.get(Suppression, suppression_id)
    if found is None:
        raise RecordUnknown
    return found


async def suppression_of(session: AsyncSession, fingerprint: str) -> Suppression | None:
    """The suppression of this address, if there is one that counts."""
    asked = select(Suppression).where(
        Suppression.fingerprint == fingerprint, Suppression.doubted_at.is_(None)
    )
    return await session.scalar(asked)


async def with_course(
    session: AsyncSession, enrollment_id: int
) -> tuple[Enrollment, Course, Subscriber]:
    """An enrollment with its course and its person. Raises RecordUnknown."""
    asked = (
        select(Enrollment, Course, Subscriber)
        .join(Course, Course.id == Enrollment.course_id)
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
        .where(Enrollment.id == enrollment_id)
    )
    row = (await session.execute(asked)).first()
    if row is None:
        raise RecordUnknown
    return row[0], row[1], row[2]
