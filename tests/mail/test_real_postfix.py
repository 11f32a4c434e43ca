"""A Postfix that runs, asked by its log what it took: letters whose 250 was lost, and cut ones."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.mail.relay_log import Reading, look
from tests.postfix import Postfix, running_postfix

pytestmark = [pytest.mark.postfix, pytest.mark.timeout(120)]
KNOWN, LOST_250, CUT, CUT_LATE = (f"l.{name}@cours.test" for name in ("a", "b", "c", "d"))
DOT = b"\r\n.\r\n"


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    with running_postfix() as postfix:
        yield postfix


def hand_over(postfix: Postfix, message_id: str, ending: bytes, *, wait: bool = False) -> None:
    """Send a letter that ends so, and hang up; `wait` for the last answer first."""
    line = socket.create_connection(("127.0.0.1", postfix.port), timeout=10)
    with line, line.makefile("rb") as answers:
        words = b"", b"HELO a.test", b"MAIL FROM:<b+a@cours.test>", b"RCPT TO:<c@d.test>", b"DATA"
        for word in words:
            line.sendall(word + b"\r\n" if word else b"")
            assert answers.readline()[:1] in b"23"
        letter = f"Message-ID: <{message_id}>\r\nSubject: Essai\r\n\r\nBonjour".encode()
        line.sendall(letter + ending)
        if wait:
            assert answers.readline().startswith(b"250")


def asked(postfix: Postfix, folder: Path) -> Reading:
    """What its log says, seven quiet minutes later."""
    copy, later = folder / "mail.log", datetime.now(UTC) + timedelta(minutes=7)
    line = f"{later.isoformat()} relay postfix/smtpd[1]: connect from localhost[127.0.0.1]\n"
    copy.write_text(postfix.story() + line)
    return look(copy, {KNOWN, LOST_250, CUT, CUT_LATE}, now=later)


def test_its_log_tells_what_it_took_from_what_was_cut(postfix: Postfix, tmp_path: Path):
    time.sleep(3)
    start = datetime.now(UTC)
    hand_over(postfix, KNOWN, DOT, wait=True)
    hand_over(postfix, LOST_250, DOT)
    hand_over(postfix, CUT, b"\r\n")
    hand_over(postfix, CUT_LATE, b"\r\n" + b"a long line\r\n" * 5000)
    until = time.monotonic() + 20
    while postfix.story().count("after DATA") < 2 and time.monotonic() < until:
        time.sleep(0.1)
    log, end = asked(postfix, tmp_path), datetime.now(UTC) + timedelta(minutes=6)
    assert log.taken.keys() == {KNOWN, LOST_250}
    gone = [each for each in (KNOWN, LOST_250, CUT, CUT_LATE) if log.excludes(each, start, end)]
    assert gone == [CUT, CUT_LATE]
