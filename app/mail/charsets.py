"""Bytes to text, for bodies and headers, whatever the sender claims. Never raises.

The order is fixed (declared, UTF-8, Windows-1252): one sentence is too little for a guess.
"""

import base64
import binascii
import codecs
import quopri
import re

# Latin 1 and ASCII are claimed by programs that mean Windows-1252, as the web reads them too.
_LATIN = frozenset({"ascii", "iso8859-1", "cp1252"})
# Codecs that are no charsets, or take quadratic time.
_NO_CHARSET = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})
_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")

# Foldings and control signs become one blank; no-break blanks belong to the words.
_BLANKS = re.compile("[\\x00-\\x20\\x7f\\x85\\u2028\\u2029]+")


def text_of(data: bytes, declared: str) -> str:
    """`data` as text with `\\n` line ends and without NUL; `declared` may be "" or a lie."""
    text = _decode(data, declared).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return _whole(text)


def _decode(data: bytes, declared: str) -> str:
    for charset in _order(declared):
        try:
            return data.decode(charset)
        except (UnicodeError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def _order(declared: str) -> tuple[str, ...]:
    """Text that is valid UTF-8 beyond ASCII is no Latin 1, whatever it claims to be."""
    try:
        name = codecs.lookup(declared.strip("\"' ")).name
        is_text = name not in _NO_CHARSET and "".encode(name) is not None
    except (LookupError, ValueError, TypeError):
        return ("utf-8",)
    return (name, "utf-8") if is_text and name not in _LATIN else ("utf-8",)


def header_text(value: str) -> str:
    """A header's value unfolded and decoded (RFC 2047); raw 8-bit is read as UTF-8 (RFC 6532)."""
    raw = value.encode("utf-8", "surrogateescape")
    plain = re.sub(r"[\r\n]+[ \t]*", " ", _decode(raw, "").replace("\0", ""))
    decoded = _ENCODED_WORD.sub(_word, _BETWEEN_WORDS.sub(r"\1", plain))
    return _whole(_BLANKS.sub(" ", decoded.replace("\0", "")).strip(" "))


def _whole(text: str) -> str:
    """UTF-7 and the like decode to half characters, which no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _word(match: re.Match[str]) -> str:
    charset, coding, text = match.groups()
    data = text.encode("ascii", "ignore")
    try:
        if coding in "bB":
            octets = base64.b64decode(data + b"=" * (-len(data) % 4))
        else:
            octets = quopri.decodestring(data.replace(b"_", b" "))
    except (binascii.Error, ValueError):
        return match.group(0)
    return _decode(octets, charset)
