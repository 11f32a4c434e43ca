"""Nobody sits at the desk unasked, and nobody acts there from another site."""

import re
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx2 import AsyncClient

from app.config import Settings
from app.domain import token
from app.domain.token import Purpose
from app.flows import grant
from app.main import create_app
from app.wiring import Parts, build
from tests.conftest import ADMIN
from tests.fakes import Clock
from tests.town import Town
from tests.web.browsing import Author, at_the_desk, everything, forms

CLOSE = "/desk/conversations/1/close"


def doors(app: FastAPI, method: str) -> list[str]:
    """The paths of the desk that answer to `method`, with 1 for every number."""
    routes = [context.route for context in iter_route_contexts(app.routes)]
    paths = [
        route.path for route in routes if isinstance(route, APIRoute) and method in route.methods
    ]
    desk = [path for path in paths if path.startswith("/desk") and "/enter" not in path]
    return [re.sub(r"\{\w+\}", "1", path.replace("{slug}", "mensonges")) for path in desk]


@pytest.fixture
async def asked(town: Town) -> Town:
    """A town where Camille waits for an answer in conversation 1."""
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[-1], "Qui, moi ?"))
    return town


async def test_no_page_of_the_desk_opens_without_a_session(client: AsyncClient, app: FastAPI):
    pages = doors(app, "GET")
    assert len(pages) == 14
    for path in pages:
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/enter"), path


async def test_no_deed_of_the_desk_is_done_without_a_session(
    asked: Town, client: AsyncClient, app: FastAPI, parts: Parts
):
    deeds = doors(app, "POST")
    assert len(deeds) == 17
    before = await everything(parts)
    for path in deeds:
        answer = await client.post(path, data={"words": "Bonjour", "lesson_id": "1"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/enter"), path
    assert await everything(parts) == before


@pytest.mark.parametrize("form", [{}, {"form_token": ""}, {"form_token": "x"}])
async def test_a_form_that_is_not_the_desks_own_changes_nothing(
    asked: Town, client: AsyncClient, app: FastAPI, parts: Parts, form: dict[str, str]
):
    await at_the_desk(client)
    before = await everything(parts)
    for path in doors(app, "POST"):
        answer = await client.post(path, data={"words": "Bonjour", "lesson_id": "1"} | form)
        assert answer.status_code == 403, path
    assert await everything(parts) == before


async def test_a_form_of_another_session_changes_nothing(
    asked: Town, client: AsyncClient, parts: Parts
):
    others = await (await at_the_desk(client)).reads("/desk/conversations/1")
    form = next(each for each in forms(others) if each.action == CLOSE)
    client.cookies.clear()
    await at_the_desk(client)
    before = await everything(parts)
    assert (await client.post(CLOSE, data=form.fields)).status_code == 403
    assert await everything(parts) == before


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://cours.test.evil"])
async def test_a_form_from_another_site_changes_nothing(
    asked: Town, client: AsyncClient, parts: Parts, origin: str
):
    author = await at_the_desk(client)
    before = await everything(parts)
    client.headers["Origin"] = origin
    answer = await author.sends("/desk/conversations/1", CLOSE)
    assert answer.status_code == 403
    assert "rechargez sa page" in answer.text
    assert await everything(parts) == before


@pytest.mark.parametrize("origin", [None, "http://cours.test"])
async def test_the_desks_own_form_acts(asked: Town, client: AsyncClient, origin: str | None):
    author = await at_the_desk(client)
    if origin:
        client.headers["Origin"] = origin
    answer = await author.sends("/desk/conversations/1", CLOSE)
    assert answer.headers["location"] == "/desk/conversations/1?said=closed"


@pytest.mark.parametrize("presented", ["", " ", "a-token-for-test", ADMIN + "x", "\0", "é"])
async def test_a_wrong_token_opens_nothing(client: AsyncClient, presented: str):
    answer = await Author(client).enters(presented)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "Ce jeton n’ouvre pas le bureau." in answer.text


async def test_a_token_of_the_api_opens_the_desk_until_it_is_revoked(
    client: AsyncClient, parts: Parts
):
    async with parts.database.writing() as session:
        text = await grant.create_token(session, "laptop", now=parts.clock())
    assert (await Author(client).enters(text)).status_code == 303
    async with parts.database.writing() as session:
        known = await grant.recognise(session, text)
        await grant.revoke(session, known.id, now=parts.clock())
    assert (await Author(client).enters(text)).status_code == 403


async def test_an_installation_without_a_token_is_not_opened_by_an_empty_one(
    settings: Settings, clock: Clock
):
    parts = build(settings.model_copy(update={"admin_token": type(settings.admin_token)("")}))
    transport = httpx2.ASGITransport(app=create_app(parts))
    async with AsyncClient(transport=transport, base_url="http://cours.test") as client:
        assert (await Author(client).enters("")).status_code == 403
    await parts.database.close()


def link(parts: Parts, purpose: Purpose, subject: str = "author") -> str:
    until = parts.clock() + timedelta(hours=1)
    return "/desk/enter/" + token.sign(purpose, subject, keys=parts.here.keys, until=until)


async def test_a_signed_link_shows_a_button_and_opens_by_it(client: AsyncClient, parts: Parts):
    path = link(parts, Purpose.DESK_ENTER)
    page = await client.get(path)
    assert "set-cookie" not in page.headers
    assert [form.method for form in forms(page.text)] == ["post"]
    assert (await client.post(path)).headers["location"] == "/desk"
    assert (await client.get("/desk")).status_code == 200


@pytest.mark.parametrize(
    ("purpose", "subject"),
    [(Purpose.DESK_SESSION, "author"), (Purpose.PREFERENCES, "1"), (Purpose.DESK_ENTER, "camille")],
)
async def test_a_link_for_something_else_opens_nothing(
    client: AsyncClient, parts: Parts, purpose: Purpose, subject: str
):
    answer = await client.post(link(parts, purpose, subject))
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


async def test_a_link_opens_for_its_hour_only(client: AsyncClient, parts: Parts, clock: Clock):
    path = link(parts, Purpose.DESK_ENTER)
    clock.advance(hours=2)
    assert (await client.get(path)).status_code == 410
    assert (await client.post(path)).status_code == 410


async def test_a_session_ends_after_twelve_hours(client: AsyncClient, clock: Clock):
    author = await at_the_desk(client)
    clock.advance(hours=11, minutes=59)
    await author.reads("/desk")
    clock.advance(minutes=2)
    assert (await client.get("/desk")).headers["location"] == "/desk/enter"


async def test_getting_up_takes_the_cookie_back(client: AsyncClient):
    author = await at_the_desk(client)
    assert (await client.get("/desk/enter")).headers["location"] == "/desk"
    await author.sends("/desk", "/desk/leave")
    assert (await client.get("/desk")).headers["location"] == "/desk/enter"


async def test_the_cookie_is_for_this_host_alone(client: AsyncClient):
    cookie = (await Author(client).enters()).headers["set-cookie"]
    assert cookie.startswith("feuilleton=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


async def test_under_tls_the_cookie_bears_the_name_that_binds_it(settings: Settings):
    parts = build(settings.model_copy(update={"base_url": "https://cours.test"}))
    transport = httpx2.ASGITransport(app=create_app(parts))
    async with AsyncClient(transport=transport, base_url="https://cours.test") as client:
        cookie = (await Author(client).enters()).headers["set-cookie"]
        assert (await client.get("/desk")).status_code == 200
    assert cookie.startswith("__Host-feuilleton=")
    assert "Secure" in cookie
    await parts.database.close()


async def test_pages_of_the_desk_let_a_browser_state_its_origin(client: AsyncClient):
    author = await at_the_desk(client)
    assert "no-store" in (await author.client.get("/desk")).headers["cache-control"]
    for path in ("/desk", "/desk/conversations/9", "/desk/nowhere"):
        headers = (await author.client.get(path)).headers
        assert "script-src 'self'" in headers["content-security-policy"]
    assert (await author.client.get("/desk")).headers["referrer-policy"] == "same-origin"
