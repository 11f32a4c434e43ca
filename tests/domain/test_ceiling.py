"""How many letters may leave in an hour, on a day, and in the first weeks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ceiling import Ceilings, Sent, day_of, look_again_at, room, warm_up_cap
from app.domain.delivery import Priority

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LESSON, SERVICE, ANSWER = Priority.LESSON, Priority.SERVICE, Priority.ANSWER
sums = st.integers(0, 10_000)


def test_the_first_days_of_an_address_are_slow():
    assert [warm_up_cap(day) for day in range(1, 9)] == [50, 100, 200, 400, 800, 1500, 3000, 5000]
    caps = [warm_up_cap(day) or 0 for day in range(1, 31)]
    assert all(today < tomorrow for today, tomorrow in pairwise(caps))
    assert warm_up_cap(31) is None


def test_the_day_changes_at_midnight_utc():
    born = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    assert day_of(born, born) == 1
    assert day_of(born, born + timedelta(minutes=1)) == 2


@pytest.mark.parametrize(
    ("priority", "sent_today", "left"),
    [
        (LESSON, 0, 40),
        (LESSON, 39, 1),
        (LESSON, 40, 0),
        (SERVICE, 40, 10),
        (ANSWER, 50, 0),
        (LESSON, 60, 0),
    ],
)
def test_lessons_leave_the_last_fifth_of_a_day_to_who_waits_for_a_word(priority, sent_today, left):
    first_day = Ceilings(warming_since=NOW - timedelta(hours=1))
    assert room(first_day, Sent(0, sent_today), priority, NOW) == left


def test_without_ceilings_there_is_no_limit():
    assert room(Ceilings(), Sent(10**6, 10**6), LESSON, NOW) is None


@given(sums, sums, sums, sums, st.integers(0, 40))
def test_no_ceiling_is_ever_passed_and_answers_have_at_least_the_room_of_lessons(
    hourly, daily, hour, day, age
):
    ceilings = Ceilings(hourly, daily, NOW - timedelta(days=age))
    lessons, answers = (room(ceilings, Sent(hour, day), who, NOW) for who in (LESSON, ANSWER))
    assert lessons is not None
    assert answers is not None
    assert 0 <= lessons <= answers
    assert hour + answers <= max(hour, hourly)
    assert day + answers <= max(day, daily, 0)
    assert day + answers <= max(day, warm_up_cap(age + 1) or daily)


def test_who_finds_the_day_full_asks_again_tomorrow_and_the_hour_in_a_minute():
    ceilings = Ceilings(hourly=10, daily=100)
    tomorrow = datetime(2026, 11, 25, tzinfo=UTC)
    assert look_again_at(ceilings, Sent(10, 50), LESSON, NOW) == NOW + timedelta(minutes=1)
    assert look_again_at(ceilings, Sent(10, 80), LESSON, NOW) == tomorrow
    assert look_again_at(ceilings, Sent(10, 80), ANSWER, NOW) == NOW + timedelta(minutes=1)
