"""What dead workers left behind: claims whose lease ran out.

What was never offered to a server goes back to the queue; what was on its way becomes unknown.
Decides about no unknown letter (unsettled does).
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import doubtful, outbox
from app.db.deliveries import Delivery
from app.db.outbox import Claim
from app.db.session import ready
from app.domain import delivery as rules
from app.domain.answer import weigh
from app.domain.delivery import Event, Phase, Reply, State, Why

GONE = "the worker that was sending it was not heard of any more"


async def give_up_lapsed(session: AsyncSession, *, now: datetime) -> int:
    """Mark what dead workers left behind as unknown; returns how many.

    Of what had been marked as going out nobody can say how far it came: the rules for unknown
    letters apply, unless an acceptance is recorded after all. It is never dropped.
    """
    left_behind = await doubtful.lapsed(session, now=now)
    for delivery in left_behind:
        handed_over = delivery.state is State.IN_DATA
        delivery.state = rules.advance(delivery.state, Event.LOSE)
        delivery.lease_until = None
        delivery.reason = GONE if handed_over else Why.NEVER_HANDED_OVER
        if handed_over:
            await _note_silence(session, delivery, now=now)
    return len(left_behind)


async def release_unsent(session: AsyncSession, *, now: datetime) -> int:
    """Let go what a dead worker had claimed and never offered to anybody; returns how many.

    The mark that a letter is going out is committed before the first word to a server, so a claim
    without it is surely not sent: nothing is lost with the worker, and nothing can come twice.
    """
    unsent = await doubtful.never_handed_over(session)
    for delivery in unsent:
        delivery.state = rules.advance(delivery.state, Event.RELEASE)
        delivery.reason, delivery.ready_at = None, now
    if unsent:
        ready(session)
    return len(unsent)


async def _note_silence(session: AsyncSession, delivery: Delivery, *, now: datetime) -> None:
    """An attempt like any other, of which only the beginning is known."""
    delivery.unknown_since = now
    delivery.attempts += 1
    silence = Reply(Phase.DOT, 0, GONE)
    await outbox.note_attempt(
        session,
        Claim(delivery.id, delivery.fence),
        number=delivery.attempts,
        reply=silence,
        outcome=delivery.state,
        hop=None,
        cause=weigh(silence).cause,
        now=now,
    )
