"""Questions of an audit: what is wrong, as rows that should not be there, counted with examples.

Set-based, so that millions of rows are read by the database alone and a handful of ids come back.
What each invariant asks stands in the modules beside; nothing here changes a row.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.db.base import Instant
from app.db.deliveries import Attempt, Delivery
from app.domain.delivery import LetterKind
from app.domain.invariants import AT_ONCE, LONGEST_HAND_OVER, Invariant

EXAMPLES = 20
is_original = and_(Delivery.kind == LetterKind.LESSON, Delivery.intent.not_like("lesson:%:%"))
# A sweep notes that a worker fell silent, at the time of the sweep; no server was spoken to then.
is_talk = or_(Attempt.hop.is_not(None), Attempt.code != 0)


@dataclass(frozen=True, slots=True)
class Question:
    """`ids` selects one column, the ids of rows of the kind `subject` that break a promise."""

    promise: Invariant
    what: str
    subject: str
    ids: Select[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """How many rows, and the ids of the first of them."""

    count: int
    examples: tuple[int, ...]


async def ask(session: AsyncSession, question: Question) -> Answer:
    """Count what breaks the promise; at most EXAMPLES ids."""
    found = question.ids.distinct().subquery()
    number = next(iter(found.c))
    asked = select(number, func.count().over()).order_by(number).limit(EXAMPLES)
    rows = (await session.execute(asked)).all()
    return Answer(rows[0][1] if rows else 0, tuple(row[0] for row in rows))


class later(FunctionElement[Any]):
    """An instant of a column and a span of seconds after it, on both engines."""

    type = Instant()
    inherit_cache = True

    def __init__(self, at: Any, span: timedelta) -> None:
        super().__init__(at, int(span.total_seconds()))


class minute(FunctionElement[Any]):
    """The full minute of an instant: text on SQLite (`2026-11-24 09:00`), else an instant."""

    inherit_cache = True


@compiles(later, "sqlite")
def _later_as_text(element: later, compiler: Any, **more: Any) -> str:
    at, seconds = (compiler.process(each, **more) for each in element.clauses)
    return f"strftime('%Y-%m-%d %H:%M:%f', {at}, '+' || {seconds} || ' seconds')"


@compiles(later)
def _later(element: later, compiler: Any, **more: Any) -> str:
    at, seconds = (compiler.process(each, **more) for each in element.clauses)
    return f"({at} + make_interval(secs => {seconds}))"


@compiles(minute, "sqlite")
def _minute_as_text(element: minute, compiler: Any, **more: Any) -> str:
    return f"substr({compiler.process(element.clauses, **more)}, 1, 16)"


@compiles(minute)
def _minute(element: minute, compiler: Any, **more: Any) -> str:
    return f"date_trunc('minute', {compiler.process(element.clauses, **more)})"


def begun_after(gone: Any, *, until: Any = None) -> ColumnElement[bool]:
    """A hand-over of the delivery in question began after the instant `gone`, and before `until`.

    A row says when its first hand-over began, of later ones only when they ended. The one that was
    under way may end later, within the patience of a conversation; a second one has begun later.
    """

    def within(at: Any, span: timedelta) -> ColumnElement[bool]:
        late: ColumnElement[bool] = at > later(gone, span)
        return late if until is None else and_(late, at < until)

    mine = select(func.count(Attempt.id)).where(Attempt.delivery_id == Delivery.id, is_talk)
    after = mine.where(within(Attempt.at, AT_ONCE)).correlate_except(Attempt).scalar_subquery()
    overdue = mine.where(within(Attempt.at, LONGEST_HAND_OVER)).correlate_except(Attempt)
    return or_(within(Delivery.first_tried_at, AT_ONCE), after > 1, overdue.scalar_subquery() > 0)
