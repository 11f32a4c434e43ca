"""The author reads who waits, answers, and sees when the answer has really left."""

import re

import pytest
from httpx2 import AsyncClient
from sqlalchemy import update

from app.db.people import Subscriber
from app.db.suppressed import suppress
from app.domain.conversation import Turn
from app.flows.author import check, publish, read_folder
from app.wiring import COURSES, Parts
from tests.town import CAMILLE, Town
from tests.web.browsing import Author, at_the_desk, forms, text_of

ONE = "/desk/conversations/1"
SPECIMEN = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
async def author(town: Town, client: AsyncClient) -> Author:
    """The author at the desk, with a question of Camille's about lesson 1."""
    await town.becomes_a_learner()
    await town.mail_comes_in(town.reply_to(town.mailbox()[-1], "Faut-il tout effacer ?"))
    return await at_the_desk(client)


async def lesson_one_is_rewritten(parts: Parts) -> None:
    texts = read_folder(COURSES / "mensonges")
    texts = {
        name: text.replace("Quelque part sur", "Ailleurs, sur") for name, text in texts.items()
    }
    draft, _ = check(texts, parts.templates)
    async with parts.database.writing() as session:
        assert (await publish(session, draft, now=parts.clock())).changed == ["gros-reseau"]


async def turn_says(author: Author, words: str) -> bool:
    return words in text_of(await author.reads("/desk"))


async def test_a_reply_waits_under_its_learner_and_lesson(town: Town, author: Author):
    town.clock.advance(hours=5)
    page = text_of(await author.reads("/desk"))
    assert "Une personne attend votre réponse" in page
    assert "Camille attend depuis 5 heures Avoir un gros réseau est la clé de tout !" in page
    assert "Faut-il tout effacer ?" in page


async def test_who_has_waited_longest_comes_first(town: Town, author: Author):
    await town.becomes_a_learner("noe@exemple.fr", first_name="Noé")
    reply = town.reply_to(town.mailbox("noe@exemple.fr")[-1], "Et moi ?", sender="noe@exemple.fr")
    town.clock.advance(minutes=1)
    await town.mail_comes_in(reply)
    page = text_of(await author.reads("/desk"))
    assert "2 personnes attendent votre réponse" in page
    assert page.index("Camille attend") < page.index("Noé attend")


async def test_the_new_words_stand_apart_from_the_quotation(author: Author):
    page = await author.reads(ONE)
    words, quotation = page.index("Faut-il tout effacer"), page.index("Prénom Nom a écrit")
    assert words < page.index("<details>") < quotation < page.index("</details>")


async def test_the_lesson_stands_beside_as_this_person_received_it(author: Author, parts: Parts):
    await lesson_one_is_rewritten(parts)
    page = text_of(await author.reads(ONE))
    assert "Version 1, telle que cette personne l’a reçue" in page
    assert "Quelque part sur votre profil, il y a un nombre" in page


async def test_an_answer_counts_as_sent_when_the_relay_has_it(town: Town, author: Author):
    answer = await author.sends(ONE, f"{ONE}/answer", words="Non, un seul suffit.")
    assert answer.status_code == 303
    before = text_of(await author.reads(answer.headers["location"]))
    assert "dès que le relais l’aura acceptée" in before
    assert "Non, un seul suffit. prévue" in before
    await town.mail_goes_out()
    after = text_of(await author.reads(ONE))
    assert "Non, un seul suffit. envoyée mardi 24 novembre" in after
    assert await turn_says(author, "Personne n’attend de réponse")
    assert "Non, un seul suffit." in town.mailbox()[-1].text


async def test_an_answer_that_is_refused_says_why_and_waits_again(town: Town, author: Author):
    town.relay.at_rcpt[CAMILLE] = "550 5.7.1 not from you"
    await author.sends(ONE, f"{ONE}/answer", words="Non.")
    await town.mail_goes_out()
    page = text_of(await author.reads(ONE))
    assert "refusée Le serveur a dit, au destinataire : 550 5.7.1 not from you" in page
    assert await turn_says(author, "Une personne attend votre réponse")


async def test_no_answer_needed_closes_and_can_be_taken_back(author: Author):
    await author.sends(ONE, f"{ONE}/close")
    assert await turn_says(author, "Personne n’attend de réponse")
    assert "Camille" in await author.reads("/desk?turn=closed")
    await author.sends(ONE, f"{ONE}/reopen")
    assert await turn_says(author, "Une personne attend votre réponse")


async def test_a_conversation_that_is_closed_offers_no_second_closing(author: Author):
    form = next(each for each in forms(await author.reads(ONE)) if each.action == f"{ONE}/close")
    await author.client.post(form.action, data=form.fields)
    again = await author.client.post(form.action, data=form.fields)
    assert again.status_code == 409
    assert "l’état a changé entre-temps" in again.text
    assert f"{ONE}/close" not in await author.reads(ONE)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [("  \n", 422, "La réponse est vide"), ("a\0b", 400, "Ce formulaire est incomplet")],
)
async def test_an_answer_that_cannot_be_sent_says_so(
    author: Author, words: str, status: int, said: str
):
    answer = await author.sends(ONE, f"{ONE}/answer", words=words)
    assert answer.status_code == status
    assert said in text_of(answer.text)
    assert await turn_says(author, "Une personne attend votre réponse")


async def test_a_suppressed_address_offers_no_answer(author: Author, parts: Parts, town: Town):
    enrollment = await town.enrollment()
    async with parts.database.writing() as session:
        person = await session.get(Subscriber, enrollment.subscriber_id)
        assert person is not None
        await suppress(session, person.fingerprint, "author", now=parts.clock())
    page = await author.reads(ONE)
    assert "exclue des envois" in page
    assert f"{ONE}/answer" not in page


async def test_another_sender_is_named(town: Town, author: Author):
    other = town.reply_to(town.mailbox()[-1], "De mon travail.", sender="camille@bureau.example")
    await town.mail_comes_in(other)
    assert "écrit depuis camille@bureau.example" in text_of(await author.reads(ONE))


async def test_the_raw_letter_is_shown_as_text_and_nothing_else(town: Town, author: Author):
    (raw,) = re.findall(r"/desk/incoming/\d+/raw", await author.reads(ONE))
    answer = await author.client.get(raw)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
    assert b"In-Reply-To:" in answer.content


async def test_what_a_learner_writes_is_shown_as_text(town: Town, author: Author, parts: Parts):
    async with parts.database.writing() as session:
        await session.execute(update(Subscriber).values(first_name=SPECIMEN))
    await town.mail_comes_in(town.reply_to(town.mailbox()[-1], f"Voyez : {SPECIMEN}"))
    for path in ("/desk", ONE, "/desk/learners", "/desk/learners/1", "/desk/deliveries"):
        page = await author.reads(path)
        assert "<script" not in page, path
        assert "<img" not in page, path
    assert "&lt;script&gt;alert(1)" in await author.reads(ONE)


async def test_the_next_who_waits_is_one_step_away(town: Town, author: Author):
    await town.becomes_a_learner("noe@exemple.fr", first_name="Noé")
    reply = town.reply_to(town.mailbox("noe@exemple.fr")[-1], "Et moi ?", sender="noe@exemple.fr")
    await town.mail_comes_in(reply)
    page = await author.reads(ONE)
    assert '<a href="/desk/conversations/2">La suivante' in page


async def test_an_empty_desk_says_what_to_do_first(client: AsyncClient):
    author = await at_the_desk(client)
    page = text_of(await author.reads("/desk"))
    assert "Personne n’est encore inscrit. Ouvrez la page du cours" in page


@pytest.mark.parametrize("turn", list(Turn))
async def test_every_turn_has_its_list(author: Author, turn: Turn):
    assert f'href="/desk?turn={turn}" aria-current="true"' in await author.reads(
        f"/desk?turn={turn}"
    )


@pytest.mark.parametrize("path", ["9", "0", "99999999999999999999", "abc", "9/answer/x"])
async def test_a_conversation_that_is_not_there_says_so(author: Author, path: str):
    answer = await author.client.get(f"/desk/conversations/{path}")
    assert answer.status_code == 404
    assert "Aller aux conversations" in answer.text
