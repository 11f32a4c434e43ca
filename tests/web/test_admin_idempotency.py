"""The same request twice under one idempotency key is one act."""

import asyncio
from typing import Any

import httpx2
import pytest

from app.db import access
from app.wiring import Parts
from tests.fakes import Clock
from tests.town import Town

on_one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TOKENS = "/api/v1/tokens"


def key(text: str = "5f0c7e9a") -> dict[str, str]:
    return {"Idempotency-Key": text}


async def tokens(api: httpx2.AsyncClient) -> list[dict[str, Any]]:
    return (await api.get(TOKENS)).json()["items"]


async def test_a_repeated_request_gets_the_first_answer_and_does_nothing(
    town: Town, api: httpx2.AsyncClient
):
    learner = await town.becomes_a_learner()
    address = f"/api/v1/enrollments/{learner.id}/resend"
    answers = [await api.post(address, json={"lesson_id": 1}, headers=key()) for _ in range(3)]
    assert {(each.status_code, each.text) for each in answers} == {(202, answers[0].text)}
    await town.mail_goes_out()
    _confirmation, lesson, copy = town.mailbox()
    assert lesson.text == copy.text


async def test_without_a_key_each_request_acts(api: httpx2.AsyncClient):
    for _ in range(2):
        await api.post(TOKENS, json={"name": "one"})
    assert len(await tokens(api)) == 2


async def test_a_known_key_with_another_body_is_refused(api: httpx2.AsyncClient):
    await api.post(TOKENS, json={"name": "one"}, headers=key())
    answer = await api.post(TOKENS, json={"name": "two"}, headers=key())
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:feuilleton:key-reused"
    assert [each["name"] for each in await tokens(api)] == ["one"]


async def test_a_known_key_at_another_address_is_refused(api: httpx2.AsyncClient):
    body = {"email": "camille@example.org"}
    await api.post("/api/v1/suppressions", json=body, headers=key())
    answer = await api.post("/api/v1/subscribers", json=body, headers=key())
    assert answer.status_code == 409


async def test_two_bearers_may_use_the_same_key(api: httpx2.AsyncClient):
    made = (await api.post(TOKENS, json={"name": "one"}, headers=key())).json()
    other = {"Authorization": f"Bearer {made['token']}"} | key()
    answer = await api.post(TOKENS, json={"name": "two"}, headers=other)
    assert answer.status_code == 201
    assert answer.json()["id"] != made["id"]


async def test_a_refused_request_keeps_no_key(api: httpx2.AsyncClient):
    refused = await api.post(TOKENS, json={"name": ""}, headers=key())
    mended = await api.post(TOKENS, json={"name": "one"}, headers=key())
    assert (refused.status_code, mended.status_code) == (422, 201)


async def test_an_act_that_fails_leaves_neither_act_nor_key(
    town: Town, api: httpx2.AsyncClient, parts: Parts
):
    learner = await town.becomes_a_learner()
    address = f"/api/v1/enrollments/{learner.id}/resend"
    answer = await api.post(address, json={"lesson_id": 7}, headers=key())
    assert answer.status_code == 404
    async with parts.database.reading() as session:
        assert await access.answered(session, "settings", "5f0c7e9a") is None


async def test_of_two_at_the_same_time_one_acts_and_both_get_its_answer(api: httpx2.AsyncClient):
    asked = [api.post(TOKENS, json={"name": "one"}, headers=key()) for _ in range(5)]
    answers = await asyncio.gather(*asked)
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["id"] for each in answers}) == 1
    assert len(await tokens(api)) == 1


async def test_the_text_of_a_token_is_not_kept_with_the_answer(
    api: httpx2.AsyncClient, parts: Parts
):
    first = await api.post(TOKENS, json={"name": "clé"}, headers=key())
    again = await api.post(TOKENS, json={"name": "clé"}, headers=key())
    assert again.json() == first.json() | {"token": None}
    async with parts.database.reading() as session:
        known = await access.answered(session, "settings", "5f0c7e9a")
    assert known is not None
    assert first.json()["token"] not in known.answer


async def test_a_key_is_forgotten_after_a_day(api: httpx2.AsyncClient, clock: Clock):
    await api.post(TOKENS, json={"name": "one"}, headers=key())
    clock.advance(hours=23)
    await api.post(TOKENS, json={"name": "one"}, headers=key())
    assert len(await tokens(api)) == 1
    clock.advance(hours=2)
    await api.post(TOKENS, json={"name": "one"}, headers=key())
    assert len(await tokens(api)) == 2


@on_one_engine
async def test_what_is_no_key_is_refused(api: httpx2.AsyncClient):
    for text in ("", "two words", "x" * 201):
        answer = await api.post(TOKENS, json={"name": "one"}, headers=key(text))
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:feuilleton:key-malformed"
