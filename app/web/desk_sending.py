"""The desk's button that lets letters leave again after a halt. What was halted, and why, stands at
the head of every page of the desk (desk_page).
"""

from fastapi import APIRouter
from fastapi.responses import Response

from app.flows import sending
from app.web.deps import Now, Writing
from app.web.desk_page import back_to
from app.web.desk_session import OwnForm

router = APIRouter(prefix="/desk/sending", include_in_schema=False)


@router.post("/resume", dependencies=[OwnForm])
async def resume(session: Writing, now: Now) -> Response:
    """Go on."""
    await sending.resume(session, now=now)
    return back_to(said="sending")
