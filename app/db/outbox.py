"""The worker's four steps on deliveries: claim, hand over, record, sweep. Each is one short
statement or two, by compare-and-set on (state, fence); none waits for a server. Decides nothing
about states: the caller passes what `domain.delivery` decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import Instant, add_once
from app.db.deliveries import IN_FLIGHT_ROWS, Attempt, Delivery, FrozenLetter
from app.db.people import Enrollment, Subscriber, Suppression
from app.domain.delivery import IN_FLIGHT, LetterKind, Reply, State, Why, is_copy
from app.domain.enrollment import Standing
from app.domain.meaning import Cause


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one delivery: worthless once its fence is no longer the row's."""

    delivery_id: int
    fence: int


async def keep_bytes(session: AsyncSession, delivery_id: int, wire: bytes) -> None:
    """Keep the bytes that went out and were not accepted, for the next try."""
    new = {"delivery_id": delivery_id, "wire": wire}
    await add_once(session, FrozenLetter, new, key="delivery_id")


async def frozen(session: AsyncSession, delivery_id: int) -> bytes | None:
    """The fixed bytes of a delivery in flight."""
    asked = select(FrozenLetter.wire).where(FrozenLetter.delivery_id == delivery_id)
    return await session.scalar(asked)


async def kept_back(session: AsyncSession, delivery: Delivery) -> Why | None:
    """Why this letter may not leave after all, or None; read under the enrollment's lock.

    The lock is held until the hand-over is marked: of a goodbye and a sending that meet, one comes
    first. A lesson needs an active enrollment (a copy that was asked for also goes to who pauses),
    a confirmation one that has not left; an answer goes also to who has left since writing.
    """
    asked = (
        select(
            Enrollment.standing,
            exists()
            .where(Suppression.fingerprint == Subscriber.fingerprint)
            .where(Suppression.doubted_at.is_(None))
            .label("suppressed"),
        )
        .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
        .where(Enrollment.id == delivery.enrollment_id)
        .with_for_update(of=Enrollment)
    )
    row = (await session.execute(asked)).one()
    if row.suppressed:
        return Why.SUPPRESSED
    if delivery.kind is LetterKind.ANSWER:
        return None
    if row.standing is Standing.LEFT:
        return Why.LEFT
    if delivery.kind is not LetterKind.LESSON:
        return None
    if row.standing is Standing.PENDING:
        return Why.LEFT
    return Why.PAUSED if row.standing is Standing.PAUSED and not is_copy(delivery.intent) else None


async def move(
    session: AsyncSession, claim: Claim, *, before: State, after: State, **values: Any
) -> bool:
    """Compare-and-set the state of a claimed delivery. False when the claim is no longer ours."""
    return await _set(session, claim, frozenset({before}), state=after, **values)


async def give_back(session: AsyncSession, claims: Sequence[Claim], *, reason: str | None) -> None:
    """Put claimed deliveries back in the queue: nothing was said about them to anybody."""
    await session.execute(
        update(Delivery)
        .where(
            tuple_(Delivery.id, Delivery.fence).in_([(c.delivery_id, c.fence) for c in claims]),
            Delivery.state == State.CLAIMED,
        )
        .values(state=State.PLANNED, reason=reason, lease_until=None)
        .execution_options(synchronize_session=False)
    )


async def in_flight(session: AsyncSession) -> int:
    """How many deliveries all workers have in hand."""
    return await session.scalar(select(func.count(Delivery.id)).where(IN_FLIGHT_ROWS)) or 0


async def postpone(
    session: AsyncSession, claims: Sequence[tuple[Claim, datetime]], *, reason: str
) -> None:
    """Put claimed deliveries back in the queue until an instant each: nothing was said about them
    to anybody.
    """
    later = update(Delivery.__table__).where(  # type: ignore[arg-type]
        Delivery.id == bindparam("of_id"),
        Delivery.fence == bindparam("of_fence"),
        Delivery.state == State.CLAIMED,
    )
    values = {"state": State.PLANNED, "reason": reason, "lease_until": None}
    rows = [
        {"of_id": claim.delivery_id, "of_fence": claim.fence, "until": at} for claim, at in claims
    ]
    await (await session.connection()).execute(
        later.values(**values, ready_at=bindparam("until", type_=Instant)), rows
    )


async def hold(session: AsyncSession, claims: Sequence[Claim], *, reason: str) -> None:
    """Keep claimed deliveries back until a person lets them go."""
    await session.execute(
        update(Delivery)
        .where(
            tuple_(Delivery.id, Delivery.fence).in_([(c.delivery_id, c.fence) for c in claims]),
            Delivery.state == State.CLAIMED,
        )
        .values(state=State.HELD, reason=reason, lease_until=None)
        .execution_options(synchronize_session=False)
    )


async def note_attempt(
    session: AsyncSession,
    claim: Claim,
    *,
    number: int,
    reply: Reply,
    outcome: State,
    hop: str | None,
    cause: Cause | None,
    now: datetime,
) -> None:
    """Append one try to the ledger; the server's text is cut at 512 letters."""
    session.add(
        Attempt(
            delivery_id=claim.delivery_id,
            number=number,
            at=now,
            outcome=outcome,
            phase=int(reply.phase),
            code=reply.code,
            text=reply.text[:512],
            hop=hop,
            cause=cause,
        )
    )


async def forget_bytes(session: AsyncSession, delivery_id: int) -> None:
    """Remove the fixed bytes of a letter that has arrived or will never leave."""
    await session.execute(delete(FrozenLetter).where(FrozenLetter.delivery_id == delivery_id))


async def prolong(session: AsyncSession, claims: Sequence[Claim], *, until: datetime) -> None:
    """Keep the leases of claims that a living worker still holds."""
    ours = tuple_(Delivery.id, Delivery.fence).in_([(c.delivery_id, c.fence) for c in claims])
    # What another transaction holds is being written at this moment, by us.
    held = select(Delivery.id).where(ours).order_by(Delivery.id).with_for_update(skip_locked=True)
    free = (await session.scalars(held)).all()
    await session.execute(
        update(Delivery)
        .where(Delivery.id.in_(free), Delivery.state.in_(IN_FLIGHT))
        .values(lease_until=until)
        .execution_options(synchronize_session=False)
    )


async def _set(
    session: AsyncSession, claim: Claim, states: frozenset[State], **values: Any
) -> bool:
    changed = await session.execute(
        update(Delivery)
        .where(
            Delivery.id == claim.delivery_id,
            Delivery.fence == claim.fence,
            Delivery.state.in_(states),
        )
        .values(**values)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None
