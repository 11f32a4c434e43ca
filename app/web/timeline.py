"""A learner's story in order: asked, confirmed, each letter, each remark, pauses, goodbye.

Puts in order what is given; asks no question and knows no words.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.conversations import Remark
from app.db.people import ConsentReceipt, Enrollment
from app.db.postbook import Posted


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened, or will. `what` names it; `about` is the row that tells more."""

    at: datetime
    what: str
    about: Enrollment | ConsentReceipt | Posted | Remark


def timeline(
    enrollment: Enrollment,
    receipts: Iterable[ConsentReceipt],
    letters: Iterable[Posted],
    remarks: Iterable[Remark],
) -> Sequence[Entry]:
    """All of it, the first first. A letter stands where it was accepted, else where it is due."""
    entries = [
        *_standing(enrollment),
        *(entry for receipt in receipts for entry in _consent(receipt)),
        *(
            Entry(each.delivery.accepted_at or each.delivery.due_at, "letter", each)
            for each in letters
        ),
        *(Entry(remark.written_at, f"remark_{remark.voice}", remark) for remark in remarks),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def _standing(enrollment: Enrollment) -> Iterator[Entry]:
    happened = (
        ("paused", enrollment.paused_at),
        ("finished", enrollment.finished_at),
        ("left", enrollment.left_at),
    )
    return (Entry(at, what, enrollment) for what, at in happened if at)


def _consent(receipt: ConsentReceipt) -> Iterator[Entry]:
    yield Entry(receipt.requested_at, "asked", receipt)
    if receipt.confirmed_at:
        yield Entry(receipt.confirmed_at, "confirmed", receipt)
