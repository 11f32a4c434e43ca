"""Providers' queues as the author and programs see them, and their word on those that are held."""

import httpx2
import pytest

from app.db import queues
from app.db.queues import Said
from app.flows import standstill
from app.worker import Worker
from tests.crowd import crowd
from tests.town import CAMILLE, Town
from tests.web.browsing import at_the_desk, text_of

POLICY = "550 5.7.1 blocked by policy"


async def a_held_queue(town: Town) -> None:
    """Camille's provider refuses what comes from here."""
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = POLICY
    town.clock.advance(days=1)
    await town.mail_goes_out()
    town.relay.at_rcpt.clear()


async def a_broken_queue(town: Town) -> None:
    """Ten learners at Gmail are unknown there of a sudden."""
    for email in await crowd(town, 10, "gmail.com"):
        town.relay.at_rcpt[email] = "550 5.1.1 user unknown"
    await town.mail_goes_out()
    town.relay.at_rcpt.clear()
    town.clock.advance(seconds=15)
    await Worker(town.parts).sweep()


async def suppressions(api: httpx2.AsyncClient) -> int:
    return len((await api.get("/api/v1/suppressions")).json()["items"])


async def test_a_desk_where_all_queues_run_says_so(town: Town):
    page = text_of(await (await at_the_desk(town.client)).reads("/desk/queues"))
    assert "Toutes les files vont leur train." in page
    assert "Rien n’est parti depuis 24 heures." in page


async def test_a_held_queue_is_marked_on_every_page_and_let_go_by_hand(town: Town):
    await a_held_queue(town)
    author = await at_the_desk(town.client)
    assert "1 file arrêtée" in text_of(await author.reads("/desk/courses"))
    page = text_of(await author.reads("/desk/queues"))
    assert f"Le serveur a dit, au destinataire : {POLICY}" in page
    assert "En attente 1 lettre" in page
    answer = await author.sends("/desk/queues", "/desk/queues/example.fr/release")
    after = text_of(await author.reads(answer.headers["location"]))
    assert "La file repart." in after
    assert "file arrêtée" not in after
    await town.mail_goes_out()
    assert len(town.mailbox()) == 3


async def test_letters_of_a_held_queue_are_no_trouble_of_their_own(town: Town):
    await a_held_queue(town)
    author = await at_the_desk(town.client)
    assert "attend que vous décidiez" not in text_of(await author.reads("/desk"))
    page = await author.reads("/desk/deliveries/3")
    assert "Sa file est arrêtée : example.fr." in text_of(page)
    assert "/desk/deliveries/3/release" not in page


async def test_a_slowed_queue_says_until_when(town: Town):
    await town.becomes_a_learner()
    town.relay.at_rcpt[CAMILLE] = "421 4.7.0 too many messages"
    town.clock.advance(days=1)
    await town.mail_goes_out()
    page = text_of(await (await at_the_desk(town.client)).reads("/desk/queues"))
    assert "example.fr ralentie" in page
    assert "Ralentie jusqu’à mercredi 25 novembre à 11:30" in page
    assert "example.fr 2 1 0 0" in page


@pytest.mark.parametrize(("word", "left"), [("provider-wrong", 0), ("mailboxes-gone", 10)])
async def test_the_author_decides_who_was_wrong(
    town: Town, api: httpx2.AsyncClient, word: str, left: int
):
    await a_broken_queue(town)
    author = await at_the_desk(town.client)
    assert "déclarer inconnues 10 boîtes" in text_of(await author.reads("/desk/queues"))
    await author.sends("/desk/queues", f"/desk/queues/gmail/{word}")
    assert "Toutes les files vont leur train." in text_of(await author.reads("/desk/queues"))
    assert await suppressions(api) == left
    await town.mail_goes_out()
    assert len(town.mailbox("learner0@gmail.com")) == (1 if left == 0 else 0)


async def test_a_queue_that_nobody_knows_cannot_be_let_go(town: Town, api: httpx2.AsyncClient):
    answer = await api.post("/api/v1/queues/gmail/release")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:feuilleton:record-unknown")
    assert (await api.post("/api/v1/queues/../release")).status_code == 404
    assert (await api.post("/api/v1/queues/GMAIL/release")).status_code == 422


async def test_programs_read_queues_and_let_them_go(town: Town, api: httpx2.AsyncClient):
    await a_held_queue(town)
    (held,) = (await api.get("/api/v1/queues")).json()["items"]
    assert (held["name"], held["waiting"], held["doubted"]) == ("example.fr", 1, 0)
    assert held["last_day"] == {"accepted": 2, "deferred": 0, "refused": 1, "gone": 0}
    assert (await api.get("/api/v1/queues/example.fr")).json() == held
    freed = (await api.post("/api/v1/queues/example.fr/release")).json()
    assert (freed["held_at"], freed["waiting"]) == (None, 0)


async def test_the_queue_of_all_letters_has_a_name_too(town: Town, api: httpx2.AsyncClient):
    async with town.parts.database.writing() as session:
        every = await queues.queue(session, "*")
        standstill.hold(every, "sender: 550 5.7.1 relaying denied", now=town.clock())
    page = text_of(await (await at_the_desk(town.client)).reads("/desk/queues"))
    assert "Tous les fournisseurs arrêtée" in page
    assert (await api.post("/api/v1/queues/*/release")).json()["held_at"] is None


async def test_a_broken_queue_waits_for_one_of_two_words(town: Town, api: httpx2.AsyncClient):
    await a_broken_queue(town)
    assert (await api.post("/api/v1/queues/gmail/release")).status_code == 409
    assert (await api.get("/api/v1/queues/gmail")).json()["doubted"] == 10
    key = {"Idempotency-Key": "the-author-looked"}
    first, again = [
        await api.post("/api/v1/queues/gmail/provider-wrong", headers=key) for _ in range(2)
    ]
    assert (first.status_code, first.json()) == (200, again.json())
    assert (await api.post("/api/v1/queues/gmail/mailboxes-gone")).status_code == 409


async def test_the_figures_name_providers_and_put_small_domains_together(town: Town):
    said = {name: Said(accepted=3, refused=1, gone=1) for name in ("gmail", "a.fr", "b.fr")}
    async with town.parts.database.writing() as session:
        await queues.count(session, said, now=town.clock())
    shown = (await town.client.get("/metrics")).text
    assert 'feuilleton_provider_letters{provider="gmail",said="gone"} 1.0' in shown
    assert 'feuilleton_provider_letters{provider="other",said="accepted"} 6.0' in shown
    assert "feuilleton_queues_held 0.0" in shown


async def test_a_lesson_that_servers_refuse_is_announced_and_let_go(
    town: Town, api: httpx2.AsyncClient
):
    for email in await crowd(town, 3, "laposte.net"):
        town.relay.at_dot[email] = "554 5.6.0 message content rejected"
    await town.mail_goes_out()
    author = await at_the_desk(town.client)
    assert "Plusieurs serveurs refusent une leçon" in text_of(await author.reads("/desk"))
    page = "/desk/courses/mensonges/lessons/1"
    answer = await author.sends(page, f"{page}/trust")
    assert "La leçon repart" in text_of(await author.reads(answer.headers["location"]))
    assert (await api.post("/api/v1/lessons/1/stand-by")).status_code == 409


async def test_a_course_that_was_paused_by_itself_says_why(town: Town, api: httpx2.AsyncClient):
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "451 4.3.0 not now"
    for _ in range(8):
        town.clock.advance(days=1)
        await town.mail_goes_out()
    author = await at_the_desk(town.client)
    said = "en pause Une leçon n’a pas pu être remise en cinq jours."
    assert said in text_of(await author.reads("/desk/learners/1"))
    assert "1 lettre attend que vous décidiez" in text_of(await author.reads("/desk"))
    (enrollment,) = (await api.get("/api/v1/enrollments")).json()["items"]
    assert enrollment["paused_by"] == "expired"
