"""Nobody's lesson leaves at half past seven sharp."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from app.domain.jitter import SPREAD, jittered
from app.domain.schedule import Slot, Window, next_slot

PARIS = ZoneInfo("Europe/Paris")
DAYTIME = Window(time(7, 30), time(20, 0), frozenset(range(7)))
NIGHT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)

zones = st.sampled_from(sorted(available_timezones() - {"localtime"})).map(ZoneInfo)
instants = st.integers(1_577_836_800, 2_114_380_800).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
windows = st.builds(
    lambda opens, length, days: Window(
        time(opens // 60, opens % 60),
        time(min(opens + length, 1439) // 60, min(opens + length, 1439) % 60),
        days,
    ),
    st.integers(0, 1437),
    st.integers(1, 1439),
    st.frozensets(st.integers(0, 6), min_size=1),
)
enrollments = st.integers(1, 2**62)


@given(instants, windows, zones, enrollments)
def test_a_moved_lesson_stays_in_its_window_on_its_day_and_never_leaves_earlier(
    earliest, window, zone, enrollment_id
):
    slot = next_slot(earliest, window=window, zone=zone)
    moved = jittered(slot, window, zone, enrollment_id)
    closes = datetime.combine(slot.day, window.closes, zone).astimezone(UTC)
    assert slot.at <= moved.at < closes
    assert moved.at - slot.at < SPREAD
    assert moved.day == slot.day


@given(instants, windows, zones, enrollments)
def test_planning_again_moves_nothing(earliest, window, zone, enrollment_id):
    once = jittered(next_slot(earliest, window=window, zone=zone), window, zone, enrollment_id)
    assert jittered(once, window, zone, enrollment_id) == once
    again = next_slot(once.at, window=window, zone=zone)
    assert jittered(again, window, zone, enrollment_id) == once


def test_a_thousand_who_wait_for_the_opening_leave_over_twenty_five_minutes():
    slot = next_slot(NIGHT, window=DAYTIME, zone=PARIS)
    waits = [jittered(slot, DAYTIME, PARIS, n).at - slot.at for n in range(1000)]
    by_minute = [sum(wait // timedelta(minutes=1) == m for wait in waits) for m in range(25)]
    assert sum(by_minute) == 1000
    assert min(by_minute) > 15
    assert max(by_minute) < 70


def test_a_lesson_due_in_the_middle_of_the_day_keeps_its_minute():
    noon = Slot(datetime(2026, 11, 24, 11, 0, tzinfo=UTC), NIGHT.date())
    assert all(jittered(noon, DAYTIME, PARIS, n) == noon for n in range(50))


def test_the_same_enrollment_is_always_as_late():
    slot = next_slot(NIGHT, window=DAYTIME, zone=PARIS)
    tomorrow = next_slot(NIGHT + timedelta(days=1), window=DAYTIME, zone=PARIS)
    late = [jittered(each, DAYTIME, PARIS, 42).at - each.at for each in (slot, tomorrow)]
    assert late[0] == late[1] == timedelta(seconds=492, microseconds=761254)
