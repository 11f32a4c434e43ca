"""Letters on the wire: the headers of each kind, and bytes that nothing on the way need touch."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, compat32, default
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.address import Address
from app.domain.delivery import LetterKind
from app.mail.compose import CourseMark, Envelope, Sender, compose
from app.mail.templates import Letter
from app.mail.wire import TOKENS, WIRE

TAG = "7w4qaaaaaaaaaaafbvbbtdj6rb5xl5br"
LETTER = Letter("Mensonge n°\u00a03\u202f: été", "Bonjour.\n", "<p>Bonjour.</p>")
MARK = CourseMark(
    "mensonges", "en-ligne", "https://cours.test/u/" + "a" * 32, "https://cours.test/p"
)
LESSON = Envelope(
    kind=LetterKind.LESSON,
    sender=Sender("Prénom Nom", "cours", "cours.test"),
    recipient=Address("camille", "example.fr", "example.fr"),
    recipient_name="Camille",
    mail_domain="cours.test",
    tag=TAG,
    language="fr",
    written_at=datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
    course=MARK,
)
SERVICE = replace(LESSON, kind=LetterKind.CONFIRM, course=None)
ANSWER = replace(
    LESSON,
    kind=LetterKind.ANSWER,
    course=None,
    replies_to="reply@mail.example.fr",
    references=tuple(f"{'x' * 60}{n}@mail.example.fr" for n in range(6)),
)


def parsed(wire: bytes) -> EmailMessage:
    message = message_from_bytes(wire, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_lesson_carries_the_list_headers_and_one_click():
    message = parsed(compose(LETTER, LESSON))
    assert message["List-Unsubscribe"] == f"<{MARK.unsubscribe_url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "mensonges <mensonges.cours.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"] == f"r+{TAG}@cours.test"
    assert message["Message-ID"] == f"<l.{TAG}@cours.test>"
    assert message["Content-Language"] == "fr"
    assert message["Subject"] == LETTER.subject


def test_a_service_letter_is_automatic_but_no_list():
    message = parsed(compose(LETTER, SERVICE))
    assert message["Auto-Submitted"] == "auto-generated"
    assert not [name for name in message if name.startswith("List-")]


def test_an_answer_is_private_correspondence_in_its_thread():
    message = parsed(compose(LETTER, ANSWER))
    assert message["In-Reply-To"] == "<reply@mail.example.fr>"
    assert message["References"].split() == [f"<{each}>" for each in ANSWER.references]
    forbidden = {"Auto-Submitted", "Precedence", "Feedback-ID", "List-Id", "List-Unsubscribe"}
    assert not forbidden & set(message.keys())


@pytest.mark.parametrize("envelope", [LESSON, SERVICE, ANSWER], ids=lambda e: e.kind)
def test_headers_with_addresses_and_ids_are_never_encoded(envelope):
    wire = compose(LETTER, envelope).partition(b"\r\n\r\n")[0].decode("ascii")
    unfolded = wire.replace("\r\n ", " ")
    for line in unfolded.split("\r\n"):
        if line.partition(":")[0].lower() in TOKENS:
            assert "=?" not in line


@given(st.text(max_size=3000), st.text(max_size=3000))
def test_whatever_the_text_the_wire_is_seven_bit_with_short_lines(text, html):
    wire = compose(Letter("Objet", text, html), LESSON)
    assert wire.isascii()
    lines = wire.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    body = wire.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert max(map(len, body)) <= 76
    assert b"\r" not in wire.replace(b"\r\n", b"")
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\0" not in wire


def normal(text: str) -> str:
    return "\n".join(text.splitlines()).rstrip("\n")


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=500))
def test_what_was_written_is_what_is_read(text):
    message = parsed(compose(Letter("Objet", text, f"<p>{text}</p>"), LESSON))
    body = message.get_body(("plain",))
    assert body is not None
    assert normal(body.get_content()) == normal(text)
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "text/plain",
        "text/html",
    ]


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\v", "\x85", "\u2028"])
def test_nothing_typed_can_add_a_header(break_):
    typed = f"Camille{break_}Bcc: victim@example.org"
    for letter, envelope in [
        (replace(LETTER, subject=typed), LESSON),
        (LETTER, replace(LESSON, recipient_name=typed)),
    ]:
        with suppress(ValueError):
            wire = compose(letter, envelope)
            assert b"\r\nBcc" not in wire
            assert parsed(wire)["Bcc"] is None


@pytest.mark.parametrize(
    "subject", ["Re: " + "été " * 60, "x" * 300, "«\u202fÉté\u202f» " * 20, "A" * 77]
)
def test_a_long_subject_survives_its_folding(subject):
    wire = compose(replace(LETTER, subject=subject), LESSON)
    assert parsed(wire)["Subject"].split() == subject.split()
    assert all(len(line) <= 78 or b" " not in line for line in wire.split(b"\r\n"))


@given(st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=120))
def test_any_subject_and_any_name_are_read_as_they_were_written(text):
    name = " ".join(text[:40].split())
    wire = compose(replace(LETTER, subject=text), replace(LESSON, recipient_name=name))
    message = parsed(wire)
    assert message["Subject"].strip(" ") == text.strip(" ")
    # The library's newer reader adds blanks between encoded-words of a name; the older does not.
    to = message_from_bytes(wire, policy=compat32)["To"].replace("\r\n", "")
    assert str(make_header(decode_header(parseaddr(to)[0]))) == name
    assert max(map(len, wire.split(b"\r\n"))) <= 300


def test_the_same_letter_has_the_same_bytes():
    assert compose(LETTER, LESSON) == compose(LETTER, LESSON)


def test_the_standard_policy_would_spoil_the_thread_which_is_why_we_have_our_own():
    message = EmailMessage(policy=SMTP)
    message["In-Reply-To"] = f"<{'x' * 90}@mail.example.fr>"
    assert b"=?" in message.as_bytes()
    ours = EmailMessage(policy=WIRE)
    ours["In-Reply-To"] = f"<{'x' * 90}@mail.example.fr>"
    assert b"=?" not in ours.as_bytes()


def test_a_header_that_no_line_can_carry_is_refused():
    long = replace(MARK, unsubscribe_url="https://cours.test/" + "a" * 1000)
    with pytest.raises(ValueError, match="no line can carry"):
        compose(LETTER, replace(LESSON, course=long))


def test_a_mailbox_beyond_ascii_is_written_as_it_is():
    wire = compose(LETTER, replace(LESSON, recipient=Address("é", "x.fr", "x.fr")))
    assert "é@x.fr".encode() in wire
