"""The desk's first page and its conversations: who waits, what was said, answering, closing.

Each door calls one verb of app/flows/discuss; the promise that nobody is forgotten is kept there.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from app.db import conversations, people, postbook, register, roll
from app.db.conversations import Remark
from app.db.deliveries import Delivery
from app.db.register import Waiting
from app.domain.conversation import Turn
from app.domain.errors import BodyMalformed, RecordUnknown
from app.domain.unknown import Outlook
from app.flows import discuss, preview, unsettled
from app.flows.preview import Reading
from app.web.deps import Now, Writing
from app.web.desk_page import AtDesk, Desk, Id, back_to
from app.web.desk_session import OwnForm

router = APIRouter(prefix="/desk", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Said:
    """A remark; for the author's own, the letter that carries it to the learner, and what will
    become of it by itself while nobody knows whether it arrived.
    """

    remark: Remark
    letter: Delivery | None
    outlook: Outlook | None


@router.get("")
async def overview(desk: AtDesk, turn: Turn = Turn.OPEN, said: str = "") -> Response:
    """Who waits for an answer, the longest first, and what else needs a word."""
    session = desk.session
    return await desk.page(
        "desk_overview.html",
        said=said,
        turn=turn,
        turns=list(Turn),
        counts=await register.turn_counts(session),
        waiting=await register.conversations_in(session, turn),
        troubled=await postbook.count_troubled(session),
        unfiled=await postbook.count_unfiled(session),
        faulty=await postbook.faulty_lessons(session),
        anybody=await roll.anybody(session),
    )


@router.get("/conversations/{conversation_id}")
async def conversation(conversation_id: Id, desk: AtDesk, said: str = "") -> Response:
    """One conversation in order, with the lesson that it is about."""
    about = await register.conversation_with_all(desk.session, conversation_id)
    if about is None:
        raise RecordUnknown
    return await desk.page(
        "desk_conversation.html",
        said=said,
        about=about,
        thread=await _thread(desk, about),
        reading=await _reading(desk, about),
        suppressed=await people.is_suppressed(desk.session, about.person.fingerprint),
        following=await register.waits_longest(desk.session, but=conversation_id),
    )


@router.post("/conversations/{conversation_id}/answer", dependencies=[OwnForm])
async def answer(
    conversation_id: Id, session: Writing, now: Now, words: Annotated[str, Form()] = ""
) -> Response:
    """Answer the learner; the letter leaves as soon as the relay takes it."""
    if "\0" in words:
        raise BodyMalformed
    await discuss.answer(session, conversation_id, words, now=now)
    return back_to("conversations", conversation_id, said="answered")


@router.post("/conversations/{conversation_id}/close", dependencies=[OwnForm])
async def close(conversation_id: Id, session: Writing, now: Now) -> Response:
    """No answer is needed."""
    await discuss.close(session, conversation_id, now=now)
    return back_to("conversations", conversation_id, said="closed")


@router.post("/conversations/{conversation_id}/reopen", dependencies=[OwnForm])
async def reopen(conversation_id: Id, session: Writing, now: Now) -> Response:
    """Come back to it."""
    await discuss.reopen(session, conversation_id, now=now)
    return back_to("conversations", conversation_id, said="reopened")


async def _thread(desk: Desk, about: Waiting) -> list[Said]:
    letters = await register.answers_in(desk.session, about.conversation)
    remarks = await conversations.remarks_of(desk.session, about.conversation.id)
    return [await _said(desk, remark, letters.get(remark.id)) for remark in remarks]


async def _said(desk: Desk, remark: Remark, letter: Delivery | None) -> Said:
    if letter is None:
        return Said(remark, None, None)
    here = desk.parts.here
    return Said(remark, letter, await unsettled.ahead(desk.session, letter, here=here))


async def _reading(desk: Desk, about: Waiting) -> Reading | None:
    if about.lesson is None:
        return None
    return await preview.as_read_by(
        desk.session,
        about.enrollment.id,
        about.lesson.id,
        desk.parts.templates,
        here=desk.parts.here,
    )
