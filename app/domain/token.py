"""Signed tokens: who may do one thing, without a login. Holds no keys and no clock.

Two forms with one meaning. A *link token* stands in URLs and may expire:
`<kid>.<purpose>.<subject>.<expiry>.<mac>`. A *tag* stands in the local part of a mail address,
whose case may be folded and whose length is bounded (RFC 5321 §4.5.3.1.1): lower-case base32, 64
octets at most with its prefix, and never expires, because letters stay in mailboxes for years.

The MAC is HMAC-SHA-256 over version, key id, purpose, subject and expiry: a token of one purpose is
worthless for any other. Keys are a ring, newest first: the newest signs, all verify.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from app.domain.errors import TokenExpired, TokenForged

CONFIRM_LIFE = timedelta(hours=48)
DESK_LIFE = timedelta(hours=12)
FOREVER = 0
_SHAPE = re.compile(
    r"([0-9a-f]{4})\.([a-z_]+)\.([A-Za-z0-9_-]+)\.(\d{1,12})\.([A-Za-z0-9_-]+)", re.ASCII
)
_TAG_MAC = 10
_TAG_SUBJECT = 8
# Base32 (RFC 4648 §6) two letters at a time; the library's own is slower than the MAC.
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
_TAG_SHIFTS = range(150, -1, -10)


class Purpose(StrEnum):
    """What a token allows. A new power gets a new purpose, never a wider old one."""

    CONFIRM = "confirm"
    PREFERENCES = "preferences"
    DESK_ENTER = "desk_enter"
    DESK_SESSION = "desk_session"
    DESK_FORM = "desk_form"
    REPLY = "reply"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Key:
    """One secret of the ring. `kid` names it openly: the first two bytes of its digest."""

    secret: bytes
    kid: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kid", hashlib.sha256(b"kid\0" + self.secret).digest()[:2])

    def mac(self, purpose: Purpose, subject: bytes, expiry: int) -> bytes:
        begun = _begun(self, purpose, expiry).copy()
        begun.update(subject)
        return begun.digest()


@lru_cache(maxsize=256)
def _begun(key: Key, purpose: Purpose, expiry: int) -> hmac.HMAC:
    """A MAC over everything before its subject, to be copied: most tokens begin alike."""
    opening = b"\0".join([b"1", key.kid.hex().encode(), purpose.encode(), b"%d" % expiry, b""])
    return hmac.new(key.secret, opening, "sha256")


def sign(purpose: Purpose, subject: str, *, keys: Sequence[Key], until: datetime | None) -> str:
    """A link token for `subject`, valid until the aware instant `until`, or for ever when None."""
    expiry = int(until.timestamp()) if until else FOREVER
    mac = keys[0].mac(purpose, subject.encode(), expiry)
    return f"{keys[0].kid.hex()}.{purpose}.{_b64(subject.encode())}.{expiry}.{_b64(mac)}"


def verify(token: str, purpose: Purpose, *, keys: Sequence[Key], now: datetime) -> str:
    """The subject that a link token was made for.

    Raises TokenForged for another purpose, an unknown key or any changed letter, and TokenExpired
    (only for tokens that are genuine) when `now` is past its expiry.
    """
    found = _SHAPE.fullmatch(token)
    if not found:
        raise TokenForged
    kid, stated, subject64, expiry, mac64 = found.groups()
    key = _key(keys, bytes.fromhex(kid))
    subject, mac = _unb64(subject64), _unb64(mac64)
    if stated != purpose or not hmac.compare_digest(mac, key.mac(purpose, subject, int(expiry))):
        raise TokenForged
    if int(expiry) != FOREVER and now.timestamp() > int(expiry):
        raise TokenExpired
    return subject.decode()


def tag(purpose: Purpose, number: int, *, keys: Sequence[Key]) -> str:
    """The tag that names record `number` (0 … 2⁶³-1): 32 letters and digits, all lower case."""
    subject = number.to_bytes(_TAG_SUBJECT, "big")
    body = keys[0].kid + subject + keys[0].mac(purpose, subject, FOREVER)[:_TAG_MAC]
    bits = int.from_bytes(body, "big")
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _TAG_SHIFTS])


def read_tag(text: str, purpose: Purpose, *, keys: Sequence[Key]) -> int:
    """The number inside a tag, whatever the case it comes back in. Raises TokenForged."""
    try:
        body = base64.b32decode(text.upper())
    except (binascii.Error, ValueError) as fault:
        raise TokenForged from fault
    kid, subject, mac = body[:2], body[2 : 2 + _TAG_SUBJECT], body[2 + _TAG_SUBJECT :]
    if len(mac) != _TAG_MAC:
        raise TokenForged
    if not hmac.compare_digest(mac, _key(keys, kid).mac(purpose, subject, FOREVER)[:_TAG_MAC]):
        raise TokenForged
    return int.from_bytes(subject, "big")


def _key(keys: Sequence[Key], kid: bytes) -> Key:
    for key in keys:
        if key.kid == kid:
            return key
    raise TokenForged


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    """Unpadded base64 is malleable (other last letters decode alike): only the canonical form
    passes.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as fault:
        raise TokenForged from fault
    if _b64(raw) != text:
        raise TokenForged
    return raw
