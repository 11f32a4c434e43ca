"""Hand-overs that should not have begun: after a goodbye, to an address that is suppressed or was
not confirmed, while sending was halted (I1, I5, I9, I10). Questions only.
"""

from datetime import datetime

from sqlalchemy import and_, exists, false, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import instance
from app.db.base import Instant
from app.db.deliveries import Delivery
from app.db.people import ConsentReceipt, Enrollment, Subscriber, Suppression
from app.db.question import Question, begun_after, later
from app.domain.delivery import LetterKind
from app.domain.invariants import AT_ONCE, Invariant
from app.domain.restore import OF_THE_CLOCK


def after_goodbye() -> Question:
    """I1. Who left may come back: by a new double opt-in for lessons, and for the letter that asks
    for it. An answer goes also to who has left since writing.
    """
    gone, back = Enrollment.left_at, Enrollment.confirmed_at
    lesson = Delivery.kind == LetterKind.LESSON
    stays_away = and_(or_(back.is_(None), back <= gone), begun_after(gone))
    came_back = and_(back > gone, begun_after(gone, until=back))
    other = Delivery.kind.in_([LetterKind.CONFIRM, LetterKind.ALREADY_ENROLLED])
    old_letter = and_(other, Delivery.created_at <= gone, begun_after(gone))
    asked = (
        select(Delivery.id)
        .join(Enrollment, Enrollment.id == Delivery.enrollment_id)
        .where(gone.is_not(None), or_(and_(lesson, or_(stays_away, came_back)), old_letter))
    )
    return Question(Invariant.I1, "handed over after the goodbye", "delivery", asked)


def unconfirmed() -> Question:
    """I5. The enrollment or a receipt of consent must have been confirmed before the hand-over."""
    begun = func.coalesce(Delivery.first_tried_at, Delivery.accepted_at, type_=Instant())
    receipt = exists().where(
        ConsentReceipt.enrollment_id == Enrollment.id,
        ConsentReceipt.confirmed_at <= later(begun, AT_ONCE),
    )
    confirmed = Enrollment.confirmed_at
    asked = (
        select(Delivery.id)
        .join(Enrollment, Enrollment.id == Delivery.enrollment_id)
        .where(
            Delivery.kind == LetterKind.LESSON,
            begun.is_not(None),
            or_(confirmed.is_(None), confirmed > later(begun, AT_ONCE)),
            ~receipt,
        )
    )
    what = "a lesson handed over without a consent confirmed before"
    return Question(Invariant.I5, what, "delivery", asked)


def to_suppressed() -> Question:
    """I9. No letter of any kind; a suppression that is doubted does not count."""
    asked = (
        select(Delivery.id)
        .join(Enrollment, Enrollment.id == Delivery.enrollment_id)
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
        .join(Suppression, Suppression.fingerprint == Subscriber.fingerprint)
        .where(Suppression.doubted_at.is_(None), begun_after(Suppression.created_at))
    )
    what = "handed over after its address was suppressed"
    return Question(Invariant.I9, what, "delivery", asked)


async def while_halted(session: AsyncSession) -> Question:
    """I10. The halt that stands and the last one that a person ended. Not halts for a clock that
    was wrong: what it said then cannot be compared.
    """
    row = await instance.instance(session)
    spans: list[tuple[datetime, datetime | None]] = []
    if row and row.halted_at and row.halted_because not in OF_THE_CLOCK:
        spans.append((row.halted_at, None))
    if row and row.halted_before and row.halted_before_because not in OF_THE_CLOCK:
        spans.append((row.halted_before, row.resumed_at))
    during = [
        begun_after(literal(begun, Instant()), until=ended and literal(ended, Instant()))
        for begun, ended in spans
    ]
    asked = select(Delivery.id).where(or_(false(), *during))
    return Question(Invariant.I10, "handed over while sending was halted", "delivery", asked)
