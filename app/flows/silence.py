"""The author's word that an address is never written to, and its withdrawal.

Machines' reasons (a mailbox that is gone, a complaint) are noted by record and react; they are not
withdrawn here. Tells nobody and moves no enrollment: what is due for the address is cancelled when
its turn comes.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import people, suppressed
from app.db.people import Enrollment, Suppression, SuppressionReason
from app.domain.errors import Conflict, RecordUnknown
from app.flows.installation import Installation
from app.flows.record import go_on
from app.mail.recipient import read_address


async def silence(
    session: AsyncSession, email: str, *, now: datetime, here: Installation
) -> tuple[Suppression, bool]:
    """Never write to this address; True when it was written to before, and the first reason stands.

    Raises AddressMalformed, AddressRefused.
    """
    fingerprint = here.fingerprint(read_address(email))
    # Under the locks that a hand-over takes: of the two that meet, one comes first.
    person = await people.subscriber_by_key(session, read_address(email).key)
    for each in sorted(await people.enrollments_of(session, person.id), key=_id) if person else ():
        await people.enrollment(session, each.id, lock=True)
    known = await people.suppression_of(session, fingerprint)
    await suppressed.suppress(session, fingerprint, SuppressionReason.AUTHOR, now=now)
    stands = await people.suppression_of(session, fingerprint)
    if stands is None:
        raise RecordUnknown
    return stands, known is None


def _id(enrollment: Enrollment) -> int:
    return enrollment.id


async def lift(session: AsyncSession, email: str, *, now: datetime, here: Installation) -> None:
    """Allow writing again to an address that the author had suppressed; its courses go on.

    Raises RecordUnknown when it is not suppressed, Conflict when a machine or the person said so.
    """
    known = await people.suppression_of(session, here.fingerprint(read_address(email)))
    if known is None:
        raise RecordUnknown("this address is not suppressed")
    if known.reason is not SuppressionReason.AUTHOR:
        raise Conflict(f"the reason is {known.reason}; only the author's own word is taken back")
    await session.delete(known)
    person = await people.subscriber_by_key(session, read_address(email).key)
    for each in await people.enrollments_of(session, person.id) if person else ():
        enrollment = await people.enrollment(session, each.id, lock=True)
        await go_on(session, enrollment, now=now, here=here)
