"""The author finds a person, reads their story, and acts on their course."""

import pytest
from httpx2 import AsyncClient

from app.db import roll
from app.domain.enrollment import Standing
from app.wiring import Parts
from tests.town import CAMILLE, Town
from tests.web.browsing import Author, at_the_desk, forms, text_of

ONE = "/desk/learners/1"


@pytest.fixture
async def author(town: Town, client: AsyncClient) -> Author:
    """The author at the desk; Camille has received lesson 1."""
    await town.becomes_a_learner()
    return await at_the_desk(client)


@pytest.mark.parametrize("found", ["camille", "CAMILLE@", "Cam", "example.fr"])
async def test_a_person_is_found_by_name_or_address(author: Author, found: str):
    assert ONE in await author.reads(f"/desk/learners?q={found}")


@pytest.mark.parametrize("lost", ["noé", "%25", "_", "camille%00x", "%3Cscript%3E"])
async def test_nobody_is_found_by_what_they_are_not_called(author: Author, lost: str):
    page = await author.reads(f"/desk/learners?q={lost}")
    assert ONE not in page
    assert "Personne ne correspond à cette recherche." in page
    assert "<script" not in page


async def test_the_roll_is_read_page_by_page(town: Town, author: Author, parts: Parts):
    for number in range(4):
        await town.signs_up(f"p{number}@exemple.fr")
    async with parts.database.reading() as session:
        first = await roll.learners(session, limit=3)
        rest = await roll.learners(session, limit=3, before=first[-1].enrollment.id)
    assert [each.person.email for each in (*first, *rest)] == [
        "p3@exemple.fr",
        "p2@exemple.fr",
        "p1@exemple.fr",
        "p0@exemple.fr",
        CAMILLE,
    ]


@pytest.mark.parametrize("standing", list(Standing))
async def test_every_standing_has_its_list(author: Author, standing: Standing):
    page = await author.reads(f"/desk/learners?standing={standing}")
    assert (ONE in page) == (standing is Standing.ACTIVE)


async def test_a_person_has_a_story(town: Town, author: Author):
    await town.mail_comes_in(town.reply_to(town.mailbox()[-1], "Bonjour !"))
    page = text_of(await author.reads(ONE)).partition("Son histoire")[2]
    told = (
        "A demandé le cours",
        "A confirmé",
        "Leçon · Avoir un gros",
        "A écrit",
        "Leçon · Networker",
    )
    places = [page.index(each) for each in told]
    assert places == sorted(places)
    assert "Je demande à recevoir par e-mail les 7 leçons" in page


async def test_a_pause_and_a_return(town: Town, author: Author):
    paused = await author.sends(ONE, f"{ONE}/pause")
    assert "En pause : aucune leçon ne partira" in text_of(
        await author.reads(paused.headers["location"])
    )
    assert (await town.enrollment()).standing is Standing.PAUSED
    await author.sends(ONE, f"{ONE}/resume")
    assert (await town.enrollment()).standing is Standing.ACTIVE


async def test_a_lesson_is_skipped(author: Author):
    await author.sends(ONE, f"{ONE}/skip")
    page = text_of(await author.reads(ONE))
    assert "Networker prend trop de temps ! annulée" in page
    assert "Tout se passe en ligne et à distance ? prévue" in page


async def test_a_lesson_is_sent_again(town: Town, author: Author):
    await author.sends(ONE, f"{ONE}/resend")
    await town.mail_goes_out()
    subjects = [letter.message["Subject"] for letter in town.mailbox()]
    assert subjects[-1] == subjects[-2]
    assert "(copie)" in text_of(await author.reads(ONE))


async def test_who_is_unsubscribed_may_not_be_sent_anything(town: Town, author: Author):
    await author.sends(ONE, f"{ONE}/unsubscribe")
    enrollment = await town.enrollment()
    assert (enrollment.standing, enrollment.left_by) == (Standing.LEFT, "author")
    page = await author.reads(ONE)
    assert "A quitté le cours (par vous)" in text_of(page)
    assert [form.action for form in forms(page)] == ["/desk/leave"]


async def test_a_lesson_that_never_came_is_not_sent_again(author: Author):
    answer = await author.sends(ONE, f"{ONE}/resend", lesson_id="7")
    assert answer.status_code == 404


async def test_a_person_who_is_not_there(author: Author):
    assert (await author.client.get("/desk/learners/99")).status_code == 404
