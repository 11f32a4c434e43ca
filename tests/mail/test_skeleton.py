"""The image of a Version: filled in, it is the letter that the slow way would have written."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.address import Address
from app.domain.delivery import LetterKind
from app.mail.compose import CourseMark, Envelope, Sender, compose
from app.mail.letters import LessonContext
from app.mail.skeleton import Skeleton, build, mark, to_header
from app.mail.templates import Templates
from app.wiring import course_templates

TEMPLATES: Templates = course_templates()
PROSE = "Bonjour {{ first_name }} !\n\nUn *mot*, {{ first_name }}.\n\n" + "Une phrase. " * 200
NAMES = st.text(
    st.characters(categories=("L", "P"), exclude_characters="\ue000"), min_size=1, max_size=40
)
WRITTEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PERSON = {
    "tag": "7w4qaaaaaaaaaaafbvbbtdj6rb5xl5br",
    "door": "0123456789abcdef" * 2,
    "help_url": "https://cours.test/preferences/a.b.c",
    "preferences_url": "https://cours.test/preferences/" + "x" * 90,
    "unsubscribe_url": "https://cours.test/u/" + "0123456789abcdef" * 2,
    "next_day": "jeudi 3 décembre",
}
ADDRESS = Address("camille", "example.fr", "example.fr")


def context(name: str, person: dict[str, str]) -> LessonContext:
    values = {"first_name": name, "author_name": "", "lesson_number": 3, "lesson_total": 7}
    html, text = TEMPLATES.fill_prose(PROSE, values)
    return replace(
        LessonContext.sample(),
        first_name=name,
        body_html=html,
        body_text=text,
        preferences_url=person["preferences_url"],
        unsubscribe_url=person["unsubscribe_url"],
        next_day=person["next_day"],
    )


def envelope(name: str) -> Envelope:
    return Envelope(
        kind=LetterKind.LESSON,
        sender=Sender("Prénom Nom", "cours", "cours.test"),
        recipient=ADDRESS,
        recipient_name=name,
        mail_domain="cours.test",
        tag=PERSON["tag"],
        language="fr",
        written_at=WRITTEN,
        course=CourseMark("mensonges", "en-ligne", PERSON["unsubscribe_url"], PERSON["help_url"]),
    )


def skeleton() -> Skeleton:
    marked = {field: mark(field) for field in PERSON}
    letter = TEMPLATES.render(context(mark("first_name"), marked), "fr")
    return build(letter, envelope("Any"))


def values(name: str) -> dict[str, str]:
    return PERSON | {
        "first_name": name,
        "to": to_header(name, ADDRESS),
        "date": "Tue, 24 Nov 2026 09:00:00 +0000",
    }


def parsed(wire: bytes) -> EmailMessage:
    message = message_from_bytes(wire, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def bodies(message: EmailMessage) -> list[str]:
    """Both bodies; in HTML a quotation mark may be written in two ways."""
    contents = (part.get_content() for part in message.iter_parts())
    return [unescape(each.replace("\r\n", "\n").strip("\n")) for each in contents]


IMAGE = skeleton()


@given(NAMES)
def test_what_is_filled_in_is_what_would_have_been_written(name: str):
    quick = parsed(IMAGE.fill(values(name)))
    slow = parsed(compose(TEMPLATES.render(context(name, PERSON), "fr"), envelope(name)))
    assert bodies(quick) == bodies(slow)
    fixed = [header for header in slow if header != "Content-Type"]
    assert {h: quick[h] for h in fixed} == {h: slow[h] for h in fixed}
    assert set(quick.keys()) == set(slow.keys())


@given(NAMES)
def test_no_line_grows_too_long_and_no_octet_beyond_ascii(name: str):
    wire = IMAGE.fill(values(name))
    body = wire.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert wire.isascii()
    assert b"\n" not in wire.replace(b"\r\n", b"")


def test_the_same_person_gets_the_same_bytes():
    assert IMAGE.fill(values("Camille")) == IMAGE.fill(values("Camille"))
    assert IMAGE.pieces == skeleton().pieces


def test_no_mark_is_left_behind():
    wire = IMAGE.fill(values("Camille"))
    assert b"marker" not in wire
    assert "\ue000".encode() not in wire
    assert b"=EE=80=80" not in wire


def test_a_field_without_a_value_is_no_letter():
    with pytest.raises(KeyError):
        IMAGE.fill({name: value for name, value in values("x").items() if name != "door"})
