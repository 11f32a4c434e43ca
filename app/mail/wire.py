"""How a letter is written as bytes: folding, encodings, line ends. Chooses no header and no word.

The standard library folds a long List-Unsubscribe or In-Reply-To into encoded-words, which are not
allowed there (cpython issue 85725) and which make mail programs ignore one-click; and its default
width makes quoted-printable lines of 78 where RFC 2045 §6.7 allows 76. Hence a policy of our own.
"""

from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any

_TOKENS = (
    "auto-submitted feedback-id in-reply-to list-help list-id list-owner list-unsubscribe "
    "list-unsubscribe-post message-id references reply-to"
)
TOKENS = frozenset(_TOKENS.split())
_WISHED, _LONGEST = 78, 998


class WirePolicy(EmailPolicy):
    """Folds headers that carry addresses, URLs and ids at their spaces only, and only in ASCII."""

    def fold(self, name: str, value: Any) -> str:
        """One header as text, folded. Raises ValueError for what no line can carry (RFC 5322
        §2.1.1).
        """
        if name.lower() not in TOKENS:
            return str(super().fold(name, value))
        return self.linesep.join(_folded(name, str(value))) + self.linesep

    def fold_binary(self, name: str, value: Any) -> bytes:
        """One header as bytes, folded alike."""
        if name.lower() not in TOKENS:
            return bytes(super().fold_binary(name, value))
        return self.fold(name, value).encode("ascii")


WIRE = WirePolicy(linesep="\r\n", max_line_length=76)
WIRE_UTF8 = WIRE.clone(utf8=True)


def to_bytes(message: EmailMessage) -> bytes:
    """The canonical bytes of a message: CRLF only, no NUL, no line beyond 998 (RFC 5321 §2.3.8)."""
    wire = message.as_bytes()
    bare = wire.replace(b"\r\n", b"")
    if b"\r" in bare or b"\n" in bare or b"\0" in bare:
        raise ValueError("a letter on the wire has CRLF line ends and no NUL")
    if max(map(len, wire.split(b"\r\n"))) > _LONGEST:
        raise ValueError("a line on the wire has at most 998 octets")
    return wire


def _folded(name: str, value: str) -> list[str]:
    if not value.isascii() or "\r" in value or "\n" in value:
        raise ValueError(f"{name} takes one line of ASCII")
    lines = [f"{name}:"]
    for position, word in enumerate(value.split(" ")):
        if position and len(lines[-1]) + 1 + len(word) > _WISHED:
            lines.append("")
        lines[-1] += f" {word}"
    if max(map(len, lines)) > _LONGEST:
        raise ValueError(f"{name} has a word that no line can carry")
    return lines
