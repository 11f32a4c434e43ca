"""Who may use the admin API, and what strangers and hostile requests get."""

from typing import Any

import httpx2
import pytest

from app.flows import grant
from app.main import create_app
from app.wiring import Parts
from tests.conftest import ADMIN
from tests.fakes import Clock

on_one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OPEN = {("POST", "/signup")}
HOSTILE = ["0", "-1", "9223372036854775808", "9" * 400, "one", "1e3", "%00", "1'--", "é", "½"]
NOBODY = 9223372036854775807


async def operations(client: httpx2.AsyncClient) -> list[tuple[str, str]]:
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    return [(method.upper(), path) for path, each in paths.items() for method in each]


def with_number(path: str, number: object) -> str:
    head, _, rest = path.partition("{")
    return f"{head}{number}{rest.partition('}')[2]}" if rest else path


async def test_no_route_but_the_sign_up_opens_without_a_token(client: httpx2.AsyncClient):
    asked = [each for each in await operations(client) if each not in OPEN]
    for method, path in asked:
        answer = await client.request(method, with_number(path, 1))
        assert (path, answer.status_code) == (path, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["type"] == "urn:feuilleton:unauthenticated"
    assert len(asked) > 40


async def test_what_is_no_living_token_opens_nothing(client: httpx2.AsyncClient):
    for header in (
        "",
        "Bearer",
        "Bearer ",
        f"Basic {ADMIN}",
        f"Bearer {ADMIN}x",
        "Bearer é",
        ADMIN,
    ):
        headers = {"Authorization": header.encode("latin-1")}
        answer = await client.get("/api/v1/courses", headers=headers)
        assert (header, answer.status_code) == (header, 401)


@on_one_engine
async def test_a_stranger_is_sent_away_before_the_body_is_read(client: httpx2.AsyncClient):
    answer = await client.post("/api/v1/tokens", content=b"{" * 1_000_000)
    assert answer.status_code == 401


@on_one_engine
async def test_without_an_admin_token_in_the_settings_the_empty_one_opens_nothing(parts: Parts):
    parts.admin_token = ""
    transport = httpx2.ASGITransport(app=create_app(parts))
    async with httpx2.AsyncClient(transport=transport, base_url="http://cours.test") as client:
        for header in ("Bearer ", "Bearer", ""):
            answer = await client.get("/api/v1/courses", headers={"Authorization": header})
            assert answer.status_code == 401


async def test_a_token_of_the_command_line_opens_until_it_is_revoked(
    parts: Parts, client: httpx2.AsyncClient, api: httpx2.AsyncClient
):
    async with parts.database.writing() as session:
        text = await grant.create_token(session, "statistiques", now=parts.clock())
    headers = {"Authorization": f"bearer {text}"}
    assert (await client.get("/api/v1/courses", headers=headers)).status_code == 200
    known = (await api.get("/api/v1/tokens")).json()["items"][0]
    assert (await api.delete(f"/api/v1/tokens/{known['id']}")).status_code == 204
    assert (await client.get("/api/v1/courses", headers=headers)).status_code == 401


async def test_a_token_is_shown_once_and_kept_as_a_digest(
    api: httpx2.AsyncClient, client: httpx2.AsyncClient
):
    made = (await api.post("/api/v1/tokens", json={"name": "statistiques"})).json()
    assert made["token"].startswith(f"feu_{made['prefix']}_")
    headers = {"Authorization": f"Bearer {made['token']}"}
    listed = await client.get("/api/v1/tokens", headers=headers)
    assert listed.json()["items"][0]["name"] == "statistiques"
    assert made["token"] not in listed.text


async def test_revoking_twice_is_as_good_as_once(api: httpx2.AsyncClient, clock: Clock):
    made = (await api.post("/api/v1/tokens", json={"name": "statistiques"})).json()
    once = await api.delete(f"/api/v1/tokens/{made['id']}")
    first = (await api.get(f"/api/v1/tokens/{made['id']}")).json()["revoked_at"]
    clock.advance(hours=1)
    twice = await api.delete(f"/api/v1/tokens/{made['id']}")
    assert (once.status_code, twice.status_code) == (204, 204)
    assert (await api.get(f"/api/v1/tokens/{made['id']}")).json()["revoked_at"] == first


async def test_hostile_numbers_are_refused_and_break_nothing(api: httpx2.AsyncClient):
    for method, path in await operations(api):
        if "{" not in path:
            continue
        for number in HOSTILE:
            answer = await api.request(method, with_number(path, number), json={})
            assert answer.status_code in (404, 415, 422), (path, number)
            assert answer.headers["content-type"] == "application/problem+json"


BODIES: dict[str, dict[str, Any]] = {
    "versions": dict.fromkeys(("title", "subject", "preheader", "question", "body"), "mots"),
    "answer": {"words": "mots"},
    "resend": {"lesson_id": NOBODY},
    "subscribers": {"first_name": "Camille"},
    "enrollments": {"timezone": "Europe/Paris"},
}


async def test_what_is_not_there_is_not_found(api: httpx2.AsyncClient):
    for method, path in await operations(api):
        if "{" not in path:
            continue
        words = path.rpartition("/")[2] if method == "POST" else path.split("/")[3]
        answer = await api.request(method, with_number(path, NOBODY), json=BODIES.get(words, {}))
        assert (path, answer.status_code) == (path, 404)


UNREADABLE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"words"',
    b"{}",
    b'{"first_name": 1}',
    b'{"first_name": null}',
    b'{"first_name": ["Camille"]}',
    b'{"first_name": "Camille", "email": "other@example.org"}',
    b'{"first_name": "\\ud800"}',
    b'{"first_name": "Camille", "\\ud800": 1}',
    b"[" * 100_000,
    b'{"first_name": ' + b"9" * 5000 + b"}",
    b'{"first_name": NaN}',
    b'{"first_name": "\xff"}',
]


@on_one_engine
async def test_a_body_that_cannot_be_used_is_a_problem(api: httpx2.AsyncClient):
    headers = {"Content-Type": "application/json"}
    for body in UNREADABLE:
        answer = await api.patch("/api/v1/subscribers/1", content=body, headers=headers)
        assert answer.status_code in (400, 422), body[:80]
        assert answer.headers["content-type"] == "application/problem+json"
        if answer.status_code == 422:
            assert answer.json()["errors"][0]["at"].startswith("body")


@on_one_engine
async def test_a_body_that_is_not_said_to_be_json_is_refused(api: httpx2.AsyncClient):
    for sent_as in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"Content-Type": sent_as}
        answer = await api.post("/api/v1/tokens", content=b'{"name": "x"}', headers=headers)
        assert answer.status_code == 415


@on_one_engine
async def test_a_body_beyond_the_limit_is_refused_as_too_large(api: httpx2.AsyncClient):
    async def endless() -> Any:
        for _ in range(11):
            yield b" " * 1_000_000

    headers = {"Content-Type": "application/json"}
    answer = await api.post("/api/v1/tokens", content=endless(), headers=headers)
    assert answer.status_code == 413


async def test_control_characters_are_refused_before_they_reach_the_database(
    api: httpx2.AsyncClient,
):
    for text in ("a\x00b", "\x00", "a\x1bb"):
        for path, body in (
            ("tokens", {"name": text}),
            ("subscribers", {"email": "camille@example.org", "course": text}),
            ("suppressions", {"email": text}),
            ("conversations/1/answer", {"words": text}),
        ):
            assert (await api.post(f"/api/v1/{path}", json=body)).status_code == 422
        for query in ({"email": text}, {"course_id": text}):
            assert (await api.get("/api/v1/subscribers", params=query)).status_code == 422


@on_one_engine
async def test_a_misspelt_filter_is_refused_by_name(api: httpx2.AsyncClient):
    answer = await api.get("/api/v1/deliveries?sate=held&limit=5")
    assert answer.status_code == 422
    assert [each["at"] for each in answer.json()["errors"]] == ["query.sate"]
