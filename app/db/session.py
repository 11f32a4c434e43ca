"""Connections and transactions. Decides nothing about rows.

One request or one step of the worker is one transaction: it commits when the block ends and rolls
back when the block raises. SQLite has one writer, so a writing transaction takes the write lock at
its start (BEGIN IMMEDIATE): it waits its turn then, and never fails half-way. On both engines a
commit is on disk when it returns (SQLite: WAL with synchronous=FULL).
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any, cast

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app.db.pen import Pen
from app.db.pen_postgresql import PostgresqlPen
from app.db.pen_sqlite import SqlitePen

CHANNEL = "feuilleton_ready"
_READY = "ready"
_PASSING_ON_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
)
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
        # SQLite has one writer. Waiting for it in line is fair; SQLite's own waiting is not.
        self._turn = asyncio.Lock() if self.is_sqlite else nullcontext()
        self.pen: Pen = (
            SqlitePen(self.url.database or "", cast(asyncio.Lock, self._turn))
            if self.is_sqlite
            else PostgresqlPen(self.url)
        )

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that may change rows."""
        async with self._turn, AsyncSession(self.engine, expire_on_commit=False) as session:
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
        await self.pen.close()
        await self.engine.dispose()


def is_passing(fault: BaseException) -> bool:
    """Whether the same transaction may well succeed when it is tried again: the connection was
    lost, the database is away, busy or full, or two transactions stood in each other's way (class
    40). For faults of SQLAlchemy and of the drivers below it.
    """
    if isinstance(fault, DBAPIError):
        away = fault.connection_invalidated or isinstance(fault, OperationalError | InterfaceError)
        return away or _is_clash(fault.orig)
    if isinstance(fault, sqlite3.OperationalError):
        return fault.sqlite_errorcode & 0xFF in _PASSING_ON_SQLITE
    # The driver's word for a value that it cannot write is an InterfaceError too.
    is_away = isinstance(fault, _AWAY) and not isinstance(fault, ValueError)
    return is_away or _is_clash(fault)


def _is_clash(fault: BaseException | None) -> bool:
    """Serialization failures and deadlocks (40), want of room (53), a server going down (57), a
    transaction that idled for so long that the server ended it (25P03).
    """
    state = str(getattr(fault, "sqlstate", "") or "")
    return state[:2] in ("40", "53", "57") or state == "25P03"


def ready(session: AsyncSession) -> None:
    """Note that this transaction makes a delivery ready; the worker is woken when it commits."""
    session.info[_READY] = True


def _postgresql(url: str) -> AsyncEngine:
    """Errors show no parameters, which are people's addresses and words."""
    return create_async_engine(
        url,
        pool_size=10,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"server_settings": {"idle_in_transaction_session_timeout": "10000"}},
    )


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
