"""The ledger of one learner: every letter ever planned, with its tries, on a page and as JSON."""

import pytest
from httpx2 import AsyncClient

from tests.town import CAMILLE, Town
from tests.web.browsing import at_the_desk, text_of

LEDGER = "/desk/learners/1/ledger"


@pytest.fixture
async def doubted(town: Town) -> Town:
    """Camille's first lesson was refused once; of her second nobody knows whether it arrived."""
    town.relay.at_rcpt[CAMILLE] = "451 4.2.2 mailbox full"
    await town.signs_up()
    await town.mail_goes_out()
    town.relay.at_rcpt.clear()
    town.clock.advance(minutes=5)
    await town.mail_goes_out()
    await town.confirms()
    await town.mail_goes_out()
    town.relay.at_dot[CAMILLE] = "cut"
    town.clock.advance(days=1)
    await town.mail_goes_out()
    town.relay.at_dot.clear()
    return town


async def test_the_ledger_tells_of_every_letter_and_every_try(doubted: Town):
    author = await at_the_desk(doubted.client)
    page = text_of(await author.reads(LEDGER))
    first, second, third = (page.partition(f"Lettre {number} ·")[2] for number in (1, 2, 3))
    assert "1 2026-11-24 10:00:00 127.0.0.1" in first
    assert "au destinataire 451 4.2.2 mailbox full boîte pleine différée" in first
    assert "à la remise 250 2.0.0 queued as TEST – envoyée" in second
    assert f"Message-ID {doubted.mailbox()[1].message['Message-ID'].strip('<>')}" in second
    assert "à la remise aucune" in third
    assert "sans réponse à la remise peut-être envoyée" in third


async def test_decisions_stand_with_their_letter(doubted: Town):
    author = await at_the_desk(doubted.client)
    await author.sends("/desk/deliveries/3", "/desk/deliveries/3/accept")
    third = text_of(await author.reads(LEDGER)).partition("Lettre 3 ·")[2].partition("Lettre 4")[0]
    assert "considérée comme envoyée 2026-11-25 10:05:00 par une personne" in third


async def test_the_ledger_is_found_from_the_learner_and_from_each_letter(doubted: Town):
    author = await at_the_desk(doubted.client)
    for page in ("/desk/learners/1", "/desk/deliveries/3"):
        assert f'href="{LEDGER}"' in await author.reads(page)


async def test_the_ledger_of_nobody_is_not_found(client: AsyncClient):
    author = await at_the_desk(client)
    assert (await author.client.get("/desk/learners/9/ledger")).status_code == 404


async def test_a_stranger_reads_no_ledger(doubted: Town, client: AsyncClient):
    client.cookies.clear()
    assert CAMILLE not in (await client.get(LEDGER)).text
    assert (await client.get("/api/v1/enrollments/1/ledger")).status_code == 401


async def test_a_program_reads_the_same(doubted: Town, api: AsyncClient):
    told = (await api.get("/api/v1/enrollments/1/ledger")).json()
    assert told["enrollment"]["id"] == 1
    assert [each["confirmed_at"] for each in told["receipts"]] == ["2026-11-24T09:05:00Z"]
    assert [each["id"] for each in told["letters"]] == [1, 2, 3]
    refused, accepted = told["letters"][0]["attempts"]
    assert (refused["cause"], refused["enhanced"]) == ("full", "4.2.2")
    assert accepted["hop"].startswith("127.0.0.1 [127.0.0.1]:")
    assert accepted["hop"].endswith(" clear")
    assert len(told["letters"][1]["digest"]) == 64
    assert told["letters"][2]["state"] == "unknown"
