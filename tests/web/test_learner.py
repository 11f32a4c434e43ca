"""The pages behind the links of a letter: leaving, pausing, moving, and how things stand."""

import re

import pytest
from httpx2 import AsyncClient

from app.domain.enrollment import Standing
from app.wiring import Parts
from tests.town import Town
from tests.web.browsing import everything, forms, text_of

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
NOBODYS = "/u/" + "0" * 32


async def presses(client: AsyncClient, link: str, act: str, **typed: str) -> str:
    """Send the form of the preference page that does `act`; what the page says then."""
    page = await client.get(link)
    form = next(each for each in forms(page.text) if each.fields.get("act") == act)
    answer = await client.post(link, data=form.fields | typed)
    assert answer.status_code == 200
    return text_of(answer.text)


@pytest.fixture
async def link(town: Town) -> str:
    """Camille's way to her preference page."""
    await town.becomes_a_learner()
    return town.mailbox()[-1].link("preferences")


@pytest.mark.parametrize("encoding", ["data", "files"])
async def test_one_click_is_enough_in_both_encodings(
    town: Town, client: AsyncClient, encoding: str
):
    await town.becomes_a_learner()
    fields = ONE_CLICK if encoding == "data" else {"List-Unsubscribe": (None, "One-Click")}
    answer = await client.post(town.mailbox()[-1].link("u"), **{encoding: fields})
    assert answer.status_code == 200
    enrollment = await town.enrollment()
    assert (enrollment.standing, enrollment.left_by) == (Standing.LEFT, "one_click")


async def test_a_door_that_nobody_knows_looks_like_any_other(town: Town, client: AsyncClient):
    await town.becomes_a_learner()
    door = town.mailbox()[-1].link("u")
    for ask in (client.get, client.post):
        assert (await ask(door)).content == (await ask(NOBODYS)).content


@pytest.mark.parametrize("door", ["/u/%00", "/u/%F0%9F%98%80", "/u/" + "f" * 5000])
async def test_no_door_is_strange_enough_to_fail(client: AsyncClient, door: str):
    assert (await client.get(door)).status_code == 200
    assert (await client.post(door, data=ONE_CLICK)).status_code == 200


async def test_the_page_shows_what_came_and_what_comes_when(
    town: Town, client: AsyncClient, link: str
):
    page = text_of((await client.get(link)).text)
    assert "Vous suivez ce cours." in page
    assert "1" not in page.partition("Ce que vous avez reçu")[0].partition("Bonjour")[0]
    assert "Avoir un gros réseau est la clé de tout ! – mardi 24 novembre" in page
    assert "Networker prend trop de temps ! » part mercredi 25 novembre à 10:00" in page
    assert "Confirmé le 24 novembre 2026 à 10:00." in page


async def test_a_pause_says_that_the_lesson_waits(town: Town, client: AsyncClient, link: str):
    said = await presses(client, link, "pause")
    assert "elle partira quand vous reprendrez" in said
    assert (await town.enrollment()).standing is Standing.PAUSED


async def test_coming_back_says_when_the_next_lesson_leaves(
    town: Town, client: AsyncClient, link: str
):
    await presses(client, link, "pause")
    town.clock.advance(days=3)
    said = await presses(client, link, "resume")
    assert "C’est reparti." in said
    assert "part samedi 28 novembre à 10:00" in said


async def test_a_moved_learner_reads_the_hour_of_the_new_place(
    town: Town, client: AsyncClient, link: str
):
    said = await presses(client, link, "move", timezone="America/Guadeloupe")
    assert "vos lettres suivent l’heure de Guadeloupe" in said
    assert (await town.enrollment()).zone == "America/Guadeloupe"


async def test_leaving_offers_the_way_back(town: Town, client: AsyncClient, link: str):
    said = await presses(client, link, "leave")
    assert "plus aucune leçon ne partira" in said
    page = (await client.get(link)).text
    assert 'href="/c/mensonges"' in page
    assert forms(page) == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [({"act": "erase"}, 400), ({}, 422), ({"act": "move", "timezone": "Mars/Olympus"}, 422)],
)
async def test_what_the_page_does_not_offer_changes_nothing(
    client: AsyncClient, parts: Parts, link: str, sent: dict[str, str], status: int
):
    before = await everything(parts)
    answer = await client.post(link, data=sent)
    assert (answer.status_code, "Rien n’a été changé." in answer.text) == (status, True)
    assert await everything(parts) == before


async def test_a_damaged_link_opens_nothing(client: AsyncClient, link: str):
    damaged = link[:-1] + ("A" if link[-1] != "A" else "B")
    assert (await client.get(damaged)).status_code == 404
    assert (await client.post(damaged, data={"act": "leave"})).status_code == 404


async def test_pages_behind_a_link_are_kept_out_of_caches_and_search(
    client: AsyncClient, link: str
):
    headers = (await client.get(link)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex"
    assert headers["referrer-policy"] == "no-referrer"


async def test_no_page_carries_a_style_or_a_script_in_itself(client: AsyncClient, link: str):
    for path in ("/", link, NOBODYS, "/nulle/part", "/desk/enter"):
        page = (await client.get(path)).text
        assert not re.search(r"<style|<script(?![^>]*src=)| style=| on\w+=", page), path
