"""Lists in pages: every row exactly once, whatever is added meanwhile."""

import base64
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.flows import grant
from app.wiring import Parts

on_one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MOST_PAGES = 200
LISTS = [
    "courses",
    "lessons",
    "versions",
    "subscribers",
    "enrollments",
    "deliveries",
    "conversations",
    "remarks",
    "incoming",
    "suppressions",
    "tokens",
]


async def tokens_are_added(parts: Parts, number: int) -> None:
    async with parts.database.writing() as session:
        for _ in range(number):
            await grant.create_token(session, "one more", now=parts.clock())


async def page(api: httpx2.AsyncClient, cursor: str | None, **query: Any) -> tuple[list[int], Any]:
    asked = query | ({"cursor": cursor} if cursor else {})
    body = (await api.get("/api/v1/tokens", params=asked)).json()
    return [each["id"] for each in body["items"]], body["next_cursor"]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    limit=st.integers(1, 7),
    first=st.integers(0, 5),
    added=st.lists(st.integers(0, 2), max_size=4),
)
async def test_every_row_comes_exactly_once_while_rows_are_added(
    parts: Parts, api: httpx2.AsyncClient, limit: int, first: int, added: list[int]
):
    await tokens_are_added(parts, first)
    seen, cursor = await page(api, None, limit=limit)
    for more in [*added, *[0] * MOST_PAGES]:
        if cursor is None:
            break
        await tokens_are_added(parts, more)
        rows, cursor = await page(api, cursor, limit=limit)
        assert 0 < len(rows) <= limit
        seen += rows
    everything, _ = await page(api, None, limit=200)
    assert seen == everything


async def test_from_the_newest_on_what_is_added_meanwhile_disturbs_no_page(
    parts: Parts, api: httpx2.AsyncClient
):
    await tokens_are_added(parts, 7)
    seen, cursor = await page(api, None, limit=3, order="newest")
    while cursor:
        await tokens_are_added(parts, 2)
        rows, cursor = await page(api, cursor, limit=3, order="newest")
        seen += rows
        assert len(seen) <= 7
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_a_page_that_is_just_full_is_the_last_one(parts: Parts, api: httpx2.AsyncClient):
    await tokens_are_added(parts, 3)
    assert await page(api, None, limit=3) == ([1, 2, 3], None)
    assert (await page(api, None, limit=2))[1] is not None


async def test_each_list_comes_in_pages(api: httpx2.AsyncClient):
    for name in LISTS:
        body = (await api.get(f"/api/v1/{name}", params={"limit": 1})).json()
        assert set(body) == {"items", "next_cursor"}
        assert len(body["items"]) <= 1


def forged(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@on_one_engine
async def test_a_cursor_that_this_list_did_not_give_out_is_refused(api: httpx2.AsyncClient):
    lessons = (await api.get("/api/v1/lessons?limit=1")).json()["next_cursor"]
    others = ["x", "é", "====", lessons, forged("tokens:oldest:"), forged("tokens:oldest:-1")]
    others += [
        forged(f"tokens:oldest:{2**63}"),
        forged("tokens:newest:1"),
        forged("tokens:oldest:¹"),
    ]
    for cursor in others:
        answer = await api.get("/api/v1/tokens", params={"cursor": cursor})
        assert (cursor, answer.status_code) == (cursor, 400)
        assert answer.json()["type"] == "urn:feuilleton:cursor-malformed"


@on_one_engine
async def test_a_page_holds_one_to_two_hundred_rows(api: httpx2.AsyncClient):
    for limit in ("0", "201", "-1", "many", str(2**70)):
        assert (await api.get(f"/api/v1/courses?limit={limit}")).status_code == 422
    assert (await api.get("/api/v1/courses?limit=200")).status_code == 200
