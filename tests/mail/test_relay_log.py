"""What a Postfix wrote down about letters: specimens of its log, and a Postfix that runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.mail.relay_log import Reading, look, read

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
START, END = datetime(2026, 11, 24, 7, 45, tzinfo=UTC), datetime(2026, 11, 24, 7, 50, tzinfo=UTC)
TAKEN, CUT, CUT_LATE = "l.taken@cours.test", "l.cut@cours.test", "l.late@cours.test"

# As Postfix 3.7.11 wrote it: one letter taken, two cut in the middle (of the first the smtpd spoke
# before the cleanup did), and a line an hour later.
LOG = b"""\
Nov 24 08:40:00 relay postfix/master[20545]: daemon started -- version 3.7.11, configuration /etc/p
Nov 24 08:45:45 relay postfix/smtpd[20548]: connect from localhost[127.0.0.1]
Nov 24 08:45:45 relay postfix/smtpd[20548]: C827F210278: client=localhost[127.0.0.1]
Nov 24 08:45:45 relay postfix/cleanup[20550]: C827F210278: message-id=<l.taken@cours.test>
Nov 24 08:45:45 relay postfix/smtpd[20548]: disconnect from localhost[127.0.0.1] ehlo=1 mail=1
Nov 24 08:45:45 relay postfix/smtpd[20548]: connect from localhost[127.0.0.1]
Nov 24 08:45:45 relay postfix/qmgr[20546]: C827F210278: from=<b+a@r.cours.test>, size=345, nrcpt=1 \
(queue active)
Nov 24 08:45:45 relay postfix/smtpd[20548]: D3863210279: client=localhost[127.0.0.1]
Nov 24 08:45:45 relay postfix/qmgr[20546]: C827F210278: removed
Nov 24 08:45:46 relay postfix/smtpd[20548]: lost connection after DATA (106 bytes) from localhost
Nov 24 08:45:46 relay postfix/cleanup[20550]: D3863210279: message-id=<l.cut@cours.test>
Nov 24 08:45:46 relay postfix/smtpd[20548]: 2915B210279: client=localhost[127.0.0.1]
Nov 24 08:45:46 relay postfix/cleanup[20550]: 2915B210279: message-id=<l.late@cours.test>
Nov 24 08:45:46 relay postfix/smtpd[20548]: lost connection after DATA (18557 bytes) from localhost
Nov 24 09:45:46 relay postfix/smtpd[20549]: connect from localhost[127.0.0.1]
"""


def reading(log: bytes = LOG, *more: str, now: datetime = NOW) -> Reading:
    return read(log.splitlines(keepends=True), {TAKEN, CUT, CUT_LATE, *more}, now=now, zone=PARIS)


def surely_not_taken(log: Reading, message_id: str) -> bool:
    return log.excludes(message_id, START, END)


def without(*words: bytes) -> bytes:
    """The log as it would be if these lines had been lost."""
    lines = LOG.splitlines(keepends=True)
    return b"".join(line for line in lines if not any(word in line for word in words))


def test_a_letter_that_the_queue_manager_took_over_was_taken():
    assert reading().taken == {TAKEN: "C827F210278"}


def test_a_letter_that_was_cut_before_its_dot_was_not():
    log = reading()
    assert [surely_not_taken(log, each) for each in (TAKEN, CUT, CUT_LATE)] == [False, True, True]


def test_a_letter_of_which_nothing_is_written_was_not():
    assert surely_not_taken(reading(LOG, "l.other@cours.test"), "l.other@cours.test")


def test_a_letter_that_waits_for_the_queue_manager_is_not_decided_about():
    log = reading(without(b"(18557 bytes)"))
    assert CUT_LATE not in log.taken
    assert not surely_not_taken(log, CUT_LATE)


@pytest.mark.parametrize(
    "span",
    [
        (START - timedelta(minutes=6), END),
        (START, END + timedelta(hours=1)),
    ],
    ids=["begins too late", "ends too early"],
)
def test_a_log_that_does_not_cover_the_time_excludes_nothing(span: tuple[datetime, datetime]):
    assert not reading().excludes(CUT, *span)


def test_a_log_that_knows_no_letter_of_ours_may_be_a_strangers():
    assert not surely_not_taken(reading(without(b"C827F210278")), CUT)


def test_a_log_with_gaps_excludes_nothing():
    gap = b"""\
Nov 24 08:45:47 relay postfix/smtpd[1]: AAAAAAAAA: client=localhost[127.0.0.1]
Nov 24 08:45:47 relay postfix/qmgr[20546]: AAAAAAAAA: from=<x@y>, size=3, nrcpt=1 (queue active)
"""
    assert not surely_not_taken(reading(LOG.replace(b"Nov 24 09", gap + b"Nov 24 09")), CUT)


def test_an_empty_log_says_nothing():
    log = reading(b"")
    assert (log.taken, log.begins, log.ends) == ({}, None, None)
    assert not surely_not_taken(log, CUT)


def test_a_queue_id_that_is_given_out_again_is_another_letter():
    again = LOG.replace(
        b"Nov 24 09",
        b"""\
Nov 24 08:46:00 relay postfix/smtpd[7]: D3863210279: client=localhost[127.0.0.1]
Nov 24 08:46:00 relay postfix/cleanup[8]: D3863210279: message-id=<>
Nov 24 08:46:00 relay postfix/qmgr[9]: D3863210279: from=<x@y>, size=3, nrcpt=1 (queue active)
Nov 24 09""",
    )
    log = reading(again)
    assert list(log.taken) == [TAKEN]
    assert surely_not_taken(log, CUT)


REUSED = b"""\
Nov 24 08:46:00 relay postfix/smtpd[7]: D3863210279: client=localhost[127.0.0.1]
Nov 24 08:46:00 relay postfix/cleanup[8]: D3863210279: message-id=<l.next@cours.test>
Nov 24 08:46:00 relay postfix/qmgr[9]: D3863210279: from=<x@y>, size=3, nrcpt=1 (queue active)
Nov 24 09"""


def test_a_letter_that_follows_a_cut_one_under_its_queue_id_is_not_cut_for_that():
    waiting = b"".join(REUSED.splitlines(keepends=True)[:2]) + b"Nov 24 09"
    log = reading(LOG.replace(b"Nov 24 09", waiting), "l.next@cours.test")
    assert not surely_not_taken(log, "l.next@cours.test")


def test_a_letter_is_not_taken_for_the_one_that_had_its_queue_id_before():
    nameless = b"".join(line for line in REUSED.splitlines(keepends=True) if b"cleanup" not in line)
    log = reading(LOG.replace(b"Nov 24 09", nameless))
    assert list(log.taken) == [TAKEN]
    assert not surely_not_taken(log, CUT)


def test_times_with_a_year_and_a_zone_are_read_as_well():
    stamps = LOG.replace(b"Nov 24 0", b"2026-11-24T0").replace(b" relay", b".123456+01:00 relay")
    assert stamps.startswith(b"2026-11-24T08:40:00.123456+01:00 relay")
    log = reading(stamps)
    assert log.begins == datetime(2026, 11, 24, 7, 40, 0, 123456, tzinfo=UTC)
    assert surely_not_taken(log, CUT)


@pytest.mark.parametrize(
    ("now", "year"), [(NOW, 2026), (NOW.replace(month=2), 2025), (NOW.replace(day=23), 2026)]
)
def test_a_time_without_a_year_is_the_latest_that_is_not_to_come(now: datetime, year: int):
    assert reading(now=now).begins == datetime(year, 11, 24, 7, 40, tzinfo=UTC)


def test_in_the_hour_that_comes_twice_a_log_claims_no_more_than_it_shows():
    night = b"Oct 25 02:30:00 relay postfix/master[1]: reload\n"
    log = reading(night, now=NOW)
    assert log.begins == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert log.ends == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_lines_of_others_and_torn_lines_are_passed_over():
    strange = b"Nov 24 08:30:00 relay dovecot: imap-login: hello\nNov 99 xx\n\xff\xfe\n" + LOG
    assert reading(strange) == reading()


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path):
    path = tmp_path / "mail.log"
    path.write_bytes(b"x" * 10_000 + b"\n" + LOG * 3)
    log = look(path, {TAKEN}, now=NOW, most=len(LOG) + 20)
    assert log.taken == {TAKEN: "C827F210278"}
    assert look(path, {TAKEN}, now=NOW, most=200).taken == {}
