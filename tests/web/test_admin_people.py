"""Subscribers, enrollments and suppressions over the admin API."""

from typing import Any

import httpx2

from app.db import suppressed
from app.db.people import Enrollment, SuppressionReason
from app.domain.address import Address
from app.wiring import Parts
from tests.town import CAMILLE, Town

ADDRESS = {"email": CAMILLE}


async def mornings_come(town: Town, number: int) -> None:
    """The worker goes its round once a day, at the hour at which the learner confirmed."""
    for _ in range(number):
        town.clock.advance(days=1)
        await town.mail_goes_out()


async def do(api: httpx2.AsyncClient, learner: Enrollment, verb: str, **body: Any) -> Any:
    answer = await api.post(f"/api/v1/enrollments/{learner.id}/{verb}", json=body or None)
    return answer.json() if answer.is_success else answer.status_code


async def lessons(api: httpx2.AsyncClient, **query: str) -> list[tuple[int, str]]:
    found = await api.get("/api/v1/deliveries", params={"kind": "lesson"} | query)
    return [(each["lesson_id"], each["state"]) for each in found.json()["items"]]


async def test_who_is_signed_up_by_a_program_is_asked_by_mail_first(
    town: Town, api: httpx2.AsyncClient
):
    wish = ADDRESS | {"first_name": "Camille", "timezone": "America/Montreal"}
    answer = await api.post("/api/v1/subscribers", json=wish)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    await town.mail_goes_out()
    (enrollment,) = (await api.get("/api/v1/enrollments")).json()["items"]
    assert (enrollment["standing"], enrollment["timezone"]) == ("pending", "America/Montreal")
    await town.confirms()
    (enrollment,) = (await api.get("/api/v1/enrollments?standing=active")).json()["items"]
    assert enrollment["confirmed_at"] == "2026-11-24T09:00:00Z"


async def test_signing_up_answers_alike_whoever_it_is(town: Town, api: httpx2.AsyncClient):
    await api.post("/api/v1/suppressions", json={"email": "gone@example.fr"})
    await town.becomes_a_learner()
    answers = [
        await api.post("/api/v1/subscribers", json={"email": email})
        for email in (CAMILLE, "gone@example.fr", "new@example.fr")
    ]
    assert {(each.status_code, each.text) for each in answers} == {(202, answers[0].text)}
    known = (await api.get("/api/v1/subscribers?email=gone@example.fr")).json()["items"]
    assert known == []


async def test_the_rules_of_the_form_hold_for_programs(api: httpx2.AsyncClient):
    for wish, status in (
        ({"email": "camille"}, 422),
        ({"email": "postmaster@example.fr"}, 422),
        ({"first_name": "www.example.com"}, 422),
        ({"timezone": "Paris"}, 422),
        ({"course": "another"}, 404),
    ):
        answer = await api.post("/api/v1/subscribers", json=ADDRESS | wish)
        assert (wish, answer.status_code) == (wish, status)
    assert (await api.get("/api/v1/subscribers")).json()["items"] == []


async def test_people_are_found_by_address_and_by_course(town: Town, api: httpx2.AsyncClient):
    await town.signs_up("Ada@Example.FR", "Ada")
    await town.signs_up()
    (ada,) = (await api.get("/api/v1/subscribers?email=ADA@example.fr")).json()["items"]
    assert (ada["email"], ada["first_name"]) == ("Ada@example.fr", "Ada")
    assert (await api.get(f"/api/v1/subscribers/{ada['id']}")).json() == ada
    assert len((await api.get("/api/v1/subscribers?course_id=1")).json()["items"]) == 2
    assert (await api.get("/api/v1/subscribers?course_id=2")).json()["items"] == []
    assert (await api.get("/api/v1/subscribers?email=ada")).status_code == 422


async def test_a_person_is_renamed_but_not_to_an_advertisement(town: Town, api: httpx2.AsyncClient):
    await town.signs_up()
    renamed = await api.patch("/api/v1/subscribers/1", json={"first_name": " Zoé  Anne "})
    refused = await api.patch("/api/v1/subscribers/1", json={"first_name": "http://example.org"})
    assert (renamed.json()["first_name"], refused.status_code) == ("Zoé Anne", 422)
    assert (await api.get("/api/v1/subscribers/1")).json() == renamed.json()


async def test_an_enrollment_shows_no_way_out(town: Town, api: httpx2.AsyncClient):
    learner = await town.becomes_a_learner()
    answer = await api.get(f"/api/v1/enrollments/{learner.id}")
    assert learner.door not in answer.text


async def test_a_learner_pauses_and_comes_back(town: Town, api: httpx2.AsyncClient):
    learner = await town.becomes_a_learner()
    assert (await do(api, learner, "pause"))["standing"] == "paused"
    assert await lessons(api) == [(1, "accepted"), (2, "held")]
    await mornings_come(town, 3)
    assert (await do(api, learner, "resume"))["paused_at"] is None
    assert await lessons(api) == [(1, "accepted"), (2, "planned")]


async def test_a_skipped_lesson_does_not_come(town: Town, api: httpx2.AsyncClient):
    learner = await town.becomes_a_learner()
    await do(api, learner, "skip")
    assert await lessons(api) == [(1, "accepted"), (2, "cancelled"), (3, "planned")]


async def test_a_lesson_is_sent_again_and_one_that_never_came_is_not(
    town: Town, api: httpx2.AsyncClient
):
    learner = await town.becomes_a_learner()
    copy = await do(api, learner, "resend", lesson_id=1)
    assert (copy["kind"], copy["state"], copy["attempts"]) == ("lesson", "planned", [])
    await town.mail_goes_out()
    sent = (await api.get(f"/api/v1/deliveries/{copy['id']}")).json()
    assert [each["code"] for each in sent["attempts"]] == [250]
    assert await do(api, learner, "resend", lesson_id=2) == 404


async def test_who_is_unsubscribed_is_gone_at_once_and_cannot_be_brought_back(
    town: Town, api: httpx2.AsyncClient
):
    learner = await town.becomes_a_learner()
    gone = [await do(api, learner, "unsubscribe") for _ in range(2)]
    assert gone[0] == gone[1]
    assert (gone[0]["standing"], gone[0]["left_by"]) == ("left", "author")
    verbs = ["pause", "resume", "skip"]
    assert [await do(api, learner, verb) for verb in verbs] == [409, 409, 409]
    assert await do(api, learner, "resend", lesson_id=1) == 409
    await mornings_come(town, 2)
    assert len(town.mailbox()) == 2


async def test_a_learner_moves_and_the_lesson_ahead_moves_along(
    town: Town, api: httpx2.AsyncClient
):
    learner = await town.becomes_a_learner()
    path = f"/api/v1/enrollments/{learner.id}"
    moved = await api.patch(path, json={"timezone": "America/Montreal"})
    assert moved.json()["timezone"] == "America/Montreal"
    ahead = (await api.get("/api/v1/deliveries?state=planned")).json()["items"][0]
    assert "2026-11-25T12:30" <= ahead["due_at"] < "2026-11-25T12:55"
    assert (await api.patch(path, json={"timezone": "Montreal"})).status_code == 422


async def test_enrollments_are_found_by_person_course_and_standing(
    town: Town, api: httpx2.AsyncClient
):
    learner = await town.becomes_a_learner()
    await town.signs_up("ada@example.fr")
    for query, found in (
        (f"subscriber_id={learner.subscriber_id}", 1),
        ("course_id=1", 2),
        ("course_id=2", 0),
        ("standing=pending", 1),
    ):
        answer = await api.get(f"/api/v1/enrollments?{query}")
        assert (query, len(answer.json()["items"])) == (query, found)


async def test_a_suppressed_address_is_not_written_to_until_the_author_allows_it(
    town: Town, api: httpx2.AsyncClient
):
    learner = await town.becomes_a_learner()
    first = await api.post("/api/v1/suppressions", json={"email": CAMILLE.upper()})
    again = await api.post("/api/v1/suppressions", json=ADDRESS)
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    await mornings_come(town, 2)
    assert len(town.mailbox()) == 2
    assert (await api.request("DELETE", "/api/v1/suppressions", json=ADDRESS)).status_code == 204
    await do(api, learner, "resume")
    await mornings_come(town, 1)
    assert len(town.mailbox()) == 3


async def test_a_suppression_is_found_by_address_and_reason_but_tells_no_address(
    api: httpx2.AsyncClient,
):
    made = (await api.post("/api/v1/suppressions", json=ADDRESS)).json()
    found = await api.get(f"/api/v1/suppressions?email={CAMILLE}&reason=author")
    assert found.json()["items"] == [made]
    assert CAMILLE not in found.text
    assert (await api.get("/api/v1/suppressions?email=a@example.fr")).json()["items"] == []
    assert (await api.get("/api/v1/suppressions?reason=complaint")).json()["items"] == []
    assert (await api.get(f"/api/v1/suppressions/{made['id']}")).json() == made


async def test_what_a_machine_or_the_person_said_is_not_taken_back(
    parts: Parts, api: httpx2.AsyncClient
):
    fingerprint = parts.here.fingerprint(Address("camille", "example.fr", "example.fr"))
    async with parts.database.writing() as session:
        complaint = SuppressionReason.COMPLAINT
        await suppressed.suppress(session, fingerprint, complaint, now=parts.clock())
    assert (await api.request("DELETE", "/api/v1/suppressions", json=ADDRESS)).status_code == 409
    other = {"email": "ada@example.fr"}
    assert (await api.request("DELETE", "/api/v1/suppressions", json=other)).status_code == 404
