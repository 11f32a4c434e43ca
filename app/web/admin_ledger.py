"""The admin API on the ledger of one learner: every letter ever planned for them with its tries,
and the consents that allowed them. Reads only.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.db import deliveries, people
from app.web.admin_deliveries import DeliveryOut, with_attempts
from app.web.admin_enrollments import EnrollmentOut
from app.web.admin_fields import Id, answer_like
from app.web.admin_route import admin_router
from app.web.deps import Now, Reading

router = admin_router("enrollments")


class ReceiptOut(BaseModel):
    """One consent: the exact wording, when it was asked for, and when (if ever) it was given."""

    model_config = answer_like(
        id=7,
        wording="Je veux recevoir ce cours par e-mail.",
        wording_version="2026-11-24",
        language="fr",
        method="form",
        requested_at="2026-11-24T09:00:00Z",
        confirmed_at="2026-11-24T09:04:10Z",
    )

    id: int
    wording: str
    wording_version: str
    language: str
    method: str
    requested_at: datetime
    confirmed_at: datetime | None


def _shown(resource: type[BaseModel]) -> Any:
    """The example of a resource that is a part of this one."""
    return resource.model_json_schema()["examples"][0]


class LedgerOut(BaseModel):
    """Everything that was ever planned for one person in one course, the oldest first, as known at
    `drawn_up_at`.
    """

    model_config = answer_like(
        drawn_up_at="2026-11-24T18:00:00Z",
        enrollment=_shown(EnrollmentOut),
        receipts=[_shown(ReceiptOut)],
        letters=[_shown(DeliveryOut)],
    )

    drawn_up_at: datetime
    enrollment: EnrollmentOut
    receipts: list[ReceiptOut]
    letters: list[DeliveryOut]


@router.get("/enrollments/{enrollment_id}/ledger", response_model=LedgerOut)
async def read_ledger(enrollment_id: Id, session: Reading, now: Now) -> dict[str, Any]:
    """The ledger of one person in one course: letters, tries, decisions, consents."""
    enrollment = await people.enrollment(session, enrollment_id)
    receipts = await people.receipts_of(session, enrollment_id)
    rows = await deliveries.of_enrollment(session, enrollment_id)
    return {
        "drawn_up_at": now,
        "enrollment": enrollment,
        "receipts": list(reversed(receipts)),
        "letters": await with_attempts(session, rows),
    }
