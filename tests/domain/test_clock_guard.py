"""When the wall clock is not to be believed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.clock_guard import Clock, Reading, believe

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LAST = Reading(NOON, 1000.0)


@pytest.mark.parametrize(
    ("wall_minutes", "real_minutes", "clock"),
    [
        (1, 1, Clock.FINE),
        (16, 1, Clock.FINE),
        (16.1, 1, Clock.JUMPED),
        (-14, 1, Clock.FINE),
        (-14.1, 1, Clock.JUMPED),
        (8 * 1440, 1, Clock.JUMPED),
        (600, 600, Clock.FINE),
        (0, 16, Clock.JUMPED),
    ],
)
def test_a_wall_that_leaves_the_real_time_by_a_quarter_of_an_hour_has_jumped(
    wall_minutes, real_minutes, clock
):
    now = Reading(NOON + timedelta(minutes=wall_minutes), 1000.0 + 60 * real_minutes)
    assert believe(now, last=LAST, newest=None) is clock


@pytest.mark.parametrize(
    ("minutes", "clock"), [(-60, Clock.FINE), (5, Clock.FINE), (5.1, Clock.BEHIND)]
)
def test_rows_from_the_future_say_that_the_wall_is_behind(minutes, clock):
    newest = NOON + timedelta(minutes=minutes)
    assert believe(LAST, last=None, newest=newest) is clock


@given(st.floats(0, 10**7), st.floats(-890, 890))
def test_a_steady_clock_that_is_set_by_a_few_minutes_is_believed(passed, set_by):
    now = Reading(NOON + timedelta(seconds=passed + set_by), 1000.0 + passed)
    assert believe(now, last=LAST, newest=None) is Clock.FINE
