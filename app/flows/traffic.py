"""The pace of one worker: how many letters are on their way to each provider, what may leave now.

What all workers must know of a queue (held, slowed, how many letters it took this hour) stands in
the database and is read and written here every few seconds; what only this process knows
(connections, letters in flight) is kept in memory: with several workers the pace is that of each.
Claims nothing and speaks to nobody.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import queues
from app.db.queues import Said
from app.domain import ceiling, provider
from app.domain.ceiling import Ceilings, Sent
from app.domain.delivery import Priority
from app.domain.provider import EVERY, Pace, pace_of, queue_of

_FRESH = timedelta(seconds=1)


@lru_cache(maxsize=50_000)
def queue_at(domain: str) -> str:
    """The queue of a domain in A-labels; remembered, since the same few come again and again."""
    return queue_of(domain)


class Traffic:
    """`paces` are the operator's own figures, `ceilings` those of the whole instance."""

    def __init__(self, paces: Mapping[str, Pace], ceilings: Ceilings) -> None:
        self._paces, self._ceilings = paces, ceilings
        self._pace: dict[str, Pace] = {}
        self._under_way: Counter[str] = Counter()
        self._accepted: Counter[str] = Counter()
        self._slowed: dict[str, datetime] = {}
        self._left: dict[str, datetime] = {}
        self._held: frozenset[str] = frozenset()
        self._news: dict[str, int] = {}
        self.readings = 0
        self._read_at: datetime | None = None

    def pace(self, queue: str) -> Pace:
        """The pace of a queue."""
        if queue not in self._pace:
            self._pace[queue] = pace_of(queue, self._paces)
        return self._pace[queue]

    def has_room(self, queue: str) -> bool:
        """Whether one more letter for this queue may be under way."""
        slowed = bool(self._slowed) and any(name in self._slowed for name in (EVERY, queue))
        return provider.has_room(self.pace(queue), self._under_way[queue], slowed=slowed)

    def departs(self, queue: str) -> None:
        """One more letter is under way."""
        self._under_way[queue] += 1

    def lands(self, queue: str, *, accepted: bool) -> None:
        """A letter is no longer under way; `accepted` when a server took it."""
        self._under_way[queue] -= 1
        if not self._under_way[queue]:
            del self._under_way[queue]
        if accepted:
            self._accepted[queue] += 1

    def clear(self) -> None:
        """Nothing is under way any more: a round has ended, however it ended."""
        self._under_way.clear()

    def held(self, queue: str) -> str | None:
        """The name under which this queue is held (its own, or that of all letters), or None."""
        return next((name for name in (EVERY, queue) if name in self._held), None)

    def turn(self, queue: str, now: datetime, waiting: Counter[str]) -> datetime:
        """When the next letter for this queue may leave: at once, or, while the queue is slowed,
        a pause (one minute) after the one before. `waiting` are those of the same batch that must
        wait; it is counted on here.
        """
        slow = next((name for name in (EVERY, queue) if self._slowed.get(name, now) > now), None)
        if slow is None:
            return now
        at = provider.turn(
            self.pace(queue),
            now,
            last=self._left.get(slow),
            ahead=waiting[slow],
            slowed_until=self._slowed[slow],
        )
        if at <= now:
            self._left[slow] = now
        else:
            waiting[slow] += 1
        return at

    def has_changed(self, queue: str, since: int) -> bool:
        """Whether this queue was held or slowed after so many `readings`: what was claimed before
        that is to be asked about again.
        """
        return bool(self._news) and any(
            self._news.get(name, since) > since for name in (EVERY, queue)
        )

    @property
    def is_ordinary(self) -> bool:
        """True when no queue is held or slowed and the instance has no ceiling."""
        return not (self._held or self._slowed or self.has_ceiling)

    @property
    def has_ceiling(self) -> bool:
        """Whether the letters of an hour or a day are counted against a limit."""
        caps = self._ceilings
        return any(cap is not None for cap in (caps.hourly, caps.daily, caps.warming_since))

    @property
    def has_news(self) -> bool:
        """Whether there is anything to `note`."""
        return bool(self._accepted)

    async def refresh(self, session: AsyncSession, now: datetime, *, at_once: bool = False) -> None:
        """Learn what other workers and people did to the queues, if that was not just done."""
        if not at_once and self._read_at and timedelta(0) <= now - self._read_at < _FRESH:
            return
        remembered = await queues.remembered(session)
        before = self._held | self._slowed.keys()
        self._held = frozenset(each.name for each in remembered if each.held_at)
        self._slowed = {
            each.name: each.slowed_until
            for each in remembered
            if each.slowed_until and each.slowed_until > now
        }
        names = self._held | self._slowed.keys()
        self.readings += 1
        self._news = {name: reading for name, reading in self._news.items() if name in names}
        self._news |= dict.fromkeys(names - before, self.readings)
        self._read_at = now

    async def note(self, session: AsyncSession, now: datetime) -> None:
        """Add what was accepted since the last time to the hour's counts; a process that dies
        forgets the count of its last seconds, and nothing else.
        """
        accepted, self._accepted = self._accepted, Counter()
        said = {queue: Said(accepted=count) for queue, count in accepted.items()}
        try:
            await queues.count(session, said, now=now)
        except BaseException:
            self._accepted.update(accepted)
            raise

    async def room(
        self, session: AsyncSession, priority: Priority, now: datetime, *, in_hand: int
    ) -> tuple[int | None, datetime]:
        """How many more letters of this priority the ceilings allow now (None: no limit), and when
        to ask again. `in_hand` are letters that may leave already and are not yet accepted.
        """
        if not self.has_ceiling:
            return None, now
        sent = await self._sent(session, now, in_hand)
        again = ceiling.look_again_at(self._ceilings, sent, priority, now)
        return ceiling.room(self._ceilings, sent, priority, now), again

    async def _sent(self, session: AsyncSession, now: datetime, in_hand: int) -> Sent:
        """Counted by whole hours: the hour begun and the one before, so rather too many."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        pending = sum(self._accepted.values()) + in_hand
        hour, day = [
            sum(each.accepted for each in (await queues.said_since(session, since)).values())
            for since in (now - timedelta(hours=1), midnight)
        ]
        return Sent(hour=hour + pending, day=day + pending)
