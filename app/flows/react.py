"""What a machine's or a leaver's mail does to a learner: bounce, complaint, goodbye.

Called only when the mail names one of our letters by a signed tag; how a report is read was decided
by the domain. Writes nothing to anybody.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import people, queues, refusals, suppressed
from app.db.conversations import IncomingLetter
from app.db.deliveries import Delivery
from app.db.people import Subscriber, SuppressionReason
from app.db.queues import Said
from app.domain import tally
from app.domain.address import key_of
from app.domain.answer import cause_of_report
from app.domain.incoming import FailedRecipient
from app.domain.meaning import MEANINGS, PERSONAL, Cause, Effect
from app.domain.provider import queue_for
from app.flows import aftermath, standstill, subscribe

_A_DAY = timedelta(days=1)


async def to_bounce(
    session: AsyncSession,
    letter: IncomingLetter,
    delivery: Delivery,
    failed: Iterable[FailedRecipient],
    *,
    now: datetime,
) -> None:
    """A report that came to the return path of `delivery`, which only its readers know.

    It counts like a server's own words, and as one signal for each letter. What it says about us
    holds the provider's queue once others say it too (anybody may write a report to their own
    path). The letter stays accepted: a server had taken it.
    """
    enrollment = await people.enrollment(session, delivery.enrollment_id, lock=True)
    person = await people.subscriber(session, enrollment.subscriber_id)
    causes = _causes(failed, person)
    cause = next((each for each in _GRAVEST_FIRST if each in causes), None)
    if cause is None:
        return
    letter.cause = cause
    await session.flush()
    queue, effect = queue_for(person.email), MEANINGS[cause].effect
    if cause in PERSONAL:
        if effect is Effect.SUPPRESS:
            await queues.count(session, {queue: Said(gone=1)}, now=now)
        await aftermath.weigh_person(session, effect, delivery, enrollment, queue, now=now)
    elif effect is Effect.HOLD_PROVIDER:
        await _hold_if_believed(session, queue, now=now)


def _causes(failed: Iterable[FailedRecipient], person: Subscriber) -> set[Cause]:
    """Why it came back, as far as it speaks of this person; where it names others only, their mail
    is forwarded, and what holds there holds for them.
    """
    told = [(key_of(each.address), cause_of_report(each.reason)) for each in failed]
    return {why for key, why in told if key == person.key} or {why for _, why in told}


_GRAVEST_FIRST = (
    Cause.ADDRESS_GONE,
    Cause.DOMAIN_GONE,
    Cause.MAILBOX_DISABLED,
    Cause.BARE_REFUSAL,
    Cause.FULL,
    Cause.POLICY_OR_REPUTATION,
    Cause.CONFIGURATION,
)


async def to_complaint(session: AsyncSession, person: Subscriber, *, now: datetime) -> None:
    """A click on "this is spam": leave everything and suppress, at once and without a word (RFC
    5965).
    """
    for each in await people.enrollments_of(session, person.id):
        enrollment = await people.enrollment(session, each.id, lock=True)
        await subscribe.leave(session, enrollment, by=SuppressionReason.COMPLAINT, now=now)
    reason = SuppressionReason.COMPLAINT
    await suppressed.suppress(session, person.fingerprint, reason, now=now)


async def to_goodbye(session: AsyncSession, enrollment_id: int, *, now: datetime) -> None:
    """STOP from the learner's own address, in answer to a letter of ours."""
    enrollment = await people.enrollment(session, enrollment_id, lock=True)
    await subscribe.leave(session, enrollment, by="reply", now=now)


async def _hold_if_believed(session: AsyncSession, name: str, *, now: datetime) -> None:
    told = await refusals.reported_us(session, since=now - _A_DAY)
    if tally.is_believed([person for person, email in told if queue_for(email) == name]):
        queue = await queues.queue(session, name)
        standstill.hold(queue, "report: several letters came back as unwanted", now=now)
