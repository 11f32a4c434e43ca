"""One wire image per Version: everything that is alike for all its readers is written once, and per
person only a few fields are put in. Sends, signs and chooses nothing.

The image is made by the same `compose` as every letter, from marks where the fields will be, and
then cut at the marks. Fields inside the bodies stand on quoted-printable lines of their own
(soft breaks before and behind), so that no line grows beyond 76 whatever is put in. No line of an
image begins with a dot.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.quoprimime import body_encode
from html import escape

from app.domain.address import Address
from app.mail.compose import Envelope, compose
from app.mail.templates import Letter
from app.mail.wire import mailbox_line

_SOFT = b"=\r\n"
_WIDTH = 72
_ROOM = 75
# Marks of the head have the length of what replaces them wherever a fold could depend on it.
_TAG, _DOOR = "m" * 32, "d" * 32
_HELP = "https://help.marker.invalid/"
_RECIPIENT = Address("to-marker", "marker.invalid", "marker.invalid")
_WRITTEN = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_DATE = "Sat, 03 Feb 2001 04:05:06 +0000"
_TEXT, _HTML = "text-marker", "html-marker"
_MARKS = [_TAG, _DOOR, re.escape(_HELP), str(_RECIPIENT), re.escape(_DATE), _TEXT, _HTML]
_HEAD = re.compile("|".join(_MARKS).encode())
_HEAD_FIELDS = {
    _TAG: "tag",
    _DOOR: "door",
    _HELP: "help_url",
    str(_RECIPIENT): "to",
    _DATE: "date",
}
_IN_BODY = re.compile("\ue000([a-z_]+)\ue001")
_SAFE = frozenset(range(32, 127)) - {ord("=")}
_CODED = [b"%c" % byte if byte in _SAFE else b"=%02X" % byte for byte in range(256)]


def mark(field: str) -> str:
    """What stands for a field in a rendered letter: private-use letters that nothing else has."""
    return f"\ue000{field}\ue001"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the image. `html` says that what comes in is escaped for HTML."""

    field: str
    html: bool = False
    in_body: bool = False


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The image: bytes that stay, and at which of their places (empty there) which slot comes."""

    pieces: tuple[bytes, ...]
    places: tuple[tuple[int, int], ...]
    slots: tuple[Slot, ...]

    def fill(self, values: Mapping[str, str]) -> bytes:
        """The letter of one person. `to` is the header's value, the other values plain text.

        Raises KeyError for a field without a value.
        """
        coded: dict[str, bytes] = {}
        written = []
        for slot in self.slots:
            value = values[slot.field]
            if not slot.in_body:
                written.append(value.encode("ascii"))
                continue
            shown = escape(value) if slot.html else value
            if shown not in coded:
                coded[shown] = _coded(shown)
            written.append(coded[shown])
        letter = list(self.pieces)
        for place, number in self.places:
            letter[place] = written[number]
        return b"".join(letter)


def build(letter: Letter, envelope: Envelope) -> Skeleton:
    """The image of `letter`, rendered with marks. `envelope` is that of any reader of it; its
    course's URLs are replaced by marks."""
    course = envelope.course
    if course is None:
        raise ValueError("only lessons have a skeleton")
    marked = replace(
        envelope,
        recipient=_RECIPIENT,
        recipient_name="",
        tag=_TAG,
        written_at=_WRITTEN,
        course=replace(course, unsubscribe_url=_door_url(course.unsubscribe_url), help_url=_HELP),
    )
    wire = compose(Letter(letter.subject, _TEXT, _HTML), marked)
    bodies = {_TEXT: _body(letter.text, html=False), _HTML: _body(letter.html, html=True)}
    pieces: list[bytes | Slot] = []
    at = 0
    for found in _HEAD.finditer(wire):
        pieces.append(wire[at : found.start()])
        name, at = found[0].decode(), found.end()
        pieces += bodies.get(name) or [Slot(_HEAD_FIELDS[name])]
    pieces.append(wire[at:])
    slots = list(dict.fromkeys(piece for piece in pieces if isinstance(piece, Slot)))
    fixed = tuple(b"" if isinstance(each, Slot) else each for each in pieces)
    places = [
        (place, slots.index(each)) for place, each in enumerate(pieces) if isinstance(each, Slot)
    ]
    return Skeleton(fixed, tuple(places), tuple(slots))


def to_header(name: str, address: Address) -> str:
    """The value of To for one person."""
    return mailbox_line("To", name, address)


def _door_url(url: str) -> str:
    return url.rpartition("/")[0] + "/" + _DOOR


def _body(text: str, *, html: bool) -> list[bytes | Slot]:
    """A body cut at its marks; the pieces between are quoted-printable already."""
    pieces: list[bytes | Slot] = []
    parts = _IN_BODY.split(text.removesuffix("\n"))
    for number, part in enumerate(parts):
        if number % 2:
            pieces += [_SOFT, Slot(part, html=html, in_body=True), _SOFT]
        elif part:
            pieces.append(_quoted(part))
    return pieces


def _quoted(text: str) -> bytes:
    latin = text.encode().decode("latin-1").replace("\r\n", "\n")
    lines = body_encode(latin, maxlinelen=_ROOM - 2, eol="\r\n").encode("ascii").split(b"\r\n")
    return b"\r\n".join(map(_dotless, lines))


def _coded(value: str) -> bytes:
    """A value in quoted-printable, on lines of its own."""
    raw = value.encode()
    if value.isascii() and value.isprintable():
        coded = raw.replace(b"=", b"=3D")
    else:
        coded = b"".join([_CODED[byte] for byte in raw])
    return _dotless(coded) if len(coded) <= _WIDTH else _broken(coded)


def _broken(coded: bytes) -> bytes:
    """Soft breaks at most 72 apart, never inside an encoded octet (RFC 2045 §6.7)."""
    lines = []
    while len(coded) > _WIDTH:
        cut = _WIDTH
        while b"=" in coded[cut - 2 : cut]:
            cut -= 1
        lines.append(coded[:cut])
        coded = coded[cut:]
    return _SOFT.join(map(_dotless, [*lines, coded]))


def _dotless(line: bytes) -> bytes:
    """A line that begins with no dot: nothing is left for the transport to double (RFC 5321
    §4.5.2), and nothing for a careless server on the way to get wrong.
    """
    return b"=2E" + line[1:] if line.startswith(b".") else line
