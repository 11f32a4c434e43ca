"""Markdown into the two bodies of a letter: HTML and real text. Knows no template and no letter.

Only prose is allowed in (paragraphs, headings, lists, quotations, emphasis, links): HTML inside the
Markdown stays text, images are refused by the course check. Works once per Version, not per letter.
"""

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PROSE = MarkdownIt("commonmark", {"html": False}).disable(["html_block", "html_inline"])


def to_html(markdown: str) -> str:
    """The prose as HTML."""
    return str(_PROSE.render(markdown))


def to_text(markdown: str) -> str:
    """The prose as text for the text/plain part: paragraphs on single lines, links in full.

    Long lines are left long: quoted-printable carries the soft breaks, and phones wrap by
    themselves.
    """
    return "\n\n".join(_blocks(_PROSE.parse(markdown))).strip() + "\n"


def _blocks(tokens: list[Token]) -> Iterator[str]:
    lists: list[int | None] = []
    quoted, lead = 0, ""
    for token in tokens:
        match token.type:
            case "blockquote_open":
                quoted += 1
            case "blockquote_close":
                quoted -= 1
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                lead = _bullet(lists)
            case "heading_open":
                lead = "— "
            case "hr":
                yield "* * *"
            case "inline":
                indent = "  " * (len(lists) - 1) if lists else ""
                yield "> " * quoted + indent + lead + _inline(token.children or [])
                lead = ""
            case "fence" | "code_block":
                yield token.content.rstrip("\n")


def _bullet(lists: list[int | None]) -> str:
    number = lists[-1]
    if number is None:
        return "• "
    lists[-1] = number + 1
    return f"{number}. "


def _inline(children: list[Token]) -> str:
    text, target = "", ""
    for child in children:
        match child.type:
            case "text" | "code_inline":
                text += child.content
            case "softbreak":
                text += " "
            case "hardbreak":
                text += "\n"
            case "em_open" | "em_close":
                text += "_"
            case "strong_open" | "strong_close":
                text += "*"
            case "link_open":
                target = str(child.attrGet("href") or "")
            case "link_close":
                text += f" ({target})" if target and not text.endswith(target) else ""
    return text
