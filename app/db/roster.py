"""Many learners at once, as plain rows: how they stand, what they received, what they get next.

For the worker, which plans the next lesson of a whole group in one transaction. Decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.deliveries import Delivery
from app.db.people import Enrollment
from app.domain.delivery import LetterKind, State
from app.domain.enrollment import Standing


@dataclass(frozen=True, slots=True)
class Learner:
    """What planning needs to know of an enrollment."""

    id: int
    course_id: int
    standing: Standing
    zone: str


@dataclass(frozen=True, slots=True)
class LessonSoFar:
    """A lesson of an enrollment, whatever became of it."""

    enrollment_id: int
    lesson_id: int
    state: State
    reason: str | None


async def learners(session: AsyncSession, enrollment_ids: Sequence[int]) -> list[Learner]:
    """How these enrollments stand."""
    columns = Enrollment.id, Enrollment.course_id, Enrollment.standing, Enrollment.zone
    rows = await session.execute(select(*columns).where(Enrollment.id.in_(enrollment_ids)))
    return [Learner(*row) for row in rows]


async def lessons_so_far(session: AsyncSession, enrollment_ids: Sequence[int]) -> list[LessonSoFar]:
    """The lessons of these enrollments; copies do not count."""
    columns = Delivery.enrollment_id, Delivery.lesson_id, Delivery.state, Delivery.reason
    asked = select(*columns).where(
        Delivery.enrollment_id.in_(enrollment_ids),
        Delivery.kind == LetterKind.LESSON,
        Delivery.intent.not_like("lesson:%:%"),
    )
    return [
        LessonSoFar(row[0], row[1] or 0, row[2], row[3]) for row in await session.execute(asked)
    ]


async def plan(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Add these deliveries."""
    if rows:
        await (await session.connection()).execute(insert(Delivery), rows)


async def finish(session: AsyncSession, enrollment_ids: Sequence[int], *, now: datetime) -> None:
    """These enrollments have received everything."""
    if enrollment_ids:
        await session.execute(
            update(Enrollment)
            .where(Enrollment.id.in_(enrollment_ids), Enrollment.standing == Standing.ACTIVE)
            .values(standing=Standing.FINISHED, finished_at=now)
            .execution_options(synchronize_session=False)
        )
