"""What an e-mail address is to us: its two forms, its key, its role. Does not read addresses typed
by people (app/mail/recipient.py does, with a maintained validator) and asks no name server.
"""

import hashlib
import hmac
from dataclasses import dataclass

_ROLES = (
    "abuse admin administrator daemon devnull ftp hostmaster listserv mailer-daemon majordomo "
    "no-reply nobody noc noreply postmaster root security spam webmaster"
)
_ROLE_NAMES = frozenset(_ROLES.split())


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox. `local` is kept as typed; `domain` is the lower-case A-label (RFC 5890)."""

    local: str
    domain: str
    domain_shown: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def shown(self) -> str:
        """The form for people: the domain in its own script."""
        return f"{self.local}@{self.domain_shown}"

    @property
    def key(self) -> str:
        """Two spellings of one mailbox share this: compared case-folded, as mail systems do."""
        return key_of(str(self))

    @property
    def is_role(self) -> bool:
        """True for addresses that stand for an office, not a person (RFC 2142)."""
        return self.local.partition("+")[0].casefold() in _ROLE_NAMES

    @property
    def needs_smtputf8(self) -> bool:
        """True when only a server with SMTPUTF8 can carry it (RFC 6531)."""
        return not self.local.isascii()


def key_of(address: str) -> str:
    """The comparison form of an address that is already known to be well formed."""
    return address.strip().casefold()


def fingerprint(key: str, *, secret: bytes) -> str:
    """The keyed digest under which a suppression is kept: 64 hex digits.

    Keyed, so that a leaked list cannot be searched by trying addresses; the address itself may be
    erased and the refusal to write to it stays.
    """
    return hmac.new(secret, b"suppression\0" + key.encode(), hashlib.sha256).hexdigest()
