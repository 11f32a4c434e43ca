"""Builds the parts from the settings and puts them together. The only reader of app/config.py.

Starts nothing: main, worker, cli and demo do.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr, ValidationError
from sqlalchemy.exc import IntegrityError

from app.config import Settings, kept_key
from app.db import courses, schema
from app.db.session import Database
from app.domain.errors import CourseBroken, SettingMissing, SpeedRefused
from app.domain.token import Key
from app.domain.tongue import Tongue
from app.flows import author
from app.flows.dispatch import PostOffice
from app.flows.edition import Press
from app.flows.installation import Installation
from app.mail.letters import Author
from app.mail.templates import Templates
from app.mail.transport import relay
from app.tongues import read_tongues

ROOT = Path(__file__).resolve().parents[1]
LETTERS, COURSES = ROOT / "emails" / "letters", ROOT / "emails" / "courses"
DEMO_SPEED = 1440
LOCALE = ROOT / "app" / "locale"


def wall_clock() -> datetime:
    """Now, in UTC. The one clock of the program; everything else is given the time."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Parts:
    """Everything that the doors and the worker need. `bell` rings when a row is ready."""

    database: Database
    templates: Templates
    tongues: dict[str, Tongue]
    here: Installation
    office: PostOffice
    bell: asyncio.Event
    admin_token: str
    lmtp_listen: str
    privacy_url: str
    author_stated: bool
    clock: Callable[[], datetime] = field(default=wall_clock)


def build(settings: Settings | None = None, *, clock: Callable[[], datetime] = wall_clock) -> Parts:
    """The parts of one installation. Raises SettingMissing and SpeedRefused."""
    settings = settings or read_settings()
    next_hop = relay(settings.smtp_url.get_secret_value())
    if settings.speed != 1 and not next_hop.on_loopback:
        raise SpeedRefused
    bell = asyncio.Event()
    database = Database(settings.async_database_url, on_ready=bell.set)
    tongues = read_tongues(LOCALE)
    templates = Templates(LETTERS, tongues)
    here = installation(settings)
    press = Press(templates, here)
    office = PostOffice(database, templates, next_hop, here, clock, press, settings.connections)
    return Parts(
        database=database,
        templates=templates,
        tongues=tongues,
        here=here,
        office=office,
        bell=bell,
        admin_token=settings.admin_token.get_secret_value(),
        lmtp_listen=settings.lmtp_listen,
        privacy_url=settings.privacy_url,
        author_stated=bool(settings.author_name),
        clock=clock,
    )


def read_settings() -> Settings:
    """The settings of this process. Raises SettingMissing, naming the variable."""
    try:
        return Settings()
    except ValidationError as fault:
        first = fault.errors()[0]
        name = f"FEUILLETON_{first['loc'][0]}".upper()
        raise SettingMissing(f"{name}: {first['msg']}") from fault


def course_templates() -> Templates:
    """The letters alone, for work on course files that needs no installation."""
    return Templates(LETTERS, read_tongues(LOCALE))


def installation(settings: Settings) -> Installation:
    """Who and where this installation is."""
    keys = settings.keys()
    return Installation(
        base_url=settings.base_url,
        mail_domain=settings.domain,
        keys=[Key(key) for key in keys],
        suppression_secret=keys[-1],
        author=Author(
            name=settings.author_name or "L’auteur du cours",
            signature=settings.author_signature,
            postal_address=settings.postal_address,
        ),
        speed=settings.speed,
    )


def demo_settings(folder: Path, base_url: str, smtp_port: int) -> Settings:
    """The demo's own settings: nothing outside `folder`, no relay but its own, a quick clock."""
    stated = read_settings()
    return Settings(
        database_url=f"sqlite:///{folder / 'feuilleton.db'}",
        smtp_url=SecretStr(f"smtp://127.0.0.1:{smtp_port}"),
        base_url=base_url,
        mail_domain="cours.localhost",
        secret_keys=SecretStr(kept_key(folder / "secret_keys").decode()),
        lmtp_listen="",
        speed=stated.speed if "speed" in stated.model_fields_set else DEMO_SPEED,
    )


async def prepare(parts: Parts) -> None:
    """Refuse a schema that does not fit, and import the courses at the first start.

    Raises DatabaseBehind, DatabaseAhead, CourseBroken.
    """
    await schema.require_current(parts.database)
    # Two processes may start together; the second finds what the first has written.
    with suppress(IntegrityError):
        await _import_courses(parts)


async def _import_courses(parts: Parts) -> None:
    async with parts.database.writing() as session:
        if await courses.all_courses(session):
            return
        for folder in sorted(COURSES.iterdir()):
            draft, findings = author.check(author.read_folder(folder), parts.templates)
            grave = next((finding for finding in findings if finding.grave), None)
            if grave:
                raise CourseBroken(f"{folder.name}/{grave.file}", grave.line, grave.remedy)
            await author.publish(session, draft, now=parts.clock())
