"""What servers say and what it means; when to try again."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import delivery as rules
from app.domain.delivery import LetterKind, Phase, Reply, State, Why

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@given(st.integers(0, 2**62))
def test_the_waits_grow_to_hours_and_never_come_at_once(seed):
    tries = [rules.retry_at(n, NOW, seed=seed) - NOW for n in range(1, 12)]
    assert tries[:4] == [timedelta(minutes=m) for m in (5, 15, 30, 60)]
    assert all(timedelta(hours=2) <= wait <= timedelta(hours=3) for wait in tries[4:])


def test_two_deliveries_deferred_together_do_not_come_back_together():
    waits = {rules.retry_at(7, NOW, seed=seed) for seed in range(50)}
    assert len(waits) > 40


def test_a_letter_is_given_up_after_five_days_and_a_confirmation_after_two():
    for kind, days in [(LetterKind.LESSON, 5), (LetterKind.CONFIRM, 2)]:
        assert not rules.expired(kind, NOW, NOW + timedelta(days=days))
        assert rules.expired(kind, NOW, NOW + timedelta(days=days, seconds=1))


def test_answers_go_first_and_lessons_last():
    order = [LetterKind.ANSWER, LetterKind.CONFIRM, LetterKind.LESSON]
    assert all(rules.priority(a) < rules.priority(b) for a, b in pairwise(order))


def test_the_same_wish_has_the_same_key_and_a_copy_another():
    assert rules.intent(LetterKind.LESSON, 3) == rules.intent(LetterKind.LESSON, 3)
    keys = {rules.intent(LetterKind.LESSON, 3, copy) for copy in range(3)}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("state", "reason", "passed"),
    [
        (State.ACCEPTED, None, True),
        (State.CANCELLED, Why.SKIPPED, True),
        (State.CANCELLED, Why.GIVEN_UP, True),
        (State.CANCELLED, Why.LEFT, False),
        (State.REJECTED, None, False),
        (State.UNKNOWN, None, False),
    ],
)
def test_a_lesson_is_passed_when_received_or_passed_over_by_a_person(state, reason, passed):
    assert rules.passed(state, reason) is passed


def test_the_enhanced_code_stands_at_the_head_of_the_text():
    assert Reply(Phase.DOT, 550, "5.7.1 no").enhanced == "5.7.1"
    assert Reply(Phase.DOT, 550, "see 5.7.1").enhanced is None
    assert Reply(Phase.RECIPIENT, 550, "5.1.1.7 is not welcome").enhanced is None
