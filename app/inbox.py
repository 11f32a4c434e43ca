"""Joins the SMTP/LMTP listener to the inbound flow. Decides nothing about letters."""

import asyncio

from app.domain.errors import SettingMissing
from app.flows import receive
from app.flows.receive import Arrival
from app.mail.listener import Brought, Gate, listen
from app.wiring import Parts


def gate(parts: Parts, *, via: str) -> Gate:
    """The gate for mail to our own addresses: kept and committed before it is acknowledged."""

    async def take(brought: Brought) -> None:
        arrival = Arrival(brought.raw, via, brought.sender, brought.recipient)
        async with parts.database.writing() as session:
            await receive.keep(session, arrival, now=parts.clock())

    async def admits(recipient: str) -> bool:
        async with parts.database.reading() as session:
            return await receive.is_admitted(session, recipient, here=parts.here)

    return Gate(admits=admits, take=take)


async def open_lmtp(parts: Parts) -> asyncio.Server | None:
    """The LMTP door, if FEUILLETON_LMTP_LISTEN (host:port) asks for one. Raises SettingMissing."""
    if not parts.lmtp_listen:
        return None
    host, _, port = parts.lmtp_listen.rpartition(":")
    if not host or not port.isdigit():
        raise SettingMissing("FEUILLETON_LMTP_LISTEN reads host:port, such as 127.0.0.1:8024")
    return await listen(gate(parts, via="lmtp"), host.strip("[]"), int(port), lmtp=True)
