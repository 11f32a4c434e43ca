"""Keys for the tests of DKIM signatures, and dkimpy, which judges what the signer wrote."""

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.mail.dkim_keys import SigningKey
from app.mail.sign import Signer

RSA = SigningKey("r2026", rsa.generate_private_key(65537, 2048))
ED25519 = SigningKey("e2026", Ed25519PrivateKey.generate())
KEYS = (RSA, ED25519)
RECORDS = {f"{key.selector}._domainkey.cours.test": key.record for key in KEYS}
SIGNER = Signer("cours.test", KEYS)
VALID, BROKEN = [True, True], [False, False]


def verdicts(wire: bytes) -> list[bool]:
    """What dkimpy says of the RSA signature and of the Ed25519 one, in the order of the headers."""
    judge = dkim.DKIM(wire)

    def record(name: bytes, timeout: int = 5) -> bytes:
        return RECORDS[name.decode().rstrip(".")].encode()

    def valid(index: int) -> bool:
        try:
            return bool(judge.verify(index, dnsfunc=record))
        except dkim.ValidationError:
            return False

    return [valid(index) for index in range(wire.count(b"DKIM-Signature:"))]
