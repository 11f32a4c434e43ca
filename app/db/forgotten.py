"""What should move and does not, and what was said and got lost (I7, I11). Questions only."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Text, and_, cast, exists, func, literal, or_, select

from app.db.conversations import Conversation, Filing, IncomingLetter, Remark
from app.db.courses import Lesson
from app.db.deliveries import IN_FLIGHT_ROWS, TROUBLED_ROWS, WAITING_ROWS, Attempt, Delivery
from app.db.people import Enrollment, Subscriber, Suppression
from app.db.question import Question, is_original
from app.db.queues import ProviderQueue
from app.domain.conversation import Turn, Voice
from app.domain.delivery import SETTLED, LetterKind, State, Why
from app.domain.enrollment import Standing
from app.domain.incoming import Kind
from app.domain.invariants import GRACE, Invariant
from app.domain.provider import HELD_WITH

_NOTHING = hashlib.sha256(b"").hexdigest()


def untaken(now: datetime) -> Iterator[Question]:
    """I7, while letters may leave: as `domain.invariants.silent`, by the partial indexes."""
    due = select(Delivery.id).where(WAITING_ROWS, Delivery.ready_at < now - GRACE)
    yield Question(Invariant.I7, "due for more than an hour and not taken", "delivery", due)
    lease = or_(Delivery.lease_until.is_(None), Delivery.lease_until < now - GRACE)
    taken = select(Delivery.id).where(IN_FLIGHT_ROWS, lease)
    what = "in the hand of a worker that has been silent for an hour"
    yield Question(Invariant.I7, what, "delivery", taken)
    kept = select(IncomingLetter.id).where(
        IncomingLetter.filing == Filing.KEPT, IncomingLetter.received_at < now - GRACE
    )
    yield Question(Invariant.I7, "kept for an hour and not filed", "incoming letter", kept)


def lost_learners() -> Question:
    """I7: a course that is to go on and has no lesson ahead, in whatever state. Whose address is
    suppressed gets none.
    """
    ahead = exists().where(
        Delivery.enrollment_id == Enrollment.id, is_original, Delivery.state.not_in(SETTLED)
    )
    suppressed = exists().where(Suppression.fingerprint == Subscriber.fingerprint)
    asked = (
        select(Enrollment.id)
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
        .where(Enrollment.standing == Standing.ACTIVE, ~ahead, ~suppressed)
    )
    return Question(Invariant.I7, "an active course without a next lesson", "enrollment", asked)


def held_for_nothing() -> Question:
    """I7: what is held with something else is shown there only, and that holds it no longer."""
    queue = exists().where(
        ProviderQueue.held_at.is_not(None),
        Delivery.reason == literal(HELD_WITH, Text()).concat(ProviderQueue.name),
    )
    faulty = exists().where(Lesson.id == Delivery.lesson_id, Lesson.faulty_at.is_not(None))
    asked = (
        select(Delivery.id)
        .join(Enrollment, Enrollment.id == Delivery.enrollment_id)
        .where(TROUBLED_ROWS, Delivery.state == State.HELD)
        .where(
            or_(
                and_(Delivery.reason == Why.PAUSED, Enrollment.standing != Standing.PAUSED),
                and_(Delivery.reason.startswith(HELD_WITH), ~queue),
                and_(Delivery.reason == Why.FAULTY_LESSON, ~faulty),
            )
        )
    )
    what = "held for a pause, a queue or a fault that is over"
    return Question(Invariant.I7, what, "delivery", asked)


def lost_answers() -> Iterator[Question]:
    """I11, the author's side: every answer has one letter, and counts when that was accepted."""
    its_name = literal("answer:", Text()).concat(cast(Remark.id, Text))
    letter = exists().where(
        Delivery.enrollment_id == Conversation.enrollment_id, Delivery.intent == its_name
    )
    unsent = (
        select(Remark.id)
        .join(Conversation, Conversation.id == Remark.conversation_id)
        .where(Remark.voice == Voice.AUTHOR, ~letter)
    )
    yield Question(Invariant.I11, "an answer without a letter", "remark", unsent)
    of_this = (
        exists()
        .where(Remark.conversation_id == Conversation.id)
        .where(Delivery.enrollment_id == Conversation.enrollment_id, Delivery.intent == its_name)
    )
    arrived = of_this.where(Delivery.state == State.ACCEPTED)
    answered = select(Conversation.id).where(Conversation.turn == Turn.ANSWERED, ~arrived)
    what = "called answered without an accepted answer"
    yield Question(Invariant.I11, what, "conversation", answered)
    over = [*SETTLED, State.REJECTED, State.EXPIRED]
    on_its_way = of_this.where(Delivery.state.not_in(over))
    answering = select(Conversation.id).where(Conversation.turn == Turn.ANSWERING, ~on_its_way)
    what = "its answer is called on its way and is not"
    yield Question(Invariant.I11, what, "conversation", answering)


def doubled_answers() -> Iterator[Question]:
    """I11: no answer has two letters, and none is tried again once it was accepted."""
    answer = Delivery.kind == LetterKind.ANSWER
    two = select(Delivery.remark_id).where(answer).group_by(Delivery.remark_id)
    yield Question(
        Invariant.I11, "two letters for one answer", "remark", two.having(func.count() > 1)
    )
    accepted = (
        select(Delivery.id)
        .join(Attempt, Attempt.delivery_id == Delivery.id)
        .where(answer, Attempt.outcome == State.ACCEPTED)
    )
    twice = accepted.group_by(Delivery.id).having(func.count() > 1)
    yield Question(Invariant.I11, "an answer accepted twice", "delivery", twice)


def lost_mail() -> Iterator[Question]:
    """I11, the learner's side: what was acknowledged is kept, and a person's words are found."""
    empty = select(IncomingLetter.id).where(
        func.length(IncomingLetter.raw) == 0, IncomingLetter.digest != _NOTHING
    )
    yield Question(Invariant.I11, "acknowledged, and its bytes are gone", "incoming letter", empty)
    remark = exists().where(Remark.incoming_id == IncomingLetter.id)
    unread = select(IncomingLetter.id).where(
        IncomingLetter.filing == Filing.FILED,
        IncomingLetter.kind == str(Kind.HUMAN),
        IncomingLetter.enrollment_id.is_not(None),
        ~remark,
    )
    yield Question(
        Invariant.I11, "a person's mail that is in no conversation", "incoming letter", unread
    )
