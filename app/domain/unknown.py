"""What becomes of a letter of which nobody knows whether it arrived (RFC 1047).

The connection, the process or the disk failed between the final dot and our note of the answer.
What is right depends on the letter: a second confirmation harms nobody, a second answer does.
Whatever is sent again has the same bytes and the same Message-ID. Changes no state itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.delivery import LetterKind
from app.domain.incoming import Kind

CONFIRMATION_AGAIN = timedelta(minutes=10)
LESSON_WAITS = timedelta(hours=24)
# Postfix leaves a client alone that says nothing for 300 seconds (smtpd_timeout): a letter whose
# worker froze in the middle cannot be taken any later than that.
LOG_SETTLES = timedelta(minutes=6)


class UnknownRule(StrEnum):
    """What the operator wants for lessons when no evidence came; the first keeps "never twice"."""

    ASSUME_SENT = "assume_sent"
    RESEND_ONCE = "resend_once"


class By(StrEnum):
    """Who decided about a letter that was unknown."""

    RULE = "rule"
    EVIDENCE = "evidence"
    RELAY_LOG = "relay_log"
    PERSON = "person"


class Decision(StrEnum):
    """What to do with it. WAIT leaves it at the desk, with its two buttons."""

    WAIT = "wait"
    RESEND = "resend"
    ASSUME_SENT = "assume_sent"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What will be done if nobody says anything, and when; WAIT and None: nothing, ever."""

    decision: Decision
    at: datetime | None


def outlook(kind: LetterKind, since: datetime, *, resent: bool, rule: UnknownRule) -> Outlook:
    """What will become by itself of a letter that has been unknown since `since`.

    `resent`: it was sent again once already and became unknown again. Nothing is sent three times:
    a confirmation then waits for its reader to ask anew, a lesson counts as sent.
    """
    if kind is LetterKind.ANSWER:
        return _NOTHING
    if kind is LetterKind.LESSON:
        again = rule is UnknownRule.RESEND_ONCE and not resent
        decision = Decision.RESEND if again else Decision.ASSUME_SENT
        return Outlook(decision, since + LESSON_WAITS)
    return _NOTHING if resent else Outlook(Decision.RESEND, since + CONFIRMATION_AGAIN)


def decide(
    kind: LetterKind, since: datetime, now: datetime, *, resent: bool, rule: UnknownRule
) -> Decision:
    """What to do at `now`: what the outlook says, once its time has come."""
    ahead = outlook(kind, since, resent=resent, rule=rule)
    return ahead.decision if ahead.at and ahead.at <= now else Decision.WAIT


_NOTHING = Outlook(Decision.WAIT, None)
EVIDENCE = frozenset({
    Kind.HUMAN, Kind.AUTO_REPLY, Kind.BOUNCE, Kind.COMPLAINT, Kind.UNSUBSCRIBE,
})  # fmt: skip


def settled_by(kind_of_mail: Kind) -> bool:
    """True when a mail of this kind that names the Message-ID shows that the letter was taken over.

    A report of failure too: a server must have accepted a letter to report on it (RFC 3464 §2).
    """
    return kind_of_mail in EVIDENCE
