"""Sends what is due: claim, write, mark, hand over, record.

Each arrow that touches rows is a short transaction, shared by all connections that want to write at
the same moment, and none is open while a server is spoken to. Plans nothing itself and never tries
again by itself: settle and record say what follows.
"""

from app.db import outbox
from app.flows.claims import BATCH, LEASE, Claims
from app.flows.handover import Handover
from app.flows.office import PostOffice


async def send_due(office: PostOffice, *, limit: int = BATCH) -> int:
    """Send what is due, the next batch being fetched while this one is sent; returns how many
    claims were taken.

    When the relay cannot be reached the claims go back untouched, and `relay_fault` says why.
    """
    office.relay_fault = None
    if office.halted:
        return 0
    claims = Claims(office, limit)
    await claims.begin()
    if claims.taken:
        try:
            await _carry(office, claims)
        finally:
            # Whatever a round that broke has left behind: nobody may count it as ours, so that its
            # leases lapse, and nobody may wait for it to land.
            office.in_hand.clear()
            office.traffic.clear()
        await note_pace(office)
    return claims.taken


async def _carry(office: PostOffice, claims: Claims) -> None:
    try:
        await Handover(office, claims).run()
    finally:
        await claims.close()


async def prolong(office: PostOffice) -> None:
    """Keep the leases of what this process is sending (a server may think for ten minutes)."""
    if office.in_hand:
        until = office.clock() + LEASE
        async with office.database.writing() as session:
            await outbox.prolong(session, list(office.in_hand.values()), until=until)
    await note_pace(office)


async def note_pace(office: PostOffice) -> None:
    """Write down how many letters each provider took since the last time."""
    if office.traffic.has_news:
        async with office.database.writing() as session:
            await office.traffic.note(session, office.clock())
