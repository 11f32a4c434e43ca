"""The three tables of states: what they allow, and above all what they do not."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import conversation, delivery, enrollment
from app.domain.conversation import Move, Turn
from app.domain.delivery import Event, State
from app.domain.enrollment import Standing, Step
from app.domain.errors import TransitionForbidden

TABLES = [
    (delivery.advance, State, Event),
    (enrollment.advance, Standing, Step),
    (conversation.advance, Turn, Move),
]


def outcome(advance, state, event) -> str:
    """The state after the event, or the words of the refusal."""
    try:
        return advance(state, event)
    except TransitionForbidden as refusal:
        return str(refusal)


@pytest.mark.parametrize(("advance", "states", "events"), TABLES)
def test_every_pair_either_leads_on_or_is_refused_by_name(advance, states, events):
    for state, event in product(states, events):
        after = outcome(advance, state, event)
        assert after in list(states) or after.endswith(f"that is {state} cannot {event}")


_A_PERSONS_WORD = {Event.RELEASE, Event.RETRACT}


@given(st.lists(st.sampled_from([event for event in Event if event not in _A_PERSONS_WORD])))
def test_nothing_but_a_persons_word_leads_from_the_wire_back_to_the_queue(events):
    state = State.IN_DATA
    for event in events:
        try:
            state = delivery.advance(state, event)
        except TransitionForbidden:
            continue
        if state is State.DEFERRED:  # a parsed refusal: the server did not take it
            return
        if state is State.CANCELLED:  # given up by a person; reviving asks for the reason
            return
        assert state is not State.PLANNED
        assert state is not State.CLAIMED


def test_an_accepted_letter_stays_accepted():
    for event in Event:
        with pytest.raises(TransitionForbidden):
            delivery.advance(State.ACCEPTED, event)


@given(st.lists(st.sampled_from([step for step in Step if step is not Step.SIGN_UP])))
def test_who_left_comes_back_by_signing_up_only(steps):
    standing = Standing.LEFT
    for step in steps:
        try:
            standing = enrollment.advance(standing, step)
        except TransitionForbidden:
            continue
        assert standing is Standing.LEFT


def test_leaving_is_possible_from_everywhere_and_twice():
    for standing in Standing:
        assert enrollment.advance(standing, Step.LEAVE) is Standing.LEFT


@given(st.lists(st.sampled_from([move for move in Move if move not in (Move.SENT, Move.CLOSE)])))
def test_only_an_arrived_answer_or_the_authors_word_closes_an_obligation(moves):
    turn = Turn.OPEN
    for move in moves:
        try:
            turn = conversation.advance(turn, move)
        except TransitionForbidden:
            continue
        assert turn in (Turn.OPEN, Turn.ANSWERING)


def test_a_remark_opens_the_obligation_again_from_everywhere():
    for turn in Turn:
        assert conversation.advance(turn, Move.REMARK) is Turn.OPEN


def test_an_answer_that_arrives_late_does_not_close_a_newer_question():
    turn = conversation.advance(Turn.OPEN, Move.ANSWER)
    turn = conversation.advance(turn, Move.REMARK)
    assert conversation.advance(turn, Move.SENT) is Turn.OPEN
