"""Whether the database has the tables that this program expects, and how it gets them.

The migrations are the same on both engines. A program never changes a schema on its own: a person
runs `feuilleton migrate` (the demo, which owns its database, does so itself).
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from app.db.session import Database
from app.domain.errors import DatabaseAhead, DatabaseBehind

_FOLDER = Path(__file__).resolve().parents[2] / "migrations"


async def migrate(database: Database) -> None:
    """Bring the schema to the newest revision; nothing to do is fine."""
    if database.is_sqlite and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True)
    async with database.engine.begin() as connection:
        await connection.run_sync(_upgrade)


async def require_current(database: Database) -> None:
    """Raises DatabaseBehind or DatabaseAhead unless schema and program belong together."""
    async with database.engine.connect() as connection:
        found = await connection.run_sync(_revision)
    script = ScriptDirectory(str(_FOLDER))
    if found == script.get_current_head():
        return
    known = {each.revision for each in script.walk_revisions()}
    raise DatabaseBehind if found is None or found in known else DatabaseAhead


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
