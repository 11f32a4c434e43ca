"""The API description keeps what it promises: examples that fit, refusals that are named, and no
request, however strange, that breaks a route (schemathesis).
"""

import asyncio
import shutil
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from app.config import Settings
from app.main import create_app
from app.wiring import build, prepare
from tests.conftest import ADMIN, KEY
from tests.fakes import Clock, FakeRelay, running
from tests.town import Town

Bodies = Iterator[tuple[str, dict[str, Any]]]


@schemathesis.serializer("message/rfc822")
def _mail(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def apart(work: Coroutine[Any, Any, None]) -> None:
    """Schemathesis has a loop of its own, in a thread; what comes before and after has another."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def settings_of(folder: Path, **more: Any) -> Settings:
    return Settings(
        _env_file=None,
        database_url=f"sqlite+aiosqlite:///{folder / 'described.db'}",
        mail_domain="cours.test",
        secret_keys=KEY,
        admin_token=ADMIN,
        **more,
    )


@pytest.fixture
def inhabited(migrated_sqlite: Path, tmp_path: Path) -> Iterator[FastAPI]:
    """An installation with a learner, a reply and a letter to be sent."""
    shutil.copy(migrated_sqlite, tmp_path / "described.db")

    async def seed() -> None:
        async with running(FakeRelay()) as relay:
            parts = build(settings_of(tmp_path, smtp_url=relay.url), clock=(clock := Clock()))
            await prepare(parts)
            transport = httpx2.ASGITransport(app=create_app(parts))
            async with httpx2.AsyncClient(transport=transport, base_url="http://c.test") as client:
                await people_write(Town(parts, relay, clock, client))
            await parts.database.close()

    apart(seed())
    parts = build(settings_of(tmp_path))
    yield create_app(parts)
    apart(parts.database.close())


async def people_write(town: Town) -> None:
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[-1], "Et si c’est petit ?"))
    await town.signs_up("ada@example.fr", "Ada")


def test_no_request_that_the_description_suggests_breaks_a_route(inhabited: FastAPI):
    description = schemathesis.openapi.from_asgi("/api/v1/openapi.json", inhabited)
    tried = 0
    for found in description.get_all_operations():
        operation = found.ok()
        ours = {each.name: 1 for each in operation.path_parameters}
        for mode, names in ((GenerationMode.POSITIVE, ours), (GenerationMode.NEGATIVE, {})):
            cases = operation.as_strategy(generation_mode=mode, path_parameters=names)
            tried += hold(cases)
    assert tried > 500


def hold(cases: Any) -> int:
    """Send what is drawn; each answer is a documented one, of its documented shape, and no 5xx."""
    sent = 0

    @settings(
        max_examples=7,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: schemathesis.Case) -> None:
        nonlocal sent
        sent += 1
        # A schema cannot say what a state, a zone or a cursor allows: a refusal is no fault here.
        # And there are no bytes that cannot be kept as a mail.
        raw = [negative_data_rejection] if case.media_type == "message/rfc822" else []
        case.call_and_validate(
            headers={"Authorization": f"Bearer {ADMIN}"},
            excluded_checks=[positive_data_acceptance, *raw],
        )

    send()
    return sent


@pytest.fixture
async def document(api: httpx2.AsyncClient) -> dict[str, Any]:
    return (await api.get("/api/v1/openapi.json")).json()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, each in document["paths"].items()
        for method, operation in each.items()
    ]


def bodies(operation: dict[str, Any]) -> Bodies:
    """Each body of an operation, requests and answers, as (media type, what is said of it)."""
    yield from operation.get("requestBody", {}).get("content", {}).items()
    for answer in operation["responses"].values():
        yield from answer.get("content", {}).items()


on_one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_one_engine
async def test_every_body_has_an_example_that_fits_its_schema(document: dict[str, Any]):
    components = {"components": document["components"]}
    for name, operation in operations(document):
        for media_type, body in bodies(operation):
            schema = body["schema"]
            reference = schema.get("$ref", "").rpartition("/")[2]
            shown = components["components"]["schemas"].get(reference, schema)
            examples = [body["example"]] if "example" in body else shown.get("examples", [])
            assert examples, (name, media_type)
            for example in examples:
                jsonschema_rs.validate(schema | components, example)


@on_one_engine
async def test_every_operation_says_what_it_does_and_how_it_refuses(document: dict[str, Any]):
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        refusals = {status for status in operation["responses"] if status >= "4"}
        problems = [operation["responses"][status]["content"] for status in refusals]
        assert "422" in refusals
        assert all("application/problem+json" in each for each in problems)
        if "/api/v1/" in name:
            assert operation["tags"]
            assert operation["security"] == [{"bearer": []}]
            assert "401" in refusals


@on_one_engine
async def test_the_description_names_the_resources_and_the_open_sign_up(document: dict[str, Any]):
    below = {path.split("/")[3] for path in document["paths"] if path.startswith("/api/v1/")}
    wanted = "courses lessons versions subscribers enrollments deliveries conversations remarks"
    assert below == {*wanted.split(), "incoming", "queues", "sending", "suppressions", "tokens"}
    assert "security" not in document["paths"]["/signup"]["post"]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


@on_one_engine
async def test_every_post_takes_an_idempotency_key(document: dict[str, Any]):
    for name, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("Idempotency-Key" in names) == name.startswith("post /api/v1/"), name
