"""The desk's view of letters that leave: those that need a word first, each with its attempts, and
the verbs that the state allows. Decides nothing about states (domain/delivery does).
"""

from fastapi import APIRouter
from fastapi.responses import Response

from app.db import deliveries, postbook, register, rulings
from app.db.postbook import PAGE
from app.domain import delivery as rules
from app.domain.delivery import Event, State, Why
from app.domain.errors import RecordUnknown, TransitionForbidden
from app.domain.provider import HELD_WITH
from app.flows import author, unsettled
from app.web.deps import Here, Now, Writing
from app.web.desk_incoming import Before
from app.web.desk_page import AtDesk, Id, back_to
from app.web.desk_session import OwnForm

router = APIRouter(prefix="/desk/deliveries", include_in_schema=False)
_VERBS = {"release": Event.RELEASE, "accept": Event.ACCEPT, "cancel": Event.CANCEL}


@router.get("")
async def letters(desk: AtDesk, state: State | None = None, before: Before = None) -> Response:
    """Letters by state; without a filter those in trouble come first, and all others below."""
    wanted = [state] if state else list(State)
    found = await postbook.letters_in(desk.session, wanted, before=before)
    troubled = [] if state or before else await postbook.letters_in_trouble(desk.session)
    return await desk.page(
        "desk_deliveries.html",
        state=state,
        states=list(State),
        counts=await register.standing_counts(desk.session),
        troubled=troubled,
        letters=found,
        older=found[-1].delivery.id if len(found) == PAGE else None,
    )


@router.get("/{delivery_id}")
async def letter(delivery_id: Id, desk: AtDesk, here: Here, said: str = "") -> Response:
    """One letter with its attempts; of an unknown one, what will become of it by itself."""
    posted = await postbook.letter_with_all(desk.session, delivery_id)
    if posted is None:
        raise RecordUnknown
    return await desk.page(
        "desk_delivery.html",
        said=said,
        posted=posted,
        attempts=await deliveries.attempts_of(desk.session, delivery_id),
        rulings=await rulings.rulings_on(desk.session, delivery_id),
        outlook=await unsettled.ahead(desk.session, posted.delivery, here=here),
        verbs=_verbs(posted.delivery.state, posted.delivery.reason),
    )


@router.post("/{delivery_id}/release", dependencies=[OwnForm])
async def release(delivery_id: Id, session: Writing, now: Now) -> Response:
    """Let it go, now."""
    await author.release(session, delivery_id, now=now)
    return back_to("deliveries", delivery_id, said="released")


@router.post("/{delivery_id}/accept", dependencies=[OwnForm])
async def accept(delivery_id: Id, session: Writing, now: Now, here: Here) -> Response:
    """Take it as sent."""
    await author.take_as_sent(session, delivery_id, now=now, here=here)
    return back_to("deliveries", delivery_id, said="accepted")


@router.post("/{delivery_id}/cancel", dependencies=[OwnForm])
async def cancel(delivery_id: Id, session: Writing, now: Now, here: Here) -> Response:
    """Give it up."""
    await author.give_up(session, delivery_id, now=now, here=here)
    return back_to("deliveries", delivery_id, said="cancelled")


def _verbs(state: State, reason: str | None) -> list[str]:
    """The verbs that this state allows; none while a worker has the letter in hand, and none that
    the learner's pause, a held queue or a faulty lesson would undo at once.
    """
    if state in rules.IN_FLIGHT or (state is State.HELD and reason == Why.PAUSED):
        return []
    allowed = [verb for verb, event in _VERBS.items() if _allows(state, event)]
    with_others = reason == Why.FAULTY_LESSON or (reason or "").startswith(HELD_WITH)
    if state is State.HELD and with_others:
        allowed.remove("release")
    return allowed


def _allows(state: State, event: Event) -> bool:
    try:
        rules.advance(state, event)
    except TransitionForbidden:
        return False
    return True
