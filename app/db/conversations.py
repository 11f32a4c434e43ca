"""Incoming letters as they came, and conversations with their remarks, with their questions.

Does not parse, classify or attribute; decides nothing about whose turn it is.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Text, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, add_once, words
from app.domain.conversation import Turn, Voice
from app.domain.errors import RecordUnknown
from app.domain.meaning import Cause


class Filing(StrEnum):
    """What became of an incoming letter."""

    KEPT = "kept"
    FILED = "filed"
    UNFILED = "unfiled"


class IncomingLetter(Base):
    """A letter as it came, byte for byte, kept before anybody judged it.

    `digest` is the SHA-256 of its bytes without the trace headers that differ by way of arrival.
    `reason` says why it could not be filed, or which rule named its kind. `cause` is how the words
    of a delivery report were read, where it came to the return path of one letter of ours.
    """

    __tablename__ = "incoming_letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    digest: Mapped[str] = mapped_column(Text, unique=True)
    message_id: Mapped[str] = mapped_column(Text, index=True)
    via: Mapped[str] = mapped_column(Text)
    envelope_from: Mapped[str | None] = mapped_column(Text)
    envelope_to: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime]
    filing: Mapped[Filing] = mapped_column(words(Filing))
    kind: Mapped[str | None] = mapped_column(Text)
    rule: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    sender: Mapped[str | None] = mapped_column(Text)
    attributed_by: Mapped[str | None] = mapped_column(Text)
    enrollment_id: Mapped[int | None] = mapped_column(ForeignKey("enrollments.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"))
    cause: Mapped[Cause | None] = mapped_column(words(Cause))


class Conversation(Base):
    """One learner and one lesson (or none: what was written outside any lesson)."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id"))
    lesson_id: Mapped[int | None] = mapped_column(ForeignKey("lessons.id"))
    turn: Mapped[Turn] = mapped_column(words(Turn))
    opened_at: Mapped[datetime]
    waiting_since: Mapped[datetime | None]
    changed_at: Mapped[datetime]


_about_a_lesson = Conversation.lesson_id.is_not(None)
_about_none = Conversation.lesson_id.is_(None)
Index(
    "uq_conversations_enrollment_lesson",
    Conversation.enrollment_id,
    Conversation.lesson_id,
    unique=True,
    postgresql_where=_about_a_lesson,
    sqlite_where=_about_a_lesson,
)
Index(
    "uq_conversations_enrollment_general",
    Conversation.enrollment_id,
    unique=True,
    postgresql_where=_about_none,
    sqlite_where=_about_none,
)
Index("ix_conversations_turn_waiting", Conversation.turn, Conversation.waiting_since)


class Remark(Base):
    """One message in a conversation. `elided` is what the learner's mail program added around the
    words: quotation, signature. `written_from` is the address, when it is not the enrolled one."""

    __tablename__ = "remarks"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    voice: Mapped[Voice] = mapped_column(words(Voice))
    words: Mapped[str] = mapped_column(Text)
    elided: Mapped[str] = mapped_column(Text)
    incoming_id: Mapped[int | None] = mapped_column(ForeignKey("incoming_letters.id"), index=True)
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("remarks.id"))
    written_from: Mapped[str | None] = mapped_column(Text)
    written_at: Mapped[datetime]


async def incoming(
    session: AsyncSession, incoming_id: int, *, lock: bool = False
) -> IncomingLetter:
    """The incoming letter with this id. Raises RecordUnknown."""
    asked = select(IncomingLetter).where(IncomingLetter.id == incoming_id)
    found = await session.scalar(asked.with_for_update() if lock else asked)
    if found is None:
        raise RecordUnknown
    return found


async def raw_of(session: AsyncSession, incoming_id: int) -> bytes:
    """The bytes of an incoming letter, as they came. Raises RecordUnknown."""
    asked = select(IncomingLetter.raw).where(IncomingLetter.id == incoming_id)
    found = await session.scalar(asked)
    if found is None:
        raise RecordUnknown
    return found


async def keep_once(session: AsyncSession, digest: str, **values: Any) -> IncomingLetter:
    """Keep a letter, unless the same bytes came before: then the letter that they came as."""
    await add_once(session, IncomingLetter, {"digest": digest, "message_id": "", **values})
    asked = select(IncomingLetter).where(IncomingLetter.digest == digest)
    return (await session.scalars(asked)).one()


async def to_be_filed(session: AsyncSession, limit: int) -> Sequence[int]:
    """The ids of letters that are kept and not yet judged, oldest first."""
    asked = select(IncomingLetter.id).where(IncomingLetter.filing == Filing.KEPT)
    return (await session.scalars(asked.order_by(IncomingLetter.id).limit(limit))).all()


async def conversation(
    session: AsyncSession, conversation_id: int, *, lock: bool = False
) -> Conversation:
    """The conversation with this id. Raises RecordUnknown."""
    asked = select(Conversation).where(Conversation.id == conversation_id)
    found = await session.scalar(asked.with_for_update() if lock else asked)
    if found is None:
        raise RecordUnknown
    return found


async def conversation_about(
    session: AsyncSession, enrollment_id: int, lesson_id: int | None, *, now: datetime
) -> Conversation:
    """The conversation of this learner about this lesson, locked; opened if there was none."""
    new = {"turn": Turn.OPEN, "opened_at": now, "changed_at": now}
    where = {"enrollment_id": enrollment_id, "lesson_id": lesson_id}
    await add_once(session, Conversation, where | new)
    about = Conversation.lesson_id == lesson_id if lesson_id else _about_none
    asked = select(Conversation).where(Conversation.enrollment_id == enrollment_id, about)
    return (await session.scalars(asked.with_for_update())).one()


async def remark(session: AsyncSession, remark_id: int) -> Remark:
    """The remark with this id. Raises RecordUnknown."""
    found = await session.get(Remark, remark_id)
    if found is None:
        raise RecordUnknown
    return found


async def remarks_of(session: AsyncSession, conversation_id: int) -> Sequence[Remark]:
    """The remarks of a conversation, in the order of their arrival."""
    asked = select(Remark).where(Remark.conversation_id == conversation_id).order_by(Remark.id)
    return (await session.scalars(asked)).all()


async def last_words_of_learner(session: AsyncSession, conversation_id: int) -> Remark | None:
    """The newest remark that the learner wrote in this conversation."""
    asked = select(Remark).where(
        Remark.conversation_id == conversation_id, Remark.voice == Voice.LEARNER
    )
    return (await session.scalars(asked.order_by(Remark.id.desc()).limit(1))).first()
