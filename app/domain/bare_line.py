"""One line of a letter as the recognisers read it. Never shown: the text is kept as it came."""

import re
import unicodedata
from typing import NamedTuple

# Marks of direction (Arabic and Hebrew programs), zero-width characters, Markdown-like stars.
_INVISIBLE = {
    ord(sign): None
    for sign in "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2066\u2067\u2068\u2069\ufeff*\r\n"
}
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"), ("&nbsp;", " "))
_QUOTED = re.compile(r"[ \t\u200e\u200f]{0,3}>(?! ?[:：]\s*$)")
# No program writes a line of attribution or of header as long as this.
LONGEST = 400
# Nobody writes so many lines above a quotation; the rest goes where its first line goes.
_MOST_READ = 2000

# Bounded, since the search begins anew at each sign of a long run without `@`.
ADDRESS = r"[^\s<>@\[\]()\"',:;][^\s<>@\[\]()\",:;]{0,80}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,12}"


class Line(NamedTuple):
    """A line with its end (`raw`), as the recognisers read it (`bare`), and whether `>` marks it.

    `bare` is "" where the line is blank, too long, or too far down to be anything but text.
    """

    raw: str
    bare: str
    quoted: bool

    @property
    def blank(self) -> bool:
        """Nothing but space on it."""
        return not self.bare and not self.raw.strip()


def lines_of(text: str) -> list[Line]:
    """All lines of `text`; their `raw`, joined, is the text again."""
    whole = text.splitlines(keepends=True)
    kept, rest = whole[:_MOST_READ], "".join(whole[_MOST_READ:])
    lines = [Line(raw, bare(raw), bool(_QUOTED.match(raw))) for raw in kept]
    return [*lines, Line(rest, "", bool(_QUOTED.match(rest)))] if rest else lines


def bare(line: str) -> str:
    """`line` with one kind of space, no invisible signs and no stars; "" where it is too long."""
    if len(line) > LONGEST:
        return ""
    if "&" in line:
        for entity, sign in _ENTITIES:
            line = line.replace(entity, sign)
    if line.isascii():
        return " ".join(line.replace("*", "").split())
    return " ".join(unicodedata.normalize("NFKC", line.translate(_INVISIBLE)).split())
