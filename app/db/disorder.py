"""Rows that contradict each other: two intents for one lesson, a lesson before its turn, a
suppression without evidence, a letter that carries what is another's (I2, I4, I8, I12). Questions
only.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import Select, Text, cast, exists, func, literal, or_, over, select

from app.db.conversations import Conversation, IncomingLetter, Remark
from app.db.deliveries import Attempt, Delivery
from app.db.people import (
    ConsentReceipt,
    Enrollment,
    Subscriber,
    Suppression,
    SuppressionReason,
)
from app.db.question import Question, is_original, later
from app.domain.delivery import SETTLED, LetterKind, Phase, State
from app.domain.invariants import AT_ONCE, Invariant
from app.domain.meaning import PERSONAL


def twice_wished() -> Iterator[Question]:
    """I2. The constraint forbids the first; a lesson under two names would slip past it."""
    same = Delivery.enrollment_id, Delivery.intent
    twice = select(Delivery.enrollment_id).group_by(*same).having(func.count() > 1)
    yield Question(Invariant.I2, "one intent in two rows", "enrollment", twice)
    name = literal("lesson:", Text()).concat(cast(Delivery.lesson_id, Text))
    misnamed = select(Delivery.id).where(is_original, Delivery.intent != name)
    yield Question(Invariant.I2, "a lesson under another lesson's intent", "delivery", misnamed)


def before_their_turn() -> Iterator[Question]:
    """I4. A lesson that was withdrawn and came back may be older than one accepted before it: it is
    due anew after that one.
    """
    open_ones = select(Delivery.enrollment_id).where(is_original, Delivery.state.not_in(SETTLED))
    many = open_ones.group_by(Delivery.enrollment_id).having(func.count() > 1)
    yield Question(Invariant.I4, "several lessons ahead at a time", "enrollment", many)
    yield Question(Invariant.I4, "planned before the one before was settled", "delivery", _early())


def _early() -> Select[Any]:
    by_age = partial(over, partition_by=Delivery.enrollment_id, order_by=Delivery.id)
    lessons = (
        select(
            Delivery.id,
            Delivery.state,
            Delivery.created_at,
            func.coalesce(Delivery.accepted_at, Delivery.due_at).label("reached"),
            by_age(func.lag(Delivery.state)).label("state_before"),
            by_age(func.lag(Delivery.accepted_at)).label("accepted_before"),
            by_age(func.lag(Delivery.due_at)).label("due_before"),
        )
        .where(is_original)
        .subquery()
    ).c
    return select(lessons.id).where(
        lessons.state != State.CANCELLED,
        lessons.state_before != State.CANCELLED,
        or_(
            lessons.accepted_before.is_(None),
            lessons.accepted_before > lessons.created_at,
        ),
        lessons.due_before < lessons.reached,
    )


def baseless_suppressions() -> Question:
    """I8. Of an address called gone there is a word that speaks of the person: from RCPT on, or in
    a report. Who was erased left no evidence behind.
    """
    in_time = later(Suppression.created_at, AT_ONCE)
    by_server = (
        exists()
        .where(Enrollment.subscriber_id == Subscriber.id)
        .where(Delivery.enrollment_id == Enrollment.id)
        .where(Attempt.delivery_id == Delivery.id, Attempt.cause.in_(PERSONAL))
        .where(Attempt.phase >= int(Phase.RECIPIENT), Attempt.at <= in_time)
    )
    by_report = (
        exists()
        .where(Enrollment.subscriber_id == Subscriber.id)
        .where(IncomingLetter.enrollment_id == Enrollment.id)
        .where(IncomingLetter.cause.in_(PERSONAL), IncomingLetter.received_at <= in_time)
    )
    asked = (
        select(Suppression.id)
        .join(Subscriber, Subscriber.fingerprint == Suppression.fingerprint)
        .where(Suppression.reason == SuppressionReason.ADDRESS_GONE, ~by_server, ~by_report)
    )
    what = "called gone, and no server and no report said so of the person"
    return Question(Invariant.I8, what, "suppression", asked)


def of_another() -> Iterator[Question]:
    """I12, as far as rows can tell: a letter that would carry what belongs to somebody else."""
    answers = (
        select(Delivery.id)
        .join(Remark, Remark.id == Delivery.remark_id)
        .join(Conversation, Conversation.id == Remark.conversation_id)
        .where(Delivery.kind == LetterKind.ANSWER)
        .where(Conversation.enrollment_id != Delivery.enrollment_id)
    )
    what = "an answer from another learner's conversation"
    yield Question(Invariant.I12, what, "delivery", answers)
    receipts = (
        select(Delivery.id)
        .join(ConsentReceipt, ConsentReceipt.id == Delivery.receipt_id)
        .where(ConsentReceipt.enrollment_id != Delivery.enrollment_id)
    )
    what = "a letter that asks for another's consent"
    yield Question(Invariant.I12, what, "delivery", receipts)
    mails = (
        select(IncomingLetter.id)
        .join(Delivery, Delivery.id == IncomingLetter.delivery_id)
        .where(Delivery.enrollment_id != IncomingLetter.enrollment_id)
    )
    yield Question(Invariant.I12, "a mail filed with another's letter", "incoming letter", mails)
