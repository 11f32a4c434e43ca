"""What of a batch of claims may leave now. The rest goes back to its rows with a reason: its queue
is held or slowed, a ceiling is reached, its reader's hours are over.

Claims nothing and sends nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import outbox, queues
from app.db.outbox import Claim
from app.db.pen import Due
from app.domain import schedule
from app.domain.delivery import LetterKind, Priority, is_copy, priority
from app.domain.provider import held_with
from app.flows.letterbook import Letterbook
from app.flows.office import PostOffice
from app.flows.traffic import Traffic, queue_at

_LATER = timedelta(seconds=30)
_Rooms = Mapping[Priority, tuple[int | None, datetime]]


@dataclass(slots=True)
class _Verdict:
    """Which of a batch may leave, which wait until when, and which are held with their queue."""

    leaving: list[Due] = field(default_factory=list)
    held: defaultdict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    later: defaultdict[str, list[tuple[Claim, datetime]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def wait(self, reason: str, row: Due, until: datetime) -> None:
        """This one goes back to its row, until an instant."""
        self.later[reason].append((Claim(row.id, row.fence), until))

    async def write(self, session: AsyncSession) -> None:
        """Put back what waits, hold what is held."""
        for name, claims in sorted(self.held.items()):
            # Under the queue's lock: a person may let it go at this very moment.
            if (await queues.queue(session, name)).held_at:
                await outbox.hold(session, claims, reason=held_with(name))
            else:
                await outbox.give_back(session, claims, reason=None)
        for reason, postponed in self.later.items():
            await outbox.postpone(session, postponed, reason=reason)


async def sieve(
    office: PostOffice,
    rows: list[Due],
    book: Letterbook,
    *,
    crowded: Collection[str],
    now: datetime,
) -> list[Due]:
    """Those of these letters that may leave. `crowded` are queues for which more is in hand already
    than they take in a while.
    """
    traffic = office.traffic
    async with office.database.reading() as session:
        await traffic.refresh(session, now)
    book.reading = traffic.readings
    hours = _Hours(book, here_is_trial=office.here.speed != 1)
    early = hours.early(rows, now)
    if traffic.is_ordinary and not (early or crowded):
        return rows
    async with office.database.writing() as session:
        await traffic.refresh(session, now, at_once=True)
        rooms = await _rooms(session, traffic, len(rows), now)
        verdict, waiting = _Verdict(), Counter[str]()
        for row in rows:
            queue = queue_at(row.email.rpartition("@")[2])
            room, again = rooms[priority(LetterKind(row.kind))]
            if row.id in early:
                verdict.wait("waiting for the reader's hours", row, early[row.id])
            elif name := traffic.held(queue):
                verdict.held[name].append(Claim(row.id, row.fence))
            elif room is not None and room <= len(verdict.leaving):
                reason = "waiting for the next hour or day of the sending ceiling"
                verdict.wait(reason, row, hours.within(row, again))
            elif queue in crowded:
                reason = f"more letters are due than {queue} takes at a time"
                verdict.wait(reason, row, hours.within(row, now + _LATER))
            elif (turn := traffic.turn(queue, now, waiting)) > now:
                verdict.wait(f"{queue} asked for patience", row, hours.within(row, turn))
            else:
                verdict.leaving.append(row)
        await verdict.write(session)
    return verdict.leaving


async def _rooms(session: AsyncSession, traffic: Traffic, batch: int, now: datetime) -> _Rooms:
    in_hand = await outbox.in_flight(session) - batch if traffic.has_ceiling else 0
    return {each: await traffic.room(session, each, now, in_hand=in_hand) for each in Priority}


class _Hours:
    """The hours of the readers of a batch. A trial keeps its own clock, and needs none."""

    def __init__(self, book: Letterbook, *, here_is_trial: bool) -> None:
        self._book, self._is_trial = book, here_is_trial

    def early(self, rows: Sequence[Due], now: datetime) -> dict[int, datetime]:
        """Lessons that come late, as after an outage in the night, and when they may leave. The
        first lesson leaves at any hour, as a copy that somebody asked for.
        """
        opens: dict[tuple[str, int, str], datetime] = {}
        early = {}
        for row in rows:
            place = row.kind, row.course_id, row.zone
            if place not in opens:
                opens[place] = self.within(row, now)
            if opens[place] > now and not (is_copy(row.intent) or self._book.is_first(row)):
                early[row.id] = opens[place]
        return early

    def within(self, row: Due, at: datetime) -> datetime:
        """A lesson that waits does not come in the night instead."""
        window = self._book.window(row)
        if window is None or self._is_trial:
            return at
        return schedule.next_slot(at, window=window, zone=schedule.zone(row.zone)).at
