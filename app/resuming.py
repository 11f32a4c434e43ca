"""The command `feuilleton resume`: says what was halted and why, asks, and lets letters leave
again.

Run where the worker runs, it also writes the file that the worker looks for when it starts.
"""

import sys
from datetime import datetime

import typer

from app.db import instance_file, schema
from app.domain.errors import NotConfirmed
from app.flows import sending
from app.flows.sending import Sending
from app.wiring import Parts


async def resume(parts: Parts, *, yes: bool) -> None:
    """Print how sending stands and, on a person's yes, go on. Raises NotConfirmed without one."""
    await schema.require_current(parts.database)
    try:
        async with parts.database.reading() as session:
            now = await sending.sending(session, now=parts.clock())
        typer.echo(described(now))
        if now.halted_at:
            _ask(yes=yes)
            async with parts.database.writing() as session:
                life = await sending.resume(session, now=parts.clock())
            instance_file.write(parts.instance_file, life)
            typer.echo("sending goes on within a few seconds")
    finally:
        await parts.database.close()


def described(now: Sending) -> str:
    """How sending stands, in a few lines."""
    due = f"{now.due} letters are due" if now.due != 1 else "1 letter is due"
    since = f", the first since {_minute(now.oldest_due_at)}" if now.oldest_due_at else ""
    if now.halted_at is None:
        return f"sending is not halted; {due}{since}"
    head = f"sending is halted since {_minute(now.halted_at)} ({now.halted_because})"
    return f"{head}: {now.check}\n{due}{since}"


def _ask(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotConfirmed
    if not typer.confirm("Let them leave from this database?"):
        raise NotConfirmed("nothing was changed")


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
