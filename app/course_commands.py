"""The commands `feuilleton course …`: check and import a course's files. Judges nothing itself."""

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from app.db import schema
from app.domain.course import CourseDraft, Finding
from app.domain.errors import CourseBroken
from app.flows import author
from app.flows.author import Import
from app.wiring import COURSES, Parts, build, course_templates

commands = typer.Typer(no_args_is_help=True, help="Courses as files.")
Folder = Annotated[
    Path,
    typer.Argument(help="The folder with course.toml and the lessons.", show_default=False),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")]


@commands.command()
def check(folder: Folder = COURSES / "mensonges") -> None:
    """Read a course and say, with file and line, what to mend; exit code 1 for what is grave."""
    draft, findings = author.check(author.read_folder(folder), course_templates())
    for finding in findings:
        typer.echo(f"{'mend' if finding.grave else 'note'}  {finding}")
    typer.echo(f"{draft.title}: {len(draft.lessons)} lessons, {_count(findings)}")
    raise typer.Exit(1 if any(finding.grave for finding in findings) else 0)


@commands.command("import")
def import_course(folder: Folder = COURSES / "mensonges", dry_run: DryRun = False) -> None:
    """Publish a course from its files: what changed becomes new Versions, all or nothing."""
    parts = build()
    draft, findings = author.check(author.read_folder(folder), parts.templates)
    grave = next((finding for finding in findings if finding.grave), None)
    if grave:
        raise CourseBroken(grave.file, grave.line, grave.remedy)
    done = uvloop.run(_import(parts, draft, dry_run=dry_run))
    for what, slugs in (
        ("new", done.new),
        ("changed", done.changed),
        ("withdrawn", done.withdrawn),
        ("unchanged", done.unchanged),
    ):
        typer.echo(f"{what:10} {len(slugs):3}  {', '.join(slugs)}")
    if dry_run:
        typer.echo("nothing was changed (--dry-run)")


async def _import(parts: Parts, draft: CourseDraft, *, dry_run: bool) -> Import:
    await schema.require_current(parts.database)
    transaction = parts.database.reading if dry_run else parts.database.writing
    async with transaction() as session:
        done = await author.publish(session, draft, now=parts.clock())
    await parts.database.close()
    return done


def _count(findings: list[Finding]) -> str:
    grave = sum(finding.grave for finding in findings)
    return f"{grave} to mend, {len(findings) - grave} to note"
