"""How a letter is written as bytes: folding, encodings, line ends. Chooses no header and no word.

The standard library folds a long List-Unsubscribe or In-Reply-To into encoded-words, which are not
allowed there (cpython issue 85725) and which make mail programs ignore one-click; and its default
width makes quoted-printable lines of 78 where RFC 2045 §6.7 allows 76. Hence a policy of our own.
"""

import re
from email.header import Header
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any

from app.domain.address import Address

_TOKENS = (
    "auto-submitted feedback-id in-reply-to list-help list-id list-owner list-unsubscribe "
    "list-unsubscribe-post message-id references reply-to"
)
TOKENS = frozenset(_TOKENS.split())
_MAILBOXES = frozenset({"from", "to"})
_WISHED, _LONGEST = 78, 998


class WirePolicy(EmailPolicy):
    """Folds headers that carry addresses, URLs and ids at their spaces only, and only in ASCII; and
    words for people in encoded-words that keep every blank (the library's own folding loses some).
    """

    def fold(self, name: str, value: Any) -> str:
        """One header as text, folded. Raises ValueError for what no line can carry."""
        if name.lower() in TOKENS:
            return self.linesep.join(_folded(name, str(value))) + self.linesep
        if name.lower() == "subject":
            return f"{name}: {_for_people(name, str(value), self.linesep)}{self.linesep}"
        if name.lower() in _MAILBOXES and not self.utf8:
            written = [_mailbox(name, each, self.linesep) for each in value.addresses]
            return f"{name}: {', '.join(written)}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        """One header as bytes, folded alike."""
        return self.fold(name, value).encode("utf-8" if self.utf8 else "ascii")


# Names and mailboxes that need neither quotes nor encoding: nearly all, and much quicker to write.
_PLAIN_NAME = re.compile(r"(?:[A-Za-z0-9]+(?: [A-Za-z0-9]+)*)?")
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
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


def _for_people(name: str, text: str, linesep: str) -> str:
    """Text that people read: as it is where ASCII and short, else in encoded-words (RFC 2047)."""
    if any(mark in text for mark in "\r\n"):
        raise ValueError(f"{name} takes one line")
    if text.isascii() and text.isprintable() and len(name) + 2 + len(text) <= _WISHED:
        return text
    coded = Header(text, "utf-8", maxlinelen=76, header_name=name)
    return coded.encode(linesep=linesep)


def mailbox_line(header: str, name: str, address: Address) -> str:
    """A name and an address as they stand in a header of ours, folded."""
    if _PLAIN_NAME.fullmatch(name) and _PLAIN_LOCAL.fullmatch(address.local):
        return f"{name} <{address}>" if name else str(address)
    mailbox = Mailbox(name, address.local, address.domain)
    return _mailbox(header, mailbox, WIRE.linesep)


def _mailbox(header: str, mailbox: Mailbox, linesep: str) -> str:
    """A name that is not plain ASCII stands in encoded-words of its own, its address below."""
    shown = mailbox.display_name
    if shown.isascii() and shown.isprintable():
        return str(mailbox)
    return f"{_for_people(header, shown, linesep)}{linesep} <{mailbox.addr_spec}>"
