"""Which database a host may send from without asking."""

import pytest

from app.domain.restore import Halt, Life, begins_anew, judge, outweighs, what_to_check

OURS, OTHER = "a" * 32, "b" * 32


@pytest.mark.parametrize(
    ("row", "file", "moved", "verdict"),
    [
        (None, None, False, None),
        (Life(OURS, 0), None, False, None),
        (Life(OURS, 0), Life(OURS, 0), False, None),
        (Life(OURS, 8), Life(OURS, 7), False, None),
        (Life(OURS, 900), Life(OURS, 7), False, None),
        (Life(OURS, 7), Life(OURS, 7), False, None),
        (None, Life(OURS, 7), False, Halt.NO_ROW),
        (Life(OURS, 1), None, False, Halt.NO_FILE),
        (Life(OURS, 7), Life(OTHER, 7), False, Halt.STRANGER),
        (Life(OURS, 6), Life(OURS, 7), False, Halt.WENT_BACK),
        (Life(OURS, 7), Life(OURS, 7), True, Halt.COPIED),
        (Life(OURS, 6), Life(OURS, 7), True, Halt.WENT_BACK),
        (Life(OURS, 0), Life(OURS, 0), True, Halt.COPIED),
    ],
)
def test_a_database_is_trusted_when_row_and_file_tell_one_story(row, file, moved, verdict):
    assert judge(row, file, moved=moved) is verdict


def test_the_first_reason_stands_but_a_wrong_clock_hides_no_copy():
    assert outweighs(Halt.COPIED, Halt.CLOCK_JUMPED)
    assert not outweighs(Halt.CLOCK_JUMPED, Halt.COPIED)
    assert not outweighs(Halt.CLOCK_BEHIND, Halt.CLOCK_JUMPED)
    assert not outweighs(Halt.WENT_BACK, Halt.NO_FILE)


def test_a_database_that_may_have_a_twin_takes_a_new_name():
    kept = {because for because in Halt if not begins_anew(because)}
    assert kept == {Halt.NO_FILE, Halt.CLOCK_JUMPED, Halt.CLOCK_BEHIND}


@pytest.mark.parametrize("because", list(Halt))
def test_every_reason_says_what_to_look_at(because: Halt):
    assert len(what_to_check(because)) > 40
