"""The claims of one round: taken in batches, the next one while this one is being sent, and handed
out in the order of their urgency as each provider's pace allows.

What may not leave now (its queue is held or slowed, a ceiling is reached) goes back to the rows
with its reason. Writes no letter and marks none.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.db import outbox, queues
from app.db.outbox import Claim
from app.db.pen import Due
from app.domain import schedule
from app.domain.delivery import LetterKind, Priority, is_copy, priority
from app.domain.provider import held_with
from app.flows.letterbook import Letterbook
from app.flows.office import PostOffice
from app.flows.traffic import queue_at

LEASE = timedelta(minutes=2)
BATCH = 500
_URGENT = 100
_FEW = 50
_STALE, _LATER = timedelta(minutes=5), timedelta(seconds=30)
Item = tuple[Due, Letterbook, str]


class Claims:
    """What is in hand and not yet being written. An item is a claim, the book to write it from, and
    the name of its queue.
    """

    def __init__(self, office: PostOffice, limit: int) -> None:
        self._office, self._limit = office, limit
        self._ready: deque[Item] = deque()
        self._parked: defaultdict[str, deque[Item]] = defaultdict(deque)
        self._fetching: asyncio.Task[None] | None = None
        self._dry = False
        self.taken = 0
        self._something = asyncio.Event()
        self._outdated: deque[Item] = deque()
        self._fault: BaseException | None = None

    async def next(self) -> Item | None:
        """The next claim whose queue has room; None when nothing is in hand or due any more."""
        while not self._office.must_stop:
            if self._fault:
                raise self._fault
            self._fetch_ahead()
            if items := self.more(1):
                return items[0]
            if self._outdated:
                await self._ask_again()
                continue
            if self._dry and not self._fetching and not self._parked:
                return None
            self._something.clear()
            await self._something.wait()
        return None

    def more(self, limit: int) -> list[Item]:
        """Up to `limit` more claims that are at hand and may leave."""
        items: list[Item] = []
        traffic = self._office.traffic
        while self._ready and len(items) < limit and not self._office.must_stop:
            item = self._ready.popleft()
            row, book, queue = item
            if traffic.has_changed(queue, book.reading):
                self._outdated += [item, *self._parked.pop(queue, ())]
            elif traffic.has_room(queue):
                traffic.departs(queue)
                items.append(item)
            elif _is_urgent(row):
                self._parked[queue].appendleft(item)
            else:
                self._parked[queue].append(item)
        return items

    def landed(self, queue: str) -> None:
        """There is room again in this queue."""
        waiting, traffic = self._parked.get(queue), self._office.traffic
        while waiting:
            item = waiting.popleft()
            is_old = self._office.clock() - item[1].at > _STALE
            if not (is_old or traffic.has_changed(queue, item[1].reading)):
                self._ready.appendleft(item)
                break
            self._outdated.append(item)
        if waiting is not None and not waiting:
            del self._parked[queue]
        self._something.set()

    def look_again(self) -> None:
        """Something may have become due: an answer is not to wait behind a thousand lessons."""
        self._dry = False
        self._fetch_ahead(urgent=True)
        self._something.set()

    async def begin(self) -> None:
        """Take the first batch."""
        await self._fetch(urgent=False)

    async def close(self) -> None:
        """Give back what was claimed and not sent: nothing was said about it to anybody."""
        if self._fetching:
            await asyncio.gather(self._fetching, return_exceptions=True)
        left = [Claim(item[0].id, item[0].fence) for item in self._in_hand()]
        await give_back(self._office, left)

    def wake(self) -> None:
        """Have `next` look at why to stop."""
        self._something.set()

    def _in_hand(self) -> list[Item]:
        parked = (item for items in self._parked.values() for item in items)
        return [*self._ready, *self._outdated, *parked]

    def _fetch_ahead(self, *, urgent: bool = False) -> None:
        few = len(self._ready) <= self._limit // 2 and len(self._in_hand()) <= 4 * self._limit
        if self._fetching is None and ((few and not self._dry) or (urgent and not few)):
            self._fetching = asyncio.create_task(self._fetch(urgent=not few))
            self._fetching.add_done_callback(self._remember)

    def _remember(self, fetching: asyncio.Task[None]) -> None:
        """A fetch that failed ends the round, once what is in hand has gone."""
        if not fetching.cancelled():
            self._fault = fetching.exception()

    async def _ask_again(self) -> None:
        """Give back what was claimed before its queue was held or slowed, or too long ago: claimed
        anew, it is judged anew.
        """
        outdated = [self._outdated.popleft() for _ in range(len(self._outdated))]
        await give_back(self._office, [Claim(row.id, row.fence) for row, _, _ in outdated])
        self._dry = False

    async def _fetch(self, *, urgent: bool) -> None:
        """Claim a batch, keep back what may not leave, and look up what the letters need."""
        office, limit = self._office, _URGENT if urgent else self._limit
        if office.courtesy.is_due:
            limit = min(limit, _FEW)
        try:
            now = office.clock()
            if office.clock_is_off():
                # A jump must not claim a week of lessons; the guard says what it means.
                self._dry = True
                return
            claims = await office.database.pen.claim(
                now=now, lease_until=now + LEASE, limit=limit, urgent=urgent, life=office.life
            )
            office.point("after_claim")
            if not urgent:
                self._dry = len(claims) < limit
            self.taken += len(claims)
            if claims:
                await self._look_up(claims, now)
        finally:
            self._fetching = None
            self._something.set()

    async def _look_up(self, claims: Sequence[Claim], now: datetime) -> None:
        office = self._office
        office.in_hand |= {claim.delivery_id: claim for claim in claims}
        try:
            rows = await office.database.pen.details(claims)
            book = Letterbook(office.database, office.press, office.here, at=now)
            await book.open(rows)
            rows = await self._may_leave(rows, book, now)
        except BaseException:
            # Without a holder the leases lapse, and the sweep lets the claims go.
            for claim in claims:
                office.in_hand.pop(claim.delivery_id, None)
            raise
        items = [(row, book, queue_at(row.email.rpartition("@")[2])) for row in rows]
        # Claimed in the order of priority: what is urgent stands first.
        urgent = sum(_is_urgent(row) for row in rows)
        self._ready.extendleft(reversed(items[:urgent]))
        self._ready.extend(items[urgent:])

    async def _may_leave(self, rows: list[Due], book: Letterbook, now: datetime) -> list[Due]:
        """Those of these letters that no queue and no ceiling keeps back."""
        office, traffic = self._office, self._office.traffic
        async with office.database.reading() as session:
            await traffic.refresh(session, now)
        book.reading = traffic.readings
        early = self._outside_window(rows, book, now)
        crowded = any(len(items) > self._limit // 2 for items in self._parked.values())
        if traffic.is_ordinary and not (early or crowded):
            return rows
        held: defaultdict[str, list[Claim]] = defaultdict(list)
        later: defaultdict[str, list[tuple[Claim, datetime]]] = defaultdict(list)
        leaving, waiting = list[Due](), Counter[str]()
        async with office.database.writing() as session:
            await traffic.refresh(session, now, at_once=True)
            in_hand = await outbox.in_flight(session) - len(rows) if traffic.has_ceiling else 0
            rooms = {
                each: await traffic.room(session, each, now, in_hand=in_hand) for each in Priority
            }
            for row in rows:
                queue = queue_at(row.email.rpartition("@")[2])
                claim, place = Claim(row.id, row.fence), priority(LetterKind(row.kind))
                room, again = rooms[place]
                name = traffic.held(queue)
                if row.id in early:
                    later["waiting for the reader's hours"].append((claim, early[row.id]))
                elif name:
                    held[name].append(claim)
                elif room is not None and room <= len(leaving):
                    reason = "waiting for the next hour or day of the sending ceiling"
                    later[reason].append((claim, self._in_window(row, book, again)))
                elif len(self._parked.get(queue, ())) > self._limit // 2:
                    at = self._in_window(row, book, now + _LATER)
                    later[f"more letters are due than {queue} takes at a time"].append((claim, at))
                elif (turn := traffic.turn(queue, now, waiting)) > now:
                    at = self._in_window(row, book, turn)
                    later[f"{queue} asked for patience"].append((claim, at))
                else:
                    leaving.append(row)
            for name, claims in sorted(held.items()):
                # Under the queue's lock: a person may let it go at this very moment.
                if (await queues.queue(session, name)).held_at:
                    await outbox.hold(session, claims, reason=held_with(name))
                else:
                    await outbox.give_back(session, claims, reason=None)
            for reason, postponed in later.items():
                await outbox.postpone(session, postponed, reason=reason)
        kept = {row.id for row in leaving}
        for row in rows:
            if row.id not in kept:
                office.in_hand.pop(row.id, None)
        return leaving

    def _outside_window(
        self, rows: Sequence[Due], book: Letterbook, now: datetime
    ) -> dict[int, datetime]:
        """Lessons that come late, as after an outage in the night, and when they may leave. The
        first lesson leaves at any hour, as a copy that somebody asked for.
        """
        opens: dict[tuple[str, int, str], datetime] = {}
        early = {}
        for row in rows if self._office.here.speed == 1 else ():
            place = row.kind, row.course_id, row.zone
            if place not in opens:
                opens[place] = self._in_window(row, book, now)
            if opens[place] > now and not (is_copy(row.intent) or book.is_first(row)):
                early[row.id] = opens[place]
        return early

    def _in_window(self, row: Due, book: Letterbook, at: datetime) -> datetime:
        """A lesson that waits does not come in the night instead; a trial keeps its own clock."""
        window = book.window(row)
        if window is None or self._office.here.speed != 1:
            return at
        return schedule.next_slot(at, window=window, zone=schedule.zone(row.zone)).at


def _is_urgent(row: Due) -> bool:
    return row.kind != LetterKind.LESSON


async def give_back(office: PostOffice, left: Sequence[Claim]) -> None:
    """Put claims back that nothing was said about; why, when it was the relay's fault."""
    if not left:
        return
    office.point("before_release")
    fault = office.relay_fault
    reason = f"the relay cannot be reached ({fault.where})" if fault else None
    async with office.database.writing() as session:
        await outbox.give_back(session, left, reason=reason)
    for claim in left:
        office.in_hand.pop(claim.delivery_id, None)
