"""The worker's steps for many deliveries at once: claim, look up, mark, accept, plan. One statement
per step and engine, rows handed over as one JSON text, no objects made.

Decides nothing: which rows may be marked is what the statement's conditions say, and those are the
same as `outbox.kept_back`. What does not come back from a statement did not happen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import Instant
from app.db.outbox import Claim
from app.domain.delivery import Priority, Reply

Values = Mapping[str, Any]

_CLAIM = """
UPDATE deliveries SET state = 'claimed', fence = fence + 1, lease_until = :lease
WHERE state IN ('planned', 'deferred') AND id IN (
    SELECT id FROM deliveries
    WHERE state IN ('planned', 'deferred') AND priority = :priority AND ready_at <= :now
    ORDER BY ready_at LIMIT :limit {skip})
RETURNING id, fence
"""
_READY = """
SELECT min(ready_at) AS first FROM deliveries
WHERE state IN ('planned', 'deferred') AND priority = :priority
"""
_DETAILS = """
SELECT d.id, d.fence, d.kind, d.intent, d.lesson_id, d.version_id, d.enrollment_id,
       d.planned_for, d.due_at, d.digest, d.written_at, e.zone, e.door, e.course_id,
       s.email, s.first_name,
       EXISTS (SELECT 1 FROM frozen_letters f WHERE f.delivery_id = d.id) AS is_frozen
FROM deliveries d
JOIN enrollments e ON e.id = d.enrollment_id
JOIN subscribers s ON s.id = e.subscriber_id
WHERE d.id IN (SELECT id FROM {rows}) AND d.state = 'claimed'
"""
# The enrollment's lock is held until the mark is committed: of a goodbye and a sending that meet,
# one comes first. SQLite has one writer, which is lock enough.
_MARK = """
WITH m AS MATERIALIZED (SELECT * FROM {rows}),
standing AS (
    SELECT e.id, e.standing, e.subscriber_id FROM enrollments e
    WHERE e.id IN (SELECT d.enrollment_id FROM deliveries d JOIN m ON m.id = d.id)
    ORDER BY e.id {share})
UPDATE deliveries SET state = 'in_data', digest = m.digest, message_id = m.message_id,
    version_id = COALESCE(deliveries.version_id, m.version_id), written_at = {written},
    first_tried_at = COALESCE(first_tried_at, :now)
FROM m, standing, subscribers s
WHERE deliveries.id = m.id AND deliveries.fence = m.fence AND deliveries.state = 'claimed'
  AND standing.id = deliveries.enrollment_id AND s.id = standing.subscriber_id
  AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.fingerprint = s.fingerprint)
  AND CASE WHEN deliveries.kind = 'answer' THEN true
           WHEN deliveries.kind <> 'lesson' THEN standing.standing <> 'left'
           WHEN deliveries.intent LIKE 'lesson:%:%'
               THEN standing.standing IN ('active', 'paused', 'finished')
           ELSE standing.standing IN ('active', 'finished') END
RETURNING deliveries.id
"""
_LOCK = """
SELECT e.id FROM enrollments e
WHERE e.id IN (SELECT d.enrollment_id FROM deliveries d JOIN {rows} ON m.id = d.id)
ORDER BY e.id {lock}
"""
_ACCEPT = """
WITH m AS MATERIALIZED (SELECT * FROM {rows})
UPDATE deliveries SET state = 'accepted', accepted_at = :now, attempts = attempts + 1,
    lease_until = NULL, reason = NULL
FROM m
WHERE deliveries.id = m.id AND deliveries.fence = m.fence
  AND deliveries.state IN ('in_data', 'unknown')
RETURNING deliveries.id, deliveries.kind, deliveries.intent, deliveries.enrollment_id,
    deliveries.remark_id, deliveries.attempts, deliveries.planned_for, deliveries.due_at,
    deliveries.written_at
"""
_ATTEMPTS = """
INSERT INTO attempts (delivery_id, number, at, outcome, phase, code, text)
SELECT m.id, m.number, :now, 'accepted', m.phase, m.code, m.said FROM {rows}
"""


_DIALECT = {
    "sqlite": {
        "skip": "",
        "share": "",
        "lock": "",
        "written": "replace(substr(m.written_at, 1, 26), 'T', ' ')",
    },
    "postgresql": {
        "skip": "FOR UPDATE SKIP LOCKED",
        "share": "FOR SHARE",
        "lock": "FOR UPDATE",
        "written": "m.written_at",
    },
}
_KINDS = {
    "digest": "text",
    "message_id": "text",
    "said": "text",
    "written_at": "timestamptz",
}
_PLANNED = {"planned_for": Instant, "due_at": Instant, "written_at": Instant}
_TYPES: dict[str, dict[str, Any]] = {_DETAILS: _PLANNED, _ACCEPT: _PLANNED}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A claim whose letter the relay has accepted, with its words."""

    claim: Claim
    reply: Reply


async def claim(
    session: AsyncSession, *, now: datetime, lease: timedelta, limit: int
) -> list[Claim]:
    """Take up to `limit` ready deliveries, the most urgent first; two claimers never take the same.

    Asked priority by priority, so that each question is a walk along the index from its beginning.
    """
    taken: list[Claim] = []
    for priority in Priority:
        if len(taken) < limit and await _is_ready(session, priority, now):
            values = {"lease": now + lease, "now": now, "priority": int(priority)}
            rows = await _run(session, _CLAIM, values | {"limit": limit - len(taken)})
            taken += [Claim(row.id, row.fence) for row in rows]
    return taken


async def details(session: AsyncSession, claims: Sequence[Claim]) -> Sequence[Row[Any]]:
    """What is needed to write the claimed letters, one row each."""
    return await _run(session, _DETAILS, {}, rows=[{"id": claim.delivery_id} for claim in claims])


async def mark_in_data(
    session: AsyncSession, letters: Sequence[Values], *, now: datetime
) -> frozenset[int]:
    """Commit (with the transaction) that these contents are about to go out.

    `letters` have id, fence, digest, message_id, version_id and written_at (ISO 8601, UTC, with
    microseconds). Returns the ids that may leave.
    """
    rows = await _run(session, _MARK, {"now": now}, rows=letters)
    return frozenset(row.id for row in rows)


async def accept(
    session: AsyncSession, accepted: Sequence[Accepted], *, now: datetime
) -> Sequence[Row[Any]]:
    """Record acceptances with their attempts; returns the rows that were still ours to record."""
    claims = [{"id": each.claim.delivery_id, "fence": each.claim.fence} for each in accepted]
    await _run(session, _LOCK, {}, rows=claims)
    done = await _run(session, _ACCEPT, {"now": now}, rows=claims)
    replies = {each.claim.delivery_id: each.reply for each in accepted}
    attempts = [
        {
            "id": row.id,
            "number": row.attempts,
            "phase": int(replies[row.id].phase),
            "code": replies[row.id].code,
            "said": replies[row.id].text[:512],
        }
        for row in done
    ]
    if attempts:
        await _run(session, _ATTEMPTS, {"now": now}, rows=attempts)
    return done


async def _is_ready(session: AsyncSession, priority: Priority, now: datetime) -> bool:
    """Asked by min(): a look at the first entry of the index, whatever the number of rows."""
    statement = text(_READY).columns(first=Instant)
    first = (await session.execute(statement, {"priority": int(priority)})).scalar()
    return first is not None and first <= now


async def _run(
    session: AsyncSession, sql: str, values: Values, *, rows: Sequence[Values] | None = None
) -> Sequence[Row[Any]]:
    """One statement in the dialect of the engine; `rows` become the table `m`."""
    engine = session.get_bind().dialect.name
    statement = text(sql.format(**_DIALECT[engine], rows=_table(engine, rows)))
    instants = [bindparam(name, type_=Instant) for name in ("now", "lease") if f":{name}" in sql]
    statement = statement.bindparams(*instants)
    given = dict(values) | ({"rows": json.dumps(list(rows))} if rows is not None else {})
    if "RETURNING" in sql or "SELECT" in sql.partition("INSERT")[0]:
        return (await session.execute(statement.columns(**_TYPES.get(sql, {})), given)).all()
    await session.execute(statement, given)
    return []


def _table(engine: str, rows: Sequence[Values] | None) -> str:
    """The rows of a JSON text as a table `m`; the names are those of this module's own calls."""
    if rows is None:
        return ""
    names = list(rows[0]) if rows else ["id"]
    if engine == "sqlite":
        columns = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in names)
        return f"(SELECT {columns} FROM json_each(:rows)) AS m"  # noqa: S608
    columns = ", ".join(f"{name} {_KINDS.get(name, 'bigint')}" for name in names)
    return f"json_to_recordset(CAST(:rows AS json)) AS m({columns})"
