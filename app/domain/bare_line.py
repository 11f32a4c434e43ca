"""One line of a letter as the recognisers read it. Never shown: the text is kept as it came."""

import re
import unicodedata

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

# Bounded, since the search begins anew at each sign of a long run without `@`.
ADDRESS = r"[^\s<>@\[\]()\"',:;][^\s<>@\[\]()\",:;]{0,80}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,12}"


def bare(line: str) -> str:
    """`line` with one kind of space, no invisible signs and no stars; "" where it is too long."""
    if len(line) > LONGEST:
        return ""
    if "&" in line:
        for entity, sign in _ENTITIES:
            line = line.replace(entity, sign)
    return " ".join(unicodedata.normalize("NFKC", line.translate(_INVISIBLE)).split())


def is_quoted(line: str) -> bool:
    """Marked as quotation by a leading `>` (RFC 3676 §4.5)."""
    return bool(_QUOTED.match(line))
