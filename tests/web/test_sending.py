"""While sending is halted the desk says so on every page, the API and the figures too; one button
ends it.
"""

import httpx2
import pytest

from app.worker import Worker
from tests.town import Town
from tests.web.browsing import Author, at_the_desk, forms, text_of

BUTTON = "/desk/sending/resume"


@pytest.fixture
async def worker(town: Town) -> Worker:
    """A worker whose clock has just jumped, with a letter waiting."""
    worker = Worker(town.parts)
    await worker.sweep()
    await town.signs_up()
    town.clock.jump(hours=2)
    await worker.sweep()
    return worker


@pytest.fixture
async def author(worker: Worker, client: httpx2.AsyncClient) -> Author:
    return await at_the_desk(client)


@pytest.mark.parametrize(
    "page", ["/desk", "/desk/deliveries", "/desk/learners", "/desk/courses", "/desk/incoming"]
)
async def test_every_page_of_the_desk_says_why_nothing_leaves(author: Author, page: str):
    html = await author.reads(page)
    said = text_of(html)
    assert "L’envoi est arrêté, rien ne part" in said
    assert "L’horloge de la machine a sauté" in said
    assert "Arrêté depuis le mardi 24 novembre à 12:00." in said
    assert "1 lettre attend. La première attend depuis le mardi 24 novembre à 10:00." in said
    assert BUTTON in {form.action for form in forms(html)}


async def test_the_button_lets_letters_leave_again(author: Author, worker: Worker, town: Town):
    answer = await author.sends("/desk", BUTTON)
    assert "L’envoi reprend" in await author.reads(answer.headers["location"])
    assert "L’envoi est arrêté" not in await author.reads("/desk")
    await worker.sweep()
    await worker.send_letters()
    assert len(town.mailbox()) == 1


async def test_the_button_needs_the_form_of_this_very_session(author: Author):
    answer = await author.client.post(BUTTON, data={"form_token": "made up"})
    assert answer.status_code == 403
    assert "L’envoi est arrêté" in await author.reads("/desk")


async def test_a_second_press_finds_nothing_halted(author: Author):
    form = next(form for form in forms(await author.reads("/desk")) if form.action == BUTTON)
    first, second = [await author.client.post(BUTTON, data=form.fields) for _ in range(2)]
    assert (first.status_code, second.status_code) == (303, 409)


async def test_the_api_tells_and_ends_a_halt(worker: Worker, api: httpx2.AsyncClient):
    told = (await api.get("/api/v1/sending")).json()
    assert told["halted_at"] == "2026-11-24T11:00:00Z"
    assert told["halted_because"] == "clock_jumped"
    assert "timedatectl" in told["check"]
    assert (told["due"], told["oldest_due_at"]) == (1, "2026-11-24T09:00:00Z")
    gone_on = await api.post("/api/v1/sending/resume")
    assert (gone_on.status_code, gone_on.json()["halted_at"]) == (200, None)
    assert (await api.post("/api/v1/sending/resume")).status_code == 409


async def test_an_installation_that_was_never_halted_says_so(api: httpx2.AsyncClient):
    told = (await api.get("/api/v1/sending")).json()
    assert told == dict.fromkeys(told) | {"due": 0}
    assert "feuilleton_halted 0.0" in (await api.get("/metrics")).text


async def test_the_figures_show_it_and_the_pages_stay_ready(
    worker: Worker, client: httpx2.AsyncClient
):
    assert "feuilleton_halted 1.0" in (await client.get("/metrics")).text
    assert (await client.get("/readyz")).status_code == 200
