"""The desk's view of learners: the roll, one person's story, and the verbs on their course.

Each door calls one verb of app/flows/steer, which takes the lock and asks the rules.
"""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from app.db import deliveries, people, postbook, register, roll
from app.db.deliveries import Delivery
from app.db.postbook import Posted
from app.domain import enrollment as progress
from app.domain.delivery import IN_FLIGHT, SETTLED, LetterKind, State
from app.domain.enrollment import Standing, Step
from app.flows import steer
from app.web.deps import Here, Now, Writing
from app.web.desk_incoming import Before
from app.web.desk_page import LARGEST, AtDesk, Id, back_to
from app.web.desk_session import OwnForm
from app.web.timeline import timeline

router = APIRouter(prefix="/desk/learners", include_in_schema=False)
LessonId = Annotated[int, Form(ge=1, le=LARGEST)]


@router.get("")
async def learners(
    desk: AtDesk,
    q: Annotated[str, Query(max_length=200)] = "",
    standing: Standing | None = None,
    before: Before = None,
) -> Response:
    """Everybody, the newest first, or who matches a part of a name or an address."""
    name = q.replace("\0", "").strip()
    found = await roll.learners(desk.session, name=name, standing=standing, before=before)
    return await desk.page(
        "desk_learners.html",
        learners=found,
        q=name,
        standing=standing,
        standings=list(Standing),
        older=found[-1].enrollment.id if len(found) == roll.PAGE else None,
    )


@router.get("/{enrollment_id}")
async def learner(enrollment_id: Id, desk: AtDesk, said: str = "") -> Response:
    """One person in one course: how things stand, what lies ahead, and the whole story."""
    session = desk.session
    enrollment, course, person = await people.with_course(session, enrollment_id)
    letters = await postbook.letters_to(session, enrollment_id)
    ahead = _ahead(await deliveries.lessons_so_far(session, enrollment_id))
    receipts = await people.receipts_of(session, enrollment_id)
    remarks = await roll.remarks_with(session, enrollment_id)
    return await desk.page(
        "desk_learner.html",
        said=said,
        enrollment=enrollment,
        course=course,
        person=person,
        suppressed=await people.suppression_of(session, person.fingerprint),
        steps=_steps(enrollment.standing, ahead),
        ahead=ahead,
        received=_received(letters),
        conversations=await register.conversations_of(session, enrollment_id),
        story=timeline(enrollment, receipts, letters, remarks),
        receipts=receipts,
    )


@router.post("/{enrollment_id}/pause", dependencies=[OwnForm])
async def pause(enrollment_id: Id, session: Writing, now: Now) -> Response:
    """Send no lesson until somebody resumes."""
    await steer.pause(session, enrollment_id, now=now)
    return back_to("learners", enrollment_id, said="paused")


@router.post("/{enrollment_id}/resume", dependencies=[OwnForm])
async def resume(enrollment_id: Id, session: Writing, now: Now, here: Here) -> Response:
    """Go on where the pause began."""
    await steer.resume(session, enrollment_id, now=now, here=here)
    return back_to("learners", enrollment_id, said="resumed")


@router.post("/{enrollment_id}/skip", dependencies=[OwnForm])
async def skip(enrollment_id: Id, session: Writing, now: Now, here: Here) -> Response:
    """Pass over the lesson that lies ahead."""
    await steer.skip(session, enrollment_id, now=now, here=here)
    return back_to("learners", enrollment_id, said="skipped")


@router.post("/{enrollment_id}/resend", dependencies=[OwnForm])
async def resend(enrollment_id: Id, lesson_id: LessonId, session: Writing, now: Now) -> Response:
    """One more copy of a lesson that arrived."""
    await steer.resend(session, enrollment_id, lesson_id, now=now)
    return back_to("learners", enrollment_id, said="resent")


@router.post("/{enrollment_id}/unsubscribe", dependencies=[OwnForm])
async def unsubscribe(enrollment_id: Id, session: Writing, now: Now) -> Response:
    """Stop everything for this person in this course."""
    await steer.unsubscribe(session, enrollment_id, by="author", now=now)
    return back_to("learners", enrollment_id, said="unsubscribed")


def _ahead(lessons: Iterable[Delivery]) -> Delivery | None:
    """The lesson that is neither received nor cancelled."""
    return next((lesson for lesson in lessons if lesson.state not in SETTLED), None)


def _steps(standing: Standing, ahead: Delivery | None) -> set[str]:
    """What may be done with this enrollment at present."""
    may = {
        "pause": standing is Standing.ACTIVE,
        "resume": standing is Standing.PAUSED,
        "skip": ahead is not None and ahead.state not in IN_FLIGHT,
        "resend": standing is not Standing.PENDING and progress.allowed(standing, Step.CONFIRM),
        "unsubscribe": standing is not Standing.LEFT,
    }
    return {step for step, allowed in may.items() if allowed}


def _received(letters: list[Posted]) -> list[Posted]:
    """The lessons that arrived, each once, in the order in which they did."""
    arrived: dict[int | None, Posted] = {}
    for each in letters:
        if each.delivery.kind is LetterKind.LESSON and each.delivery.state is State.ACCEPTED:
            arrived.setdefault(each.delivery.lesson_id, each)
    return list(arrived.values())
