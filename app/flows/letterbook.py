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
from typing import NamedTuple

from app.db import courses, deliveries, outbox
from app.db.courses import Version
from app.db.outbox import Claim
from app.db.pen import Due, Mark
from app.db.session import Database
from app.domain import schedule, token
from app.domain.address import Address
from app.domain.delivery import LetterKind, is_copy
from app.domain.errors import BytesChanged
from app.domain.schedule import Window
from app.domain.token import Purpose
from app.flows.edition import Edition, Press
from app.flows.installation import Installation
from app.flows.render import preferences_url, render
from app.flows.settle import day_following
from app.flows.syllabus import Syllabus, syllabus
from app.mail.compose import return_path
from app.mail.phrases import in_words
from app.mail.skeleton import to_header


class Written(NamedTuple):
    """A claimed letter with its fixed bytes and its envelope; `written_at` is in its Date.

    `syllabus` is what a plain lesson is followed from; None for every other letter. `dotless`: it
    is made from an image, no line of which begins with a dot.
    """

    claim: Claim
    due: Due
    wire: bytes
    digest: str
    message_id: str
    version_id: int | None
    written_at: datetime
    sender: str
    syllabus: Syllabus | None
    dotless: bool

    @property
    def mark(self) -> Mark:
        """What is noted before it leaves."""
        claim, due = self.claim, self.due
        return Mark(
            claim.delivery_id,
            claim.fence,
            due.enrollment_id,
            self.digest,
            self.message_id,
            self.version_id,
            self.written_at,
        )


@dataclass(slots=True)
class Sketch:
    """A letter before its bytes are fixed. `is_final`: these are bytes that were kept, with their
    signatures.
    """

    row: Due
    wire: bytes
    version_id: int | None
    tag: str
    dotless: bool = False
    is_final: bool = False


class Letterbook:
    """The letters of one batch, claimed at the instant `at`; `reading` tells what was known of
    the queues then.
    """

    def __init__(
        self, database: Database, press: Press, here: Installation, *, at: datetime
    ) -> None:
        self.at, self.reading = at, 0
        self._database, self._press, self._here = database, press, here
        self._syllabi: dict[int, Syllabus] = {}
        self._newest: dict[int, Version] = {}
        self._pinned: dict[int, Version] = {}
        self._editions: dict[tuple[int, bool], Edition] = {}

    async def open(self, rows: Sequence[Due]) -> None:
        """Look up what the lessons among `rows` have in common."""
        async with self._database.reading() as session:
            for course_id in {row.course_id for row in rows if _is_lesson(row)}:
                course = await courses.course(session, course_id)
                lessons = await courses.published(session, course_id)
                self._syllabi[course_id] = syllabus(course, lessons)
                self._newest |= await courses.newest_versions(session, course_id)
            pinned = {row.version_id for row in rows if _is_lesson(row) and row.version_id}
            for version_id in pinned:
                self._pinned[version_id] = await courses.version(session, version_id)

    def window(self, row: Due) -> Window | None:
        """The hours in which this letter may leave; None for letters that leave at any hour."""
        listed = self._syllabi.get(row.course_id) if _is_lesson(row) else None
        return listed.window if listed else None

    def is_first(self, row: Due) -> bool:
        """Whether this is the lesson with which its course begins."""
        listed = self._syllabi.get(row.course_id)
        return bool(listed and listed.lessons and listed.lessons[0].id == row.lesson_id)

    def sketch(self, row: Due, *, now: datetime) -> Sketch | None:
        """A lesson from the image of its Version; None for every letter that `write` must look at.
        Raises RenderFailed, LessonWithdrawn.
        """
        edition = None if row.is_frozen else self._edition(row)
        if edition is None:
            return None
        at = row.written_at or now
        tag = token.tag(Purpose.REPLY, row.id, keys=self._here.keys)
        wire = edition.image.fill(self._values(row, edition, at, tag))
        return Sketch(row, wire, edition.version_id, tag, dotless=True)

    async def write(self, row: Due, *, now: datetime) -> Sketch:
        """Any other letter. Raises RenderFailed, LessonWithdrawn."""
        tag = token.tag(Purpose.REPLY, row.id, keys=self._here.keys)
        if row.is_frozen:
            return Sketch(row, await self._kept(row.id), row.version_id, tag, is_final=True)
        async with self._database.reading() as session:
            delivery = await deliveries.delivery(session, row.id)
            at = row.written_at or now
            letter = await render(session, delivery, self._press.templates, now=at, here=self._here)
        return Sketch(row, letter.wire, letter.version_id, tag)

    def finished(self, sketch: Sketch, *, now: datetime) -> Written:
        """The letter as it goes out, its bytes fixed by their digest.

        A letter whose bytes may have gone out before has the same bytes now, or none: when they
        cannot be written alike any more (course, key or program changed), that is BytesChanged.
        """
        row, wire = sketch.row, sketch.wire
        digest = hashlib.sha256(wire).hexdigest()
        if row.digest and row.digest != digest:
            raise BytesChanged
        here = self._here
        plain = _is_lesson(row) and not is_copy(row.intent) and not row.is_frozen
        return Written(
            claim=Claim(row.id, row.fence),
            due=row,
            wire=wire,
            digest=digest,
            message_id=f"l.{sketch.tag}@{here.mail_domain}",
            version_id=sketch.version_id,
            written_at=row.written_at or now,
            sender=return_path(token.tag(Purpose.RETURN, row.id, keys=here.keys), here.mail_domain),
            syllabus=self._syllabi[row.course_id] if plain else None,
            dotless=sketch.dotless,
        )

    async def _kept(self, delivery_id: int) -> bytes:
        async with self._database.reading() as session:
            return await outbox.frozen(session, delivery_id) or b""

    def _edition(self, row: Due) -> Edition | None:
        """The edition of a plain lesson; None for whatever the ordinary way must look at."""
        if not _is_lesson(row) or not row.email.isascii():
            return None
        pinned = self._pinned.get(row.version_id or 0)
        version = pinned or self._newest.get(row.lesson_id or 0)
        if version is None:
            return None
        key = version.id, bool(row.first_name)
        if key not in self._editions:
            listed = self._syllabi[row.course_id]
            self._editions[key] = self._press.edition(
                listed, version, self._newest, named=bool(row.first_name)
            )
        return self._editions[key]

    def _values(self, row: Due, edition: Edition, at: datetime, tag: str) -> dict[str, str]:
        here = self._here
        preferences = preferences_url(row.enrollment_id, here)
        mailbox, _, domain = row.email.rpartition("@")
        return {
            "to": to_header(row.first_name, Address(mailbox, domain, domain)),
            "tag": tag,
            "door": row.door,
            "date": _date(at.replace(microsecond=0)),
            "help_url": preferences,
            "first_name": row.first_name,
            "preferences_url": preferences,
            "unsubscribe_url": here.url("u", row.door),
            "next_day": self._next_day(row, edition, at),
        }

    def _next_day(self, row: Due, edition: Edition, at: datetime) -> str:
        if edition.next_delay is None:
            return ""
        today = schedule.on_the_calendar(
            at, planned_for=row.planned_for, due_at=row.due_at, speed=self._here.speed
        )
        day = day_following(today, edition.next_delay, edition.window, row.zone)
        return _day_in_words(day.toordinal(), edition.language)


@lru_cache(maxsize=64)
def _date(at: datetime) -> str:
    """The value of Date, which knows no fractions of a second."""
    return format_datetime(at)


@lru_cache(maxsize=1024)
def _day_in_words(ordinal: int, language: str) -> str:
    return in_words(datetime.fromordinal(ordinal).date(), language)


def _is_lesson(row: Due) -> bool:
    return bool(row.kind == LetterKind.LESSON and row.lesson_id)
