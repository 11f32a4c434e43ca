"""What becomes of a letter of which nobody knows whether it arrived (RFC 1047).

The connection, the process or the disk failed between the final dot and our note of the answer.
What is right depends on the letter: a second confirmation harms nobody, a second answer does.
Whatever is sent again has the same bytes and the same Message-ID. Changes no state itself.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.delivery import LetterKind
from app.domain.incoming import Kind

CONFIRMATION_AGAIN = timedelta(minutes=10)
LESSON_WAITS = timedelta(hours=24)


class UnknownRule(StrEnum):
    """What the operator wants for lessons when no evidence came; the first keeps "never twice"."""

    ASSUME_SENT = "assume_sent"
    RESEND_ONCE = "resend_once"


class Decision(StrEnum):
    """What to do with it now. WAIT leaves it at the desk, with its two buttons."""

    WAIT = "wait"
    RESEND = "resend"
    ASSUME_SENT = "assume_sent"


def decide(
    kind: LetterKind, since: datetime, now: datetime, *, resent: bool, rule: UnknownRule
) -> Decision:
    """What to do at `now` with a letter that has been unknown since `since`.

    `resent`: it was sent again once already and became unknown again. Nothing is sent three times:
    a confirmation then waits for its reader to ask anew, a lesson counts as sent.
    """
    waited = now - since
    if kind is LetterKind.ANSWER:
        return Decision.WAIT
    if kind is LetterKind.LESSON:
        if waited < LESSON_WAITS:
            return Decision.WAIT
        again = rule is UnknownRule.RESEND_ONCE and not resent
        return Decision.RESEND if again else Decision.ASSUME_SENT
    return Decision.WAIT if resent or waited < CONFIRMATION_AGAIN else Decision.RESEND


_EVIDENCE = frozenset({
    Kind.HUMAN, Kind.AUTO_REPLY, Kind.BOUNCE, Kind.COMPLAINT, Kind.UNSUBSCRIBE,
})  # fmt: skip


def settled_by(kind_of_mail: Kind) -> bool:
    """True when a mail of this kind that names the Message-ID shows that the letter was taken over.

    A report of failure too: a server must have accepted a letter to report on it (RFC 3464 §2).
    """
    return kind_of_mail in _EVIDENCE
