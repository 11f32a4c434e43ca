"""Holds the database against the twelve promises (domain/invariants) and says what breaks them.

Reads only, and names rows by their ids: never an address. Each question has a short transaction of
its own, so that a long audit of a live database holds nothing up. What no row can tell is said too,
with the tests that show it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.db import attempted, courses, disorder, forgotten, instance, late_letters
from app.db.attempted import Retried
from app.db.question import EXAMPLES, Question, ask
from app.db.session import Database
from app.domain import invariants, schedule
from app.domain.invariants import Invariant
from app.flows.installation import Installation

# What rows cannot show of a promise, and what shows it.
_ELSEWHERE = {
    Invariant.I1: "who was erased leaves no rows; goodbyes that race a sending: "
    "tests/faults/test_races.py",
    Invariant.I3: "what bytes went out earlier is known by their digest only: "
    "tests/flows/test_dispatch.py",
    Invariant.I6: "judged by the hours and zones of today, where the plan fits them: "
    "tests/domain/test_schedule.py",
    Invariant.I8: "which answer speaks of whom: tests/domain/test_answer.py",
    Invariant.I11: "that nothing is acknowledged before it is kept: tests/test_inbox.py",
    Invariant.I12: "what pages and the API show to whom: tests/web/test_learner.py, "
    "tests/web/test_admin_access.py",
}


class Audited(Protocol):
    """An installation as far as an audit looks at it."""

    @property
    def database(self) -> Database: ...
    @property
    def here(self) -> Installation: ...
    @property
    def clock(self) -> Callable[[], datetime]: ...


@dataclass(slots=True)
class Violation:
    """How many rows break a promise in one way, and the ids of the first of them. `subject` says of
    what kind they are: "delivery", "enrollment".
    """

    what: str
    subject: str
    count: int = 0
    ids: list[int] = field(default_factory=list)

    def add(self, number: int, count: int = 1) -> None:
        """One more row, or a group of which `number` is one."""
        self.count += count
        if len(self.ids) < EXAMPLES and number not in self.ids:
            self.ids.append(number)


@dataclass(frozen=True, slots=True)
class Finding:
    """How a promise stands. `unjudged` says why it could not be looked at here; `elsewhere` what
    rows cannot show, and which tests do.
    """

    promise: Invariant
    violations: Sequence[Violation]
    unjudged: str | None = None
    elsewhere: str | None = None

    @property
    def holds(self) -> bool | None:
        """True or False; None when it was not judged."""
        if self.violations:
            return False
        return None if self.unjudged else True


async def audit(parts: Audited) -> list[Finding]:
    """The twelve promises, in order, each with what breaks it at this moment."""
    halted = await _is_halted(parts.database)
    found: dict[Invariant, list[Violation]] = {each: [] for each in Invariant}
    for question in await _questions(parts, halted=halted):
        async with parts.database.reading() as session:
            answer = await ask(session, question)
        if answer.count:
            seen = Violation(question.what, question.subject, answer.count, list(answer.examples))
            found[question.promise].append(seen)
    for promise, seen in [
        (Invariant.I3, await _sent_again(parts.database)),
        (Invariant.I3, await _changed(parts.database)),
        (Invariant.I6, await _outside_hours(parts)),
    ]:
        if seen.count:
            found[promise].append(seen)
    unjudged = _unjudged(parts, halted=halted)
    return [
        Finding(each, found[each], unjudged.get(each), _ELSEWHERE.get(each)) for each in Invariant
    ]


def _unjudged(parts: Audited, *, halted: bool) -> dict[Invariant, str]:
    reasons = {}
    if parts.here.speed != 1:
        reasons[Invariant.I6] = f"lessons keep a clock that runs {parts.here.speed:g} times faster"
    if halted:
        reasons[Invariant.I7] = "sending is halted: what is due waits for a person's word"
    return reasons


async def _is_halted(database: Database) -> bool:
    async with database.reading() as session:
        row = await instance.instance(session)
    return bool(row and row.halted_at)


async def _questions(parts: Audited, *, halted: bool) -> list[Question]:
    async with parts.database.reading() as session:
        while_halted = await late_letters.while_halted(session)
    return [
        late_letters.after_goodbye(),
        *disorder.twice_wished(),
        attempted.tried_after_acceptance(),
        *disorder.before_their_turn(),
        late_letters.unconfirmed(),
        *(() if halted else forgotten.untaken(parts.clock())),
        forgotten.lost_learners(),
        forgotten.held_for_nothing(),
        disorder.baseless_suppressions(),
        late_letters.to_suppressed(),
        while_halted,
        *forgotten.lost_answers(),
        *forgotten.doubled_answers(),
        *forgotten.lost_mail(),
        *disorder.of_another(),
    ]


async def _sent_again(database: Database) -> Violation:
    """A worker that froze and came back may record what its silence was noted for: then there are
    more lines than claims, and nothing was sent twice.
    """
    seen = Violation("sent again after an unknown outcome, and nobody decided it", "delivery")
    async with database.reading() as session:
        async for letter in attempted.retried(session):
            if invariants.sent_again_unasked(letter.outcomes, letter.resends + _late(letter)):
                seen.add(letter.delivery_id)
    return seen


def _late(letter: Retried) -> int:
    return max(0, len(letter.outcomes) - letter.claims)


async def _changed(database: Database) -> Violation:
    seen = Violation("kept for the next try with other bytes than it first had", "delivery")
    async with database.reading() as session:
        async for number in attempted.changed_bytes(session):
            seen.add(number)
    return seen


async def _outside_hours(parts: Audited) -> Violation:
    """A lesson whose plan does not fit the hours of today was planned by others: its reader moved,
    or the course changed. It cannot be judged any more.
    """
    seen = Violation("a lesson tried outside its window", "delivery")
    if parts.here.speed != 1:
        return seen
    async with parts.database.reading() as session:
        windows = {each.id: each.window for each in await courses.all_courses(session)}
        async for group in attempted.leavings(session):
            window, zone = windows[group.course_id], schedule.zone(group.zone)
            planned_so = not invariants.outside_window(group.due, window, zone)
            if planned_so and invariants.outside_window(group.left, window, zone):
                seen.add(group.delivery_id, group.count)
    return seen
