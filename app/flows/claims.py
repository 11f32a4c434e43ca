"""The claims of one round: taken in batches, the next one while this one is being sent, and handed
out in the order of their urgency as each provider's pace allows.

Each batch goes through the sieve. Writes no letter and marks none.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.db import outbox
from app.db.outbox import Claim
from app.db.pen import Due
from app.domain.delivery import LetterKind
from app.flows.letterbook import Letterbook
from app.flows.office import PostOffice
from app.flows.sieve import sieve
from app.flows.traffic import queue_at

LEASE = timedelta(minutes=2)
BATCH = 500
_URGENT = 100
_FEW = 50
_STALE = timedelta(minutes=5)
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
            crowded = {
                queue for queue, items in self._parked.items() if len(items) > self._limit // 2
            }
            leaving = await sieve(office, rows, book, crowded=crowded, now=now)
        except BaseException:
            # Without a holder the leases lapse, and the sweep lets the claims go.
            for claim in claims:
                office.in_hand.pop(claim.delivery_id, None)
            raise
        for number in {row.id for row in rows} - {row.id for row in leaving}:
            office.in_hand.pop(number, None)
        items = [(row, book, queue_at(row.email.rpartition("@")[2])) for row in leaving]
        # Claimed in the order of priority: what is urgent stands first.
        urgent = sum(_is_urgent(row) for row in leaving)
        self._ready.extendleft(reversed(items[:urgent]))
        self._ready.extend(items[urgent:])


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
