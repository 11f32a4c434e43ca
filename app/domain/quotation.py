"""What did the person newly write? Lines are marked one by one, then the marks decide.

Nothing is thrown away: the pieces, joined, are the text again. Does not read HTML (mail/plaintext)
and does not judge who wrote (incoming.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from app.domain.bare_line import is_quoted
from app.domain.header_block import header_block_at
from app.domain.quote_headers import attributions
from app.domain.signature import Opening, holds, opening

# A program that breaks quoted lines at 72 to 78 columns leaves their ends without a mark.
_WRAPPED_FROM = 60
_SEEN_BELOW = 60


class PieceKind(StrEnum):
    """What a piece of the text is."""

    WORDS = "words"
    QUOTED = "quoted"
    ATTRIBUTION = "attribution"
    SIGNATURE = "signature"
    FOOTER = "footer"


_MARKS = {
    Opening.MOBILE: PieceKind.SIGNATURE,
    Opening.DELIMITER: PieceKind.SIGNATURE,
    Opening.CLOSING: PieceKind.SIGNATURE,
    Opening.RULE: PieceKind.FOOTER,
    Opening.NOTICE: PieceKind.FOOTER,
}


@dataclass(frozen=True)
class Piece:
    """Consecutive lines of one kind, with their line ends."""

    kind: PieceKind
    text: str


@dataclass(frozen=True)
class Quotation:
    """A letter's text in pieces; joining the texts of all pieces rebuilds it exactly."""

    pieces: tuple[Piece, ...]

    @property
    def words(self) -> str:
        """What the person newly wrote, or "" where they wrote nothing."""
        return _join(piece for piece in self.pieces if piece.kind is PieceKind.WORDS)

    @property
    def elided(self) -> str:
        """Everything else: quotations and their headings, signatures, footers."""
        return _join(piece for piece in self.pieces if piece.kind is not PieceKind.WORDS)


def new_words(text: str) -> Quotation:
    """Take `text` (plain, line ends as they came) apart into what is new and what is not."""
    lines = text.splitlines(keepends=True)
    marks = _Marker(lines).marked()
    pieces = groupby(zip(marks, lines, strict=True), key=lambda pair: pair[0])
    return Quotation(
        tuple(Piece(kind, "".join(line for _, line in group)) for kind, group in pieces)
    )


def _join(pieces: Iterable[Piece]) -> str:
    """Pieces as paragraphs, without the blank lines around them."""
    trimmed = (piece.text.rstrip().lstrip("\r\n") for piece in pieces)
    return "\n\n".join(text for text in trimmed if text.strip()).strip()


class _Marker:
    """Walks down the lines once. `state` is what an unmarked line is taken for."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.attributions = attributions(lines)
        self.marks: list[PieceKind] = []
        self.state = PieceKind.WORDS
        self.has_words = False

    def marked(self) -> list[PieceKind]:
        while len(self.marks) < len(self.lines):
            self._step(len(self.marks))
        _give_blanks_to_quotation(self.lines, self.marks)
        return self.marks

    def _step(self, at: int) -> None:
        if heading := self.attributions.get(at, at) - at or header_block_at(self.lines, at):
            self._heading(at, heading)
        elif is_quoted(self.lines[at]) or self._continues_quotation(at):
            self.marks.append(PieceKind.QUOTED)
            self.state = PieceKind.WORDS
        elif self.state is PieceKind.WORDS:
            self._below_words(at)
        else:
            self.marks.append(self.state)

    def _heading(self, at: int, size: int) -> None:
        """What follows is quoted: marked with `>`, or else all of it to the end."""
        self.marks += [PieceKind.ATTRIBUTION] * size
        below = range(at + size, len(self.lines))
        first = next((i for i in below if self.lines[i].strip()), None)
        if first is not None and is_quoted(self.lines[first]):
            self.state = PieceKind.WORDS
        else:
            self.marks += [PieceKind.QUOTED] * len(below)

    def _below_words(self, at: int) -> None:
        line = self.lines[at]
        begun = opening(line) if line.strip() else None
        above = self.lines[at - 1] if at else ""
        if begun is None or not holds(begun, line, above, self._below(at)):
            self.marks.append(PieceKind.WORDS)
            self.has_words = self.has_words or bool(line.strip())
            return
        mark = _MARKS[begun]
        self.marks.append(mark)
        self.state = mark
        if begun is Opening.MOBILE:
            # Phones quote without any heading; yet who wrote nothing above may write below.
            self.state = PieceKind.QUOTED if self.has_words else PieceKind.WORDS

    def _below(self, at: int) -> Sequence[str]:
        """The lines below `at` up to the next quotation; more than a signature ever has suffice."""
        end = at + 1
        while end < min(at + _SEEN_BELOW, len(self.lines)):
            if end in self.attributions or is_quoted(self.lines[end]):
                break
            if header_block_at(self.lines, end):
                break
            end += 1
        return self.lines[at + 1 : end]

    def _continues_quotation(self, at: int) -> bool:
        """The end of a quoted line that a program broke without repeating the mark."""
        line = self.lines[at]
        if not at or not is_quoted(self.lines[at - 1]) or not line[:1].islower():
            return False
        below = self.lines[at + 1] if at + 1 < len(self.lines) else ""
        longish = len(self.lines[at - 1].rstrip()) >= _WRAPPED_FROM > len(line.rstrip())
        return longish and (not below.strip() or is_quoted(below))


def _give_blanks_to_quotation(lines: Sequence[str], marks: list[PieceKind]) -> None:
    """Blank lines between two elided lines are none of the words."""
    start = 0
    for blank, group in groupby(range(len(lines)), key=lambda i: not lines[i].strip()):
        size = sum(1 for _ in group)
        if blank and start and start + size < len(lines):
            above, below = marks[start - 1], marks[start + size]
            if PieceKind.WORDS not in (above, below):
                marks[start : start + size] = [above] * size
        start += size
