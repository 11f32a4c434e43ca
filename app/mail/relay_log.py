"""What a Postfix on this machine wrote down about letters of ours: did it take them or not?

Reads its log, from the end and not without bound. Decides nothing about letters. Written against
Postfix 3.7, whose programs smtpd, cleanup and qmgr each tell a part of the story.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

MOST = 32 * 1024 * 1024
# "Nov 24 08:40:01 host postfix/cleanup[87]: 4XyZ: …", or the same with an RFC 3339 time.
_LINE = re.compile(
    rb"(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ "
    rb"\S+/(?P<program>[\w-]+)\[(?P<pid>\d+)\]: (?P<said>.*)"
)
_BEGUN = re.compile(rb"(?P<queue_id>\w+): client=")
_NAMED = re.compile(rb"(?P<queue_id>\w+): message-id=<?(?P<message_id>[^>]*)")
_QUEUED = re.compile(rb"(?P<queue_id>\w+): from=<")
_CUT = re.compile(rb"(?:lost connection|timeout) after DATA ")
_OURS = re.compile(rb"l\.[a-z0-9]+@")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TRUST = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the log says. `taken` names the queue id by Message-ID (without brackets); of those in
    `open` the log shows the beginning and neither a good nor a bad end.

    `begins` and `ends` are the times of its first and last line; `trusted` means that it shows a
    letter of this program being taken (so that it is no stranger's) and that no line is missing.
    """

    begins: datetime | None
    ends: datetime | None
    taken: Mapping[str, str]
    open: frozenset[str]
    trusted: bool

    def excludes(self, message_id: str, start: datetime, end: datetime) -> bool:
        """Whether a letter was surely not taken between these instants: all of that time is in the
        log, and it is not.
        """
        if not self.trusted or self.begins is None or self.ends is None:
            return False
        covered = self.begins < start - _TRUST and self.ends >= end
        return covered and message_id not in self.taken and message_id not in self.open


def look(path: Path, wanted: Collection[str], *, now: datetime, most: int = MOST) -> Reading:
    """Read the last `most` bytes of a log. Blocks (call it in a thread); raises OSError."""
    return read(_tail(path, most), wanted, now=now)


def read(
    lines: Iterable[bytes],
    wanted: Collection[str],
    *,
    now: datetime,
    zone: tzinfo | None = None,
) -> Reading:
    """Read the lines of a log. `zone` is that of times without one; None: the machine's own."""
    story = _Story({each.encode() for each in wanted})
    first = last = b""
    for line in lines:
        if found := _LINE.match(line):
            last = found["stamp"]
            first = first or last
            story.hear(found["program"], found["pid"], found["said"])
    return Reading(
        begins=_instant(first, now, zone, later=True),
        ends=_instant(last, now, zone, later=False),
        taken={named.decode(): queue_id.decode() for named, queue_id in story.taken.items()},
        open=story.still_open(),
        trusted=story.knows_us and not story.has_gaps,
    )


@dataclass(slots=True)
class _Story:
    """What becomes of each queue file: begun by smtpd, named by cleanup while the content still
    comes in, and then either taken over by qmgr or cut, as the smtpd says that began it.

    A queue id may be given out again later, so the order counts; but the lines of smtpd and cleanup
    may change places.
    """

    wanted: Collection[bytes]
    taken: dict[bytes, bytes] = field(default_factory=dict)
    knows_us: bool = False
    has_gaps: bool = False
    _named: dict[bytes, bytes] = field(default_factory=dict)
    _begun: set[bytes] = field(default_factory=set)
    _last: dict[bytes, bytes] = field(default_factory=dict)
    _cut: set[bytes] = field(default_factory=set)

    def hear(self, program: bytes, pid: bytes, said: bytes) -> None:
        """One line."""
        if program == b"smtpd":
            self._hear_smtpd(pid, said)
        elif program == b"cleanup" and (found := _NAMED.match(said)):
            self._named[found["queue_id"]] = found["message_id"]
        elif program == b"qmgr" and (found := _QUEUED.match(said)):
            self._take(found["queue_id"])

    def still_open(self) -> frozenset[str]:
        """The letters that were begun and neither taken nor cut."""
        rest = {named for queue_id, named in self._named.items() if queue_id not in self._cut}
        return frozenset(named.decode() for named in rest & set(self.wanted))

    def _hear_smtpd(self, pid: bytes, said: bytes) -> None:
        if found := _BEGUN.match(said):
            queue_id = self._last[pid] = found["queue_id"]
            self._begun.add(queue_id)
            self._named.pop(queue_id, None)
            self._cut.discard(queue_id)
        elif _CUT.match(said):
            self._cut.add(self._last.get(pid, b""))

    def _take(self, queue_id: bytes) -> None:
        named = self._named.pop(queue_id, None)
        if named is None:
            self.has_gaps = self.has_gaps or queue_id in self._begun
            return
        self._begun.discard(queue_id)
        self.knows_us = self.knows_us or bool(_OURS.match(named))
        if named in self.wanted:
            self.taken.setdefault(named, queue_id)


def _tail(path: Path, most: int) -> Iterator[bytes]:
    """The whole lines among the last bytes of a file; what is added meanwhile is left."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        left = file.seek(max(size - most, 0))
        if left:
            left += len(file.readline())
        while left < size and (line := file.readline()):
            left += len(line)
            yield line


def _instant(stamp: bytes, now: datetime, zone: tzinfo | None, *, later: bool) -> datetime | None:
    """The time of a line in UTC. In the hour that comes twice in autumn, `later` chooses; a time
    without a year is the latest one that is not to come.
    """
    text = stamp.decode()
    if not text:
        return None
    if text[0].isdigit():
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return _in_utc(at, zone if at.tzinfo is None else at.tzinfo, later=later)
    month = _MONTHS.index(text[:3]) + 1 if text[:3] in _MONTHS else 0
    day, hour, minute, second = (int(part) for part in re.split("[ :]+", text[4:].strip()))
    for year in range(now.year + 1, now.year - 8, -1):
        try:
            at = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
        except ValueError:
            continue
        instant = _in_utc(at, zone, later=later)
        if instant <= now + timedelta(days=1):
            return instant
    return None


def _in_utc(at: datetime, zone: tzinfo | None, *, later: bool) -> datetime:
    return at.replace(tzinfo=zone, fold=int(later)).astimezone(UTC)
