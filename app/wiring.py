"""Builds the parts from the settings and puts them together. The only reader of app/config.py.

Starts nothing: main, worker, cli and demo do.
"""

import asyncio
import time
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
from app.domain.ceiling import Ceilings
from app.domain.errors import CourseBroken, SettingMissing, SpeedRefused
from app.domain.pacing import read_paces
from app.domain.token import Key
from app.domain.tongue import Tongue
from app.flows import author
from app.flows.edition import Press
from app.flows.installation import Installation
from app.flows.office import PostOffice
from app.flows.points import deadly
from app.flows.traffic import Traffic
from app.mail.dkim_keys import signing_key
from app.mail.letters import Author
from app.mail.next_hop import relay
from app.mail.sign import Signer
from app.mail.templates import Templates
from app.tongues import read_tongues

ROOT = Path(__file__).resolve().parents[1]
LETTERS, COURSES = ROOT / "emails" / "letters", ROOT / "emails" / "courses"
DEMO_SPEED = 1440
LOCALE = ROOT / "app" / "locale"


def wall_clock() -> datetime:
    """Now, in UTC. The one clock of the program; everything else is given the time."""
    return datetime.now(UTC)


def steady_clock() -> float:
    """Seconds since some moment, whatever the wall clock is set to; sleep counts where it can."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


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
    relay_log: Path | None
    privacy_url: str
    author_stated: bool
    instance_file: Path
    clock: Callable[[], datetime] = field(default=wall_clock)
    steady: Callable[[], float] = field(default=steady_clock)


def build(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = wall_clock,
    steady: Callable[[], float] = steady_clock,
) -> Parts:
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
    office = PostOffice(
        database=database,
        templates=templates,
        relay=next_hop,
        here=here,
        clock=clock,
        press=press,
        connections=settings.connections,
        signer=signer(settings),
        traffic=Traffic(read_paces(settings.paces), ceilings(settings)),
        bell=bell,
        deadly=deadly(settings.die_at),
    )
    return Parts(
        database=database,
        templates=templates,
        tongues=tongues,
        here=here,
        office=office,
        bell=bell,
        admin_token=settings.admin_token.get_secret_value(),
        lmtp_listen=settings.lmtp_listen,
        relay_log=Path(settings.relay_log) if settings.relay_log else None,
        privacy_url=settings.privacy_url,
        author_stated=bool(settings.author_name),
        instance_file=settings.instance_file,
        clock=clock,
        steady=steady,
    )


def ceilings(settings: Settings) -> Ceilings:
    """How many letters may leave in an hour and on a day; a day of warming up begins in UTC."""
    day = settings.warming_since
    since = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
    return Ceilings(settings.hourly_ceiling, settings.daily_ceiling, since)


def signer(settings: Settings) -> Signer | None:
    """What signs letters, or None without DKIM keys. Raises SettingMissing for keys that cannot
    sign.
    """
    stated = {
        settings.dkim_rsa_selector: settings.dkim_rsa_key.get_secret_value(),
        settings.dkim_ed25519_selector: settings.dkim_ed25519_key.get_secret_value(),
    }
    keys = [signing_key(source, selector) for selector, source in stated.items() if source]
    return Signer(settings.dkim_domain or settings.domain, keys) if keys else None


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
        unknown_lessons=settings.unknown_lessons,
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
        instance_file=folder / "instance.json",
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
