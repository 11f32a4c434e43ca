"""When lessons leave, in every zone and on both odd nights of the year."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import schedule
from app.domain.errors import ZoneUnknown
from app.domain.schedule import Window, next_slot, slot_following, zone

PARIS = ZoneInfo("Europe/Paris")
DAY = timedelta(days=1)
ALL_WEEK = frozenset(range(7))
DAYTIME = Window(time(7, 30), time(20, 0), ALL_WEEK)
OFFICE = Window(time(9, 0), time(17, 0), frozenset(range(5)))

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
    st.integers(0, 1300),
    st.integers(60, 1439),
    st.frozensets(st.integers(0, 6), min_size=1),
)


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("earliest", "leaves"),
    [
        ("2026-11-24 10:00", "2026-11-24 10:00"),
        ("2026-11-24 06:00", "2026-11-24 07:30"),
        ("2026-11-24 20:00", "2026-11-25 07:30"),
        ("2026-11-24 23:59", "2026-11-25 07:30"),
        ("2026-12-31 21:00", "2027-01-01 07:30"),
        ("2028-02-28 21:00", "2028-02-29 07:30"),
    ],
)
def test_what_falls_outside_the_window_waits_for_it_to_open(earliest: str, leaves: str):
    slot = next_slot(paris(earliest), window=DAYTIME, zone=PARIS)
    assert slot.at == paris(leaves).astimezone(UTC)
    assert slot.day == paris(leaves).date()


def test_a_weekend_is_waited_for():
    friday_evening = paris("2026-11-27 18:00")
    assert next_slot(friday_evening, window=OFFICE, zone=PARIS).day == date(2026, 11, 30)


def test_the_delay_comes_first_then_the_window_then_the_weekday():
    accepted = paris("2026-11-26 16:30")
    slot = slot_following(accepted, timedelta(days=1, hours=1), window=OFFICE, zone=PARIS)
    assert slot.at.astimezone(PARIS) == paris("2026-11-30 09:00")


@pytest.mark.parametrize(
    ("night", "opens", "leaves"),
    [
        ("2027-03-28", time(2, 30), "2027-03-28 03:30"),
        ("2027-10-31", time(2, 30), "2027-10-31 02:30"),
    ],
)
def test_an_hour_that_is_skipped_moves_on_and_of_a_doubled_one_the_first_counts(
    night: str, opens: time, leaves: str
):
    window = Window(opens, time(12, 0), ALL_WEEK)
    slot = next_slot(paris(f"{night} 00:00"), window=window, zone=PARIS)
    assert slot.at == paris(leaves).astimezone(UTC)
    assert slot.day.isoformat() == night


@given(instants, windows, zones)
def test_no_lesson_leaves_too_early_or_outside_its_window(
    earliest: datetime, window: Window, zone: ZoneInfo
):
    slot = next_slot(earliest, window=window, zone=zone)
    opens, closes = (
        datetime.combine(slot.day, at, zone).astimezone(UTC) for at in (window.opens, window.closes)
    )
    assert slot.at >= earliest
    assert opens <= slot.at < closes
    assert slot.day.weekday() in window.weekdays


@given(instants, windows, zones)
def test_a_lesson_leaves_at_the_first_moment_it_may(
    earliest: datetime, window: Window, zone: ZoneInfo
):
    slot = next_slot(earliest, window=window, zone=zone)
    day = earliest.astimezone(zone).date()
    while day < slot.day:
        closes = datetime.combine(day, window.closes, zone).astimezone(UTC)
        assert day.weekday() not in window.weekdays or closes <= max(
            earliest, datetime.combine(day, window.opens, zone).astimezone(UTC)
        )
        day += DAY


@given(instants, st.timedeltas(timedelta(0), timedelta(days=20)), windows, zones)
def test_the_next_lesson_waits_its_delay_and_never_shares_a_day(
    accepted: datetime, delay: timedelta, window: Window, zone: ZoneInfo
):
    slot = slot_following(accepted, delay, window=window, zone=zone)
    assert slot.at >= accepted + delay
    assert slot.day > accepted.astimezone(zone).date()


def test_the_first_lesson_leaves_at_once_even_at_night():
    now = paris("2026-11-24 03:00")
    assert schedule.at_once(now, zone=PARIS).at == now


@given(instants, st.timedeltas(timedelta(0), timedelta(days=30)), st.floats(1, 100_000))
def test_wall_and_calendar_translate_into_each_other(now: datetime, ahead: timedelta, speed: float):
    wall = schedule.on_the_wall(now + ahead, now=now, calendar_now=now, speed=speed)
    back = schedule.on_the_calendar(wall, planned_for=now, due_at=now, speed=speed)
    assert abs(back - (now + ahead)) < timedelta(seconds=1)


@given(instants, instants)
def test_at_speed_one_the_calendar_is_the_wall(now: datetime, slot: datetime):
    assert schedule.on_the_calendar(now, planned_for=slot, due_at=slot, speed=1) == now
    assert schedule.on_the_wall(slot, now=now, calendar_now=now, speed=1) == slot


@pytest.mark.parametrize("name", ["", "Paris", "Europe/Pariss", "../../etc/passwd", "\0", "UTC+1"])
def test_a_zone_that_is_none_is_refused(name: str):
    with pytest.raises(ZoneUnknown):
        zone(name)


def test_a_window_must_open_before_it_closes_on_some_day():
    for opens, closes, days in [(9, 9, ALL_WEEK), (10, 9, ALL_WEEK), (9, 10, frozenset())]:
        with pytest.raises(ValueError, match="window"):
            Window(time(opens), time(closes), days)
