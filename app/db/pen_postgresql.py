"""The worker's steps on PostgreSQL: rows go in as arrays, on connections of their own.

These connections are told to walk along indexes: each statement here touches a few hundred rows by
their keys, and a planner that has just seen a small or a fresh table would rather read it whole.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import URL

from app.db.outbox import Claim
from app.db.pen import Accepted, Due, Learner, LessonSoFar, Mark, Planned, Recorded
from app.domain.delivery import Priority
from app.domain.restore import Life

_PLANNER = dict.fromkeys(
    ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan"), "off"
)
# A worker that was stopped in mid-transaction must not keep the others waiting for its rows.
_SETTINGS = _PLANNER | {"idle_in_transaction_session_timeout": "10000"}
_READY = """
SELECT min(ready_at) FROM deliveries WHERE state IN ('planned', 'deferred') AND priority = $1
"""
_CLAIM = """
UPDATE deliveries SET state = 'claimed', fence = fence + 1, lease_until = $2
WHERE state IN ('planned', 'deferred') AND id = ANY(ARRAY(
    SELECT id FROM deliveries
    WHERE state IN ('planned', 'deferred') AND priority = $3 AND ready_at <= $1
        AND ($5::text IS NULL OR EXISTS (SELECT 1 FROM instance
             WHERE halted_at IS NULL AND name = $5 AND epoch >= $6))
    ORDER BY ready_at LIMIT $4 FOR UPDATE SKIP LOCKED))
RETURNING id, fence
"""
_DETAILS = """
SELECT d.id, d.fence, d.kind, d.intent, d.lesson_id, d.version_id, d.enrollment_id,
       d.planned_for, d.due_at, d.digest, d.written_at, e.zone, e.door, e.course_id,
       s.email, s.first_name,
       EXISTS (SELECT 1 FROM frozen_letters f WHERE f.delivery_id = d.id)
FROM unnest($1::bigint[]) WITH ORDINALITY AS m(id, place)
JOIN deliveries d ON d.id = m.id
JOIN enrollments e ON e.id = d.enrollment_id
JOIN subscribers s ON s.id = e.subscriber_id
WHERE d.state || '' = 'claimed' ORDER BY m.place
"""
_LEARNERS = """
WITH locked AS MATERIALIZED (
    SELECT e.id, e.course_id, e.standing, e.zone FROM enrollments e
    WHERE e.id = ANY($1::bigint[]) ORDER BY e.id FOR NO KEY UPDATE)
SELECT e.id, e.course_id, e.standing, e.zone,
       (SELECT json_agg(json_build_array(d.lesson_id, d.state, d.reason)) FROM deliveries d
        WHERE d.enrollment_id = e.id AND d.kind = 'lesson' AND d.intent NOT LIKE 'lesson:%:%')
FROM locked e WHERE e.id = ANY($2::bigint[])
"""
# The comparison with an expression keeps the planner on the primary key: the partial index of what
# is in flight looks small to it, and holds every letter of the last minutes.
_ACCEPT = """
WITH done AS (
    UPDATE deliveries d SET state = 'accepted', accepted_at = $8, attempts = attempts + 1,
        lease_until = NULL, reason = NULL
    FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[], $5::text[], $6::int[])
        AS m(id, fence, phase, code, said, hop)
    WHERE d.id = m.id AND d.fence = m.fence AND d.state || '' IN ('in_data', 'unknown')
    RETURNING d.id, d.lesson_id, d.enrollment_id, d.planned_for, d.due_at, d.attempts,
        m.phase, m.code, m.said, m.hop),
tried AS (
    INSERT INTO attempts (delivery_id, number, at, outcome, phase, code, text, hop)
    SELECT id, attempts, $8, 'accepted', phase, code, said, ($7::text[])[hop] FROM done)
SELECT id, lesson_id, enrollment_id, planned_for, due_at FROM done
"""
_PLAN = """
INSERT INTO deliveries (enrollment_id, kind, intent, priority, state, reason, lesson_id,
    planned_for, planned_day, due_at, ready_at, attempts, fence, created_at)
SELECT m.enrollment_id, 'lesson', m.intent, $9, m.state, m.reason, m.lesson_id,
    m.planned_for, m.planned_day, m.due_at, m.due_at, 0, 0, $10
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[],
    $7::date[], $8::timestamptz[])
    AS m(enrollment_id, intent, lesson_id, state, reason, planned_for, planned_day, due_at)
"""
_FINISH = """
UPDATE enrollments SET standing = 'finished', finished_at = $2
WHERE id = ANY($1::bigint[]) AND standing = 'active'
"""
_MARK = """
UPDATE deliveries d SET state = 'in_data', digest = m.digest, message_id = m.message_id,
    version_id = m.version_id, written_at = m.written_at,
    first_tried_at = COALESCE(d.first_tried_at, $8)
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[],
    $7::timestamptz[]) AS m(id, fence, enrollment_id, digest, message_id, version_id, written_at)
JOIN enrollments e ON e.id = m.enrollment_id
JOIN subscribers s ON s.id = e.subscriber_id
WHERE d.id = m.id AND d.fence = m.fence AND d.state || '' IN ('claimed', 'in_data')
  AND NOT EXISTS (SELECT 1 FROM suppressions x
                  WHERE x.fingerprint = s.fingerprint AND x.doubted_at IS NULL)
  AND CASE WHEN d.kind = 'answer' THEN true
           WHEN d.kind <> 'lesson' THEN e.standing <> 'left'
           WHEN d.intent LIKE 'lesson:%:%' THEN e.standing IN ('active', 'paused', 'finished')
           ELSE e.standing IN ('active', 'finished') END
RETURNING d.id
"""


class PostgresqlHand:
    """One transaction on one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def learners(
        self, enrollment_ids: Sequence[int], *, also_lock: Sequence[int] = ()
    ) -> list[Learner]:
        locked = [*enrollment_ids, *also_lock]
        rows = await self._connection.fetch(_LEARNERS, locked, enrollment_ids)
        return [
            Learner(number, course, standing, zone, _lessons(lessons))
            for number, course, standing, zone, lessons in rows
        ]

    async def accept(self, accepted: Sequence[Accepted], *, now: datetime) -> list[Recorded]:
        ids, fences, _, phases, codes, said, hops = zip(*accepted, strict=True)
        known = list(dict.fromkeys(hops))
        places = [known.index(hop) + 1 for hop in hops]
        rows = await self._connection.fetch(
            _ACCEPT, ids, fences, phases, codes, said, places, known, now
        )
        return [Recorded(*row) for row in rows]

    async def plan(self, planned: Sequence[Planned], *, now: datetime) -> None:
        columns = zip(*planned, strict=True)
        await self._connection.execute(_PLAN, *columns, int(Priority.LESSON), now)

    async def finish(self, enrollment_ids: Sequence[int], *, now: datetime) -> None:
        await self._connection.execute(_FINISH, enrollment_ids, now)

    async def mark(self, marks: Sequence[Mark], *, now: datetime) -> set[int]:
        rows = await self._connection.fetch(_MARK, *zip(*marks, strict=True), now)
        return {row[0] for row in rows}


class PostgresqlPen:
    """Connections that only the worker's hot path uses; opened when first needed."""

    def __init__(self, url: URL) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._pool: Any = None

    @asynccontextmanager
    async def hand(self) -> AsyncIterator[PostgresqlHand]:
        async with self._connection() as connection, connection.transaction():
            yield PostgresqlHand(connection)

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
        async with self._connection() as connection:
            for priority in Priority:
                if len(taken) >= limit or (urgent and priority is Priority.LESSON):
                    break
                # Asked by min(): a look at the first entry of the index, however many rows.
                first = await connection.fetchval(_READY, int(priority))
                if first is None or first > now:
                    continue
                left = limit - len(taken)
                values = now, lease_until, int(priority), left, *known
                rows = await connection.fetch(_CLAIM, *values)
                taken += [Claim(*row) for row in rows]
        return taken

    async def details(self, claims: Sequence[Claim]) -> list[Due]:
        async with self._connection() as connection:
            rows = await connection.fetch(_DETAILS, [claim.delivery_id for claim in claims])
        return [Due(*row) for row in rows]

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self._dsn, min_size=0, max_size=4, server_settings=_SETTINGS
            )
        async with self._pool.acquire() as connection:
            yield connection


def _lessons(listed: str | None) -> list[LessonSoFar]:
    return [LessonSoFar(*each) for each in json.loads(listed or "[]")]
