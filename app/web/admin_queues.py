"""The admin API on the queues of mailbox providers: which are held or slowed, and a person's word.

A queue is a provider's name (`gmail`), a small domain's own, or `*` for all letters.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import listing, queues
from app.db.queues import ProviderQueue
from app.flows import fuse, queuebook
from app.flows.queuebook import Known
from app.web.admin_fields import QueueName, answer_like
from app.web.admin_route import Acting, admin_router
from app.web.deps import Here, Now, Reading
from app.web.paging import Page, Paged

router = admin_router("queues")


class SaidOut(BaseModel):
    """Letters about which servers spoke in the last day (whole hours, UTC): `gone` are those of
    "no such mailbox" among the `refused`.
    """

    model_config = answer_like(accepted=880, deferred=20, refused=100, gone=98)

    accepted: int
    deferred: int
    refused: int
    gone: int


class QueueOut(BaseModel):
    """A provider's queue of which something was to be remembered. `held_at`: no letter leaves, and
    `waiting` letters wait for a person's word. `broken_at`: the provider called so many mailboxes
    gone that it is not believed, and `doubted` addresses wait for a decision.
    """

    model_config = answer_like(
        name="gmail",
        slowed_until=None,
        held_at="2026-11-24T09:00:00Z",
        held_because="gone: 98 of 1000 mailboxes",
        broken_at="2026-11-24T09:00:00Z",
        waiting=42,
        doubted=98,
        last_day={"accepted": 880, "deferred": 20, "refused": 100, "gone": 98},
    )

    name: str
    slowed_until: datetime | None
    held_at: datetime | None
    held_because: str | None
    broken_at: datetime | None
    waiting: int
    doubted: int
    last_day: SaidOut


async def _shown(session: AsyncSession, row: ProviderQueue, now: datetime) -> Known:
    await session.flush()
    return (await queuebook.known(session, [row], now=now))[0]


@router.get("/queues", response_model=Page[QueueOut])
async def list_queues(session: Reading, paged: Paged, now: Now) -> dict[str, Any]:
    """The queues of which something was to be remembered; all others go at their usual pace."""
    rows = await listing.queues(session, paged.span)
    return paged.page(rows, await queuebook.known(session, rows, now=now))


@router.get("/queues/{name}", response_model=QueueOut)
async def read_queue(name: QueueName, session: Reading, now: Now) -> Known:
    """One of them."""
    return await _shown(session, await queues.known(session, name), now)


@router.post("/queues/{name}/release", response_model=QueueOut)
async def release_queue(name: QueueName, session: Acting, now: Now, here: Here) -> Known:
    """Let a held or slowed queue go on, and all letters that waited for it.

    A conflict while its circuit breaker is open: then say whether the mailboxes are gone, or the
    provider was wrong.
    """
    return await _shown(session, await fuse.release(session, name, now=now, here=here), now)


@router.post("/queues/{name}/mailboxes-gone", response_model=QueueOut)
async def believe_queue(name: QueueName, session: Acting, now: Now, here: Here) -> Known:
    """Decide that the provider was right: the addresses are suppressed, and the queue goes on."""
    row = await fuse.mailboxes_are_gone(session, name, now=now, here=here)
    return await _shown(session, row, now)


@router.post("/queues/{name}/provider-wrong", response_model=QueueOut)
async def disbelieve_queue(name: QueueName, session: Acting, now: Now, here: Here) -> Known:
    """Decide that the provider was wrong: nobody is suppressed, what it refused goes out after all,
    and the queue goes on.
    """
    row = await fuse.provider_was_wrong(session, name, now=now, here=here)
    return await _shown(session, row, now)
