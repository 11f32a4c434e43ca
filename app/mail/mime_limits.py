"""How much of a mail is read: size, headers, parts and depth, measured on the bytes before parsing.

A mail over a limit is cut there, so that what is left is harmless to the parser, and the flaw is
named. The raw bytes stay as they are elsewhere. Does not parse.
"""

import re

MAX_BYTES = 10_000_000
MAX_HEADER_BYTES = 100_000
MAX_PARTS = 100
MAX_DEPTH = 20

_HEADER_END = re.compile(rb"\r?\n\r?\n")
_BOUNDARY = re.compile(
    rb"boundary\s{0,9}=\s{0,9}(?:\"([^\"\r\n]{1,200})\"|([^\s\";]{1,200}))", re.I
)
_DELIMITER = re.compile(rb"^--([^\r\n]{1,204})", re.M)
_CONTAINER = re.compile(
    rb"^content-type:\s{0,9}(?:multipart/|message/(?:rfc822|global)\b)", re.I | re.M
)


def cut(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The readable beginning of `raw` and the limits that it broke."""
    flaws = []
    for limit in (_size, _headers, _parts, _depth):
        end, flaw = limit(raw)
        if end is not None:
            raw = raw[:end]
            flaws.append(flaw)
    return raw, tuple(flaws)


def _size(raw: bytes) -> tuple[int | None, str]:
    return (MAX_BYTES if len(raw) > MAX_BYTES else None), "too large"


def _headers(raw: bytes) -> tuple[int | None, str]:
    found = _HEADER_END.search(raw, 0, MAX_HEADER_BYTES + 4)
    over = found is None and len(raw) > MAX_HEADER_BYTES
    return (raw.rfind(b"\n", 0, MAX_HEADER_BYTES) + 1 if over else None), "headers too long"


def _parts(raw: bytes) -> tuple[int | None, str]:
    boundaries = {quoted or plain for quoted, plain in _BOUNDARY.findall(raw)}
    if not boundaries:
        return None, ""
    begun = 0
    for line in _DELIMITER.finditer(raw):
        begun += line.group(1).rstrip() in boundaries
        if begun > MAX_PARTS:
            return line.start(), "too many parts"
    return None, ""


def _depth(raw: bytes) -> tuple[int | None, str]:
    """Containers begun are never fewer than containers open, and cheaper to count."""
    for count, container in enumerate(_CONTAINER.finditer(raw), start=1):
        if count > MAX_DEPTH:
            return container.start(), "too deep"
    return None, ""
