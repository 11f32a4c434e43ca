"""The admin API on conversations and their remarks: list, read, answer, close, reopen."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.db import conversations, listing
from app.db.conversations import Conversation, Remark
from app.domain.conversation import Turn, Voice
from app.flows import discuss
from app.web.admin_fields import Id, IdWanted, Text, answer_like, body_like
from app.web.admin_route import Acting, admin_router
from app.web.deps import Now, Reading
from app.web.paging import Page, Paged

router = admin_router("conversations")


class ConversationOut(BaseModel):
    """One learner and one lesson (or none). `turn` says who is to speak: `open` waits for the
    author, since `waiting_since`.
    """

    model_config = answer_like(
        id=5,
        enrollment_id=20,
        lesson_id=1,
        turn="open",
        opened_at="2026-11-25T18:20:00Z",
        waiting_since="2026-11-25T18:20:00Z",
        changed_at="2026-11-25T18:20:00Z",
    )

    id: int
    enrollment_id: int
    lesson_id: int | None
    turn: Turn
    opened_at: datetime
    waiting_since: datetime | None
    changed_at: datetime


class RemarkOut(BaseModel):
    """One message. `elided` is what the mail program added around the words; `written_from` the
    address, when it is not the enrolled one.
    """

    model_config = answer_like(
        id=9,
        conversation_id=5,
        voice="learner",
        words="Et si mon réseau est tout petit ?",
        elided="> Comptez vos contacts.",
        incoming_id=7,
        answers_id=None,
        written_from=None,
        written_at="2026-11-25T18:20:00Z",
    )

    id: int
    conversation_id: int
    voice: Voice
    words: str
    elided: str
    incoming_id: int | None
    answers_id: int | None
    written_from: str | None
    written_at: datetime


class AnswerIn(BaseModel):
    """The author's words, as plain text; greeting and signature are added by the letter."""

    model_config = body_like(words="Tant mieux : vous connaissez chacun par son prénom.")

    words: Text


@router.get("/conversations", response_model=Page[ConversationOut])
async def list_conversations(
    session: Reading,
    paged: Paged,
    course_id: IdWanted = None,
    enrollment_id: IdWanted = None,
    lesson_id: IdWanted = None,
    turn: Turn | None = None,
) -> dict[str, Any]:
    """The conversations; those with `turn=open` wait for the author."""
    rows = await listing.conversations(
        session,
        paged.span,
        course_id=course_id,
        enrollment_id=enrollment_id,
        lesson_id=lesson_id,
        turn=turn,
    )
    return paged.page(rows)


@router.get("/conversations/{conversation_id}", response_model=ConversationOut)
async def read_conversation(conversation_id: Id, session: Reading) -> Conversation:
    """One conversation; its words are at `/remarks?conversation_id=`."""
    return await conversations.conversation(session, conversation_id)


@router.post("/conversations/{conversation_id}/answer", status_code=202, response_model=RemarkOut)
async def answer_conversation(
    conversation_id: Id, answer: AnswerIn, session: Acting, now: Now
) -> Remark:
    """Answer by mail, in the same thread. It counts as answered when the relay has accepted it."""
    remark, _ = await discuss.answer(session, conversation_id, answer.words, now=now)
    return remark


@router.post("/conversations/{conversation_id}/close", response_model=ConversationOut)
async def close_conversation(conversation_id: Id, session: Acting, now: Now) -> Conversation:
    """Say that no answer is needed."""
    return await discuss.close(session, conversation_id, now=now)


@router.post("/conversations/{conversation_id}/reopen", response_model=ConversationOut)
async def reopen_conversation(conversation_id: Id, session: Acting, now: Now) -> Conversation:
    """Come back to a conversation that was answered or closed."""
    return await discuss.reopen(session, conversation_id, now=now)


@router.get("/remarks", response_model=Page[RemarkOut])
async def list_remarks(
    session: Reading, paged: Paged, conversation_id: IdWanted = None, voice: Voice | None = None
) -> dict[str, Any]:
    """What was written, by learners and by the author."""
    rows = await listing.remarks(session, paged.span, conversation_id=conversation_id, voice=voice)
    return paged.page(rows)


@router.get("/remarks/{remark_id}", response_model=RemarkOut)
async def read_remark(remark_id: Id, session: Reading) -> Remark:
    """One message."""
    return await conversations.remark(session, remark_id)
