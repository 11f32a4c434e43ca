"""The private keys that sign letters, read from PEM, and the DNS record that goes with each.

Signs bytes with one key; knows no header and no letter (sign does), reads no setting, asks no DNS.
"""

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.domain.errors import SettingMissing

_SHORTEST_RSA = 2048
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One private key and the selector under which the DNS shows its public half.

    Raises SettingMissing for a selector that is no DNS name and for an RSA key below 2048 bits
    (RFC 8301 §3.2).
    """

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if not HOST_NAME.fullmatch(self.selector):
            raise SettingMissing(
                "each DKIM key needs a selector: a DNS label such as f2026, the part before "
                "._domainkey in the name of its record"
            )
        if isinstance(self.private, RSAPrivateKey) and self.private.key_size < _SHORTEST_RSA:
            raise SettingMissing(
                f"the DKIM key of selector {self.selector} has {self.private.key_size} bits; "
                f"mailboxes trust RSA from {_SHORTEST_RSA} bits on: `openssl genrsa 2048` makes one"
            )

    @property
    def algorithm(self) -> str:
        """The value of `a=`: rsa-sha256 (RFC 6376 §3.3.1) or ed25519-sha256 (RFC 8463 §3)."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    @property
    def record(self) -> str:
        """The text of the TXT record at `<selector>._domainkey.<domain>` (RFC 6376 §3.6.1).

        The RSA one is longer than the 255 octets of one DNS string; zone files split it.
        """
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            kind, shown = (
                "rsa",
                public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            )
        else:
            kind, shown = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={kind}; p={b64encode(shown).decode()}"

    def signature(self, content: bytes) -> bytes:
        """The signature of these bytes: the same each time, and safe to make in several threads."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(content, PKCS1v15(), SHA256())
        return self.private.sign(hashlib.sha256(content).digest())


def signing_key(source: str, selector: str) -> SigningKey:
    """The key in `source`, which is PEM text or the path of a PEM file, without a passphrase.

    Raises SettingMissing, which never shows the key, when it cannot be read or used.
    """
    pem = source if "-----BEGIN" in source else _read(source, selector)
    try:
        private = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise SettingMissing(
            f"the DKIM key of selector {selector} is no private key in PEM without a passphrase: "
            "`openssl genrsa 2048` or `openssl genpkey -algorithm ed25519` makes one"
        ) from fault
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise SettingMissing(f"the DKIM key of selector {selector} is neither RSA nor Ed25519")
    return SigningKey(selector, private)


def _read(path: str, selector: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError) as fault:
        raise SettingMissing(
            f"the DKIM key of selector {selector} cannot be read from the file {path!r} "
            f"({type(fault).__name__}); give PEM text or the path of a PEM file"
        ) from fault
