"""The form seen from outside: what it takes, what it refuses, and that it tells nothing."""

import pytest

from app.db import people
from app.domain.course import read_course
from app.flows import author
from app.wiring import COURSES
from tests.town import CAMILLE, Town


async def test_new_known_pending_and_suppressed_addresses_get_the_same_answer(town: Town):
    await town.becomes_a_learner()
    new = await town.signs_up("new@example.fr")
    pending = await town.signs_up("new@example.fr")
    known = await town.signs_up()
    assert {each.status_code for each in (new, pending, known)} == {200}
    assert new.text == pending.text == known.text


async def test_a_suppressed_address_gets_the_same_answer_and_no_letter(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "550 5.1.1 user unknown"
    await town.days_pass(2)
    town.relay.at_rcpt.clear()
    before = len(town.mailbox())
    assert (await town.signs_up()).text == (await town.signs_up("new@example.fr")).text
    await town.mail_goes_out()
    assert len(town.mailbox()) == before


async def test_a_mailbox_is_asked_once_a_day_however_often_the_form_is_sent(town: Town):
    for _ in range(5):
        await town.signs_up()
        await town.mail_goes_out()
        town.clock.advance(hours=4)
    assert len(town.mailbox()) == 1
    town.clock.advance(hours=5)
    await town.signs_up()
    await town.mail_goes_out()
    assert len(town.mailbox()) == 2


async def test_the_letter_that_asks_holds_nothing_that_was_typed(town: Town):
    await town.signs_up(first_name="Philomène")
    await town.mail_goes_out()
    (letter,) = town.mailbox()
    assert "Philom" not in letter.text + letter.html + str(letter.message["To"])


async def test_a_filled_honeypot_sends_nothing_and_says_nothing(town: Town):
    caught = await town.signs_up(website="https://spam.example")
    assert caught.status_code == 200
    await town.mail_goes_out()
    assert town.mailbox() == []
    assert caught.text == (await town.signs_up()).text


async def test_json_goes_by_the_same_rules(town: Town):
    body = {"email": CAMILLE, "first_name": "Camille", "timezone": "America/Montreal"}
    answer = await town.client.post("/signup", json=body)
    assert answer.status_code == 202
    assert answer.json()["status"] == "accepted"
    await town.mail_goes_out()
    await town.confirms()
    assert (await town.enrollment()).zone == "America/Montreal"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", "camille", "address-malformed"),
        ("email", "abuse@example.fr", "address-refused"),
        ("email", "a@b.fr\r\nBcc: c@d.fr", "address-malformed"),
        ("first_name", "https://evil.example", "name-refused"),
        ("first_name", "Camille\nBcc: x@y.fr", "name-refused"),
        ("timezone", "Europe/Atlantis", "zone-unknown"),
        ("course", "nothing", "course-unknown"),
    ],
)
async def test_bad_input_is_named_to_programs_and_explained_to_people(town, field, value, code):
    body = {"email": CAMILLE} | {field: value}
    problem = await town.client.post("/signup", json=body)
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["type"] == f"urn:feuilleton:{code}"
    page = await town.client.post("/signup", data=body, headers={"Accept": "text/html"})
    assert page.status_code == problem.status_code
    assert page.headers["content-type"].startswith("text/html")
    await town.mail_goes_out()
    assert town.relay.caught == []


@pytest.mark.parametrize(
    ("body", "sent_as", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"first_name": "x"}', "application/json", 400),
        (b'{"email": 7}', "application/json", 400),
        (b"[" * 100_000, "application/json", 413),
        (b"[" * 60_000, "application/json", 400),
        (b"email=a%40b.fr", "text/plain", 415),
        (b"email=a%40b.fr", "", 415),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
        (b"x", "multipart/form-data", 400),
        (b"email=" + b"a" * 70_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_a_body_that_is_no_form_is_refused_in_words(town, body, sent_as, status):
    headers = {"Content-Type": sent_as} if sent_as else {}
    answer = await town.client.post("/signup", content=body, headers=headers)
    assert answer.status_code == status


async def test_a_stranger_cannot_rename_a_learner(town: Town):
    await town.becomes_a_learner()
    await town.signs_up(first_name="Autre", timezone="Asia/Tokyo")
    async with town.parts.database.reading() as session:
        person = await people.subscriber_by_key(session, CAMILLE)
    assert person is not None
    assert person.first_name == "Camille"
    assert (await town.enrollment()).zone == "Europe/Paris"


async def test_the_receipt_says_what_was_agreed_to_and_when(town: Town):
    asked_at = town.clock()
    await town.signs_up()
    await town.mail_goes_out()
    confirmed_at = town.clock.advance(hours=2)
    await town.confirms()
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        (receipt,) = await people.receipts_of(session, enrollment.id)
    assert (receipt.requested_at, receipt.confirmed_at) == (asked_at, confirmed_at)
    assert "7 leçons" in receipt.wording
    assert (receipt.method, receipt.language) == ("form", "fr")


async def test_a_link_that_is_too_old_says_so(town: Town):
    await town.signs_up()
    await town.mail_goes_out()
    link = town.mailbox()[0].link("confirm")
    town.clock.advance(hours=49)
    for answer in (await town.client.get(link), await town.client.post(link)):
        assert answer.status_code == 410
    assert (await town.enrollment()).standing == "pending"


@pytest.mark.parametrize("link", ["x", "a.confirm.b.0.c", "..%2f..", "é" * 300])
async def test_a_forged_link_opens_nothing(town: Town, link: str):
    for path in (f"/confirm/{link}", f"/preferences/{link}"):
        assert (await town.client.get(path)).status_code == 404
        assert (await town.client.post(path, data={"act": "pause"})).status_code == 404


async def test_who_is_known_is_not_renamed_by_signing_up_elsewhere(town: Town):
    await town.becomes_a_learner()
    async with town.parts.database.writing() as session:
        files = author.read_folder(COURSES / "mensonges")
        files["course.toml"] = files["course.toml"].replace('slug = "mensonges"', 'slug = "autre"')
        await author.publish(session, read_course(files), now=town.clock())
    await town.signs_up(first_name="Intrus", course="autre")
    async with town.parts.database.reading() as session:
        person = await people.subscriber_by_key(session, CAMILLE)
    assert person is not None
    assert person.first_name == "Camille"
