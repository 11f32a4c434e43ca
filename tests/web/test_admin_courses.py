"""Courses, lessons and their texts over the admin API."""

from typing import Any

import httpx2
import pytest

from tests.town import Town

on_one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BODY = "Bonjour {{ first_name }},\n\nComptez vos contacts, puis ceux qui décrochent.\n"
TEXT = {
    "title": "Un titre",
    "subject": "Un objet",
    "preheader": "Un aperçu",
    "question": "Et vous ?",
    "body": BODY,
}


async def mornings_come(town: Town, number: int) -> None:
    """The worker goes its round once a day, at the hour at which the learner confirmed."""
    for _ in range(number):
        town.clock.advance(days=1)
        await town.mail_goes_out()


async def change(api: httpx2.AsyncClient, path: str, **what: Any) -> httpx2.Response:
    return await api.patch(f"/api/v1/{path}", json=what)


async def publish(api: httpx2.AsyncClient, lesson: int = 2, **what: str) -> httpx2.Response:
    return await api.post(f"/api/v1/lessons/{lesson}/versions", json=TEXT | what)


async def test_a_course_is_read_as_it_was_imported(api: httpx2.AsyncClient):
    course = (await api.get("/api/v1/courses?slug=mensonges")).json()["items"][0]
    assert course == (await api.get(f"/api/v1/courses/{course['id']}")).json()
    assert course["timezone"] == "Europe/Paris"
    assert course["created_at"] == "2026-11-24T09:00:00Z"
    assert (await api.get("/api/v1/courses?slug=another")).json()["items"] == []


async def test_a_course_is_changed_in_what_is_given_and_in_nothing_else(api: httpx2.AsyncClient):
    before = (await api.get("/api/v1/courses/1")).json()
    wish = {
        "title": "Un autre titre",
        "timezone": "Europe/Brussels",
        "opens": "06:15",
        "weekdays": ["sat", "mon"],
        "promise": "Une promesse.",
    }
    after = (await change(api, "courses/1", **wish)).json()
    assert after == before | wish | {"weekdays": ["mon", "sat"]}
    assert (await api.get("/api/v1/courses/1")).json() == after


async def test_an_empty_change_changes_nothing(api: httpx2.AsyncClient):
    before = (await api.get("/api/v1/courses/1")).json()
    assert (await change(api, "courses/1")).json() == before


@on_one_engine
async def test_what_a_course_file_may_not_say_a_program_may_not_either(api: httpx2.AsyncClient):
    before = (await api.get("/api/v1/courses/1")).json()
    for wish in (
        {"timezone": "Mars/Olympus"},
        {"opens": "21:00"},
        {"closes": "24:00"},
        {"opens": "07:30Z"},
        {"weekdays": []},
        {"weekdays": ["monday"]},
        {"accent": "red"},
        {"sender": "cours@example.org"},
        {"title": "one\ntwo"},
        {"title": " "},
        {"title": None},
        {"description": " \n"},
        {"slug": "another"},
    ):
        assert (await change(api, "courses/1", **wish)).status_code == 422, wish
    assert (await api.get("/api/v1/courses/1")).json() == before


async def test_changed_hours_plan_nobody_anew_and_hold_when_the_time_comes(
    town: Town, api: httpx2.AsyncClient
):
    await town.becomes_a_learner()
    planned = "/api/v1/deliveries?lesson_id=2"
    before = (await api.get(planned)).json()["items"][0]["due_at"]
    await change(api, "courses/1", opens="14:00")
    assert (await api.get(planned)).json()["items"][0]["due_at"] == before
    await mornings_come(town, 1)
    assert (await api.get(planned)).json()["items"][0]["state"] == "planned"
    town.clock.advance(hours=4)
    await town.mail_goes_out()
    following = (await api.get("/api/v1/deliveries?lesson_id=3")).json()["items"][0]
    assert "T13:00" <= following["due_at"][10:] < "T13:25"


async def test_lessons_are_found_by_course_and_state(api: httpx2.AsyncClient):
    lessons = (await api.get("/api/v1/lessons?course_id=1&state=published")).json()["items"]
    assert [each["position"] for each in lessons] == [1, 2, 3, 4, 5, 6, 7]
    assert (await api.get("/api/v1/lessons?course_id=2")).json()["items"] == []
    assert (await api.get("/api/v1/lessons?state=withdrawn")).json()["items"] == []


async def test_a_withdrawn_lesson_is_passed_over(town: Town, api: httpx2.AsyncClient):
    await town.becomes_a_learner()
    await change(api, "lessons/2", state="withdrawn")
    await mornings_come(town, 3)
    lessons = (await api.get("/api/v1/deliveries?kind=lesson&state=accepted")).json()["items"]
    assert [each["lesson_id"] for each in lessons][:2] == [1, 3]


async def test_a_lesson_that_is_moved_comes_in_its_new_place(town: Town, api: httpx2.AsyncClient):
    moved = await change(api, "lessons/7", position=2, delay_minutes=0)
    assert moved.json()["position"] == 2
    await change(api, "lessons/2", position=7)
    await town.becomes_a_learner()
    ahead = (await api.get("/api/v1/deliveries?state=planned")).json()["items"]
    assert [each["lesson_id"] for each in ahead] == [7]


@on_one_engine
async def test_a_lesson_takes_no_impossible_place(api: httpx2.AsyncClient):
    for wish in (
        {"position": 0},
        {"position": "2"},
        {"position": True},
        {"position": 2**64},
        {"delay_minutes": -1},
        {"state": "hidden"},
        {"state": None},
    ):
        assert (await change(api, "lessons/2", **wish)).status_code == 422, wish


async def test_a_new_version_goes_to_all_who_are_still_to_receive_the_lesson(
    town: Town, api: httpx2.AsyncClient
):
    await town.becomes_a_learner()
    made = await publish(api)
    assert (made.status_code, made.json()["number"]) == (201, 2)
    await mornings_come(town, 1)
    assert "Comptez vos contacts" in town.mailbox()[-1].text
    received = (await api.get("/api/v1/deliveries?lesson_id=2")).json()["items"][0]
    assert received["version_id"] == made.json()["id"]


async def test_versions_of_a_lesson_stay_as_they_were(api: httpx2.AsyncClient):
    await publish(api)
    first, second = (await api.get("/api/v1/versions?lesson_id=2")).json()["items"]
    assert (first["number"], second["number"], second["body"]) == (1, 2, BODY)
    assert (await api.get(f"/api/v1/versions/{first['id']}")).json() == first


async def test_the_newest_text_is_not_published_twice(api: httpx2.AsyncClient):
    await publish(api)
    answer = await publish(api)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:feuilleton:already-there"


@on_one_engine
async def test_a_text_against_the_rules_is_refused_at_its_line(api: httpx2.AsyncClient):
    for fault, line in (
        ("Un mot.\n\nBonjour {{ nickname }}.", 3),
        ("\n\nUn mot.\n![alt](https://example.org/a.png)", 4),
        ("Un mot.\r\n<b>gras</b>", 2),
        ("Un mot.\n[lien](http://example.org)", 2),
        ("Un mot.\n\n{% if %}", 3),
        ("{% for a in b %}\nUn mot.\n", 1),
        ("{{ " + "(" * 90_000, 1),
        (" ", 1),
    ):
        answer = await publish(api, body=fault)
        assert (fault[:20], answer.status_code) == (fault[:20], 422)
        assert answer.json()["detail"].startswith(f"body:{line}: ")
    assert len((await api.get("/api/v1/versions?lesson_id=2")).json()["items"]) == 1
