"""The answer to the final dot lost on its way, for real: a proxy swallows it and cuts the line.

The mail server has the letter; the sender can never know. Such a letter is shown as unknown and is
not sent again by itself, and everything else goes on.
"""

import random
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.domain.delivery import State
from tests.faults import oracle
from tests.faults.killing import work_until_at_rest
from tests.nursery import Nursery
from tests.proxy import Proxy, final_dot, standing_between

LEARNERS = 150


@pytest.mark.timeout(120)
async def test_a_letter_whose_acceptance_was_lost_on_the_way_is_unknown_and_stays_so(
    database_url_in_sync: str, tmp_path: Path, nursery: Nursery
):
    chance = random.Random(11)
    with oracle.sink(tmp_path) as ledger:
        there = urlsplit(ledger.relay)
        between = Proxy(str(there.hostname), int(there.port or 0), final_dot, 0.1, chance)
        async with standing_between(between) as proxy:
            relay = f"smtp://127.0.0.1:{proxy.at}"
            more = {"speed": oracle.ONE_LESSON, "connections": "4"}
            stated = oracle.settings(database_url_in_sync, relay, **more)
            await oracle.seed(stated, LEARNERS)
            await work_until_at_rest(nursery, tmp_path, stated)
        rows = await oracle.ask(stated)
        oracle.assert_nothing_lost_nothing_twice(rows, ledger.sent(), learners=LEARNERS)
    unknown = {row.message_id for row in rows if row.state is State.UNKNOWN}
    assert proxy.struck
    assert unknown == set(proxy.struck)
    assert unknown < set(ledger.sent())
