"""The demo: the whole product in one process, with a mailbox page for the letters it sends.

The letters make a real SMTP journey: from the worker to an SMTP server of the demo's own, which
keeps those for strangers for the mailbox page and takes in those for our own addresses. Nothing
leaves this machine. Time runs faster: one day lasts one minute, unless FEUILLETON_SPEED says
otherwise.
"""

from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import aiosmtplib

from app.db import schema
from app.domain import token
from app.domain.token import DESK_LIFE, Purpose
from app.inbox import gate
from app.mail.catcher import Catcher
from app.mail.listener import Brought, Gate, listen
from app.main import create_app, web_parts
from app.serving import bind, until_stopped
from app.web import demo_mailbox
from app.wiring import Parts, build, demo_settings, prepare


async def run_demo(folder: Path, host: str, port: int) -> None:
    """Start everything and print where it is; returns when told to stop. Raises PortTaken."""
    listening = bind(host, port)
    catcher = Catcher(folder / "mailbox")
    box: dict[str, Parts] = {}
    post = await listen(_gate(catcher, box), "127.0.0.1", 0, lmtp=False)
    smtp_port = post.sockets[0].getsockname()[1]
    parts = box["parts"] = build(demo_settings(folder, f"http://{host}:{port}", smtp_port))
    await schema.migrate(parts.database)
    await prepare(parts)
    app = create_app(parts)
    app.include_router(demo_mailbox.router_for(_box(parts, catcher, smtp_port)))
    print(_welcome(parts), flush=True)
    await until_stopped(parts, app=app, listening=listening, work=True)
    post.close()


def _gate(catcher: Catcher, box: dict[str, Parts]) -> Gate:
    """Letters to us come in, all others are caught. `box` is filled before the first comes."""

    async def take(brought: Brought) -> None:
        ours = gate(box["parts"], via="smtp")
        if await ours.admits(brought.recipient):
            await ours.take(brought)
        else:
            catcher.catch(brought, now=box["parts"].clock())

    async def anybody(_: str) -> bool:
        return True

    return Gate(admits=anybody, take=take)


def _box(parts: Parts, catcher: Catcher, smtp_port: int) -> demo_mailbox.Box:
    async def post(reply: EmailMessage) -> None:
        await aiosmtplib.send(reply, hostname="127.0.0.1", port=smtp_port, start_tls=False)

    return demo_mailbox.Box(catcher, post, web_parts(parts).pages, parts.clock)


def _welcome(parts: Parts) -> str:
    url = partial(parts.here.url)
    until = parts.clock() + DESK_LIFE
    link = token.sign(Purpose.DESK_ENTER, "author", keys=parts.here.keys, until=until)
    day = timedelta(days=1) / parts.here.speed
    return (
        "\nFeuilleton is running. "
        f"One day of the course lasts {day.total_seconds():g} seconds here.\n\n"
        f"  landing page   {url('')}\n"
        f"  mailbox        {url('mailbox')}\n"
        f"  desk           {url('desk', 'enter', link)}\n\n"
        "Ctrl-C stops it. What you do here is kept in var/demo; delete that folder to start anew.\n"
    )
