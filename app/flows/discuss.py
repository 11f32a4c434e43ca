"""The conversation between a learner and the author: filing a remark, answering, closing.

An answer is a Delivery like every letter; the conversation counts as answered when the relay
accepted it, not when it was written.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import conversations, people
from app.db.conversations import Conversation, IncomingLetter, Remark
from app.db.deliveries import Delivery
from app.domain import conversation as rules
from app.domain.conversation import Move, Voice
from app.domain.delivery import LetterKind
from app.domain.errors import AnswerEmpty, NotAnswerable
from app.domain.quotation import Quotation
from app.flows.plan import plan_letter


async def file_remark(
    session: AsyncSession,
    letter: IncomingLetter,
    quotation: Quotation,
    *,
    enrollment_id: int,
    lesson_id: int | None,
    written_from: str | None,
    now: datetime,
) -> Remark:
    """Add a learner's words to their conversation about a lesson; the author owes an answer."""
    conversation = await conversations.conversation_about(
        session, enrollment_id, lesson_id, now=now
    )
    remark = Remark(
        conversation_id=conversation.id,
        voice=Voice.LEARNER,
        words=quotation.words,
        elided=quotation.elided,
        incoming_id=letter.id,
        written_from=written_from,
        written_at=letter.received_at,
    )
    session.add(remark)
    conversation.waiting_since = conversation.waiting_since or letter.received_at
    _move(conversation, Move.REMARK, now)
    return remark


async def answer(
    session: AsyncSession, conversation_id: int, words: str, *, now: datetime
) -> tuple[Remark, Delivery]:
    """Answer the learner's last words by mail, in the same thread.

    Raises AnswerEmpty, RecordUnknown, and NotAnswerable when the address is suppressed.
    """
    if not words.strip():
        raise AnswerEmpty
    known = await conversations.conversation(session, conversation_id)
    enrollment = await people.enrollment(session, known.enrollment_id, lock=True)
    conversation = await conversations.conversation(session, conversation_id, lock=True)
    await session.refresh(conversation)
    person = await people.subscriber(session, enrollment.subscriber_id)
    if await people.is_suppressed(session, person.fingerprint):
        raise NotAnswerable
    asked = await conversations.last_words_of_learner(session, conversation_id)
    remark = Remark(
        conversation_id=conversation.id,
        voice=Voice.AUTHOR,
        words=words.strip().replace("\r\n", "\n"),
        elided="",
        answers_id=asked.id if asked else None,
        written_at=now,
    )
    session.add(remark)
    await session.flush()
    planned = await plan_letter(
        session,
        enrollment,
        LetterKind.ANSWER,
        remark.id,
        now=now,
        remark_id=remark.id,
        lesson_id=conversation.lesson_id,
    )
    _move(conversation, Move.ANSWER, now)
    return remark, planned


async def answer_arrived(session: AsyncSession, remark_id: int, *, now: datetime) -> None:
    """The relay accepted the answer: the obligation is met unless the learner wrote again."""
    await _after(session, remark_id, Move.SENT, now=now)


async def answer_failed(session: AsyncSession, remark_id: int, *, now: datetime) -> None:
    """The answer did not and will not arrive: the conversation waits for the author again."""
    await _after(session, remark_id, Move.FAILED, now=now)


async def close(session: AsyncSession, conversation_id: int, *, now: datetime) -> Conversation:
    """The author says that no answer is needed. Raises TransitionForbidden, RecordUnknown."""
    conversation = await conversations.conversation(session, conversation_id, lock=True)
    _move(conversation, Move.CLOSE, now)
    return conversation


async def reopen(session: AsyncSession, conversation_id: int, *, now: datetime) -> Conversation:
    """The author wants to come back to it. Raises TransitionForbidden, RecordUnknown."""
    conversation = await conversations.conversation(session, conversation_id, lock=True)
    _move(conversation, Move.REOPEN, now)
    return conversation


async def _after(session: AsyncSession, remark_id: int, move: Move, *, now: datetime) -> None:
    remark = await conversations.remark(session, remark_id)
    conversation = await conversations.conversation(session, remark.conversation_id, lock=True)
    _move(conversation, move, now)


def _move(conversation: Conversation, move: Move, now: datetime) -> None:
    conversation.turn = rules.advance(conversation.turn, move)
    conversation.changed_at = now
    if conversation.turn in (rules.Turn.ANSWERED, rules.Turn.CLOSED):
        conversation.waiting_since = None
    elif conversation.waiting_since is None:
        conversation.waiting_since = now
