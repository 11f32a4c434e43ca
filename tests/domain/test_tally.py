"""How often, and over how long a time, until a signal has a consequence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.answer import Effect
from app.domain.tally import Consequence, consequence, is_believed, is_faulty

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NOTHING, SUPPRESS, PAUSE = Consequence.NOTHING, Consequence.SUPPRESS, Consequence.PAUSE


@pytest.mark.parametrize(
    ("effect", "hours_ago", "then"),
    [
        (Effect.SUPPRESS, [], SUPPRESS),
        (Effect.COUNT_DOMAIN_GONE, [72], NOTHING),
        (Effect.COUNT_DOMAIN_GONE, [71, 1], NOTHING),
        (Effect.COUNT_DOMAIN_GONE, [72, 1], SUPPRESS),
        (Effect.COUNT_DISABLED, [], NOTHING),
        (Effect.COUNT_DISABLED, [71], NOTHING),
        (Effect.COUNT_DISABLED, [72], SUPPRESS),
        (Effect.COUNT_FULL, [14 * 24], NOTHING),
        (Effect.COUNT_FULL, [14 * 24 - 1, 24], NOTHING),
        (Effect.COUNT_FULL, [24, 14 * 24], PAUSE),
        (Effect.COUNT_BARE, [], NOTHING),
        (Effect.COUNT_BARE, [23], NOTHING),
        (Effect.COUNT_BARE, [24], SUPPRESS),
    ],
)
def test_a_signal_counts_by_its_number_and_its_age(effect, hours_ago, then):
    earlier = [NOW - timedelta(hours=hours) for hours in hours_ago]
    assert consequence(effect, earlier, NOW) is then


ages = st.lists(st.timedeltas(timedelta(0), timedelta(days=60)), max_size=8)


@given(st.sampled_from(Effect), ages, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_one_signal_more_never_takes_a_consequence_back(effect, ages, one_more):
    earlier = [NOW - age for age in ages]
    if consequence(effect, earlier, NOW) is not NOTHING:
        assert consequence(effect, [*earlier, NOW - one_more], NOW) is not NOTHING


@given(
    st.sampled_from(
        [
            Effect.NONE,
            Effect.SLOW_PROVIDER,
            Effect.HOLD_PROVIDER,
            Effect.FAULT_LESSON,
            Effect.HOLD_LETTER,
        ]
    ),
    ages,
)
def test_what_does_not_speak_of_a_person_never_adds_up(effect, ages):
    assert consequence(effect, [NOW - age for age in ages], NOW) is NOTHING


def test_a_lesson_is_faulty_when_three_different_people_refused_it():
    assert not is_faulty([1, 2, 2, 1, 2])
    assert is_faulty([1, 2, 3])


def test_reports_about_us_are_believed_when_three_different_people_had_them():
    assert not is_believed([1, 2, 2, 1])
    assert is_believed([1, 2, 3])
