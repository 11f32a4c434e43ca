"""Keys that sign: read from PEM, shown as DNS records, refused with a sentence when unfit."""

import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from app.domain.errors import SettingMissing
from app.mail.dkim_keys import SigningKey, signing_key
from app.mail.sign import Signer
from tests.signatures import ED25519, RSA

PEM, PKCS8, OPEN = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_is_read_from_text_or_from_a_file(form, tmp_path: Path):
    text = RSA.private.private_bytes(PEM, form, OPEN).decode()
    (tmp_path / "key.pem").write_text(text)
    for source in (text, str(tmp_path / "key.pem")):
        assert signing_key(source, "r2026").record == RSA.record


def test_the_record_of_a_key_is_what_the_standard_prints():
    seed = b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    key = SigningKey("brisbane", Ed25519PrivateKey.from_private_bytes(seed))
    public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # RFC 8463 appendix A.2
    assert key.record == f"v=DKIM1; k=ed25519; p={public}"


WEAK = rsa.generate_private_key(65537, 1024).private_bytes(PEM, PKCS8, OPEN)
CURVE = ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, OPEN)
LOCKED = RSA.private.private_bytes(PEM, PKCS8, BestAvailableEncryption(b"word"))
GOOD = RSA.private.private_bytes(PEM, PKCS8, OPEN)


@pytest.mark.parametrize(
    ("source", "selector", "said"),
    [
        (WEAK, "s", "1024 bits"),
        (CURVE, "s", "neither RSA nor Ed25519"),
        (LOCKED, "s", "without a passphrase"),
        (GOOD[:200], "s", "no private key in PEM"),
        (b"", "s", "cannot be read from the file ''"),
        (b"/nowhere/key.pem", "s", "cannot be read from the file '/nowhere/key.pem'"),
        (GOOD, "", "needs a selector"),
        (GOOD, "a b", "needs a selector"),
        (GOOD, "s; l=0", "needs a selector"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_key_that_cannot_be_used_is_named_with_what_to_do(source, selector, said):
    with pytest.raises(SettingMissing, match=re.escape(said)) as refused:
        signing_key(source.decode(), selector)
    assert "PRIVATE" not in str(refused.value)


@pytest.mark.parametrize(
    ("domain", "keys", "said"),
    [
        ("cours.test", [], "needs an RSA key"),
        ("cours.test", [ED25519], "needs an RSA key"),
        ("cours.test", [RSA, replace(ED25519, selector="R2026")], "a selector of its own"),
        ("été.test", [RSA], "written in ASCII"),
        ("", [RSA], "written in ASCII"),
    ],
)
def test_a_signer_that_mailboxes_would_not_believe_is_not_made(domain, keys, said):
    with pytest.raises(SettingMissing, match=said):
        Signer(domain, keys)
