"""A provider's queue that is slowed, held and let go again.

What a group of answers says about queues is gathered in Notes and written at the end, in the order
of names: two workers that write about the same queues at the same time never wait for each other
in a circle. Keeps no letter back itself (the worker asks before each) and judges no mailbox (fuse).
"""

from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, queues, refusals
from app.db.queues import ProviderQueue, Said
from app.db.refusals import Held
from app.domain import schedule
from app.domain.delivery import Phase, Reply
from app.domain.meaning import Effect
from app.domain.provider import EVERY, held_with, slowed_from
from app.flows.installation import Installation

_SAID_LONGEST = 200
log = structlog.get_logger()


@dataclass(slots=True)
class Notes:
    """What is to be written about queues: counts, signs of haste, and why which is held."""

    said: dict[str, Said] = field(default_factory=dict)
    slowed: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)

    def hear(self, queue: str, reply: Reply, effect: Effect) -> None:
        """Note one answer that was no acceptance; `queue` is that of `speaks_of`."""
        said = said_by(reply, effect)
        if said is not None:
            self.said.setdefault(queue, Said()).add(said)
        if effect is Effect.SLOW_PROVIDER:
            self.slowed.add(queue)
        if effect is Effect.HOLD_PROVIDER:
            self.held.setdefault(queue, because(reply))


def speaks_of(reply: Reply, queue: str) -> str:
    """Which queue an answer about a letter for `queue` is about: before RCPT nobody was named, so
    it is about us and holds for all letters.
    """
    return queue if reply.phase >= Phase.RECIPIENT else EVERY


def said_by(reply: Reply, effect: Effect) -> Said | None:
    """How an answer is counted; None for what is not a refusal from RCPT on (RFC 5321 §4.2.1)."""
    kind = reply.code // 100
    if reply.phase < Phase.RECIPIENT or kind not in (4, 5):
        return None
    gone = int(effect is Effect.SUPPRESS)
    return Said(deferred=int(kind == 4), refused=int(kind == 5), gone=gone)


def because(reply: Reply) -> str:
    """Why a queue is held, for the operator's eyes: phase, code, and the first words."""
    return f"{reply.phase.name.lower()}: {reply.code} {reply.text}"[:_SAID_LONGEST]


async def write(session: AsyncSession, notes: Notes, *, now: datetime) -> None:
    """Write what was noted."""
    await queues.count(session, notes.said, now=now)
    for name in sorted(notes.slowed | notes.held.keys()):
        queue = await queues.queue(session, name)
        if name in notes.slowed:
            queue.slowed_until = slowed_from(now)
        if name in notes.held:
            hold(queue, notes.held[name], now=now)


def hold(queue: ProviderQueue, why: str, *, now: datetime) -> None:
    """Let nothing leave through a queue before a person says so; the first reason stands."""
    if queue.held_at is None:
        queue.held_at, queue.held_because = now, why
        log.error("queue held", queue=queue.name, said=" ".join(why.split()[:2]))


async def open_again(
    session: AsyncSession, queue: ProviderQueue, *, now: datetime, here: Installation
) -> None:
    """Let a queue go on at its full pace, and all letters that waited for it."""
    queue.slowed_until = queue.held_at = queue.held_because = queue.broken_at = None
    await let_go(session, Held(held_with(queue.name)), now=now, speed=here.speed)


async def let_go(session: AsyncSession, held: Held, *, now: datetime, speed: float = 1) -> None:
    """Put back into the queue what was held for this reason; what is due already at once, lessons
    at the next hour at which their reader wants them (in a trial with its own clock: at once).
    """
    await refusals.let_go(session, held, at=now)
    for course_id, zone in await refusals.waiting_places(session, held):
        at = now
        if speed == 1:
            window = (await courses.course(session, course_id)).window
            at = schedule.next_slot(now, window=window, zone=schedule.zone(zone)).at
        await refusals.let_go(session, held, at=at, place=(course_id, zone))
