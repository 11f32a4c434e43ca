"""The desk's view of mail that came in: what could not be filed, and every letter's own bytes.

Judges nothing and files nothing.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.db import conversations, listing
from app.db.conversations import Filing
from app.db.listing import Span
from app.db.postbook import PAGE
from app.web.desk_page import LARGEST, AtDesk, Id

router = APIRouter(prefix="/desk/incoming", include_in_schema=False)
Before = Annotated[int | None, Query(ge=1, le=LARGEST)]


@router.get("")
async def unfiled(desk: AtDesk, before: Before = None) -> Response:
    """Letters that belong to nobody known here, or could not be read."""
    span = Span(before, PAGE, newest_first=True)
    letters = await listing.incoming(
        desk.session, span, enrollment_id=None, filing=Filing.UNFILED, kind=None
    )
    older = letters[-1].id if len(letters) == PAGE else None
    return await desk.page("desk_incoming.html", letters=letters, older=older)


@router.get("/{incoming_id}/raw")
async def raw(incoming_id: Id, desk: AtDesk) -> Response:
    """A letter byte for byte, as text that no browser takes for anything else."""
    return Response(
        await conversations.raw_of(desk.session, incoming_id),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'"},
    )
