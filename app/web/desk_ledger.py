"""The desk's ledger of one learner: every letter ever planned for them with its tries, to be shown
or printed as proof. Shows only; verbs stand with the learner and with each letter.
"""

from fastapi import APIRouter
from fastapi.responses import Response

from app.db import listing, people, postbook
from app.web.desk_page import AtDesk, Id

router = APIRouter(prefix="/desk/learners", include_in_schema=False)


@router.get("/{enrollment_id}/ledger")
async def ledger(enrollment_id: Id, desk: AtDesk) -> Response:
    """The letters in the order in which they were planned."""
    enrollment, course, person = await people.with_course(desk.session, enrollment_id)
    letters = await postbook.letters_to(desk.session, enrollment_id)
    rows = [each.delivery for each in letters]
    return await desk.page(
        "desk_ledger.html",
        precise=True,
        enrollment=enrollment,
        course=course,
        person=person,
        receipts=list(reversed(await people.receipts_of(desk.session, enrollment_id))),
        letters=letters,
        attempts=await listing.attempts_at(desk.session, rows),
        rulings=await listing.rulings_at(desk.session, rows),
    )
