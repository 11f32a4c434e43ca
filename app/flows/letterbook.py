"""Writes the letters of a batch of claims: lessons from the image of their Version, all others (and
whatever is out of the ordinary) by `render`.

Fixes bytes and their digest; whether a letter may leave is asked by dispatch, after this.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from app.db import courses, deliveries, outbox
from app.db.courses import Version
from app.db.outbox import Claim
from app.db.session import Database
from app.domain import schedule, token
from app.domain.address import Address
from app.domain.delivery import LetterKind
from app.domain.errors import BytesChanged
from app.domain.token import Purpose
from app.flows.edition import Edition, Press
from app.flows.installation import Installation
from app.flows.render import preferences_url, render
from app.flows.settle import Syllabus
from app.mail.compose import return_path
from app.mail.phrases import in_words
from app.mail.skeleton import to_header


@dataclass(frozen=True, slots=True)
class Written:
    """A claimed letter with its fixed bytes and its envelope; `written_at` is in its Date."""

    claim: Claim
    wire: bytes
    digest: str
    message_id: str
    version_id: int | None
    written_at: datetime
    sender: str
    recipient: str


class Letterbook:
    """The letters of one batch."""

    def __init__(self, database: Database, press: Press, here: Installation) -> None:
        self._database, self._press, self._here = database, press, here
        self._syllabi: dict[int, Syllabus] = {}
        self._newest: dict[int, Version] = {}
        self._pinned: dict[int, Version] = {}

    async def open(self, rows: Sequence[Row[Any]]) -> None:
        """Look up what the lessons among `rows` have in common."""
        async with self._database.reading() as session:
            for course_id in {row.course_id for row in rows if _is_lesson(row)}:
                course = await courses.course(session, course_id)
                lessons = await courses.published(session, course_id)
                self._syllabi[course_id] = Syllabus(course, lessons)
                self._newest |= await courses.newest_versions(session, course_id)
            pinned = {row.version_id for row in rows if _is_lesson(row) and row.version_id}
            for version_id in pinned:
                self._pinned[version_id] = await courses.version(session, version_id)

    async def write(self, row: Row[Any], *, now: datetime) -> Written:
        """The letter of one claim. Raises RenderFailed, LessonWithdrawn.

        A letter whose bytes may have gone out before has the same bytes now, or none: when they
        cannot be written alike any more (the course or the program changed), that is BytesChanged.
        """
        at = row.written_at or now
        if row.is_frozen:
            wire, version_id = await self._kept(row.id), row.version_id
        else:
            wire, version_id = await self._wire(row, at)
        digest = hashlib.sha256(wire).hexdigest()
        if row.digest and row.digest != digest:
            raise BytesChanged
        here = self._here
        tag = token.tag(Purpose.RETURN, row.id, keys=here.keys)
        return Written(
            claim=Claim(row.id, row.fence),
            wire=wire,
            digest=digest,
            message_id=f"l.{token.tag(Purpose.REPLY, row.id, keys=here.keys)}@{here.mail_domain}",
            version_id=version_id,
            written_at=at,
            sender=return_path(tag, here.mail_domain),
            recipient=row.email,
        )

    async def _kept(self, delivery_id: int) -> bytes:
        async with self._database.reading() as session:
            return await outbox.frozen(session, delivery_id) or b""

    async def _wire(self, row: Row[Any], at: datetime) -> tuple[bytes, int | None]:
        edition = self._edition(row)
        if edition:
            return edition.image.fill(self._values(row, edition, at)), edition.version_id
        async with self._database.reading() as session:
            delivery = await deliveries.delivery(session, row.id)
            letter = await render(session, delivery, self._press.templates, now=at, here=self._here)
        return letter.wire, letter.version_id

    def _edition(self, row: Row[Any]) -> Edition | None:
        """The edition of a plain lesson; None for whatever the ordinary way must look at."""
        if not _is_lesson(row) or not row.email.isascii():
            return None
        version = self._pinned.get(row.version_id) or self._newest.get(row.lesson_id)
        if version is None:
            return None
        syllabus = self._syllabi[row.course_id]
        named = bool(row.first_name)
        return self._press.edition(syllabus, version, self._newest, named=named)

    def _values(self, row: Row[Any], edition: Edition, at: datetime) -> dict[str, str]:
        here = self._here
        preferences = preferences_url(row.enrollment_id, here)
        mailbox, _, domain = row.email.rpartition("@")
        return {
            "to": to_header(row.first_name, Address(mailbox, domain, domain)),
            "tag": token.tag(Purpose.REPLY, row.id, keys=here.keys),
            "door": row.door,
            "date": format_datetime(at),
            "help_url": preferences,
            "first_name": row.first_name,
            "preferences_url": preferences,
            "unsubscribe_url": here.url("u", row.door),
            "next_day": self._next_day(row, edition, at),
        }

    def _next_day(self, row: Row[Any], edition: Edition, at: datetime) -> str:
        if edition.next_delay is None:
            return ""
        today = schedule.on_the_calendar(
            at, planned_for=row.planned_for, due_at=row.due_at, speed=self._here.speed
        )
        course = self._syllabi[row.course_id].course
        zone = schedule.zone(row.zone)
        slot = schedule.slot_following(today, edition.next_delay, window=course.window, zone=zone)
        return _day_in_words(slot.day.toordinal(), course.language)


@lru_cache(maxsize=1024)
def _day_in_words(ordinal: int, language: str) -> str:
    return in_words(datetime.fromordinal(ordinal).date(), language)


def _is_lesson(row: Row[Any]) -> bool:
    return bool(row.kind == LetterKind.LESSON and row.lesson_id)
