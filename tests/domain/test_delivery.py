"""What servers say and what it means; when to try again."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import delivery as rules
from app.domain.delivery import Event, LetterKind, Phase, Reply, State, Why

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.HELLO, Phase.SENDER])
@pytest.mark.parametrize("code", [0, 421, 454, 500, 530, 535, 550, 554])
def test_nothing_said_before_the_recipient_is_named_speaks_of_the_recipient(phase, code):
    reply = Reply(phase, code, "5.1.1 user unknown")
    assert rules.judge(reply) is Event.DEFER
    assert not rules.address_gone(reply)


@pytest.mark.parametrize(
    ("phase", "code", "event"),
    [
        (Phase.RECIPIENT, 450, Event.DEFER),
        (Phase.RECIPIENT, 550, Event.REJECT),
        (Phase.RECIPIENT, 0, Event.DEFER),
        (Phase.DATA, 0, Event.DEFER),
        (Phase.DATA, 451, Event.DEFER),
        (Phase.DATA, 554, Event.REJECT),
        (Phase.DOT, 250, Event.ACCEPT),
        (Phase.DOT, 421, Event.DEFER),
        (Phase.DOT, 451, Event.DEFER),
        (Phase.DOT, 550, Event.REJECT),
        (Phase.DOT, 0, Event.LOSE),
        (Phase.DOT, 354, Event.LOSE),
        (Phase.DOT, 150, Event.LOSE),
    ],
)
def test_an_answer_means_what_its_phase_and_code_say(phase, code, event):
    assert rules.judge(Reply(phase, code, "")) is event


@given(st.sampled_from(Phase), st.integers(0, 999), st.text())
def test_only_a_2yz_after_the_dot_counts_as_accepted(phase, code, text):
    accepted = rules.judge(Reply(phase, code, text)) is Event.ACCEPT
    assert accepted == (phase is Phase.DOT and 200 <= code <= 299)


@pytest.mark.parametrize(
    ("code", "text", "gone"),
    [
        (550, "5.1.1 user unknown", True),
        (550, "5.7.1 blocked by policy", False),
        (552, "5.2.2 mailbox full", False),
        (550, "no such user", False),
    ],
)
def test_an_address_is_gone_only_when_the_server_says_so_for_certain(code, text, gone):
    assert rules.address_gone(Reply(Phase.RECIPIENT, code, text)) is gone


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
