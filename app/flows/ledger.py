"""Writes marks and outcomes of many letters in one transaction.

A group is tried again while the database is away: an answer that a server has given must not be
forgotten because the database was restarted in that moment. Trying twice changes nothing, since
every statement names the state and the fence that it expects.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat

import structlog

from app.db.outbox import Claim
from app.db.pen import Accepted, text_of
from app.db.session import Database, is_passing
from app.domain.delivery import Reply
from app.flows.installation import Installation
from app.flows.letterbook import Written
from app.flows.record import record_all
from app.flows.settle import accept_one, is_ordinary, settle
from app.flows.syllabus import Syllabus

_PAUSES = (0.1, 0.2, 0.5, 1, 2, 5)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a server said about a letter that was handed over."""

    letter: Written
    reply: Reply
    hop: str | None

    @property
    def claim(self) -> Claim:
        """The claim under which it was handed over."""
        return self.letter.claim

    @property
    def wire(self) -> bytes:
        """The bytes that went out."""
        return self.letter.wire


class Ledger:
    """The common pen of all connections."""

    def __init__(
        self, database: Database, here: Installation, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._here, self._clock = database, here, clock

    async def write(self, letters: Sequence[Written], outcomes: Sequence[Outcome]) -> set[int]:
        """Write a group; returns the ids of the letters that may leave.

        While the database is away this waits for it, however long that takes. When a group cannot
        be written at all, each is written by itself: one spoils only itself.
        """
        try:
            return await self._patiently(letters, outcomes)
        except Exception:
            if len(letters) + len(outcomes) == 1:
                # Its lease lapses, and it becomes unknown: seen, and never sent again by itself.
                log.exception("ledger line not written")
                return set()
        marked = set[int]()
        for outcome in outcomes:
            await self.write([], [outcome])
        for letter in letters:
            marked |= await self.write([letter], [])
        return marked

    async def _patiently(self, letters: Sequence[Written], outcomes: Sequence[Outcome]) -> set[int]:
        pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
        while True:
            try:
                return await self._write(letters, outcomes)
            except Exception as fault:
                if not is_passing(fault):
                    raise
                log.warning("ledger interrupted", fault=type(fault).__name__)
                await asyncio.sleep(next(pauses))

    async def _write(self, letters: Sequence[Written], outcomes: Sequence[Outcome]) -> set[int]:
        """Lessons that were accepted and letters about to leave in one transaction, whatever is out
        of the ordinary in another.
        """
        plain = [each for each in outcomes if _is_plain(each)]
        others = [each for each in outcomes if not _is_plain(each)]
        now, marked = self._clock(), set[int]()
        if plain or letters:
            async with self._database.pen.hand() as hand:
                ids = [each.letter.due.enrollment_id for each in plain]
                leaving = [each.due.enrollment_id for each in letters]
                found = await hand.learners(ids, also_lock=leaving)
                learners = {each.id: each for each in found}
                accepted, syllabi = list[Accepted](), dict[int, Syllabus]()
                for each in plain:
                    due, syllabus = each.letter.due, each.letter.syllabus
                    learner = learners[due.enrollment_id]
                    if syllabus and is_ordinary(learner, due.lesson_id or 0, syllabus):
                        syllabi[due.course_id] = syllabus
                        accepted.append(_accepted(each))
                    else:
                        others.append(each)
                if accepted:
                    await settle(hand, accepted, learners, syllabi, now=now, here=self._here)
                if letters:
                    marked = await hand.mark([each.mark for each in letters], now=now)
        if others:
            await self._one_by_one(others, now)
        return marked

    async def _one_by_one(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        here = self._here
        refusals = [each for each in outcomes if not each.reply.is_acceptance]
        async with self._database.writing() as session:
            for each in outcomes:
                if each.reply.is_acceptance:
                    await accept_one(
                        session, each.claim, each.reply, hop=each.hop, now=now, here=here
                    )
            if refusals:
                await record_all(session, refusals, now=now, here=here)


def _is_plain(outcome: Outcome) -> bool:
    return outcome.reply.is_acceptance and outcome.letter.syllabus is not None


def _accepted(outcome: Outcome) -> Accepted:
    claim, reply = outcome.claim, outcome.reply
    return Accepted(
        claim.delivery_id,
        claim.fence,
        outcome.letter.due.enrollment_id,
        int(reply.phase),
        reply.code,
        text_of(reply),
        outcome.hop,
    )
