"""Deliveries: one row for every letter that leaves, before it leaves, and one for every attempt.

Holds the tables and the questions of doors and verbs; the worker's own steps (claim, hand over,
record) stand in app/db/outbox.py. Decides nothing about states.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    TextClause,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, words
from app.domain.delivery import AHEAD, SETTLED, LetterKind, Phase, Reply, State
from app.domain.errors import RecordUnknown
from app.domain.meaning import Cause


class Delivery(Base):
    """One letter to one person, planned or past.

    `intent` names the wish (see domain.delivery.intent) and is unique within the enrollment.
    `planned_for` and `planned_day` are what the schedule meant (on the enrollment's calendar),
    `due_at` is the same instant on the wall, and `ready_at` is when the worker may take it:
    `due_at` at first, later the time of the next try. `fence` counts the claims: a worker whose
    claim lapsed cannot record anything any more. `unknown_since` is set while it is unknown, and
    stays as a memory of it. `lesson_id`, `version_id`, `remark_id`,
    `receipt_id` name what the letter carries, by its kind.
    """

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("enrollment_id", "intent"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id"))
    kind: Mapped[LetterKind] = mapped_column(words(LetterKind))
    intent: Mapped[str] = mapped_column(Text)
    priority: Mapped[int]
    state: Mapped[State] = mapped_column(words(State))
    reason: Mapped[str | None] = mapped_column(Text)
    lesson_id: Mapped[int | None] = mapped_column(ForeignKey("lessons.id"))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    remark_id: Mapped[int | None]
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("consent_receipts.id"))
    planned_for: Mapped[datetime]
    planned_day: Mapped[date]
    due_at: Mapped[datetime]
    ready_at: Mapped[datetime]
    attempts: Mapped[int]
    first_tried_at: Mapped[datetime | None]
    fence: Mapped[int]
    lease_until: Mapped[datetime | None]
    message_id: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[str | None] = mapped_column(Text)
    written_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    unknown_since: Mapped[datetime | None]
    created_at: Mapped[datetime]


def _literally(*states: State) -> TextClause:
    """State is one of these, in literal words: a partial index is used only by a question that
    repeats its condition so.
    """
    return text("state IN (" + ", ".join(f"'{each}'" for each in states) + ")")


_original = Delivery.intent.not_like("lesson:%:%")
WAITING_ROWS = _literally(State.PLANNED, State.DEFERRED)
Index(
    "ix_deliveries_ready",
    Delivery.priority,
    Delivery.ready_at,
    postgresql_where=WAITING_ROWS,
    sqlite_where=WAITING_ROWS,
)
IN_FLIGHT_ROWS = _literally(State.CLAIMED, State.IN_DATA)
Index(
    "ix_deliveries_in_flight",
    Delivery.lease_until,
    postgresql_where=IN_FLIGHT_ROWS,
    sqlite_where=IN_FLIGHT_ROWS,
)
TROUBLED_ROWS = _literally(State.UNKNOWN, State.HELD, State.REJECTED, State.EXPIRED)
Index(
    "ix_deliveries_troubled",
    Delivery.state,
    Delivery.id,
    postgresql_where=TROUBLED_ROWS,
    sqlite_where=TROUBLED_ROWS,
)
Index("ix_deliveries_lesson", Delivery.lesson_id)


class FrozenLetter(Base):
    """The bytes of a letter that went out and was not accepted at once; removed on acceptance.

    Before that they need not be kept: the delivery says from which Version and when they were
    written and what their digest is, so they can be written again and compared.
    """

    __tablename__ = "frozen_letters"
    __table_args__ = ()

    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    wire: Mapped[bytes] = mapped_column(LargeBinary)


class Attempt(Base):
    """One try at a delivery, and what the server said; append-only.

    `hop` is the server spoken to: host, address, port and TLS version. `cause` is how the answer
    was read (None for acceptances, and for tries from before it was kept).
    """

    __tablename__ = "attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"), index=True)
    number: Mapped[int]
    at: Mapped[datetime]
    outcome: Mapped[State] = mapped_column(words(State))
    phase: Mapped[int]
    code: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    hop: Mapped[str | None] = mapped_column(Text)
    cause: Mapped[Cause | None] = mapped_column(words(Cause))

    @property
    def phase_name(self) -> str:
        """The phase in words."""
        return Phase(self.phase).name.lower()

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code at the head of the answer, if there is one."""
        return Reply(Phase(self.phase), self.code, self.text).enhanced


async def delivery(session: AsyncSession, delivery_id: int, *, lock: bool = False) -> Delivery:
    """The delivery with this id. Raises RecordUnknown."""
    asked = select(Delivery).where(Delivery.id == delivery_id)
    found = await session.scalar(asked.with_for_update() if lock else asked)
    if found is None:
        raise RecordUnknown
    return found


async def of_enrollment(session: AsyncSession, enrollment_id: int) -> Sequence[Delivery]:
    """Everything planned for and sent to one enrollment, oldest first."""
    asked = select(Delivery).where(Delivery.enrollment_id == enrollment_id)
    return (await session.scalars(asked.order_by(Delivery.id))).all()


async def current_lesson(session: AsyncSession, enrollment_id: int) -> Delivery | None:
    """The one lesson that is neither received nor cancelled, locked; copies do not count."""
    asked = select(Delivery).where(
        Delivery.enrollment_id == enrollment_id,
        Delivery.kind == LetterKind.LESSON,
        Delivery.state.not_in(SETTLED),
        _original,
    )
    return (await session.scalars(asked.order_by(Delivery.id).with_for_update())).first()


async def lessons_so_far(session: AsyncSession, enrollment_id: int) -> Sequence[Delivery]:
    """The lessons of an enrollment, whatever became of them, oldest first; copies do not count."""
    asked = select(Delivery).where(
        Delivery.enrollment_id == enrollment_id, Delivery.kind == LetterKind.LESSON, _original
    )
    return (await session.scalars(asked.order_by(Delivery.id))).all()


async def ahead(session: AsyncSession, enrollment_id: int) -> Sequence[Delivery]:
    """Every letter that has not left yet and could, locked."""
    asked = select(Delivery).where(
        Delivery.enrollment_id == enrollment_id, Delivery.state.in_(AHEAD)
    )
    return (await session.scalars(asked.order_by(Delivery.id).with_for_update())).all()


async def last_accepted_lesson(session: AsyncSession, enrollment_id: int) -> Delivery | None:
    """The lesson this person received last; copies do not count."""
    asked = select(Delivery).where(
        Delivery.enrollment_id == enrollment_id,
        Delivery.kind == LetterKind.LESSON,
        Delivery.state == State.ACCEPTED,
        _original,
    )
    newest = asked.order_by(Delivery.accepted_at.desc(), Delivery.id.desc()).limit(1)
    return (await session.scalars(newest)).first()


async def with_intent(session: AsyncSession, enrollment_id: int, intent: str) -> Delivery | None:
    """The delivery of this wish, if the wish was ever written down."""
    asked = select(Delivery).where(
        Delivery.enrollment_id == enrollment_id, Delivery.intent == intent
    )
    return await session.scalar(asked)


async def newest_of_kind(
    session: AsyncSession, enrollment_id: int, kind: LetterKind
) -> Delivery | None:
    """The newest delivery of one kind for an enrollment."""
    asked = select(Delivery).where(Delivery.enrollment_id == enrollment_id, Delivery.kind == kind)
    return (await session.scalars(asked.order_by(Delivery.id.desc()).limit(1))).first()


async def copies_of(session: AsyncSession, enrollment_id: int, lesson_id: int) -> int:
    """How many times this lesson was wished for this person, the first time included."""
    asked = select(func.count()).where(
        Delivery.enrollment_id == enrollment_id,
        Delivery.lesson_id == lesson_id,
        Delivery.kind == LetterKind.LESSON,
    )
    return await session.scalar(asked) or 0


async def attempts_of(session: AsyncSession, delivery_id: int) -> Sequence[Attempt]:
    """The tries at one delivery, in order."""
    asked = select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(Attempt.id)
    return (await session.scalars(asked)).all()
