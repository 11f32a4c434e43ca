"""Looks an installation over: settings, database, relay. Mends nothing; says what to type where."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from app.db import schema
from app.domain.errors import SetupFault
from app.flows import sending
from app.mail.transport import Line
from app.wiring import Parts


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is fine, and what to do when it is not."""

    what: str
    fine: bool
    remedy: str = ""

    def __str__(self) -> str:
        return f"{'ok  ' if self.fine else 'MEND'}  {self.what}" + (
            f": {self.remedy}" if not self.fine else ""
        )


async def examine(parts: Parts) -> list[Check]:
    """All checks, in the order in which one would mend."""
    checks = [*_settings(parts), *_signatures(parts), await _database(parts)]
    if checks[-1].fine:
        checks.append(await _sending(parts))
    checks.append(await _relay(parts))
    if parts.relay_log:
        checks.append(_relay_log(parts, parts.relay_log))
    await parts.database.close()
    return checks


def _signatures(parts: Parts) -> list[Check]:
    signer = parts.office.signer
    if signer is None:
        local = parts.office.relay.on_loopback
        return [
            Check("letters are signed, by us or by the relay", local, "set FEUILLETON_DKIM_RSA_KEY")
        ]
    return [Check(f"letters are signed; the DNS must say: {each}", True) for each in signer.records]


def _settings(parts: Parts) -> list[Check]:
    here = parts.here
    return [
        Check(
            f"pages are served at {here.base_url}",
            here.base_url.startswith("https://") or "127.0.0.1" in here.base_url,
            "set FEUILLETON_BASE_URL to the https address that visitors see",
        ),
        Check(
            f"letters are sent from {here.mail_domain}",
            "." in here.mail_domain and not here.mail_domain.replace(".", "").isdigit(),
            "set FEUILLETON_MAIL_DOMAIN to a domain of yours",
        ),
        Check(
            "the author has a name and a postal address",
            parts.author_stated and bool(here.author.postal_address),
            "set FEUILLETON_AUTHOR_NAME and FEUILLETON_POSTAL_ADDRESS; letters must say who writes",
        ),
        Check(
            "the desk and the API can be entered",
            bool(parts.admin_token),
            "set FEUILLETON_ADMIN_TOKEN (`openssl rand -hex 32`), or use `feuilleton token create`",
        ),
    ]


def _relay_log(parts: Parts, path: Path) -> Check:
    here = parts.office.relay.on_loopback
    return Check(
        f"the log of the relay on this machine ({path}) can be read",
        here and path.is_file() and os.access(path, os.R_OK),
        "let this user read it (group adm), or unset FEUILLETON_RELAY_LOG"
        if here
        else "the relay is another machine: unset FEUILLETON_RELAY_LOG",
    )


async def _database(parts: Parts) -> Check:
    what = f"the database ({parts.database.url.get_backend_name()}) is there and up to date"
    try:
        await schema.require_current(parts.database)
    except SetupFault as fault:
        return Check(what, False, str(fault))
    except (SQLAlchemyError, OSError) as fault:
        kind = type(fault).__name__
        return Check(what, False, f"not reachable ({kind}); see FEUILLETON_DATABASE_URL")
    return Check(what, True)


async def _sending(parts: Parts) -> Check:
    async with parts.database.reading() as session:
        now = await sending.sending(session, now=parts.clock())
    return Check("letters may leave", now.halted_at is None, f"{now.check}; `feuilleton resume`")


async def _relay(parts: Parts) -> Check:
    hop = parts.office.relay
    line = Line(hop, helo=parts.here.mail_domain)
    reply = await line.open()
    await line.close()
    said = f"{reply.code} {reply.text}" if reply.code else reply.text
    return Check(
        f"the relay {hop.host}:{hop.port} answers",
        reply.code // 100 == 2,
        f"{reply.phase.name.lower()}: {said}; see FEUILLETON_SMTP_URL",
    )
