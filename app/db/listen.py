"""Hears, on PostgreSQL, that another process committed a ready row. Looks at no row itself.

A notification is a convenience: when the connection is lost it is made again, and until then the
worker's tick finds what is due.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog

from app.db.session import CHANNEL, Database

_PAUSE = 5
log = structlog.get_logger()


async def listen(database: Database, on_ready: Callable[[], None]) -> None:
    """Call `on_ready` at every notification until cancelled; on SQLite there is none to hear."""
    if database.is_sqlite:
        await asyncio.Event().wait()
    while True:
        try:
            await _hear(database, on_ready)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
            log.warning("listening interrupted", fault=type(fault).__name__)
        await asyncio.sleep(_PAUSE)


async def _hear(database: Database, on_ready: Callable[[], None]) -> None:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    lost = asyncio.Event()

    def heard(*_: Any) -> None:
        on_ready()

    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, heard)
        on_ready()
        await lost.wait()
    finally:
        await connection.close(timeout=2)
