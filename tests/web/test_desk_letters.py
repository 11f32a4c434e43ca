"""The author sees every letter that needs a word, decides, and finds mail that is nobody's."""

import pytest
from httpx2 import AsyncClient

from app.db import deliveries
from app.domain.delivery import State
from app.flows import steer
from app.wiring import Parts
from tests.town import CAMILLE, Town
from tests.web.browsing import Author, at_the_desk, forms, text_of

STRANGER = (
    b"From: Quelqu'un <inconnue@ailleurs.example>\r\nTo: cours@cours.test\r\n"
    b"Subject: <script>alert(1)</script>\r\nMessage-ID: <x@ailleurs.example>\r\n\r\nBonjour ?\r\n"
)


@pytest.fixture
async def author(client: AsyncClient) -> Author:
    return await at_the_desk(client)


async def second_lesson_ends_in(town: Town, state: State) -> str:
    """Camille's second lesson comes into trouble; the page of that letter."""
    enrollment = await town.becomes_a_learner()
    if state is State.UNKNOWN:
        town.relay.at_dot[CAMILLE] = "cut"
    if state is State.REJECTED:
        town.relay.at_rcpt[CAMILLE] = "550 5.2.1 disabled"
    town.clock.advance(days=2)
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    town.relay.at_rcpt.clear()
    async with town.parts.database.reading() as session:
        lesson = (await deliveries.lessons_so_far(session, enrollment.id))[1]
    assert lesson.state is state
    await at_the_desk(town.client)  # the session of two days ago has ended
    return f"/desk/deliveries/{lesson.id}"


async def verbs(author: Author, page: str) -> set[str]:
    actions = {form.action for form in forms(await author.reads(page))}
    return {action.rpartition("/")[2] for action in actions if action.startswith(page)}


async def test_a_letter_in_trouble_is_announced_and_comes_first(town: Town, author: Author):
    await second_lesson_ends_in(town, State.REJECTED)
    assert "1 lettre attend que vous décidiez" in text_of(await author.reads("/desk"))
    page = text_of(await author.reads("/desk/deliveries"))
    trouble = page.partition("À vous de décider")[2].partition("Toutes les lettres")[0]
    assert "Leçon · Networker prend trop de temps ! refusée" in trouble
    assert "Le serveur a dit, au destinataire : 550 5.2.1 disabled" in trouble


async def test_a_letter_shows_its_attempts(town: Town, author: Author):
    page = text_of(await author.reads(await second_lesson_ends_in(town, State.REJECTED)))
    tried = page.partition("Essais")[2]
    assert "1 jeudi 26 novembre à 10:00 127.0.0.1" in tried
    assert "au destinataire 550 5.2.1 disabled boîte désactivée refusée" in tried


@pytest.mark.parametrize(
    ("state", "offered"),
    [(State.UNKNOWN, {"release", "accept", "cancel"}), (State.REJECTED, {"cancel"})],
)
async def test_a_letter_offers_what_its_state_allows(
    town: Town, author: Author, state: State, offered: set[str]
):
    assert await verbs(author, await second_lesson_ends_in(town, state)) == offered


async def test_an_uncertain_letter_may_be_sent_again(town: Town, author: Author):
    page = await second_lesson_ends_in(town, State.UNKNOWN)
    answer = await author.sends(page, f"{page}/release")
    assert "La lettre repart." in await author.reads(answer.headers["location"])
    await town.mail_goes_out()
    assert "envoyée" in text_of(await author.reads(page)).partition("Essais")[0]
    assert len(town.mailbox()) == 3


async def test_an_uncertain_letter_may_be_taken_as_sent(town: Town, author: Author):
    page = await second_lesson_ends_in(town, State.UNKNOWN)
    await author.sends(page, f"{page}/accept")
    said = text_of(await author.reads(page))
    assert "envoyée Considérée comme envoyée par l’auteur." in said
    assert await verbs(author, page) == set()
    assert "Tout se passe en ligne" in text_of(await author.reads("/desk/learners/1"))


async def test_a_refused_letter_may_be_given_up(town: Town, author: Author):
    page = await second_lesson_ends_in(town, State.REJECTED)
    await author.sends(page, f"{page}/cancel")
    assert "annulée Abandonnée par l’auteur." in text_of(await author.reads(page))
    assert "attend que vous décidiez" not in text_of(await author.reads("/desk"))
    story = text_of(await author.reads("/desk/learners/1"))
    assert "Tout se passe en ligne et à distance ? prévue" in story


async def test_a_second_decision_comes_too_late(town: Town, author: Author):
    page = await second_lesson_ends_in(town, State.UNKNOWN)
    form = next(each for each in forms(await author.reads(page)) if each.action == f"{page}/accept")
    await author.client.post(form.action, data=form.fields)
    late = await author.client.post(form.action, data=form.fields)
    assert late.status_code == 409


async def test_a_lesson_held_by_a_pause_is_no_trouble(town: Town, author: Author, parts: Parts):
    enrollment = await town.becomes_a_learner()
    async with parts.database.writing() as session:
        await steer.pause(session, enrollment.id, now=parts.clock())
    assert "attend que vous décidiez" not in text_of(await author.reads("/desk"))
    page = text_of(await author.reads("/desk/deliveries?state=held"))
    assert "retenue" in page
    assert "En pause à la demande de cette personne." in page
    assert await verbs(author, "/desk/deliveries/3") == set()


async def test_a_letter_in_a_workers_hand_offers_nothing(town: Town, author: Author, parts: Parts):
    await town.signs_up()
    await town.a_worker_takes()
    assert await verbs(author, "/desk/deliveries/1") == set()


@pytest.mark.parametrize("state", list(State))
async def test_every_state_has_its_list(author: Author, state: State):
    assert "Aucune lettre dans cet état." in await author.reads(f"/desk/deliveries?state={state}")


async def test_mail_of_nobody_is_shown_with_its_reason(town: Town, author: Author):
    number = await town.mail_comes_in(STRANGER)
    assert "1 lettre reçue ne correspond à personne" in text_of(await author.reads("/desk"))
    page = await author.reads("/desk/incoming")
    assert "<script" not in page
    said = text_of(page)
    assert "<script>alert(1)</script>" in said
    assert "de inconnue@ailleurs.example" in said
    assert "Ne correspond à personne d’inscrit ici." in said
    raw = await author.client.get(f"/desk/incoming/{number}/raw")
    assert raw.content == STRANGER


async def test_a_desk_without_stray_mail_says_so(author: Author):
    assert "Rien à trier" in await author.reads("/desk/incoming")
