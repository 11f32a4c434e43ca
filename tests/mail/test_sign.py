"""DKIM signatures, judged by two verifiers that share no code with the signer."""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from app.domain.address import Address
from app.domain.delivery import LetterKind
from app.domain.errors import SettingMissing
from app.mail.compose import compose
from app.mail.dkim_keys import SigningKey, signing_key
from app.mail.letters import ALL_CONTEXTS
from app.mail.sign import Signer, body_hash
from app.mail.templates import Templates
from tests import opendkim
from tests.mail.test_compose import ANSWER, LESSON, LETTER, SERVICE

# Well in the past: OpenDKIM believes no signature of the future.
NOW = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
PEM, PKCS8, OPEN = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
RSA = SigningKey("r2026", rsa.generate_private_key(65537, 2048))
ED25519 = SigningKey("e2026", Ed25519PrivateKey.generate())
KEYS = (RSA, ED25519)
RECORDS = {f"{key.selector}._domainkey.cours.test": key.record for key in KEYS}
SIGNER = Signer("cours.test", KEYS)
VALID, BROKEN = [True, True], [False, False]
HEAD = b"From: a@cours.test\r\nTo: b@x.fr\r\n"
ENVELOPES = {
    LetterKind.CONFIRM: SERVICE,
    LetterKind.ALREADY_ENROLLED: replace(SERVICE, kind=LetterKind.ALREADY_ENROLLED),
    LetterKind.LESSON: LESSON,
    LetterKind.ANSWER: ANSWER,
}
SIGNED = SIGNER.sign(compose(LETTER, LESSON), NOW)


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


def tags(wire: bytes) -> list[dict[str, str]]:
    """The tags of each signature, in their order, without the blanks in them."""
    head = wire.partition(b"\r\n\r\n")[0].decode().replace("\r\n ", "")
    lines = [line for line in head.split("\r\n") if line.startswith("DKIM-Signature:")]
    pairs = [line.partition(":")[2].replace(" ", "").split(";") for line in lines]
    return [{pair.partition("=")[0]: pair.partition("=")[2] for pair in each} for each in pairs]


@pytest.mark.parametrize("context", ALL_CONTEXTS, ids=lambda context: context.kind)
def test_each_kind_of_letter_is_signed_with_both_algorithms(course_templates: Templates, context):
    letter = course_templates.render(context.sample(), "fr")
    signed = SIGNER.sign(compose(letter, ENVELOPES[context.kind]), NOW)
    assert verdicts(signed) == VALID


@pytest.mark.parametrize("context", ALL_CONTEXTS, ids=lambda context: context.kind)
def test_opendkim_agrees(course_templates: Templates, context, tmp_path: Path):
    letter = course_templates.render(context.sample(), "fr")
    signed = SIGNER.sign(compose(letter, ENVELOPES[context.kind]), NOW)
    assert opendkim.verdicts(signed, RECORDS, tmp_path) == {"r2026": "pass", "e2026": "pass"}


def test_opendkim_too_sees_a_changed_word(tmp_path: Path):
    changed = SIGNED.replace(b"Bonjour.", b"Bonsoir.")
    assert opendkim.verdicts(changed, RECORDS, tmp_path) == {"r2026": "fail", "e2026": "fail"}


def test_a_letter_to_a_mailbox_beyond_ascii_is_signed():
    wire = compose(LETTER, replace(LESSON, recipient=Address("é", "x.fr", "x.fr")))
    assert verdicts(SIGNER.sign(wire)) == VALID


def test_the_letter_itself_is_left_as_it_was():
    wire = compose(LETTER, LESSON)
    assert SIGNED.endswith(wire)
    assert SIGNED.removesuffix(wire).count(b"\r\n") == SIGNED.removesuffix(wire).count(b"\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda wire: wire.replace(b"Bonjour.", b"Bonsoir."),
        lambda wire: wire + b"PS: one more line.\r\n",
        lambda wire: wire.replace(b"/u/aaa", b"/u/bbb"),
        lambda wire: b"From: Banque <a@bank.test>\r\n" + wire,
        lambda wire: b"To: other@x.fr\r\n" + wire,
        lambda wire: b"Cc: other@x.fr\r\n" + wire,
        lambda wire: b"Sender: other@x.fr\r\n" + wire,
        lambda wire: b"Subject: other\r\n" + wire,
        lambda wire: b"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n" + wire,
        lambda wire: b"Message-ID: <other@x.fr>\r\n" + wire,
        lambda wire: b"Reply-To: other@x.fr\r\n" + wire,
        lambda wire: b"In-Reply-To: <other@x.fr>\r\n" + wire,
        lambda wire: b"References: <other@x.fr>\r\n" + wire,
        lambda wire: b"MIME-Version: 1.0\r\n" + wire,
        lambda wire: b"Content-Type: text/html\r\n" + wire,
        lambda wire: b"List-Unsubscribe: <https://other.test>\r\n" + wire,
        lambda wire: b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" + wire,
    ],
)
@pytest.mark.parametrize("envelope", [LESSON, ANSWER], ids=lambda envelope: envelope.kind)
def test_a_change_breaks_both_signatures(change: Callable[[bytes], bytes], envelope):
    signed = SIGNER.sign(compose(LETTER, envelope), NOW)
    if change(signed) != signed:
        assert verdicts(change(signed)) == BROKEN


@pytest.mark.parametrize(
    "stamp",
    [
        b"Return-Path: <b+tag@rebonds.cours.test>\r\n",
        b"Received: from a.test by b.test; Tue, 24 Nov 2026 09:00:01 +0000\r\n",
        b"Authentication-Results: mx.test; dkim=pass\r\n",
    ],
)
def test_what_relays_add_on_the_way_breaks_nothing(stamp):
    assert verdicts(stamp + SIGNED) == VALID


SEALED = """from to subject date message-id reply-to mime-version content-type
    list-unsubscribe list-unsubscribe-post"""
COVERED = "list-id list-help feedback-id auto-submitted content-language"
FORBIDDEN = "cc in-reply-to references sender"


def test_the_signature_covers_what_a_mailbox_looks_at_and_leaves_no_room_for_more():
    twice, once = SEALED.split(), f"{COVERED} {FORBIDDEN}".split()
    for signature in tags(SIGNED):
        named = Counter(signature["h"].split(":"))
        assert named == dict.fromkeys(twice, 2) | dict.fromkeys(once, 1)


def test_the_tags_stand_in_one_order_and_neither_length_nor_end_is_given():
    first, second = tags(SIGNED)
    assert list(first) == list(second) == ["v", "a", "c", "d", "s", "t", "bh", "h", "b"]
    assert (first["a"], first["s"]) == ("rsa-sha256", "r2026")
    assert (second["a"], second["s"]) == ("ed25519-sha256", "e2026")
    assert {first["c"], second["c"]} == {"relaxed/relaxed"}
    assert first["t"] == str(int(NOW.timestamp()))
    assert first["bh"] == second["bh"]


def test_without_a_time_there_is_no_tag_for_it():
    assert "t" not in tags(SIGNER.sign(compose(LETTER, LESSON)))[0]


@pytest.mark.parametrize("domain", ["cours.test", f"{'a' * 60}.cours.test", "cours.example.test"])
def test_lines_are_as_short_as_mail_likes_them(domain):
    head = f"From: a@{domain}\r\n".encode()
    signed = Signer(domain, KEYS).sign_head(head, body_hash(b""), NOW)
    assert max(map(len, signed.split(b"\r\n"))) <= 78
    assert all(len(line) > 1 for line in signed.split(b"\r\n")[:-1])


def test_the_same_letter_and_time_give_the_same_bytes_in_every_thread():
    wire = compose(LETTER, LESSON)
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: SIGNER.sign(wire, NOW), range(12))) == {SIGNED}


# RFC 6376 §3.4.4 prints the hash of an empty body, §3.4.5 the first example.
@pytest.mark.parametrize(
    ("body", "same"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),
        (b"\r\n", b""),
        (b"\r\n\r\n\r\n", b""),
        (b" \t\r\n\t\r\n", b""),
        (b"a", b"a\r\n"),
        (b"a \t", b"a\r\n"),
        (b"a\r\n \t \r\n\r\n", b"a\r\n"),
        (b"\r\n\r\na\r\n", b"\r\n \r\na\r\n"),
        (b"\ta\r\n", b"   a\r\n"),
        (b"a\t\tb  \t c\r\n", b"a b c\r\n"),
    ],
)
def test_blanks_that_do_not_count(body, same):
    assert body_hash(body) == body_hash(same)


@pytest.mark.parametrize(
    ("body", "other"),
    [
        (b"\r\na\r\n", b"a\r\n"),
        (b" a\r\n", b"a\r\n"),
        (b"a b\r\n", b"ab\r\n"),
        (b"a\r\n\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\x0b\r\n", b"a\r\n"),
        (b"a\xa0\r\n", b"a\r\n"),
        (b"a\n\r\n", b"a\r\n"),
    ],
)
def test_what_does_count(body, other):
    assert body_hash(body) != body_hash(other)


def test_an_empty_body_has_the_hash_that_the_standard_prints():
    assert body_hash(b"") == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(
    "head",
    [
        b"FROM : a@cours.test \t\r\nto:b@x.fr\r\n",
        b"From:\r\n a@cours.test\r\nTo:\t \r\n\tb@x.fr\r\n \t\r\n",
        b"From: a@cours.test\r\nX-Other: 1\r\nTo: b@x.fr\r\nReceived: now\r\n",
        b"To: b@x.fr\r\nFrom: a@cours.test",
    ],
)
def test_a_head_written_otherwise_has_the_same_signature(head):
    assert SIGNER.sign_head(head, body_hash(b"")) == SIGNER.sign_head(HEAD, body_hash(b""))


def test_headers_of_one_name_are_signed_from_the_last_to_the_first():
    signed = SIGNER.sign(HEAD + b"Cc: c@x.fr\r\nCc: d@x.fr\r\n\r\nBonjour\r\n")
    assert verdicts(signed) == VALID
    turned = signed.replace(b"Cc: c@x.fr\r\nCc: d@x.fr", b"Cc: d@x.fr\r\nCc: c@x.fr")
    assert verdicts(turned) == BROKEN


# VT and FF are no blanks in RFC 6376; dkimpy takes them for some at both ends of a header.
BLANKS = st.text(" \t", max_size=3)
LINES = st.text(st.sampled_from(" \t\x0b.=:;ab\u00e9\u00a0"), max_size=12)
WORDS = st.text(st.sampled_from(".=:;,<>abé"), min_size=1, max_size=8)
NAMES = st.sampled_from(
    ["Subject", "to", "CC", "Reply-To", "List-Id", "REFERENCES", "X-Other", "Received", "Sender"]
)


@st.composite
def headers(draw: st.DrawFn) -> str:
    words = draw(st.lists(WORDS, max_size=4))
    folds = [draw(st.sampled_from([" ", "\t", "\r\n ", "\r\n\t", " \r\n\t "])) for _ in words]
    value = "".join(map("".join, zip(folds, words, strict=True)))
    return f"{draw(NAMES)}:{draw(BLANKS)}{value}{draw(BLANKS)}"


@given(st.lists(headers(), max_size=6), st.lists(LINES, max_size=8))
def test_whatever_the_headers_and_the_body_dkimpy_agrees(others, lines):
    body = "".join(f"{line}\r\n" for line in lines)
    head = "\r\n".join(["From: a@cours.test", *others])
    wire = f"{head}\r\n\r\n{body}".encode()
    assert verdicts(SIGNER.sign(wire, NOW)) == VALID


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_written_in_a_letter_dkimpy_agrees(text, html):
    wire = compose(replace(LETTER, text=text, html=html), LESSON)
    assert verdicts(SIGNER.sign(wire, NOW)) == VALID


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"From: a@cours.test\r\n",
        b"To: b@x.fr\r\n\r\n",
        b"From: a@elsewhere.test\r\n\r\n",
        b"From: a@sub.cours.test\r\n\r\n",
        b"From: a@cours.test <b@elsewhere.test>\r\n\r\n",
        b"From: a@cours.test\r\nFrom: b@cours.test\r\n\r\n",
        b"From: a@cours.test\r\nno header\r\n\r\n",
    ],
)
def test_what_is_no_letter_of_this_domain_is_refused(wire):
    with pytest.raises(ValueError, match="letter"):
        SIGNER.sign(wire)


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
