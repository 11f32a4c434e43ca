"""The desk says of an uncertain letter since when, what will become of it, and what was decided."""

import pytest
from httpx2 import AsyncClient

from app.flows import discuss
from app.worker import Worker
from tests.fakes import Caught
from tests.town import CAMILLE, Town
from tests.web.browsing import Author, at_the_desk, forms, text_of


@pytest.fixture
async def author(client: AsyncClient) -> Author:
    return await at_the_desk(client)


async def lesson_in_doubt(town: Town) -> str:
    """Camille's second lesson was cut on Wednesday at 10:20; its page."""
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "cut"
    town.clock.advance(hours=24, minutes=20)
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    await at_the_desk(town.client)
    return "/desk/deliveries/3"


async def test_a_lesson_in_doubt_says_what_will_become_of_it_and_when(town: Town, author: Author):
    said = text_of(await author.reads(await lesson_in_doubt(town)))
    assert "État peut-être envoyée" in said
    assert "Dans le doute depuis mercredi 25 novembre à 10:20" in said
    assert "elle sera considérée comme envoyée et le cours continuera" in said
    assert "jeudi 26 novembre à 10:20" in said


async def test_a_confirmation_in_doubt_will_go_once_more_and_then_no_more(
    town: Town, author: Author
):
    town.relay.at_dot[CAMILLE] = "cut"
    await town.signs_up()
    await town.mail_goes_out()
    said = text_of(await author.reads("/desk/deliveries/1"))
    assert "la même lettre repartira d’elle-même, une seule fois" in said
    assert "mardi 24 novembre à 10:10" in said
    town.clock.advance(minutes=10)
    await Worker(town.parts).sweep()
    await town.mail_goes_out()
    said = text_of(await author.reads("/desk/deliveries/1"))
    assert "Elle est déjà repartie une fois" in said
    assert (
        "renvoyée mardi 24 novembre à 10:10 par la règle : aucun signe pendant 10 minutes" in said
    )


async def test_an_answer_in_doubt_is_seen_in_its_conversation(town: Town, author: Author):
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[1], "Une question."))
    async with town.parts.database.writing() as session:
        await discuss.answer(session, 1, "Une réponse.", now=town.clock())
    town.relay.at_dot[CAMILLE] = "cut"
    await town.mail_goes_out()
    page = await author.reads("/desk/conversations/1")
    said = text_of(page)
    assert "peut-être envoyée" in said
    assert "une réponse ne repart que sur votre parole" in said
    offered = {form.action for form in forms(page)}
    assert {"/desk/deliveries/4/accept", "/desk/deliveries/4/release"} <= offered


async def test_the_mail_that_ended_the_doubt_can_be_read(town: Town, author: Author):
    page = await lesson_in_doubt(town)
    (wire,) = town.relay.cut_off
    in_doubt = Caught("", CAMILLE, wire)
    number = await town.mail_comes_in(town.reply_to(in_doubt, "Merci."))
    shown = await author.reads(page)
    assert "Un courrier reçu montre qu’elle est arrivée." in text_of(shown)
    assert f"/desk/incoming/{number}/raw" in shown


@pytest.mark.parametrize(
    ("verb", "verdict", "why"),
    [
        ("accept", "considérée comme envoyée", "l’auteur la dit envoyée"),
        ("release", "renvoyée", "l’auteur veut qu’elle reparte"),
        ("cancel", "abandonnée", "l’auteur l’abandonne"),
    ],
)
async def test_a_word_of_the_author_is_listed(
    town: Town, author: Author, verb: str, verdict: str, why: str
):
    page = await lesson_in_doubt(town)
    await author.sends(page, f"{page}/{verb}")
    ruling = f"{verdict} mercredi 25 novembre à 10:20 par une personne : {why}"
    assert ruling in text_of(await author.reads(page))


async def test_the_api_names_the_doubt_and_the_decision(town: Town, api: AsyncClient):
    await lesson_in_doubt(town)
    shown = (await api.get("/api/v1/deliveries/3")).json()
    assert (shown["unknown_since"], shown["rulings"]) == ("2026-11-25T09:20:00Z", [])
    decided = (await api.post("/api/v1/deliveries/3/take-as-sent")).json()
    (ruling,) = decided["rulings"]
    assert (ruling["verdict"], ruling["by"]) == ("sent", "person")
    listed = (await api.get("/api/v1/deliveries?state=accepted")).json()["items"]
    assert [each["rulings"] for each in listed][-1] == [ruling]
