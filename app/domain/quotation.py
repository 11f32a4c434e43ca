"""What did the person newly write? Lines are marked one by one, then the marks decide.

Nothing is thrown away: the pieces, joined, are the text again. Does not read HTML (mail/plaintext)
and does not judge who wrote (incoming.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from app.domain.bare_line import Line, lines_of
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
    lines = lines_of(text)
    marked = zip(_Marker(lines).marked(), lines, strict=True)
    pieces = groupby(marked, key=lambda pair: pair[0])
    return Quotation(
        tuple(Piece(kind, "".join(line.raw for _, line in group)) for kind, group in pieces)
    )


def _join(pieces: Iterable[Piece]) -> str:
    """Pieces as paragraphs, without the blank lines around them."""
    trimmed = (piece.text.rstrip().lstrip("\r\n") for piece in pieces)
    return "\n\n".join(text for text in trimmed if text.strip()).strip()


class _Marker:
    """Walks down the lines once. `state` is what an unmarked line is taken for."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.attributions = attributions(lines)
        self.headings: dict[int, int] = {}
        self.marks: list[PieceKind] = []
        self.state = PieceKind.WORDS
        self.has_words = False

    def marked(self) -> list[PieceKind]:
        while len(self.marks) < len(self.lines):
            self._step(len(self.marks))
        _give_blanks_to_quotation(self.lines, self.marks)
        return self.marks

    def _step(self, at: int) -> None:
        if heading := self._heading_at(at):
            self._quote_below(at, heading)
        elif self.lines[at].quoted or self._continues_quotation(at):
            self.marks.append(PieceKind.QUOTED)
            self.state = PieceKind.WORDS
        elif self.state is PieceKind.WORDS and self.lines[at].bare:
            self._write(at)
        else:
            self.marks.append(self.state)

    def _heading_at(self, at: int) -> int:
        """How many lines from `at` on head a quotation; asked more than once, so remembered."""
        if at in self.attributions:
            return self.attributions[at] - at
        if at not in self.headings:
            self.headings[at] = header_block_at(self.lines, at)
        return self.headings[at]

    def _quote_below(self, at: int, size: int) -> None:
        """What follows a heading is quoted: marked with `>`, or else all of it to the end."""
        self.marks += [PieceKind.ATTRIBUTION] * size
        below = range(at + size, len(self.lines))
        first = next((i for i in below if not self.lines[i].blank), None)
        if first is not None and self.lines[first].quoted:
            self.state = PieceKind.WORDS
        else:
            self.marks += [PieceKind.QUOTED] * len(below)

    def _write(self, at: int) -> None:
        line = self.lines[at]
        begun = opening(line, self.lines[at - 1].bare if at else "")
        if begun is None or not holds(begun, line, self._below(at)):
            self.marks.append(PieceKind.WORDS)
            self.has_words = True
            return
        self.state = _MARKS[begun]
        self.marks.append(self.state)
        if begun is Opening.MOBILE:
            # Phones quote without any heading; yet who wrote nothing above may write below.
            self.state = PieceKind.QUOTED if self.has_words else PieceKind.WORDS

    def _below(self, at: int) -> Sequence[Line]:
        """The lines below `at` up to the next quotation; more than a signature ever has suffice."""
        end = at + 1
        while end < min(at + _SEEN_BELOW, len(self.lines)):
            if self.lines[end].quoted or self._heading_at(end):
                break
            end += 1
        return self.lines[at + 1 : end]

    def _continues_quotation(self, at: int) -> bool:
        """The end of a quoted line that a program broke without repeating the mark."""
        line = self.lines[at].raw
        if not at or not self.lines[at - 1].quoted or not line[:1].islower():
            return False
        longish = len(self.lines[at - 1].raw.rstrip()) >= _WRAPPED_FROM > len(line.rstrip())
        below = self.lines[at + 1] if at + 1 < len(self.lines) else None
        return longish and (below is None or below.blank or below.quoted)


def _give_blanks_to_quotation(lines: Sequence[Line], marks: list[PieceKind]) -> None:
    """Blank lines between two elided lines are none of the words."""
    start = 0
    for blank, group in groupby(lines, key=lambda line: line.blank):
        size = sum(1 for _ in group)
        if blank and start and start + size < len(lines):
            above, below = marks[start - 1], marks[start + size]
            if PieceKind.WORDS not in (above, below):
                marks[start : start + size] = [above] * size
        start += size
