"""HTML to plain text that keeps what was quoted: a quotation becomes lines that begin with `> `.

Reads the marks that mail programs leave (blockquote, gmail_quote, divRplyFwdMsg …) before the
layout is flattened. Does not sanitise: its result is text and nothing is shown as HTML.
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_LONGEST = 500_000
_LONGEST_TAG = 5_000
_DEEPEST = 20
_SKIPPED = frozenset({"head", "script", "style", "title", "template", "noscript", "object", "svg"})
_VOID = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "col", "area", "base", "wbr", "source"}
)
_PARAGRAPHS = frozenset(
    {"p", "ul", "ol", "table", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "pre"}
)
_BLOCKS = _PARAGRAPHS | {
    "div",
    "li",
    "tr",
    "dd",
    "dt",
    "section",
    "article",
    "header",
    "footer",
    "center",
}
# A box around the attribution and the blockquote: what comes before the blockquote is quotation.
_CONTAINER = re.compile(
    r"gmail_quote|gmail_attr|gmail_extra_quote|protonmail_quote|yahoo_quoted|tutanota_quote|"
    r"zmail_extra|"
    r"moz-cite-prefix|moz-email-headers-table|moz-forward-container|mail-editor-reference-message|"
    r"ms-outlook-mobile-reference-message|WM_QUOTE|quoted-text|originalMessage",
    re.IGNORECASE,
)
# Outlook marks where the quotation begins, and never where it ends.
_FROM_HERE = re.compile(
    r"divRplyFwdMsg|appendonsend|stopSpelling|OLK_SRC_BODY_SECTION", re.IGNORECASE
)


@dataclass
class _Open:
    """An element that is open; `quotes` is how many levels of quotation it adds just now."""

    tag: str
    quotes: int = 0
    is_container: bool = False


def plain_text(html: str) -> str:
    """The text of `html`, with `\\n` line ends and a `> ` for each level of quotation."""
    reader = _Reader()
    reader.feed(_tame(html[:_LONGEST]))
    reader.close()
    return reader.text()


def _tame(html: str) -> str:
    """Only whole tags, no comments: on unclosed ones the standard parser takes quadratic time."""
    first, *pieces = _without_comments(html).split("<")
    tame = [first]
    for piece in pieces:
        end = piece.find(">")
        if end < 0 or not (piece[0].isalpha() or piece[0] in "/!?"):
            tame.append(f"&lt;{piece}")
        elif end > _LONGEST_TAG or piece[0] in "!?":
            # A declaration, or a picture in the page itself (data:): neither has words.
            tame.append(piece[end + 1 :])
        else:
            tame.append(f"<{piece}")
    return "".join(tame)


def _without_comments(html: str) -> str:
    kept = []
    before, opened, rest = html.partition("<!--")
    while opened:
        kept.append(before)
        before, opened, rest = rest.partition("-->")[2].partition("<!--")
    return "".join([*kept, before])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[_Open] = []
        self._lines: list[str] = []
        self._line = ""
        self._skipped = 0
        self._preformatted = 0
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._break()
        if tag in _VOID:
            return
        names = " ".join(value or "" for key, value in attrs if key in ("id", "class"))
        if tag in _BLOCKS:
            self._end_block(tag)
        if _FROM_HERE.search(names):
            self._depth += 1
            self._open.append(_Open(tag))
        else:
            self._enter(tag, is_container=bool(_CONTAINER.search(names)) and tag != "blockquote")
        self._skipped += tag in _SKIPPED
        self._preformatted += tag == "pre"
        if tag == "li":
            self._line = "- "

    def _enter(self, tag: str, *, is_container: bool) -> None:
        quotes = int(is_container or tag == "blockquote")
        if tag == "blockquote":
            for around in self._open[-40:]:
                if around.is_container:
                    self._depth -= around.quotes
                    around.quotes = 0
        self._depth += quotes
        self._open.append(_Open(tag, quotes, is_container))

    def handle_endtag(self, tag: str) -> None:
        # Elements left open end with the one around them; a stray end tag ends nothing.
        if tag in _VOID or all(element.tag != tag for element in self._open[-60:]):
            return
        if tag in _BLOCKS:
            self._end_block(tag)
        while self._open:
            element = self._open.pop()
            self._depth -= element.quotes
            self._skipped -= element.tag in _SKIPPED
            self._preformatted -= element.tag == "pre"
            if element.tag == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._preformatted:
            *whole, rest = data.split("\n")
            for line in whole:
                self._line += line
                self._break()
            self._line += rest
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", data)
        self._line += text.lstrip(" ") if self._line in ("", "- ") else text

    def _break(self) -> None:
        self._lines.append("> " * min(self._depth, _DEEPEST) + self._line.rstrip(" "))
        self._line = ""

    def _end_block(self, tag: str) -> None:
        if self._line.strip(" "):
            self._break()
        if tag in _PARAGRAPHS and self._lines and self._lines[-1].strip("> "):
            self._lines.append("> " * min(self._depth, _DEEPEST))

    def text(self) -> str:
        """All lines so far, blank ones at most two in a row."""
        if self._line.strip():
            self._break()
        while self._lines and not self._lines[-1].strip("> "):
            self._lines.pop()
        lines = "\n".join(line.rstrip(" ") for line in self._lines)
        return re.sub(r"\n{4,}", "\n\n\n", lines).strip("\n")
