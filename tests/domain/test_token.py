"""Links and tags: genuine ones open their door and no other, everything else opens none."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import TokenExpired, TokenForged
from app.domain.token import Key, Purpose, read_tag, sign, tag, verify

OLD, NEW = Key(b"the key of last year"), Key(b"the key of this year")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SOON = NOW + timedelta(hours=48)
numbers = st.integers(0, 2**63 - 1)


@given(st.text(min_size=1, max_size=30).filter(lambda s: s.isprintable()))
def test_a_link_gives_back_its_subject(subject: str):
    link = sign(Purpose.CONFIRM, subject, keys=[NEW], until=SOON)
    assert verify(link, Purpose.CONFIRM, keys=[NEW], now=NOW) == subject


@pytest.mark.parametrize(("made_for", "used_for"), list(permutations(Purpose, 2)))
def test_a_link_of_one_purpose_is_worthless_for_another(made_for: Purpose, used_for: Purpose):
    link = sign(made_for, "7", keys=[NEW], until=None)
    for text in (link, link.replace(f".{made_for}.", f".{used_for}.")):
        with pytest.raises(TokenForged):
            verify(text, used_for, keys=[NEW], now=NOW)


@given(st.data())
def test_one_changed_letter_breaks_a_link(data: st.DataObject):
    link = sign(Purpose.CONFIRM, "42", keys=[NEW], until=SOON)
    at = data.draw(st.integers(0, len(link) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != link[at]))
    with pytest.raises(TokenForged):
        verify(link[:at] + other + link[at + 1 :], Purpose.CONFIRM, keys=[NEW], now=NOW)


@given(st.text(max_size=200))
def test_no_text_from_outside_breaks_the_reader(text: str):
    with pytest.raises(TokenForged):
        verify(text, Purpose.CONFIRM, keys=[NEW], now=NOW)
    with pytest.raises(TokenForged):
        read_tag(text, Purpose.REPLY, keys=[NEW])


def test_an_expired_link_says_so_and_only_when_it_is_genuine():
    link = sign(Purpose.CONFIRM, "7", keys=[NEW], until=SOON)
    late = SOON + timedelta(seconds=1)
    with pytest.raises(TokenExpired):
        verify(link, Purpose.CONFIRM, keys=[NEW], now=late)
    with pytest.raises(TokenForged):
        verify(link[:-1], Purpose.CONFIRM, keys=[NEW], now=late)


def test_letters_from_before_a_change_of_keys_still_open_their_doors():
    link = sign(Purpose.PREFERENCES, "7", keys=[OLD], until=None)
    assert verify(link, Purpose.PREFERENCES, keys=[NEW, OLD], now=NOW) == "7"
    assert read_tag(tag(Purpose.REPLY, 7, keys=[OLD]), Purpose.REPLY, keys=[NEW, OLD]) == 7
    with pytest.raises(TokenForged):
        verify(link, Purpose.PREFERENCES, keys=[NEW], now=NOW)


@given(numbers, st.sampled_from([Purpose.REPLY, Purpose.RETURN]))
def test_a_tag_survives_folded_case_and_fits_a_local_part(number: int, purpose: Purpose):
    text = tag(purpose, number, keys=[NEW])
    assert text == text.lower()
    assert len(f"r+{text}") <= 64
    assert read_tag(text.upper(), purpose, keys=[NEW]) == number


def test_a_reply_tag_is_no_bounce_tag():
    with pytest.raises(TokenForged):
        read_tag(tag(Purpose.REPLY, 7, keys=[NEW]), Purpose.RETURN, keys=[NEW])


@given(numbers, st.integers(0, 31), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_one_changed_letter_breaks_a_tag(number: int, at: int, other: str):
    text = tag(Purpose.REPLY, number, keys=[NEW])
    if text[at] == other:
        return
    with pytest.raises(TokenForged):
        read_tag(text[:at] + other + text[at + 1 :], Purpose.REPLY, keys=[NEW])
