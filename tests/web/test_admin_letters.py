"""Deliveries, conversations, remarks and incoming letters over the admin API."""

from typing import Any

import httpx2

from app.worker import Worker
from tests.town import CAMILLE, Town

RAW = {"Content-Type": "message/rfc822"}
STRANGER = b"From: nobody@example.net\r\nTo: cours@cours.test\r\nSubject: ?\r\n\r\nBonjour\r\n"


async def mornings_come(town: Town, number: int) -> None:
    """The worker goes its round once a day, at the hour at which the learner confirmed."""
    for _ in range(number):
        town.clock.advance(days=1)
        await town.mail_goes_out()


async def items(api: httpx2.AsyncClient, path: str) -> list[dict[str, Any]]:
    return (await api.get(f"/api/v1/{path}")).json()["items"]


async def unknown_lesson(town: Town, api: httpx2.AsyncClient) -> str:
    """Lesson 2 was cut off after the final dot; returns the address of its delivery."""
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "cut"
    await mornings_come(town, 1)
    town.relay.at_dot.clear()
    (delivery,) = await items(api, "deliveries?state=unknown")
    return f"/api/v1/deliveries/{delivery['id']}"


async def a_reply(town: Town, api: httpx2.AsyncClient, words: str = "Et si c’est petit ?") -> str:
    """Camille answered lesson 1; returns the address of the conversation."""
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[-1], words))
    (conversation,) = await items(api, "conversations?turn=open")
    return f"/api/v1/conversations/{conversation['id']}"


async def test_a_delivery_shows_every_attempt(town: Town, api: httpx2.AsyncClient):
    town.relay.at_rcpt[CAMILLE] = "451 4.7.1 later"
    await town.signs_up()
    await town.mail_goes_out()
    town.relay.at_rcpt.clear()
    await mornings_come(town, 1)
    (delivery,) = await items(api, "deliveries?kind=confirm&state=accepted")
    first, second = delivery["attempts"]
    assert (first["outcome"], first["phase"], first["code"]) == ("deferred", "recipient", 451)
    assert (second["number"], second["outcome"], second["code"]) == (2, "accepted", 250)
    assert (await api.get(f"/api/v1/deliveries/{delivery['id']}")).json() == delivery


async def test_deliveries_are_found_by_what_they_are_about(town: Town, api: httpx2.AsyncClient):
    learner = await town.becomes_a_learner()
    await town.signs_up("ada@example.fr")
    for query, kinds in (
        ("lesson_id=1", ["lesson"]),
        (f"enrollment_id={learner.id}", ["confirm", "lesson", "lesson"]),
        ("course_id=1&kind=confirm", ["confirm", "confirm"]),
        ("course_id=2", []),
        (f"enrollment_id={learner.id}&state=planned", ["lesson"]),
    ):
        found = [each["kind"] for each in await items(api, f"deliveries?{query}")]
        assert (query, found) == (query, kinds)


async def test_an_unknown_lesson_that_is_taken_as_sent_lets_the_course_go_on(
    town: Town, api: httpx2.AsyncClient
):
    path = await unknown_lesson(town, api)
    answer = await api.post(f"{path}/take-as-sent")
    assert (answer.status_code, answer.json()["state"]) == (200, "accepted")
    assert [each["lesson_id"] for each in await items(api, "deliveries?state=planned")] == [3]


async def test_an_unknown_lesson_that_is_released_goes_again(town: Town, api: httpx2.AsyncClient):
    path = await unknown_lesson(town, api)
    assert (await api.post(f"{path}/release")).json()["state"] == "planned"
    await town.mail_goes_out()
    assert (await api.get(path)).json()["state"] == "accepted"


async def test_a_letter_that_is_given_up_does_not_leave(town: Town, api: httpx2.AsyncClient):
    path = await unknown_lesson(town, api)
    given_up = (await api.post(f"{path}/give-up")).json()
    assert (given_up["state"], given_up["reason"]) == ("cancelled", "given_up")


async def test_what_has_arrived_takes_no_more_decisions(town: Town, api: httpx2.AsyncClient):
    await town.becomes_a_learner()
    (delivery,) = await items(api, "deliveries?lesson_id=1")
    for verb in ("release", "take-as-sent", "give-up"):
        answer = await api.post(f"/api/v1/deliveries/{delivery['id']}/{verb}")
        assert (verb, answer.status_code) == (verb, 409)
        assert answer.json()["type"] == "urn:feuilleton:transition-forbidden"


async def test_a_reply_is_answered_in_its_thread(town: Town, api: httpx2.AsyncClient):
    path = await a_reply(town, api)
    answer = await api.post(f"{path}/answer", json={"words": "Tant mieux."})
    assert (answer.status_code, answer.json()["voice"]) == (202, "author")
    assert (await api.get(path)).json()["turn"] == "answering"
    await town.mail_goes_out()
    assert (await api.get(path)).json()["turn"] == "answered"
    assert "Tant mieux." in town.mailbox()[-1].text


async def test_the_words_of_a_conversation_are_its_remarks(town: Town, api: httpx2.AsyncClient):
    path = await a_reply(town, api)
    await api.post(f"{path}/answer", json={"words": "Tant mieux."})
    number = path.rpartition("/")[2]
    asked, answered = await items(api, f"remarks?conversation_id={number}")
    assert (asked["words"], answered["answers_id"]) == ("Et si c’est petit ?", asked["id"])
    assert await items(api, "remarks?voice=author") == [answered]
    assert (await api.get(f"/api/v1/remarks/{asked['id']}")).json() == asked


async def test_conversations_are_found_by_what_they_are_about(town: Town, api: httpx2.AsyncClient):
    learner = await town.enrollment() if await a_reply(town, api) else None
    assert learner is not None
    for query, found in (
        ("lesson_id=1", 1),
        ("lesson_id=2", 0),
        (f"enrollment_id={learner.id}&course_id=1", 1),
        ("course_id=2", 0),
        ("turn=closed", 0),
    ):
        assert (query, len(await items(api, f"conversations?{query}"))) == (query, found)


async def test_a_conversation_is_closed_and_reopened(town: Town, api: httpx2.AsyncClient):
    path = await a_reply(town, api)
    assert (await api.post(f"{path}/close")).json()["turn"] == "closed"
    assert (await api.post(f"{path}/close")).status_code == 409
    assert (await api.post(f"{path}/reopen")).json()["turn"] == "open"


async def test_an_answer_needs_words_and_a_living_address(town: Town, api: httpx2.AsyncClient):
    path = await a_reply(town, api)
    assert (await api.post(f"{path}/answer", json={"words": " \n"})).status_code == 422
    await api.post("/api/v1/suppressions", json={"email": CAMILLE})
    refused = await api.post(f"{path}/answer", json={"words": "Tant mieux."})
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:feuilleton:not-answerable"


async def test_a_mail_that_is_brought_in_is_kept_first_and_filed_by_the_worker(
    town: Town, api: httpx2.AsyncClient
):
    await town.becomes_a_learner()
    raw = town.reply_to(town.mailbox()[-1], "Et si c’est petit ?")
    kept = await api.post("/api/v1/incoming", content=raw, headers=RAW)
    assert (kept.status_code, kept.json()["filing"]) == (202, "kept")
    await Worker(town.parts).file_letters()
    filed = (await api.get(f"/api/v1/incoming/{kept.json()['id']}")).json()
    assert (filed["filing"], filed["kind"], filed["via"]) == ("filed", "human", "api")
    assert len(await items(api, "conversations?turn=open")) == 1


async def test_the_same_mail_twice_is_one_letter(api: httpx2.AsyncClient):
    first = await api.post("/api/v1/incoming", content=STRANGER, headers=RAW)
    again = await api.post("/api/v1/incoming", content=STRANGER, headers=RAW)
    assert first.json() == again.json()
    assert len(await items(api, "incoming")) == 1


async def test_the_envelope_comes_along_where_it_is_known(api: httpx2.AsyncClient):
    envelope = {"envelope_from": "", "envelope_to": "b+tag@cours.test"}
    kept = await api.post("/api/v1/incoming", params=envelope, content=STRANGER, headers=RAW)
    assert {name: kept.json()[name] for name in envelope} == envelope
    broken = {"envelope_to": "a@example.org\r\nX: y"}
    refused = await api.post("/api/v1/incoming", params=broken, content=STRANGER, headers=RAW)
    assert refused.status_code == 422


async def test_a_letter_is_fetched_byte_for_byte_as_a_file(api: httpx2.AsyncClient):
    raw = STRANGER + bytes(range(256))
    kept = (await api.post("/api/v1/incoming", content=raw, headers=RAW)).json()
    answer = await api.get(f"/api/v1/incoming/{kept['id']}/raw")
    assert answer.content == raw
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")


async def test_letters_are_found_by_what_became_of_them(town: Town, api: httpx2.AsyncClient):
    await api.post("/api/v1/incoming", content=STRANGER, headers=RAW)
    assert len(await items(api, "incoming?filing=kept")) == 1
    await Worker(town.parts).file_letters()
    (letter,) = await items(api, "incoming?filing=unfiled&kind=human")
    assert letter["reason"]
    assert await items(api, "incoming?kind=bounce") == []
    assert await items(api, "incoming?enrollment_id=1") == []


async def test_only_a_mail_is_brought_in(api: httpx2.AsyncClient):
    wrong = await api.post("/api/v1/incoming", json={"raw": "From: a"})
    empty = await api.post("/api/v1/incoming", content=b" \r\n", headers=RAW)
    assert (wrong.status_code, empty.status_code) == (415, 400)
    assert await items(api, "incoming") == []
