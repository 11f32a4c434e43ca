"""Runs the migrations, on SQLite and PostgreSQL alike. Decides nothing about when (app/db/schema.py
does).

`alembic` on the command line works too, for authors of migrations: it takes
FEUILLETON_DATABASE_URL.
"""

import asyncio
import os
from typing import Any

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import Connection

from app.db import (
    access,
    conversations,
    courses,
    deliveries,
    instance,
    people,
    queues,
    rulings,
)
from app.db.base import Base, Instant
from app.db.session import Database

TABLES = (access, conversations, courses, deliveries, instance, people, queues, rulings)


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Write column types into migrations without naming the application, which will change."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, sa.Enum):
        return f"sa.String(length={item.length})"
    return False


def run(connection: Connection) -> None:
    """Bring the schema behind `connection` to the newest revision (or compare it)."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect() -> None:
    """From the command line there is no connection yet."""
    database = Database(os.environ["FEUILLETON_DATABASE_URL"])
    async with database.engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await database.close()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(connect())
else:
    run(given)
