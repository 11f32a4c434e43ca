"""Reads what the sign-up form sends, as a form or as JSON under the same rules, and knows the
zones that the form offers. Judges no address and no name (the verb does).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from babel.dates import get_timezone_location
from fastapi import Request
from starlette.exceptions import HTTPException

from app.domain import schedule
from app.domain.errors import BodyMalformed, ContentTypeUnsupported
from app.flows.subscribe import Application

_FIELDS = ("email", "first_name", "course", "timezone", "website", "altcha")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_LONGEST = 2000
_NEAR = (
    "Europe/Paris Europe/Brussels Europe/Zurich Europe/Luxembourg America/Toronto America/Montreal "
    "Africa/Casablanca Africa/Algiers Africa/Tunis Africa/Dakar Africa/Abidjan Africa/Douala "
    "Indian/Reunion America/Guadeloupe America/Martinique America/Cayenne Indian/Mayotte "
    "Pacific/Noumea Pacific/Tahiti Europe/London America/New_York"
)
# Abbreviations and offsets are no places where people live.
_NO_PLACES = ("Etc/", "SystemV/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/")


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as typed, to fill the form again when something is wrong with it."""

    email: str = ""
    first_name: str = ""
    course: str = ""
    timezone: str = ""
    website: str = ""
    altcha: str = ""
    as_json: bool = False

    @property
    def is_machine(self) -> bool:
        """The honeypot is filled in: no person sees that field."""
        return bool(self.website.strip())

    def application(self) -> Application:
        """What the verb needs."""
        return Application(
            email=self.email,
            first_name=self.first_name,
            course=self.course or None,
            zone=self.timezone or None,
            method="json" if self.as_json else "form",
        )


async def read_typed(request: Request) -> Typed:
    """The fields of a sign-up. Raises ContentTypeUnsupported, BodyMalformed."""
    sent_as = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent_as == "application/json":
        return _typed(await _json(request), as_json=True)
    if sent_as in _FORMS:
        return _typed(await _form(request), as_json=False)
    raise ContentTypeUnsupported


async def _json(request: Request) -> Mapping[str, Any]:
    try:
        sent = json.loads(await request.body())
    except (ValueError, RecursionError) as fault:
        raise BodyMalformed("the body is not JSON") from fault
    if not isinstance(sent, dict):
        raise BodyMalformed("the body is a JSON object with `email` and, if you like, `first_name`")
    return sent


async def _form(request: Request) -> Mapping[str, Any]:
    try:
        return await request.form(max_files=0, max_fields=20)
    except HTTPException as fault:
        raise BodyMalformed("the form cannot be read") from fault


def _typed(sent: Mapping[str, Any], *, as_json: bool) -> Typed:
    fields = {}
    for name in _FIELDS:
        value = sent.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or len(value) > _LONGEST or "\0" in value:
            raise BodyMalformed(f"`{name}` is a text of at most {_LONGEST} letters")
        fields[name] = value
    if "email" not in fields:
        raise BodyMalformed("`email` is missing")
    return Typed(**fields, as_json=as_json)


@cache
def zones_for(language: str) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """The zones that the form offers, as (name, place) pairs: the near ones, then all others."""
    near = tuple((name, _place(name, language)) for name in _NEAR.split() if _known(name))
    others = sorted(
        (name for name in schedule.names() if "/" in name and not name.startswith(_NO_PLACES)),
    )
    taken = {name for name, _ in near}
    return near, tuple((name, name.replace("_", " ")) for name in others if name not in taken)


def _known(name: str) -> bool:
    return name in schedule.names()


def _place(name: str, language: str) -> str:
    return get_timezone_location(name, locale=language, return_city=True)
