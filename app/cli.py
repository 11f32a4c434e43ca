"""The command `feuilleton`. Reads arguments, starts things, prints; the work is done elsewhere.

A fault of the installation is one sentence on standard error and exit code 1.
"""

import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import structlog
import typer
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from app import course_commands, doctor_commands
from app.db import schema
from app.demo import run_demo
from app.domain.errors import FeuilletonError
from app.flows import grant, receive
from app.flows.receive import Arrival
from app.main import create_app
from app.resuming import resume as go_on
from app.serving import bind, until_stopped
from app.wiring import build, prepare

T = TypeVar("T")
EX_TEMPFAIL = 75
Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)]

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A course by e-mail whose author answers everyone.",
)
tokens = typer.Typer(no_args_is_help=True, help="Tokens for the admin API.")
cli.add_typer(course_commands.commands, name="course")
cli.add_typer(doctor_commands.commands, name="doctor")
cli.add_typer(tokens, name="token")


def main() -> None:
    """The entry point: errors of our tree become one sentence."""
    _log_to_stderr()
    try:
        cli()
    except FeuilletonError as fault:
        sys.exit(f"feuilleton: {fault}")


@cli.command()
def demo(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Show the whole course live on this machine; nothing leaves it."""
    _run(run_demo(Path("var/demo"), host, port))


@cli.command()
def run(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Web application and worker in one process."""
    _run(_start(host, port, web=True, work=True))


@cli.command()
def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """The web application alone; `feuilleton work` sends the letters."""
    _run(_start(host, port, web=True, work=False))


@cli.command()
def work() -> None:
    """The worker alone: sends letters, files replies."""
    _run(_start("", 0, web=False, work=True))


@cli.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    parts = build()
    _run(schema.migrate(parts.database))
    typer.echo("the database is up to date")


@cli.command()
def resume(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; it was looked into.")] = False,
) -> None:
    """Say whether and why sending is halted, and let letters leave again."""
    _run(go_on(build(), yes=yes))


@cli.command("receive")
def bring_in(
    sender: Annotated[str, typer.Option(help="The envelope sender.")] = "",
    recipient: Annotated[str, typer.Option(help="The envelope recipient.")] = "",
) -> None:
    """Take one raw message on standard input into the inbound flow (for a pipe transport)."""
    raw = sys.stdin.buffer.read()
    try:
        _run(_keep(Arrival(raw, "pipe", sender or None, recipient or None)))
    except (SQLAlchemyError, OSError, FeuilletonError) as fault:
        typer.echo(f"feuilleton: not kept ({type(fault).__name__}); try again", err=True)
        raise typer.Exit(EX_TEMPFAIL) from fault


@cli.command()
def inspect() -> None:
    """Read one raw message on standard input and print what it is, as JSON. Needs no database."""
    typer.echo(json.dumps(receive.inspect(sys.stdin.buffer.read()), ensure_ascii=False))


@tokens.command("create")
def create_token(name: Annotated[str, typer.Argument(help="What the token is for.")]) -> None:
    """Make a token for the admin API and print it, this once."""
    typer.echo(_run(_create_token(name)))


async def _start(host: str, port: int, *, web: bool, work: bool) -> None:
    parts = build()
    await prepare(parts)
    listening = bind(host, port) if web else None
    app = create_app(parts) if web else None
    await until_stopped(parts, app=app, listening=listening, work=work)


async def _keep(arrival: Arrival) -> None:
    parts = build()
    async with parts.database.writing() as session:
        await receive.keep(session, arrival, now=parts.clock())
    await parts.database.close()


async def _create_token(name: str) -> str:
    parts = build()
    await schema.require_current(parts.database)
    async with parts.database.writing() as session:
        text = await grant.create_token(session, name, now=parts.clock())
    await parts.database.close()
    return text


def _run(work: Coroutine[Any, Any, T]) -> T:
    return uvloop.run(work)


def _log_to_stderr() -> None:
    at_a_terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if at_a_terminal
            else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    main()
