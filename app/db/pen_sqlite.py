"""The worker's steps on SQLite: a connection and a thread of their own, rows as one JSON text.

The thread gives up the interpreter's lock for each row that a statement returns, and on a busy loop
gets it back only milliseconds later: hence every question here answers with a single row.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from app.db.outbox import Claim
from app.db.pen import Accepted, Due, Learner, LessonSoFar, Mark, Planned, Recorded
from app.domain.delivery import Priority
from app.domain.restore import Life

_READY = """
SELECT min(ready_at) FROM deliveries WHERE state IN ('planned', 'deferred') AND priority = ?
"""
_READY_ONES = """
SELECT json_group_array(id) FROM (SELECT id FROM deliveries
WHERE state IN ('planned', 'deferred') AND priority = ?1 AND ready_at <= ?2
    AND (?4 IS NULL OR EXISTS (SELECT 1 FROM instance
         WHERE halted_at IS NULL AND name = ?4 AND epoch >= ?5))
ORDER BY ready_at LIMIT ?3)
"""
_CLAIM = """
UPDATE deliveries SET state = 'claimed', fence = fence + 1, lease_until = ?
WHERE id IN (SELECT value FROM json_each(?)) AND state IN ('planned', 'deferred')
"""
_CLAIMED = """
SELECT json_group_array(json_array(d.id, d.fence))
FROM (SELECT value FROM json_each(?)) AS m CROSS JOIN deliveries d ON d.id = m.value
WHERE d.state = 'claimed'
"""
_DETAILS = """
SELECT json_group_array(json_array(d.id, d.fence, d.kind, d.intent, d.lesson_id, d.version_id,
    d.enrollment_id, d.planned_for, d.due_at, d.digest, d.written_at, e.zone, e.door, e.course_id,
    s.email, s.first_name, EXISTS (SELECT 1 FROM frozen_letters f WHERE f.delivery_id = d.id)))
FROM json_each(?) AS m
CROSS JOIN deliveries d ON d.id = m.value
CROSS JOIN enrollments e ON e.id = d.enrollment_id
CROSS JOIN subscribers s ON s.id = e.subscriber_id
WHERE d.state = 'claimed'
"""
_LEARNERS = """
SELECT json_group_array(json_array(e.id, e.course_id, e.standing, e.zone,
    json((SELECT json_group_array(json_array(d.lesson_id, d.state, d.reason)) FROM deliveries d
          WHERE d.enrollment_id = e.id AND d.kind = 'lesson'
            AND d.intent NOT LIKE 'lesson:%:%'))))
FROM json_each(?) AS m CROSS JOIN enrollments e ON e.id = m.value
"""
_OURS = """
SELECT json_group_array(json_array(d.id, d.lesson_id, d.enrollment_id, d.planned_for, d.due_at))
FROM json_each(?) AS m CROSS JOIN deliveries d ON d.id = json_extract(m.value, '$[0]')
WHERE d.fence = json_extract(m.value, '$[1]') AND d.state IN ('in_data', 'unknown')
"""
_ACCEPT = """
UPDATE deliveries SET state = 'accepted', accepted_at = ?, attempts = attempts + 1,
    lease_until = NULL, reason = NULL
WHERE id IN (SELECT value FROM json_each(?))
"""
_ATTEMPTS = """
INSERT INTO attempts (delivery_id, number, at, outcome, phase, code, text, hop)
SELECT d.id, d.attempts, ?, 'accepted', json_extract(m.value, '$[3]'),
    json_extract(m.value, '$[4]'), json_extract(m.value, '$[5]'), json_extract(m.value, '$[6]')
FROM json_each(?) AS m CROSS JOIN deliveries d ON d.id = json_extract(m.value, '$[0]')
"""
_PLAN = """
INSERT INTO deliveries (enrollment_id, kind, intent, priority, state, reason, lesson_id,
    planned_for, planned_day, due_at, ready_at, attempts, fence, created_at)
SELECT json_extract(value, '$[0]'), 'lesson', json_extract(value, '$[1]'), ?2,
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[2]'),
    json_extract(value, '$[5]'), json_extract(value, '$[6]'), json_extract(value, '$[7]'),
    json_extract(value, '$[7]'), 0, 0, ?3
FROM json_each(?1)
"""
_FINISH = """
UPDATE enrollments SET standing = 'finished', finished_at = ?
WHERE id IN (SELECT value FROM json_each(?)) AND standing = 'active'
"""
_MAY_LEAVE = """
SELECT json_group_array(d.id)
FROM json_each(?) AS m
CROSS JOIN deliveries d ON d.id = json_extract(m.value, '$[0]')
CROSS JOIN enrollments e ON e.id = d.enrollment_id
CROSS JOIN subscribers s ON s.id = e.subscriber_id
WHERE d.fence = json_extract(m.value, '$[1]') AND d.state IN ('claimed', 'in_data')
  AND NOT EXISTS (SELECT 1 FROM suppressions x
                  WHERE x.fingerprint = s.fingerprint AND x.doubted_at IS NULL)
  AND CASE WHEN d.kind = 'answer' THEN true
           WHEN d.kind <> 'lesson' THEN e.standing <> 'left'
           WHEN d.intent LIKE 'lesson:%:%' THEN e.standing IN ('active', 'paused', 'finished')
           ELSE e.standing IN ('active', 'finished') END
"""
_MARK = """
UPDATE deliveries SET state = 'in_data', digest = m.digest, message_id = m.message_id,
    version_id = m.version_id, written_at = m.written_at,
    first_tried_at = COALESCE(first_tried_at, ?2)
FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[3]') AS digest,
             json_extract(value, '$[4]') AS message_id, json_extract(value, '$[5]') AS version_id,
             json_extract(value, '$[6]') AS written_at FROM json_each(?1)) AS m
WHERE deliveries.id = m.id
"""
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)


class SqliteHand:
    """One transaction; the only one that writes, since SQLite has one writer."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run

    async def learners(
        self, enrollment_ids: Sequence[int], *, also_lock: Sequence[int] = ()
    ) -> list[Learner]:
        # The one writer needs no locks.
        if not enrollment_ids:
            return []
        rows = await self._run(_LEARNERS, json.dumps(enrollment_ids))
        return [
            Learner(number, course, standing, zone, [LessonSoFar(*each) for each in lessons])
            for number, course, standing, zone, lessons in rows
        ]

    async def accept(self, accepted: Sequence[Accepted], *, now: datetime) -> list[Recorded]:
        ours = await self._run(_OURS, json.dumps(accepted))
        ids = {row[0] for row in ours}
        await self._run(_ACCEPT, _text(now), json.dumps(list(ids)))
        tried = json.dumps([each for each in accepted if each.id in ids])
        await self._run(_ATTEMPTS, _text(now), tried)
        return [
            Recorded(number, lesson, enrollment, _instant(planned_for), _instant(due_at))
            for number, lesson, enrollment, planned_for, due_at in ours
        ]

    async def plan(self, planned: Sequence[Planned], *, now: datetime) -> None:
        rows = json.dumps(planned, default=_text)
        await self._run(_PLAN, rows, int(Priority.LESSON), _text(now))

    async def finish(self, enrollment_ids: Sequence[int], *, now: datetime) -> None:
        await self._run(_FINISH, _text(now), json.dumps(enrollment_ids))

    async def mark(self, marks: Sequence[Mark], *, now: datetime) -> set[int]:
        wished = json.dumps([(mark.id, mark.fence) for mark in marks])
        may = set(await self._run(_MAY_LEAVE, wished))
        if may:
            rows = json.dumps([mark for mark in marks if mark.id in may], default=_text)
            await self._run(_MARK, rows, _text(now))
        return may


class SqlitePen:
    """The connection that only the worker's hot path uses; opened when first needed.

    `turn` is the lock of all writers of this process: whoever wants to write waits in line, not
    in SQLite's own waiting, which knows no line.
    """

    def __init__(self, path: str, turn: asyncio.Lock) -> None:
        self._path, self._turn = path, turn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pen")
        self._connection: sqlite3.Connection | None = None

    @asynccontextmanager
    async def hand(self) -> AsyncIterator[SqliteHand]:
        async with self._turn:
            await self._run("BEGIN IMMEDIATE")
            try:
                yield SqliteHand(self._run)
                await self._run("COMMIT")
            except BaseException:
                await asyncio.shield(self._in_thread(self._roll_back))
                raise

    async def claim(
        self,
        *,
        now: datetime,
        lease_until: datetime,
        limit: int,
        urgent: bool = False,
        life: Life | None = None,
    ) -> list[Claim]:
        known = (life.name, life.epoch) if life else (None, None)
        taken: list[Claim] = []
        for priority in Priority:
            if len(taken) >= limit or (urgent and priority is Priority.LESSON):
                break
            # Asked by min(): a look at the first entry of the index, however many rows.
            first = await self._run(_READY, int(priority))
            if first and first <= _text(now):
                asked = int(priority), _text(now), limit - len(taken), *known
                taken += await self._claim(lease_until, asked)
        return taken

    async def details(self, claims: Sequence[Claim]) -> list[Due]:
        ids = json.dumps([claim.delivery_id for claim in claims])
        return [_due(row) for row in await self._run(_DETAILS, ids)]

    async def close(self) -> None:
        if self._connection is not None:
            await self._in_thread(self._connection.close)
            self._connection = None
        self._thread.shutdown(wait=False)

    async def _claim(self, lease_until: datetime, asked: Sequence[Any]) -> list[Claim]:
        async with self.hand():
            ids = json.dumps(await self._run(_READY_ONES, *asked))
            await self._run(_CLAIM, _text(lease_until), ids)
            return [Claim(*row) for row in await self._run(_CLAIMED, ids)]

    async def _run(self, sql: str, *values: Any) -> Any:
        """The single value that a statement answers with (read as JSON where it is a list)."""
        answer = await self._in_thread(self._ask, sql, values)
        is_list = isinstance(answer, str) and answer.startswith("[")
        return json.loads(answer) if is_list else answer

    def _in_thread(self, act: Callable[..., Any], *values: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._thread, act, *values)

    def _roll_back(self) -> None:
        """Also after a commit that failed for want of room: the transaction is still open then."""
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _ask(self, sql: str, values: Sequence[Any]) -> Any:
        if self._connection is None:
            fresh = sqlite3.connect(
                self._path, timeout=15, isolation_level=None, check_same_thread=False
            )
            for pragma in _PRAGMAS:
                fresh.execute(pragma)
            self._connection = fresh
        row = self._connection.execute(sql, values).fetchone()
        return row[0] if row else None


def _text(at: Any) -> str:
    """An instant as SQLAlchemy keeps it in SQLite, or a day."""
    if isinstance(at, datetime):
        return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return str(at)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _due(row: list[Any]) -> Due:
    row[7], row[8] = _instant(row[7]), _instant(row[8])
    row[10] = row[10] and _instant(row[10])
    row[16] = bool(row[16])
    return Due(*row)
