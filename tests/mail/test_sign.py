"""DKIM signatures, judged by two verifiers that share no code with the signer."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.domain.address import Address
from app.domain.delivery import LetterKind
from app.mail.compose import compose
from app.mail.letters import ALL_CONTEXTS
from app.mail.sign import Signer, body_hash
from app.mail.templates import Templates
from tests import opendkim
from tests.mail.test_compose import ANSWER, LESSON, LETTER, MARK, SERVICE
from tests.signatures import BROKEN, KEYS, RECORDS, SIGNER, VALID, verdicts

# Well in the past: OpenDKIM believes no signature of the future.
NOW = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
ENVELOPES = {
    LetterKind.CONFIRM: SERVICE,
    LetterKind.ALREADY_ENROLLED: replace(SERVICE, kind=LetterKind.ALREADY_ENROLLED),
    LetterKind.LESSON: LESSON,
    LetterKind.ANSWER: ANSWER,
}
SIGNED = SIGNER.sign(compose(LETTER, LESSON), NOW)


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
    assert verdicts(change(signed)) == BROKEN


def test_the_way_out_of_a_lesson_cannot_be_turned_elsewhere():
    way_out = MARK.unsubscribe_url.encode()
    assert verdicts(SIGNED.replace(way_out, b"https://other.test/u")) == BROKEN


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
