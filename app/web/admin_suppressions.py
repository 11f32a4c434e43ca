"""The admin API on suppressions: list, read, suppress an address, take the author's word back.

An address is kept as a fingerprint only: it can be looked up, not read back.
"""

from datetime import datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from app.db import listing, people
from app.db.people import Suppression, SuppressionReason
from app.flows import silence
from app.mail.recipient import read_address
from app.web.admin_fields import EmailWanted, Id, Name, answer_like, body_like
from app.web.admin_route import Acting, admin_router
from app.web.deps import Here, Now, Reading
from app.web.paging import Page, Paged

router = admin_router("suppressions")


class SuppressionOut(BaseModel):
    """An address that is never written to."""

    model_config = answer_like(
        id=2,
        fingerprint="6d1f0c3f6c1ad0fe7a3a1a8b8f3f1a0e5f0b6f4c9d2e7a8b1c3d5e7f9a0b2c4d",
        reason="author",
        created_at="2026-11-24T09:00:00Z",
    )

    id: int
    fingerprint: str
    reason: SuppressionReason
    created_at: datetime


class SuppressionIn(BaseModel):
    """Which address."""

    model_config = body_like(email="camille@example.org")

    email: Name


@router.get("/suppressions", response_model=Page[SuppressionOut])
async def list_suppressions(
    session: Reading,
    paged: Paged,
    here: Here,
    email: EmailWanted = None,
    reason: SuppressionReason | None = None,
) -> dict[str, Any]:
    """The addresses that are never written to; `email` tells whether one is among them."""
    fingerprint = here.fingerprint(read_address(email)) if email is not None else None
    rows = await listing.suppressions(session, paged.span, fingerprint=fingerprint, reason=reason)
    return paged.page(rows)


@router.get("/suppressions/{suppression_id}", response_model=SuppressionOut)
async def read_suppression(suppression_id: Id, session: Reading) -> Suppression:
    """One of them."""
    return await people.suppression(session, suppression_id)


@router.post(
    "/suppressions",
    status_code=201,
    response_model=SuppressionOut,
    responses={200: {"model": SuppressionOut, "description": "It was suppressed before."}},
)
async def suppress_address(
    address: SuppressionIn, response: Response, session: Acting, now: Now, here: Here
) -> Suppression:
    """Never write to an address again, with the author's word as the reason.

    201 when it was written to before; 200 when it was suppressed already, and the first reason
    stands.
    """
    suppression, is_new = await silence.silence(session, address.email, now=now, here=here)
    response.status_code = 201 if is_new else 200
    return suppression


@router.delete("/suppressions", status_code=204)
async def allow_address(address: SuppressionIn, session: Acting, now: Now, here: Here) -> None:
    """Allow writing again to an address that the author had suppressed.

    Any other reason is a conflict: who complained, asked or has no mailbox is not written to. A
    learner whose course stood still meanwhile goes on.
    """
    await silence.lift(session, address.email, now=now, here=here)
