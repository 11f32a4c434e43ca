"""What every verb needs to know about this installation: who, where, with which keys. Reads no
setting (app/wiring.py fills it in) and changes never.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.domain.address import Address, fingerprint
from app.domain.token import Key
from app.domain.unknown import UnknownRule
from app.mail.letters import Author


@dataclass(frozen=True, slots=True)
class Installation:
    """`keys` newest first; `suppression_secret` never rotates (the fingerprints could not be told
    again); `speed` is how many times faster than the wall clock lessons are scheduled, 1 in
    earnest; `unknown_lessons` what becomes of a lesson of which nobody knows whether it arrived.
    """

    base_url: str
    mail_domain: str
    keys: Sequence[Key]
    suppression_secret: bytes
    author: Author
    speed: float
    unknown_lessons: UnknownRule = UnknownRule.ASSUME_SENT

    def url(self, *path: str) -> str:
        """An address below BASE_URL."""
        return "/".join([self.base_url.rstrip("/"), *path])

    def fingerprint(self, address: Address) -> str:
        """The name under which a suppression of this address is kept."""
        return fingerprint(address.key, secret=self.suppression_secret)

    def scaled(self, span: timedelta) -> timedelta:
        """A span of course life as it passes on the wall clock here."""
        return span / self.speed
