"""DKIM signatures (RFC 6376, RFC 8463) in front of a finished letter. Changes none of its bytes,
reads no key (dkim_keys does) and verifies nothing.

Relaxed canonicalisation of head and body; no `l=`, which would let anybody add words below ours,
and no `x=`, which would make a letter that waits in a queue look forged.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from app.domain.errors import SettingMissing
from app.mail.dkim_keys import HOST_NAME, SigningKey

_COVERED = tuple(
    b"from to cc subject date message-id reply-to in-reply-to references sender mime-version "
    b"content-type content-transfer-encoding content-language list-id list-help list-unsubscribe "
    b"list-unsubscribe-post feedback-id auto-submitted".split()
)
# Named once more than they stand in the letter: nobody can add another one (RFC 6376 §8.15).
_SEALED = frozenset(
    b"from to cc subject date message-id reply-to in-reply-to references sender mime-version "
    b"content-type list-unsubscribe list-unsubscribe-post".split()
)
_CRLF, _FOLD = b"\r\n", b"\r\n "
_WIDTH = 77  # beside the blank that begins a folded line: 78 in all (RFC 5322 §2.1.1)
_SIGNATURE_WIDTH = 72
# Begins with two plain characters, which the engine looks for faster than for any set or repeat.
_RUN = re.compile(rb"  +")


class Signer:
    """Signs letters from one domain with each of its keys. Holds no state: threads may share it.

    Raises SettingMissing without an RSA key (Microsoft and Yahoo read no other), for two keys of
    one selector, and for a domain that is not written as in the DNS.
    """

    def __init__(self, domain: str, keys: Sequence[SigningKey]) -> None:
        if not HOST_NAME.fullmatch(domain):
            raise SettingMissing("the domain of DKIM signatures is written in ASCII, as in the DNS")
        if not any(key.algorithm == "rsa-sha256" for key in keys):
            raise SettingMissing("DKIM needs an RSA key; an Ed25519 key can only stand beside it")
        if len({key.selector.lower() for key in keys}) < len(keys):
            raise SettingMissing("each DKIM key needs a selector of its own")
        self._mailbox_end = b"@" + domain.lower().encode()
        self._keys = [(key, _opening(key, domain)) for key in keys]
        self._domain = domain

    @property
    def records(self) -> list[str]:
        """What the DNS must say, one line for each key."""
        return [
            f"{key.selector}._domainkey.{self._domain} TXT {key.record}" for key, _ in self._keys
        ]

    def sign(self, wire: bytes, at: datetime | None = None) -> bytes:
        """The letter with one DKIM-Signature per key in front, every other byte as it was.

        `wire` is canonical (CRLF line ends, see wire.to_bytes); `at` is aware and becomes `t=`.
        The same letter and time give the same bytes. Raises ValueError for what is no letter of
        this domain.
        """
        head, gap, body = wire.partition(b"\r\n\r\n")
        if not gap:
            raise ValueError("a letter has an empty line between its headers and its body")
        return self.sign_head(head, body_hash(body), at) + wire

    def sign_head(self, head: bytes, hashed_body: bytes, at: datetime | None = None) -> bytes:
        """The DKIM-Signature headers for a head (without the empty line below it) and the
        `body_hash` of its body, each header ended by CRLF. Raises ValueError as `sign` does.
        """
        fields = _covered_fields(head)
        self._refuse_strangers(fields[b"from"])
        content = [line for lines in fields.values() for line in reversed(lines)]
        names = _names(tuple(map(len, fields.values())))
        when = b"t=%d; " % at.timestamp() if at else b""
        rest = b"%sbh=%s;\r\n %s\r\n b=" % (when, hashed_body, names)
        return b"".join(_header(key, opening + rest, content) for key, opening in self._keys)

    def _refuse_strangers(self, senders: list[bytes]) -> None:
        """A signature of another domain than From's counts as none (RFC 9989)."""
        if len(senders) != 1 or not senders[0].lower().rstrip(b">").endswith(self._mailbox_end):
            raise ValueError("a signed letter has one From, a mailbox of the signing domain")


def body_hash(body: bytes) -> bytes:
    """The value of `bh=`: SHA-256 of the body in relaxed form (RFC 6376 §3.4.4), in base64.

    Blanks at the end of a line and empty lines at the end do not count, runs of blanks are one.
    """
    text = (_squeezed(body) + _CRLF).replace(b" \r\n", _CRLF)
    end = len(text)
    while text.endswith(_CRLF, 0, end):
        end -= len(_CRLF)
    return b64encode(hashlib.sha256(text[: end + len(_CRLF)] if end else b"").digest())


def _squeezed(text: bytes) -> bytes:
    """Each run of spaces and tabs as one space; costs next to nothing where there are none."""
    return _RUN.sub(b" ", text.replace(b"\t", b" "))


def _covered_fields(head: bytes) -> dict[bytes, list[bytes]]:
    """The headers of each covered name, top to bottom, in relaxed form (RFC 6376 §3.4.2)."""
    fields: dict[bytes, list[bytes]] = {name: [] for name in _COVERED}
    unfolded = head.removesuffix(_CRLF).replace(_FOLD, b" ").replace(b"\r\n\t", b" ")
    for line in _squeezed(unfolded).split(_CRLF):
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError("each header of a letter has a name and a colon")
        name = name.rstrip(b" ").lower()
        if name in fields:
            fields[name].append(name + b":" + value.strip(b" "))
    return fields


@lru_cache(maxsize=64)
def _names(counts: tuple[int, ...]) -> bytes:
    """The tag `h=`, folded, for so many headers of each covered name.

    Letters of one kind have the same headers, so that it is written once for each kind.
    """
    names: list[bytes] = []
    for name, count in zip(_COVERED, counts, strict=True):
        names += [name] * (count + (name in _SEALED))
    return _folded(
        [b"h=" + names[0] + b":", *(name + b":" for name in names[1:-1]), names[-1] + b";"]
    )


def _opening(key: SigningKey, domain: str) -> bytes:
    """The tags that are the same in every letter, up to the fold after them."""
    tags = ("v=1", f"a={key.algorithm}", "c=relaxed/relaxed", f"d={domain}", f"s={key.selector}")
    return _folded([b"DKIM-Signature:", *(f" {tag};".encode() for tag in tags)]) + _FOLD


def _folded(words: Iterable[bytes]) -> bytes:
    """Words on lines as wide as allowed, each folded line beginning with one blank."""
    lines = [b""]
    for word in words:
        if len(lines[-1]) + len(word) > _WIDTH:
            lines.append(b"")
            word = word.lstrip()
        lines[-1] += word
    return _FOLD.join(lines)


def _header(key: SigningKey, unsigned: bytes, content: list[bytes]) -> bytes:
    """One DKIM-Signature; what is signed ends with itself, its `b=` still empty (§3.7)."""
    name, _, value = unsigned.partition(b": ")
    itself = name.lower() + b":" + value.replace(_FOLD, b" ")
    signature = b64encode(key.signature(_CRLF.join([*content, itself])))
    parts = range(0, len(signature), _SIGNATURE_WIDTH)
    lines = (signature[each : each + _SIGNATURE_WIDTH] for each in parts)
    return unsigned + _FOLD.join(lines) + _CRLF
