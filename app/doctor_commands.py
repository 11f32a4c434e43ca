"""The commands `feuilleton doctor` and `feuilleton doctor audit`: what to mend in the installation,
and which promises the database breaks. Prints; looks at nothing itself.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from app.db import schema
from app.doctor import examine
from app.flows import audit as auditing
from app.flows.audit import Finding
from app.wiring import Parts, build

commands = typer.Typer(help="Look the installation over and say what to mend.")
AsJson = Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")]


@commands.callback(invoke_without_command=True)
def doctor(context: typer.Context) -> None:
    """Look the installation over and say what to mend."""
    if context.invoked_subcommand is not None:
        return
    checks = asyncio.run(examine(build()))
    for check in checks:
        typer.echo(str(check))
    raise typer.Exit(0 if all(check.fine for check in checks) else 1)


@commands.command()
def audit(as_json: AsJson = False) -> None:
    """Hold the live database against the promises I1 to I12; changes nothing. Exit code 1 when one
    is broken.
    """
    findings = asyncio.run(_audit(build()))
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in findings], indent=2))
    else:
        for finding in findings:
            typer.echo("\n".join(_lines(finding)))
    raise typer.Exit(1 if any(finding.violations for finding in findings) else 0)


async def _audit(parts: Parts) -> list[Finding]:
    try:
        await schema.require_current(parts.database)
        return await auditing.audit(parts)
    finally:
        await parts.database.close()


def _lines(finding: Finding) -> Iterator[str]:
    head = {True: "ok    ", False: "BROKEN", None: "-     "}[finding.holds]
    yield f"{head}  {finding.promise.name:3}  {finding.promise}"
    for each in finding.violations:
        more = ", …" if each.count > len(each.ids) else ""
        ids = ", ".join(map(str, each.ids))
        yield f"             {each.count} × {each.what}: {each.subject} {ids}{more}"
    if finding.unjudged:
        yield f"             not judged here: {finding.unjudged}"
    if finding.elsewhere:
        yield f"             not in the rows: {finding.elsewhere}"


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "invariant": finding.promise.name,
        "promise": finding.promise.value,
        "holds": finding.holds,
        "violations": [
            {"what": each.what, "subject": each.subject, "count": each.count, "ids": each.ids}
            for each in finding.violations
        ],
        "unjudged": finding.unjudged,
        "elsewhere": finding.elsewhere,
    }
