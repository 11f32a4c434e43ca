"""The schema: migrations up and down on both engines, and what a program says to a wrong one."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from app.db import schema
from app.db.base import Base
from app.db.session import Database
from app.domain.errors import DatabaseAhead, DatabaseBehind
from app.flows import grant
from tests.fakes import Clock

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@pytest.fixture
async def database(database_url: str):
    database = Database(database_url)
    yield database
    await database.close()


async def run(database: Database, act) -> object:
    async with database.engine.begin() as connection:
        return await connection.run_sync(act)


def downgraded(connection: Connection) -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.downgrade(config, "base")
    return inspect(connection).get_table_names()


def differences(connection: Connection) -> list[object]:
    return compare_metadata(MigrationContext.configure(connection), Base.metadata)


async def test_the_migrations_make_the_tables_that_the_program_knows(database: Database):
    assert await run(database, differences) == []


async def test_every_migration_can_be_taken_back_and_made_again(database: Database):
    assert await run(database, downgraded) == ["alembic_version"]
    await schema.migrate(database)
    assert await run(database, differences) == []


async def test_migrating_twice_is_as_good_as_once(database: Database):
    await schema.migrate(database)
    await schema.require_current(database)


async def test_a_database_that_is_behind_is_refused_with_the_command(database: Database):
    await run(database, downgraded)
    with pytest.raises(DatabaseBehind, match="feuilleton migrate"):
        await schema.require_current(database)


async def test_a_database_of_a_newer_program_is_refused(database: Database):
    await run(database, lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num='x'"))
    with pytest.raises(DatabaseAhead):
        await schema.require_current(database)


def test_migrations_are_one_line_and_named_by_their_date():
    script = ScriptDirectory(str(MIGRATIONS))
    assert len(script.get_heads()) == 1
    for path in (MIGRATIONS / "versions").glob("*.py"):
        assert path.name[:10].count("-") == 2
        assert path.name[15] == "_"


async def test_a_commit_on_sqlite_is_on_disk_when_it_returns(tmp_path: Path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    async with database.engine.connect() as connection:
        asked = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("synchronous", "journal_mode", "foreign_keys")
        ]
    await database.close()
    assert asked == [2, "wal", 1]


async def test_what_fails_is_rolled_back_whole(database: Database):
    async def interrupted() -> None:
        async with database.writing() as session:
            await grant.create_token(session, "x", now=Clock()())
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await interrupted()
    async with database.reading() as session:
        count = await session.execute(Base.metadata.tables["api_tokens"].select())
    assert count.all() == []
