"""Addresses, names, consent and French spacing: the small rules about people and words."""

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import consent
from app.domain.address import Address, fingerprint, key_of
from app.domain.enrollment import next_lesson
from app.domain.errors import AddressMalformed, AddressRefused, NameRefused
from app.domain.name import first_name
from app.domain.typography import french
from app.mail.recipient import read_address

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("  Camille@Example.FR ", "Camille@example.fr", "Camille@example.fr"),
        ("jean@été.fr", "jean@xn--t-9fab.fr", "jean@été.fr"),
        ("camille+cours@example.fr", "camille+cours@example.fr", "camille+cours@example.fr"),
    ],
)
def test_an_address_is_kept_in_its_wire_form_and_shown_in_its_own_script(typed, kept, shown):
    address = read_address(typed)
    assert (str(address), address.shown) == (kept, shown)


@pytest.mark.parametrize(
    "typed",
    ["", "camille", "a@b", "a@@b.fr", "a b@c.fr", '"a b"@c.fr', "a@[127.0.0.1]", "C <a@b.fr>",
     "a@b.fr\r\nBcc: x@y.fr", "a" * 65 + "@b.fr", "@b.fr", "a@", "a@b.fr, c@d.fr", "a\0@b.fr"],
)  # fmt: skip
def test_what_is_not_one_plain_mailbox_is_refused(typed):
    with pytest.raises(AddressMalformed):
        read_address(typed)


@pytest.mark.parametrize("role", ["abuse", "postmaster", "NoReply", "security+x"])
def test_an_office_cannot_take_a_course(role):
    with pytest.raises(AddressRefused):
        read_address(f"{role}@example.fr")


def test_two_spellings_of_one_mailbox_have_one_key_and_one_fingerprint():
    one, other = read_address("Camille@EXAMPLE.fr"), read_address("camille@example.fr")
    assert one.key == other.key == key_of("CAMILLE@example.FR")
    assert fingerprint(one.key, secret=b"s") == fingerprint(other.key, secret=b"s")
    assert fingerprint(one.key, secret=b"s") != fingerprint(one.key, secret=b"t")


def test_a_mailbox_beyond_ascii_needs_a_server_that_carries_it():
    assert Address("é", "x.fr", "x.fr").needs_smtputf8
    assert not Address("e", "xn--t-9fab.fr", "été.fr").needs_smtputf8


@pytest.mark.parametrize(
    "typed", ["Camille", "Jean-Noël", "Marie Louise", "Zoé", "Ngọc Ánh", "O’Brien", "李雷", ""]
)
def test_a_name_is_kept_as_its_bearer_writes_it(typed):
    assert first_name(f"  {typed} ") == unicodedata.normalize("NFC", typed)


@pytest.mark.parametrize(
    "typed",
    ["https://evil.example", "www.evil.example", "a@b.fr", "<b>x</b>", "0612345678", "x" * 41,
     "Camille\nBcc: a@b.fr", "a\u2028b", "{{ 7*7 }}", "evil.com", "a\x85b"],
)  # fmt: skip
def test_a_payload_is_no_name(typed):
    with pytest.raises(NameRefused):
        first_name(typed)


@given(st.text(max_size=60))
def test_a_name_never_breaks_a_line_or_hides_a_sign(typed):
    try:
        name = first_name(typed)
    except NameRefused:
        return
    assert len(name) <= 40
    assert len(name.splitlines()) <= 1
    assert not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in name)


def test_an_address_is_asked_once_a_day_and_three_times_a_month():
    hours = timedelta(hours=1)
    assert consent.may_ask([], NOW)
    assert not consent.may_ask([NOW - 23 * hours], NOW)
    assert consent.may_ask([NOW - 24 * hours], NOW)
    asked = [NOW - days * 24 * hours for days in (2, 5, 9)]
    assert not consent.may_ask(asked, NOW)
    assert consent.may_ask(asked, NOW + 22 * 24 * hours)


class Place:
    def __init__(self, id: int, position: int) -> None:
        self.id, self.position = id, position


@given(st.lists(st.integers(0, 50), unique=True), st.sets(st.integers(0, 50)))
def test_the_next_lesson_is_the_first_one_not_yet_received(positions, received):
    lessons = [Place(id, position) for id, position in enumerate(positions)]
    following = next_lesson(lessons, received)
    left = [lesson for lesson in lessons if lesson.id not in received]
    assert (following is None) == (not left)
    if following:
        assert following.position == min(lesson.position for lesson in left)


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Quoi ?", "Quoi\u202f?"),
        ("« oui »", "«\u202foui\u202f»"),
        ("Ainsi : voilà", "Ainsi\u00a0: voilà"),
        ("https://x.fr à 8:00", "https://x.fr à 8:00"),
        ("n° 3", "n°\u00a03"),
    ],
)
def test_french_signs_keep_their_blank(typed, printed):
    assert french(typed) == printed
    assert french(printed) == printed


@given(st.text())
def test_french_spacing_changes_blanks_only(text):
    plain = str.maketrans("\u202f\u00a0", "  ")
    assert french(text).translate(plain) == text.translate(plain)
