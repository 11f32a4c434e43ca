"""The admin API on deliveries: list and read with every attempt, and the author's word on those
that wait for one.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import deliveries, listing
from app.db.deliveries import Delivery
from app.db.rulings import Verdict
from app.domain.delivery import LetterKind, State
from app.domain.meaning import Cause
from app.domain.unknown import By
from app.flows import author
from app.web.admin_fields import Id, IdWanted, answer_like
from app.web.admin_route import Acting, admin_router
from app.web.deps import Here, Now, Reading
from app.web.paging import Page, Paged

router = admin_router("deliveries")


class AttemptOut(BaseModel):
    """One try: how far it came, and what the server said (`code` 0: nothing). `hop` is the server
    spoken to, `cause` how its answer was read; either is null where that is not known. `enhanced`
    is the status code at the head of `text` (RFC 3463).
    """

    model_config = answer_like(
        number=1,
        at="2026-11-24T09:04:12Z",
        outcome="accepted",
        phase="dot",
        code=250,
        enhanced="2.0.0",
        text="2.0.0 queued as 4XyZ",
        hop="relay.example.org [192.0.2.1]:587 TLSv1.3",
        cause=None,
    )

    number: int
    at: datetime
    outcome: State
    phase: str = Field(validation_alias="phase_name")
    code: int
    enhanced: str | None
    text: str
    hop: str | None
    cause: Cause | None


class RulingOut(BaseModel):
    """What was decided about a letter of which nobody knew whether it had arrived, and by whom."""

    model_config = answer_like(
        at="2026-11-25T09:04:12Z", verdict="sent", by="rule", because="no sign of it for 24 hours"
    )

    at: datetime
    verdict: Verdict
    by: By
    because: str


class DeliveryOut(BaseModel):
    """One letter to one person, planned or past. `reason` says why it is where it is. `due_at` is
    when it was meant to leave, `ready_at` when it may be tried (again), `planned_day` the
    learner's local day. `first_tried_at` is when its first hand-over began, `digest` the SHA-256 of
    the bytes that went out. `unknown_since` is when it (last) became uncertain whether it had
    arrived.
    """

    model_config = answer_like(
        id=41,
        enrollment_id=20,
        kind="lesson",
        state="accepted",
        reason=None,
        lesson_id=1,
        version_id=1,
        remark_id=None,
        planned_day="2026-11-24",
        due_at="2026-11-24T09:04:10Z",
        ready_at="2026-11-24T09:04:10Z",
        first_tried_at="2026-11-24T09:04:11Z",
        accepted_at="2026-11-24T09:04:12Z",
        created_at="2026-11-24T09:04:10Z",
        message_id="l.aebagbaf@example.org",
        digest="6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        attempts=[
            {
                "number": 1,
                "at": "2026-11-24T09:04:12Z",
                "outcome": "accepted",
                "phase": "dot",
                "code": 250,
                "enhanced": "2.0.0",
                "text": "2.0.0 queued as 4XyZ",
                "hop": "relay.example.org [192.0.2.1]:587 TLSv1.3",
                "cause": None,
            }
        ],
        unknown_since=None,
        rulings=[],
    )

    id: int
    enrollment_id: int
    kind: LetterKind
    state: State
    reason: str | None
    lesson_id: int | None
    version_id: int | None
    remark_id: int | None
    planned_day: date
    due_at: datetime
    ready_at: datetime
    first_tried_at: datetime | None
    accepted_at: datetime | None
    created_at: datetime
    message_id: str | None
    digest: str | None
    attempts: list[AttemptOut]
    unknown_since: datetime | None
    rulings: list[RulingOut]


async def with_attempts(session: AsyncSession, rows: Sequence[Delivery]) -> list[dict[str, Any]]:
    """The answer for each of these deliveries: the row, the tries in place of their number, and
    the rulings.
    """
    await session.flush()
    tried = await listing.attempts_at(session, rows)
    ruled = await listing.rulings_at(session, rows)
    own = DeliveryOut.model_fields.keys() - {"attempts", "rulings"}
    return [
        {name: getattr(row, name) for name in own}
        | {"attempts": tried.get(row.id, []), "rulings": ruled.get(row.id, [])}
        for row in rows
    ]


@router.get("/deliveries", response_model=Page[DeliveryOut])
async def list_deliveries(
    session: Reading,
    paged: Paged,
    course_id: IdWanted = None,
    enrollment_id: IdWanted = None,
    lesson_id: IdWanted = None,
    kind: LetterKind | None = None,
    state: State | None = None,
) -> dict[str, Any]:
    """Every letter that left, will leave or could not."""
    rows = await listing.deliveries(
        session,
        paged.span,
        course_id=course_id,
        enrollment_id=enrollment_id,
        lesson_id=lesson_id,
        kind=kind,
        state=state,
    )
    return paged.page(rows, await with_attempts(session, rows))


@router.get("/deliveries/{delivery_id}", response_model=DeliveryOut)
async def read_delivery(delivery_id: Id, session: Reading) -> dict[str, Any]:
    """One letter to one person."""
    row = await deliveries.delivery(session, delivery_id)
    return (await with_attempts(session, [row]))[0]


@router.post("/deliveries/{delivery_id}/release", response_model=DeliveryOut)
async def release_delivery(delivery_id: Id, session: Acting, now: Now) -> dict[str, Any]:
    """Let a held, expired or unknown letter go, now; an unknown one with the same bytes."""
    row = await author.release(session, delivery_id, now=now)
    return (await with_attempts(session, [row]))[0]


@router.post("/deliveries/{delivery_id}/take-as-sent", response_model=DeliveryOut)
async def take_delivery_as_sent(
    delivery_id: Id, session: Acting, now: Now, here: Here
) -> dict[str, Any]:
    """Decide that an unknown letter arrived; the course goes on."""
    row = await author.take_as_sent(session, delivery_id, now=now, here=here)
    return (await with_attempts(session, [row]))[0]


@router.post("/deliveries/{delivery_id}/give-up", response_model=DeliveryOut)
async def give_up_delivery(
    delivery_id: Id, session: Acting, now: Now, here: Here
) -> dict[str, Any]:
    """Decide that a letter shall not be sent (any more)."""
    row = await author.give_up(session, delivery_id, now=now, here=here)
    return (await with_attempts(session, [row]))[0]
