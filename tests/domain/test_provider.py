"""Whose mailbox it is, and how fast letters may go there."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.provider import (
    DEFAULTS,
    OTHER,
    Pace,
    has_room,
    is_spent,
    pace_of,
    provider_of,
    queue_of,
    slowed_from,
    turn,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmail.com", "gmail"),
        ("Hotmail.FR", "microsoft"),
        ("outlook.com", "microsoft"),
        ("yahoo.co.uk", "yahoo"),
        ("me.com", "apple"),
        ("wanadoo.fr", "orange"),
        ("laposte.net", "laposte"),
        ("neuf.fr", "sfr"),
        ("free.fr", "free"),
        ("example.org", OTHER),
        ("live.example.org", OTHER),
        ("notgmail.com", OTHER),
    ],
)
def test_a_provider_is_known_by_the_domains_it_gives_out(domain, provider):
    assert provider_of(domain) == provider


@pytest.mark.parametrize(
    ("mx", "provider"),
    [
        ("aspmx.l.google.com.", "gmail"),
        ("example-org.mail.protection.outlook.com", "microsoft"),
        ("SMTP-IN.orange.fr", "orange"),
        ("mx1.free.fr", "free"),
        ("mx.example.org", OTHER),
        ("notgoogle.com", OTHER),
    ],
)
def test_a_domain_of_ones_own_goes_by_who_keeps_its_mail(mx, provider):
    assert provider_of("example.org", mx) == provider
    assert provider_of("gmail.com", mx) == provider


def test_small_domains_have_a_queue_each():
    assert queue_of("gmail.com") == "gmail"
    assert queue_of("Example.org", "mx.example.org") == "example.org"
    assert pace_of(queue_of("example.org")) == DEFAULTS[OTHER]


def test_the_operator_may_set_another_pace():
    own = {"orange": Pace(1, 10), OTHER: Pace(7, 7)}
    assert pace_of("orange", own) == Pace(1, 10)
    assert pace_of("gmail", own) == DEFAULTS["gmail"]
    assert pace_of("example.org", own) == Pace(7, 7)


def test_a_pace_of_nothing_is_refused():
    for connections, letters in [(0, 1), (1, 0)]:
        with pytest.raises(ValueError, match="pace"):
            Pace(connections, letters)


@given(st.sampled_from(sorted(DEFAULTS)), st.integers(0, 8))
def test_no_more_letters_are_on_the_way_than_the_provider_takes(provider, in_flight):
    pace = DEFAULTS[provider]
    assert has_room(pace, in_flight, slowed=False) == (in_flight < pace.connections)
    assert has_room(pace, in_flight, slowed=True) == (in_flight == 0)


def test_after_a_sign_of_haste_one_letter_a_minute_leaves_for_ninety_minutes():
    pace, until = DEFAULTS["gmail"], slowed_from(NOW)
    assert until - NOW == timedelta(minutes=90)
    slow = partial(turn, pace, slowed_until=until)
    assert slow(NOW, last=None, ahead=0) == NOW
    assert slow(NOW + MINUTE / 2, last=NOW, ahead=0) == NOW + MINUTE
    assert slow(NOW + MINUTE, last=NOW, ahead=0) == NOW + MINUTE
    assert slow(NOW + MINUTE, last=NOW, ahead=2) == NOW + 3 * MINUTE
    assert slow(NOW, last=NOW, ahead=500) == until
    assert slow(until, last=until, ahead=3) == until


@given(st.integers(0, 500), st.integers(0, 200))
def test_a_turn_is_never_in_the_past_and_never_later_than_the_slowness(ahead, minutes):
    now, until = NOW + minutes * MINUTE, slowed_from(NOW)
    at = turn(DEFAULTS["gmail"], now, last=NOW, ahead=ahead, slowed_until=until)
    assert now <= at <= max(now, until)


def test_a_connection_is_changed_after_its_share_of_letters():
    apple = DEFAULTS["apple"]
    assert [is_spent(apple, carried) for carried in (4, 5, 6)] == [False, True, True]
