"""The admin API on incoming letters: list, read, fetch as they came, bring one in.

What is brought in is kept, and filed by the worker like every other letter.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from app.db import conversations, listing
from app.db.conversations import Filing, IncomingLetter
from app.domain.errors import BodyMalformed, ContentTypeUnsupported
from app.domain.incoming import Kind
from app.flows import receive
from app.flows.receive import Arrival
from app.web.admin_fields import Id, IdWanted, answer_like
from app.web.admin_route import Acting, admin_router
from app.web.deps import Now, Reading
from app.web.paging import Page, Paged

router = admin_router("incoming")
_RAW = "message/rfc822"
_MAIL = (
    "From: Camille <camille@example.org>\r\n"
    "To: r+aebagbaf@example.org\r\n"
    "Subject: Re: Mensonge\r\n"
    "\r\n"
    "Et si mon réseau est tout petit ?\r\n"
)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {_RAW: {"schema": {"type": "string", "minLength": 1}, "example": _MAIL}},
    }
}
_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {_RAW: {"example": _MAIL}}}}
Envelope = Annotated[str | None, Query(max_length=320, pattern=r"^[^\x00-\x1f\x7f]*$")]


class RawLetter(Response):
    """A mail as a file to keep, never to be shown by a browser."""

    media_type = _RAW


class IncomingOut(BaseModel):
    """A letter as it came, and what became of it: `filing` and `reason`, the `kind` and the `rule`
    that named it, whose it is and by which way that was found out.
    """

    model_config = answer_like(
        id=7,
        via="lmtp",
        envelope_from="camille@example.org",
        envelope_to="r+aebagbaf@example.org",
        message_id="<b7@example.org>",
        subject="Re: Mensonge n° 1",
        sender="camille@example.org",
        received_at="2026-11-25T18:20:00Z",
        filing="filed",
        kind="human",
        rule="person",
        reason=None,
        attributed_by="tag",
        enrollment_id=20,
        delivery_id=41,
    )

    id: int
    via: str
    envelope_from: str | None
    envelope_to: str | None
    message_id: str
    subject: str | None
    sender: str | None
    received_at: datetime
    filing: Filing
    kind: str | None
    rule: str | None
    reason: str | None
    attributed_by: str | None
    enrollment_id: int | None
    delivery_id: int | None


@router.get("/incoming", response_model=Page[IncomingOut])
async def list_incoming(
    session: Reading,
    paged: Paged,
    enrollment_id: IdWanted = None,
    filing: Filing | None = None,
    kind: Kind | None = None,
) -> dict[str, Any]:
    """Everything that came in; `filing=unfiled` could not be placed and waits for a person."""
    rows = await listing.incoming(
        session, paged.span, enrollment_id=enrollment_id, filing=filing, kind=kind
    )
    return paged.page(rows)


@router.post("/incoming", status_code=202, response_model=IncomingOut, openapi_extra=_BODY)
async def bring_in(
    request: Request,
    session: Acting,
    now: Now,
    envelope_from: Envelope = None,
    envelope_to: Envelope = None,
) -> IncomingLetter:
    """Bring a mail in, byte for byte (message/rfc822): it is kept now and filed at once after.

    The same mail twice, or by two ways, is one letter. The envelope helps where it is known; an
    empty `envelope_from` is the null path of bounces.
    """
    sent_as = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if sent_as != _RAW:
        raise ContentTypeUnsupported(f"send the mail as it came, with Content-Type: {_RAW}")
    raw = await request.body()
    if not raw.strip():
        raise BodyMalformed("there is no mail in the body")
    arrival = Arrival(raw, via="api", envelope_from=envelope_from, envelope_to=envelope_to)
    return await receive.keep(session, arrival, now=now)


@router.get("/incoming/{incoming_id}", response_model=IncomingOut)
async def read_incoming(incoming_id: Id, session: Reading) -> IncomingLetter:
    """What is known of one letter."""
    return await conversations.incoming(session, incoming_id)


@router.get("/incoming/{incoming_id}/raw", response_class=RawLetter, responses=_RESPONSES)
async def download_incoming(incoming_id: Id, session: Reading) -> RawLetter:
    """The letter as it came, byte for byte, as a file."""
    raw = await conversations.raw_of(session, incoming_id)
    headers = {
        "Content-Disposition": f'attachment; filename="incoming-{incoming_id}.eml"',
        "X-Content-Type-Options": "nosniff",
    }
    return RawLetter(raw, headers=headers)
