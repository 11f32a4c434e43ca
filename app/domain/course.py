"""A course as its author writes it: course.toml and one Markdown file per lesson, read and checked.

Reads text, not files (app/flows/author.py opens them), renders nothing and stores nothing. Front
matter is TOML between two lines `+++`, as in course.toml, so that an author meets one notation.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from itertools import pairwise
from typing import Any

from app.domain.errors import CourseBroken, ZoneUnknown
from app.domain.schedule import WEEKDAYS, Window, zone

_FILE = re.compile(r"(\d+)-([a-z0-9]+(?:-[a-z0-9]+)*)\.md")
_DELAY = re.compile(r"(\d{1,4}) (minute|hour|day|week)s?")
_UNITS = {"minute": 1, "hour": 60, "day": 1440, "week": 10080}
_ACCENT = re.compile(r"#[0-9a-fA-F]{6}")
_WORD = re.compile(r"\w+(?:[’'-]\w+)*")
_AT_LINE = re.compile(r"at line (\d+)")
SUBJECT_LONGEST, PREHEADER_LONGEST, FILE_LARGEST = 60, 100, 100_000
WORDS_WISHED = range(300, 1201)


@dataclass(frozen=True, slots=True)
class LessonDraft:
    """One lesson as written. `delay` is the wait after the previous lesson was accepted."""

    file: str
    slug: str
    position: int
    title: str
    subject: str
    preheader: str
    question: str
    delay: timedelta
    body: str
    body_line: int

    @property
    def digest(self) -> str:
        """Two drafts with the same text have the same digest; the delay is not part of the text."""
        text = "\0".join([self.title, self.subject, self.preheader, self.question, self.body])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CourseDraft:
    """A whole course as written; `lessons` in the order of their positions."""

    slug: str
    title: str
    language: str
    sender: str
    zone: str
    window: Window
    accent: str
    promise: str
    description: str
    lessons: tuple[LessonDraft, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend in a course file; `grave` ones keep the course from being published."""

    file: str
    line: int
    remedy: str
    grave: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.remedy}"


def read_course(files: Mapping[str, str]) -> CourseDraft:
    """The course in `files` (name → text): course.toml and the lessons.

    Raises CourseBroken with file, line and remedy at the first thing that cannot be understood.
    """
    if "course.toml" not in files:
        raise CourseBroken("course.toml", 0, "is missing; every course folder needs one")
    about = _toml(files["course.toml"], "course.toml", 0)
    names = sorted(name for name in files if name.endswith(".md"))
    lessons = sorted((read_lesson(name, files[name]) for name in names), key=lambda d: d.position)
    if not lessons:
        raise CourseBroken("course.toml", 0, "has no lessons beside it; add 01-first.md")
    for one, other in pairwise(lessons):
        if one.position == other.position:
            raise CourseBroken(other.file, 0, f"has the same number as {one.file}; renumber one")
        if one.slug == other.slug:
            raise CourseBroken(other.file, 0, f"has the same name as {one.file}; rename one")
    return read_about(about, "course.toml", tuple(lessons))


def read_lesson(file: str, text: str) -> LessonDraft:
    """One lesson from its file. Raises CourseBroken."""
    named = _FILE.fullmatch(file)
    if not named:
        raise CourseBroken(file, 0, "name it like 01-first-lesson.md (number, dash, a-z 0-9 -)")
    if len(text.encode()) > FILE_LARGEST:
        raise CourseBroken(
            file, 0, f"is larger than {FILE_LARGEST // 1000} kB; a letter is shorter"
        )
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != "+++":
        raise CourseBroken(file, 1, "begins with a line +++ and its front matter")
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == "+++"), None)
    if end is None:
        raise CourseBroken(file, 1, "close the front matter with a second line +++")
    front = _toml("\n".join(lines[1:end]), file, 1)
    first = next((n for n, line in enumerate(lines[end + 1 :], end + 1) if line.strip()), end + 1)
    return LessonDraft(
        file=file,
        slug=named[2],
        position=int(named[1]),
        title=_line(front, "title", file),
        subject=_line(front, "subject", file),
        preheader=_line(front, "preheader", file),
        question=_line(front, "question", file),
        delay=_delay(_line(front, "delay", file), file),
        body="\n".join(lines[end + 1 :]).strip() + "\n",
        body_line=first + 1,
    )


def lint(course: CourseDraft) -> Iterator[Finding]:
    """What a careful author wants to know before publishing; placeholders are checked apart."""
    for lesson in course.lessons:
        yield from lint_lesson(lesson)
    if course.lessons[0].delay:
        yield Finding(
            course.lessons[0].file, 1, "the first lesson goes at once: delay 0 days", False
        )


def lint_lesson(lesson: LessonDraft) -> Iterator[Finding]:
    """The same for one lesson, whether it came in a file or from a program."""
    file = lesson.file
    words = len(_WORD.findall(lesson.body))
    if not words:
        yield Finding(file, lesson.body_line, "the lesson has no text", True)
    elif words not in WORDS_WISHED:
        yield Finding(
            file, lesson.body_line, f"{words} words; letters read well with 300–1200", False
        )
    if len(lesson.subject) > SUBJECT_LONGEST:
        yield Finding(file, 1, f"subject of {len(lesson.subject)} letters; 60 are shown", False)
    if len(lesson.preheader) > PREHEADER_LONGEST:
        yield Finding(
            file, 1, f"preheader of {len(lesson.preheader)} letters; 100 are shown", False
        )
    for number, line in enumerate(lesson.body.split("\n"), lesson.body_line):
        if "![" in line:
            yield Finding(file, number, "images are not carried; describe it in words", True)
        if re.search(r"<[a-zA-Z/!]", line) and not re.search(r"<(?:https?://|mailto:)", line):
            yield Finding(file, number, "HTML would be shown as text; use Markdown", True)
        if re.search(r"\]\((?!https://)", line):
            yield Finding(file, number, "links begin with https://", True)


def read_about(
    about: Mapping[str, Any], file: str, lessons: tuple[LessonDraft, ...] = ()
) -> CourseDraft:
    """A course from the keys of its course.toml; `file` is named in complaints.

    Raises CourseBroken.
    """
    slug, sender, accent = (_line(about, key, file) for key in ("slug", "sender", "accent"))
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", slug):
        raise CourseBroken(file, 0, "slug takes a-z, 0-9 and single dashes")
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,40}", sender):
        raise CourseBroken(file, 0, "sender is the part before the @ of the From address")
    if not _ACCENT.fullmatch(accent):
        raise CourseBroken(file, 0, 'accent is a colour like "#2f5d62"')
    try:
        zone(_line(about, "zone", file))
    except ZoneUnknown as fault:
        raise CourseBroken(file, 0, f"zone: {fault}") from fault
    return CourseDraft(
        slug=slug,
        title=_line(about, "title", file),
        language=_line(about, "language", file),
        sender=sender,
        zone=_line(about, "zone", file),
        window=_window(about, file),
        accent=accent,
        promise=_line(about, "promise", file),
        description=_text(about, "description", file).strip(),
        lessons=lessons,
    )


def _window(about: Mapping[str, Any], file: str) -> Window:
    hours, days = about.get("window"), about.get("weekdays")
    try:
        opens, closes = (time.fromisoformat(hour) for hour in _texts(hours))
        return Window(opens, closes, frozenset(WEEKDAYS.index(day) for day in _texts(days)))
    except (ValueError, TypeError) as fault:
        raise CourseBroken(
            file, 0, 'write window = ["07:30", "20:00"] and weekdays = ["mon", "tue", …]'
        ) from fault


def _texts(value: Any) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("a list of texts")
    return value


def _toml(text: str, file: str, lines_before: int) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        found = _AT_LINE.search(str(fault))
        line = lines_before + int(found[1]) if found else lines_before + text.count("\n") + 1
        raise CourseBroken(file, line, f"is not TOML here ({fault})") from fault


def _text(values: Mapping[str, Any], key: str, file: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value.strip():
        raise CourseBroken(file, 0, f'{key} is missing; write {key} = "…"')
    return value


def _line(values: Mapping[str, Any], key: str, file: str) -> str:
    value = _text(values, key, file)
    if len(value.splitlines()) != 1:
        raise CourseBroken(file, 0, f"{key} must be one line")
    return value


def _delay(text: str, file: str) -> timedelta:
    found = _DELAY.fullmatch(text)
    if not found:
        raise CourseBroken(file, 0, 'delay reads "0 days", "1 day", "12 hours" or "2 weeks"')
    return timedelta(minutes=int(found[1]) * _UNITS[found[2]])
