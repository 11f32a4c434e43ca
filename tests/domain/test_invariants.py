"""The promises that plain values can break."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.delivery import State
from app.domain.invariants import (
    Invariant,
    outside_window,
    sent_again_unasked,
    silent,
)
from app.domain.schedule import Window

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_there_are_twelve_and_each_is_another_sentence():
    assert [promise.name for promise in Invariant] == [f"I{n}" for n in range(1, 13)]


@pytest.mark.parametrize(
    ("outcomes", "resends", "broken"),
    [
        ([State.DEFERRED, State.UNKNOWN], 0, False),
        ([State.UNKNOWN, State.ACCEPTED], 0, True),
        ([State.UNKNOWN, State.ACCEPTED], 1, False),
        ([State.DEFERRED, State.ACCEPTED], 0, False),
        ([], 0, False),
    ],
)
def test_an_unknown_letter_is_sent_again_only_when_decided(outcomes, resends, broken):
    assert sent_again_unasked(outcomes, resends) is broken


@pytest.mark.parametrize(
    ("local", "outside"),
    [
        ("2026-11-24 07:15", False),
        ("2026-11-24 07:14", True),
        ("2026-11-24 20:15", False),
        ("2026-11-24 20:16", True),
        ("2026-11-29 12:00", True),
    ],
)
def test_a_lesson_leaves_in_its_window_give_or_take_a_quarter_of_an_hour(local, outside):
    window = Window(time(7, 30), time(20, 0), frozenset(range(6)))
    left = datetime.fromisoformat(local).replace(tzinfo=PARIS).astimezone(UTC)
    assert outside_window(left, window, PARIS) is outside


@pytest.mark.parametrize(
    ("state", "ready", "lease", "broken"),
    [
        (State.PLANNED, NOW - 2 * HOUR, None, True),
        (State.PLANNED, NOW + HOUR, None, False),
        (State.DEFERRED, NOW - 2 * HOUR, None, True),
        (State.IN_DATA, NOW - 9 * HOUR, NOW + HOUR, False),
        (State.IN_DATA, NOW - 9 * HOUR, NOW - 2 * HOUR, True),
        (State.CLAIMED, NOW - 9 * HOUR, None, True),
        (State.UNKNOWN, NOW - 9 * HOUR, None, False),
        (State.REJECTED, NOW - 9 * HOUR, None, False),
    ],
)
def test_a_letter_that_should_move_and_does_not_is_silent(state, ready, lease, broken):
    assert silent(state, ready, lease, NOW, grace=HOUR) is broken
