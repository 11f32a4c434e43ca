"""What becomes of a letter of which nobody knows whether it arrived."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.delivery import LetterKind
from app.domain.incoming import Kind
from app.domain.unknown import Decision, UnknownRule, decide, outlook, settled_by

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ASSUME, AGAIN = UnknownRule.ASSUME_SENT, UnknownRule.RESEND_ONCE
MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)
waits = st.timedeltas(timedelta(0), timedelta(days=60))
rules = st.sampled_from(UnknownRule)


@pytest.mark.parametrize("kind", [LetterKind.CONFIRM, LetterKind.ALREADY_ENROLLED])
def test_a_confirmation_goes_out_once_more_after_ten_minutes(kind):
    later = [NOW + 9 * MINUTES, NOW + 10 * MINUTES]
    first = [decide(kind, NOW, now, resent=False, rule=ASSUME) for now in later]
    assert first == [Decision.WAIT, Decision.RESEND]
    assert decide(kind, NOW, NOW + 99 * HOURS, resent=True, rule=AGAIN) is Decision.WAIT


@pytest.mark.parametrize(
    ("rule", "resent", "then"),
    [
        (ASSUME, False, Decision.ASSUME_SENT),
        (ASSUME, True, Decision.ASSUME_SENT),
        (AGAIN, False, Decision.RESEND),
        (AGAIN, True, Decision.ASSUME_SENT),
    ],
)
def test_a_lesson_waits_a_day_for_evidence_then_the_operators_rule_applies(rule, resent, then):
    lesson = LetterKind.LESSON
    almost, day = NOW + 24 * HOURS - MINUTES, NOW + 24 * HOURS
    assert decide(lesson, NOW, almost, resent=resent, rule=rule) is Decision.WAIT
    assert decide(lesson, NOW, day, resent=resent, rule=rule) is then


@given(waits, st.booleans(), rules)
def test_an_answer_is_never_decided_about_by_a_program(waited, resent, rule):
    decision = decide(LetterKind.ANSWER, NOW, NOW + waited, resent=resent, rule=rule)
    assert decision is Decision.WAIT


@given(st.sampled_from(LetterKind), waits, rules)
def test_nothing_is_sent_three_times(kind, waited, rule):
    assert decide(kind, NOW, NOW + waited, resent=True, rule=rule) is not Decision.RESEND


@given(waits)
def test_a_lesson_is_never_sent_twice_unless_the_operator_says_so(waited):
    decision = decide(LetterKind.LESSON, NOW, NOW + waited, resent=False, rule=ASSUME)
    assert decision is not Decision.RESEND


@given(st.sampled_from(LetterKind), st.booleans(), rules, waits)
def test_what_is_announced_is_what_is_done_then_and_not_before(kind, resent, rule, waited):
    ahead = outlook(kind, NOW, resent=resent, rule=rule)
    decision = decide(kind, NOW, NOW + waited, resent=resent, rule=rule)
    due = ahead.at is not None and NOW + waited >= ahead.at
    assert decision is (ahead.decision if due else Decision.WAIT)


def test_whatever_answers_a_letter_shows_that_it_came_to_somebody():
    assert {kind for kind in Kind if not settled_by(kind)} == {Kind.OTHER}
