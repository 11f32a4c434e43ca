"""What tests are given: a migrated database on each engine, a relay that speaks SMTP, the doors."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import hypothesis
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from app import wiring
from app.config import Settings
from app.db import schema
from app.db.session import Database
from app.mail.templates import Templates
from app.main import create_app
from app.wiring import Parts, build, prepare
from tests.fakes import Clock, FakeRelay, running
from tests.postgres import fresh_database, running_postgres
from tests.town import Town

hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

KEY = "a-key-for-tests-that-is-long-enough"
ADMIN = "a-token-for-tests"


def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end while the test's own loop is running already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL of our own, started when the first test asks for it."""
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated and empty SQLite file, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "empty.db"

    async def make() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}")
        await schema.migrate(database)
        await database.close()

    _apart(make())
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> str:
    """The name of a migrated and empty database, the template of each test's own."""

    async def make() -> None:
        url = await fresh_database(postgres, "template_feuilleton")
        database = Database(url)
        await schema.migrate(database)
        await database.close()

    _apart(make())
    return "template_feuilleton"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url_in_sync(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database on each engine, for tests that start processes."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'faults.db'}"
    base, urls = request.getfixturevalue("postgres"), list[str]()

    async def make() -> None:
        urls.append(await fresh_database(base, f"f{uuid4().hex}"))

    _apart(make())
    return urls[0].replace("postgresql+asyncpg", "postgresql")


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A migrated, empty database of the test's own, on each engine."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "test.db")
        yield f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
        return
    base = request.getfixturevalue("postgres")
    template = request.getfixturevalue("migrated_postgres")
    name = f"t{uuid4().hex}"
    yield await fresh_database(base, name, template=template)
    engine = create_async_engine(base, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    await engine.dispose()


@pytest.fixture(scope="session")
def course_templates() -> Templates:
    """The letters, for tests that need no installation."""
    return wiring.course_templates()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def relay() -> AsyncIterator[FakeRelay]:
    async with running(FakeRelay()) as relay:
        yield relay


@pytest.fixture
def settings(database_url: str, relay: FakeRelay, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database_url=database_url,
        smtp_url=relay.url,
        base_url="http://cours.test",
        mail_domain="cours.test",
        secret_keys=KEY,
        admin_token=ADMIN,
        instance_file=tmp_path / "instance.json",
        author_name="Prénom Nom",
        postal_address="1 rue de l’Exemple, 75000 Paris",
    )


@pytest.fixture
async def parts(settings: Settings, clock: Clock) -> AsyncIterator[Parts]:
    """An installation with the course imported, as after its first start."""
    parts = build(settings, clock=clock, steady=clock.steady)
    await prepare(parts)
    yield parts
    await parts.database.close()


@pytest.fixture
def app(parts: Parts) -> FastAPI:
    return create_app(parts)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A visitor's browser, without JavaScript."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://cours.test") as client:
        yield client


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A program that holds the admin token."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://cours.test", headers=headers
    ) as client:
        yield client


@pytest.fixture
def town(parts: Parts, relay: FakeRelay, clock: Clock, client: httpx2.AsyncClient) -> Town:
    """People and their mailboxes: see tests/town.py."""
    return Town(parts, relay, clock, client)
