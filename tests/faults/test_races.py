"""Goodbyes, pauses and skips that meet the very sending of a letter, thousands of times.

Of two that meet, one comes first, and the rows say which: a letter that was not marked as going out
when the goodbye was committed never leaves.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.deliveries import Delivery
from app.db.people import Subscriber, Suppression, SuppressionReason
from app.domain.delivery import State
from app.domain.errors import Conflict
from app.flows import steer
from app.flows.dispatch import send_due
from app.mail.next_hop import relay
from app.wiring import Parts
from tests.faults.oracle import enroll
from tests.smtp_script import ScriptedServer, serving

pytestmark = pytest.mark.timeout(600)

RACES = int(os.environ.get("RACES", "1000"))
FEW = min(RACES // 6, 300)
AT_ONCE, AHEAD, BATCH = 6, 8, 40
# Before the mark nothing was said to anybody; a goodbye that finds a letter here keeps it back.
NOT_GONE = {State.PLANNED, State.CLAIMED, State.CANCELLED, State.HELD}

Verb = Callable[[AsyncSession, int], Awaitable[object]]


@dataclass(slots=True)
class Race:
    """Learners to whom a letter and a word of theirs happen at about the same time."""

    parts: Parts
    learners: int
    verb: Verb
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    kept_back: set[int] = field(default_factory=set)
    too_late: set[int] = field(default_factory=set)
    reached: int = 0
    spoken: int = 0

    async def run(self) -> ScriptedServer:
        """Send everything while everybody speaks up; returns the server with what it got."""
        server = ScriptedServer(before_the_answer=self._until_they_speak)
        await enroll(self.parts, self.learners)
        async with serving(server):
            self.parts.office.relay = relay(f"smtp://127.0.0.1:{server.port}")
            self.parts.office.connections = 8
            sending = asyncio.create_task(self._send())
            numbers = iter(range(1, self.learners + 1))
            speakers = (self._speak_up(numbers, sending) for _ in range(AT_ONCE))
            await asyncio.gather(*speakers)
            await sending
        return server

    async def _send(self) -> None:
        while await send_due(self.parts.office, limit=BATCH):
            pass

    async def _until_they_speak(self, recipient: str) -> None:
        """The server keeps step with the learners, or there would be nothing to race against."""
        self.reached = max(self.reached, number_of(recipient))
        for _ in range(1000):
            if self.reached < self.spoken + AHEAD or self.spoken == self.learners:
                return
            await asyncio.sleep(0.001)

    async def _speak_up(self, numbers: Iterator[int], sending: asyncio.Task[None]) -> None:
        """The n-th learner speaks when about the n-th letter is under way."""
        for n in numbers:
            ahead = self.chance.randint(-10, 30)
            while self.reached < n - ahead and not sending.done():
                await asyncio.sleep(0.001)
            async with self.parts.database.writing() as session:
                await self.verb(session, n)
                await session.flush()
                asked = select(Delivery.state).where(Delivery.enrollment_id == n)
                states = set(await session.scalars(asked))
            (self.kept_back if states <= NOT_GONE else self.too_late).add(n)
            self.spoken += 1


def number_of(recipient: str) -> int:
    return int(recipient[1:].partition("@")[0])


def reached(server: ScriptedServer) -> set[int]:
    """Who was as much as named to the server."""
    named = (command for command in server.commands if command.startswith("RCPT"))
    return {number_of(command.partition("<")[2]) for command in named}


async def no_letter_leaves_after_the_word(race: Race) -> None:
    server = await race.run()
    assert reached(server) & race.kept_back == set()
    assert {number_of(each.recipient) for each in server.accepted} == race.too_late
    assert len(race.kept_back | race.too_late) == race.learners
    # It was a race: each of the two came first often enough.
    assert min(len(race.kept_back), len(race.too_late)) > race.learners / 20


async def test_no_hand_over_begins_after_a_goodbye(parts: Parts):
    async def goodbye(session: AsyncSession, n: int) -> None:
        await steer.unsubscribe(session, n, by="test", now=parts.clock())

    learners = FEW if parts.database.is_sqlite else RACES
    await no_letter_leaves_after_the_word(Race(parts, learners, goodbye))


async def test_no_hand_over_begins_after_a_pause(parts: Parts):
    async def pause(session: AsyncSession, n: int) -> None:
        await steer.pause(session, n, now=parts.clock())

    await no_letter_leaves_after_the_word(Race(parts, FEW, pause))


async def test_no_hand_over_begins_after_a_suppression(parts: Parts):
    async def suppress(session: AsyncSession, n: int) -> None:
        person = await session.get_one(Subscriber, n)
        # As whoever suppresses does: the lock of the enrollment first.
        await steer.pause(session, n, now=parts.clock())
        complaint = {"reason": SuppressionReason.COMPLAINT, "created_at": parts.clock()}
        session.add(Suppression(fingerprint=person.fingerprint, **complaint))

    await no_letter_leaves_after_the_word(Race(parts, FEW, suppress))


async def test_a_lesson_is_skipped_or_sent_but_never_both(parts: Parts):
    async def skip(session: AsyncSession, n: int) -> None:
        try:
            await steer.skip(session, n, now=parts.clock(), here=parts.here)
        except Conflict:
            return

    race = Race(parts, FEW, skip)
    server = await race.run()
    async with parts.database.reading() as session:
        asked = select(Delivery).where(Delivery.id <= race.learners)
        firsts = list(await session.scalars(asked))
    sent = [each.message_id for each in server.accepted]
    skipped = {each.id for each in firsts if each.reason == "skipped"}
    assert len(sent) == len(set(sent))
    assert {each.id for each in firsts if each.message_id not in sent} == skipped
    assert 0 < len(skipped) < race.learners
