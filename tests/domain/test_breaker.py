"""When "address gone" is believed no more."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.breaker import doubted_from, opens

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
few = st.integers(0, 5000)


@pytest.mark.parametrize(
    ("asked", "gone", "broken"),
    [
        (9, 9, False),
        (10, 10, True),
        (199, 10, True),
        (200, 10, False),
        (201, 10, False),
        (1000, 50, False),
        (1000, 51, True),
        (0, 0, False),
    ],
)
def test_it_opens_above_five_percent_and_at_ten(asked, gone, broken):
    assert opens(asked, gone) is broken


@given(few, few, few, few)
def test_more_gone_never_closes_it_and_more_found_never_opens_it(asked, gone, also_gone, found):
    if opens(asked, gone):
        assert opens(asked, gone + also_gone)
    else:
        assert not opens(asked + found, gone)


def test_the_suppressions_of_the_hour_that_opened_it_are_doubted_too():
    assert doubted_from(NOW) == NOW - timedelta(hours=1)
