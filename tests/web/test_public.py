"""The visitor's pages: they show, they say what happens next, and they give nobody away."""

import re

import pytest
from httpx2 import AsyncClient

from app.db import courses, people
from app.db.suppressed import suppress
from app.domain import consent, token
from app.domain.token import Purpose
from app.web.rendering import Pages
from app.wiring import Parts
from tests.town import CAMILLE, Town
from tests.web.browsing import everything, forms, text_of

FAULTY = {
    "email": ("camille@exemple", "Cette adresse n’est pas complète"),
    "first_name": ("http://spam.example", "Le prénom tient en une ligne"),
    "timezone": ("Mars/Olympus", "Ce fuseau horaire n’est pas connu"),
}


async def suppressed(parts: Parts, email: str) -> None:
    async with parts.database.writing() as session:
        person = await people.subscriber_by_key(session, email)
        assert person is not None
        reason = people.SuppressionReason.REQUEST
        await suppress(session, person.fingerprint, reason, now=parts.clock())


async def in_english(parts: Parts) -> None:
    async with parts.database.writing() as session:
        (await courses.course_by_slug(session, None)).language = "en"


async def test_the_landing_page_says_what_comes_from_whom(client: AsyncClient, parts: Parts):
    page = text_of((await client.get("/")).text)
    async with parts.database.reading() as session:
        course = await courses.course_by_slug(session, None)
        titles = [v.title for v in (await courses.newest_versions(session, course.id)).values()]
    assert len(titles) == 7
    said = [
        " ".join(each.split()) for each in (course.title, course.promise, "Prénom Nom", *titles)
    ]
    assert all(each in page for each in said)
    assert "Réservé aux 15 ans et plus" in page


async def test_the_consent_is_printed_word_for_word(client: AsyncClient, parts: Parts):
    page = (await client.get("/")).text
    async with parts.database.reading() as session:
        course = await courses.course_by_slug(session, None)
    assert consent.wording(course.title, 7, "fr") in page
    assert page.index(consent.wording(course.title, 7, "fr")) < page.rindex("</button>")


async def test_the_whole_landing_page_weighs_less_than_sixty_kilobytes(client: AsyncClient):
    page = await client.get("/")
    linked = re.findall(r'<link rel="(?:stylesheet|icon)" href="([^"]+)"', page.text)
    assert len(linked) == 3
    parts = [page, *[await client.get(path) for path in linked]]
    assert all(part.status_code == 200 for part in parts)
    assert sum(len(part.content) for part in parts) < 60_000
    assert "<img" not in page.text
    assert "<script" not in page.text


async def test_the_form_offers_the_zone_of_the_course(client: AsyncClient):
    (form,) = forms((await client.get("/")).text)
    assert (form.action, form.fields["timezone"]) == ("/signup", "Europe/Paris")
    assert form.fields["course"] == "mensonges"


async def test_every_field_has_a_label(client: AsyncClient):
    page = (await client.get("/")).text
    fields = re.findall(r'<(?:input|select)(?! type="hidden")[^>]* ?id="(\w+)"', page)
    assert set(fields) == {"email", "first_name", "timezone", "website"}
    assert all(f'<label for="{name}">' in page for name in fields)


async def test_a_form_sent_as_it_stands_brings_the_letter(town: Town, client: AsyncClient):
    (form,) = forms((await client.get("/")).text)
    page = await client.post(form.action, data=form.fields | {"email": CAMILLE})
    await town.mail_goes_out()
    assert "Regardez votre boîte" in page.text
    assert [letter.recipient for letter in town.relay.caught] == [CAMILLE]


@pytest.mark.parametrize("field", FAULTY)
async def test_a_fault_is_told_at_its_field_and_what_was_typed_stays(
    client: AsyncClient, field: str
):
    typed, complaint = FAULTY[field]
    good = {"email": CAMILLE, "first_name": "Zoé", "timezone": "Africa/Dakar"}
    page = await client.post("/signup", data=good | {field: typed})
    assert page.status_code == 422
    assert complaint in page.text.partition(f'id="about-{field}">')[2]
    assert re.search(rf'name="{field}"[^>]*aria-describedby="[^"]*about-{field}"', page.text)
    (form,) = forms(page.text)
    kept = {name: value for name, value in good.items() if name != field}
    assert kept.items() <= form.fields.items()


async def test_what_was_typed_comes_back_as_text_only(client: AsyncClient):
    page = await client.post("/signup", data={"email": '"><script>alert(1)</script>'})
    assert "<script" not in page.text


async def test_the_answer_is_the_same_whoever_signs_up(town: Town, parts: Parts):
    await town.becomes_a_learner()
    await town.becomes_a_learner("noe@exemple.fr")
    await suppressed(parts, "noe@exemple.fr")
    answers = [
        await town.signs_up(email) for email in (CAMILLE, "noe@exemple.fr", "neuve@exemple.fr")
    ]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1


async def test_who_fills_in_the_hidden_field_gets_the_same_page_and_no_letter(
    town: Town, parts: Parts
):
    honest = await town.signs_up("noe@exemple.fr")
    before = await everything(parts)
    page = await town.signs_up(website="https://spam.example")
    assert page.content == honest.content
    assert await everything(parts) == before


async def test_looking_at_a_link_changes_nothing(town: Town, client: AsyncClient, parts: Parts):
    await town.becomes_a_learner()
    await town.signs_up("noe@exemple.fr")
    await town.mail_goes_out()
    links = [town.mailbox("noe@exemple.fr")[0].link("confirm")]
    links += [town.mailbox()[-1].link(path) for path in ("u", "preferences")]
    before = await everything(parts)
    for link in links:
        for method in ("GET", "HEAD"):
            assert (await client.request(method, link)).status_code == 200
    assert await everything(parts) == before


async def test_confirming_takes_one_button(town: Town, client: AsyncClient):
    await town.signs_up()
    await town.mail_goes_out()
    link = town.mailbox()[0].link("confirm")
    (form,) = forms((await client.get(link)).text)
    assert (form.method, form.fields) == ("post", {})
    page = text_of((await client.post(form.action or link)).text)
    assert "La première leçon" in page
    assert "entre 7:30 et 20:00, à l’heure de Paris" in page


async def test_a_second_look_says_that_it_is_done(town: Town, client: AsyncClient):
    await town.becomes_a_learner()
    page = (await client.get(town.mailbox()[0].link("confirm"))).text
    assert "C’est déjà fait" in page
    assert forms(page) == []


async def test_an_old_link_tells_what_to_do_in_the_language_of_the_browser(
    town: Town, client: AsyncClient
):
    await town.signs_up()
    await town.mail_goes_out()
    town.clock.advance(days=3)
    link = town.mailbox()[0].link("confirm")
    french = await client.get(link)
    english = await client.get(link, headers={"Accept-Language": "fr;q=0.2,de,en-GB;q=0.8"})
    assert french.status_code == english.status_code == 410
    assert "Inscrivez-vous de nouveau" in french.text
    assert '<html lang="en">' in english.text
    assert "Inscrivez" not in english.text


async def test_a_course_in_english_speaks_english(client: AsyncClient, parts: Parts):
    await in_english(parts)
    page = (await client.get("/c/mensonges")).text
    assert '<html lang="en">' in page
    assert "E-mail address" in page
    assert "Adresse e-mail" not in page


@pytest.mark.parametrize("path", ["/c/%00", "/c/nulle-part", "/c/A%20B", "/nulle/part"])
async def test_a_page_that_is_not_there_says_so(client: AsyncClient, path: str):
    page = await client.get(path)
    assert page.status_code == 404
    assert "Cela n’a pas marché" in page.text


async def test_who_comes_back_to_the_forms_address_finds_the_form(client: AsyncClient):
    page = await client.get("/signup")
    assert (page.status_code, page.headers["location"]) == (303, "/")


def test_a_trial_says_that_its_time_runs_faster(parts: Parts):
    trial, earnest = (Pages(parts.tongues, speed=speed).text("left.html") for speed in (1440, 1))
    assert "un jour dure 60 secondes" in trial
    assert "un jour dure" not in earnest


async def test_a_link_of_another_purpose_confirms_nothing(client: AsyncClient, parts: Parts):
    link = token.sign(Purpose.PREFERENCES, "1", keys=parts.here.keys, until=None)
    assert (await client.post(f"/confirm/{link}")).status_code == 404
