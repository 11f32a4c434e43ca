"""Connections and transactions. Decides nothing about rows.

One request or one step of the worker is one transaction: it commits when the block ends and rolls
back when the block raises. SQLite has one writer, so a writing transaction takes the write lock at
its start (BEGIN IMMEDIATE): it waits its turn then, and never fails half-way. On both engines a
commit is on disk when it returns (SQLite: WAL with synchronous=FULL).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

CHANNEL = "feuilleton_ready"
_READY = "ready"
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=15000",
)


class Database:
    """The records of one installation.

    `on_ready` is called, in this process, after a commit that made a delivery ready to leave; on
    PostgreSQL the same commit also notifies the workers of other processes.
    """

    def __init__(self, url: str, *, on_ready: Callable[[], None] = lambda: None) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url) if self.is_sqlite else _postgresql(url)
        self._on_ready = on_ready

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that may change rows."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            if self.is_sqlite:
                await session.connection(execution_options={"begin_as": "BEGIN IMMEDIATE"})
            yield session
            ready = session.info.get(_READY, False)
            if ready and not self.is_sqlite:
                await session.flush()
                await session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
            await session.commit()
        if ready:
            self._on_ready()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A transaction that only looks; whatever it changed is rolled back."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session
            # What was loaded stays readable; a rollback would expire it.
            session.expunge_all()
            await session.rollback()

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def is_passing(fault: DBAPIError) -> bool:
    """Whether the same transaction may well succeed when it is tried again: the connection was
    lost, the database is away or busy, or two transactions stood in each other's way (class 40)."""
    clash = str(getattr(fault.orig, "sqlstate", "") or "").startswith("40")
    away = isinstance(fault, OperationalError | InterfaceError)
    return fault.connection_invalidated or away or clash


def ready(session: AsyncSession) -> None:
    """Note that this transaction makes a delivery ready; the worker is woken when it commits."""
    session.info[_READY] = True


def _postgresql(url: str) -> AsyncEngine:
    """Errors show no parameters, which are people's addresses and words."""
    return create_async_engine(url, pool_size=10, pool_pre_ping=True, hide_parameters=True)


def _sqlite(url: str) -> AsyncEngine:
    engine = create_async_engine(url, connect_args={"timeout": 15}, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(raw: Any, _record: Any) -> None:
        # The driver must leave BEGIN to us, or it opens deferred transactions behind our back.
        raw.isolation_level = None
        cursor = raw.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        begin_as = connection.get_execution_options().get("begin_as", "BEGIN")
        connection.exec_driver_sql(begin_as)

    return engine
