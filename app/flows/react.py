"""What a machine's or a leaver's mail does to a learner: bounce, complaint, goodbye.

Called only when the mail names one of our letters by a signed tag; the hardness of a bounce was
decided by the domain. Writes nothing to anybody.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import people
from app.db.people import Subscriber, SuppressionReason
from app.domain.incoming import FailedRecipient
from app.flows import subscribe
from app.flows.record import suppress


async def to_bounce(
    session: AsyncSession, person: Subscriber, failed: Iterable[FailedRecipient], *, now: datetime
) -> None:
    """A report that says for certain that the mailbox is gone ends all writing to it."""
    if any(each.permanent for each in failed):
        await _stop_writing(session, person, SuppressionReason.ADDRESS_GONE, now=now)


async def to_complaint(session: AsyncSession, person: Subscriber, *, now: datetime) -> None:
    """A click on "this is spam": leave everything and suppress, at once and without a word (RFC
    5965).
    """
    await _stop_writing(session, person, SuppressionReason.COMPLAINT, now=now)


async def to_goodbye(session: AsyncSession, enrollment_id: int, *, now: datetime) -> None:
    """STOP from the learner's own address, in answer to a letter of ours."""
    enrollment = await people.enrollment(session, enrollment_id, lock=True)
    await subscribe.leave(session, enrollment, by="reply", now=now)


async def _stop_writing(
    session: AsyncSession, person: Subscriber, reason: SuppressionReason, *, now: datetime
) -> None:
    for each in await people.enrollments_of(session, person.id):
        enrollment = await people.enrollment(session, each.id, lock=True)
        await subscribe.leave(session, enrollment, by=reason, now=now)
    await suppress(session, person.fingerprint, reason, now=now)
