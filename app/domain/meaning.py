"""What an SMTP answer can mean: why it was given, what becomes of the letter, what else follows.

The right-hand side of the table that answer.py reads. Knows no code and no words.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.delivery import Event, Phase


class Cause(StrEnum):
    """Why an answer is what it is."""

    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    NO_ANSWER = "no_answer"
    TEMPORARY = "temporary"
    RATE = "rate"
    POLICY_OR_REPUTATION = "policy_or_reputation"
    CONFIGURATION = "configuration"
    ADDRESS_GONE = "address_gone"
    DOMAIN_GONE = "domain_gone"
    MAILBOX_DISABLED = "mailbox_disabled"
    FULL = "full"
    BARE_REFUSAL = "bare_refusal"
    UNSUPPORTED_ADDRESS = "unsupported_address"
    CONTENT = "content"
    LOOP = "loop"
    SYSTEM = "system"


class Effect(StrEnum):
    """What follows beyond the letter itself. What is counted becomes a consequence in tally.py."""

    NONE = "none"
    SUPPRESS = "suppress"
    COUNT_DOMAIN_GONE = "count_domain_gone"
    COUNT_DISABLED = "count_disabled"
    COUNT_FULL = "count_full"
    COUNT_BARE = "count_bare"
    SLOW_PROVIDER = "slow_provider"
    HOLD_PROVIDER = "hold_provider"
    FAULT_LESSON = "fault_lesson"
    HOLD_LETTER = "hold_letter"


#: The causes that speak of the person.
PERSONAL = frozenset({
    Cause.ADDRESS_GONE, Cause.DOMAIN_GONE, Cause.MAILBOX_DISABLED, Cause.FULL, Cause.BARE_REFUSAL,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meaning:
    """What happens to the letter, why, and what follows for others."""

    event: Event
    cause: Cause
    effect: Effect


# A full box is soft although it may say 5yz: RFC 3463 §3.3 calls it a persistent transient failure.
# A looping letter passes through DEFERRED to HELD: it is kept for a person, not tried again.
_ROWS = {
    Cause.ACCEPTED: (Event.ACCEPT, Effect.NONE),
    Cause.UNKNOWN: (Event.LOSE, Effect.NONE),
    Cause.NO_ANSWER: (Event.DEFER, Effect.NONE),
    Cause.TEMPORARY: (Event.DEFER, Effect.NONE),
    Cause.RATE: (Event.DEFER, Effect.SLOW_PROVIDER),
    Cause.POLICY_OR_REPUTATION: (Event.DEFER, Effect.HOLD_PROVIDER),
    Cause.CONFIGURATION: (Event.DEFER, Effect.HOLD_PROVIDER),
    Cause.ADDRESS_GONE: (Event.REJECT, Effect.SUPPRESS),
    Cause.DOMAIN_GONE: (Event.REJECT, Effect.COUNT_DOMAIN_GONE),
    Cause.MAILBOX_DISABLED: (Event.REJECT, Effect.COUNT_DISABLED),
    Cause.FULL: (Event.DEFER, Effect.COUNT_FULL),
    Cause.BARE_REFUSAL: (Event.REJECT, Effect.COUNT_BARE),
    Cause.UNSUPPORTED_ADDRESS: (Event.REJECT, Effect.NONE),
    Cause.CONTENT: (Event.REJECT, Effect.FAULT_LESSON),
    Cause.LOOP: (Event.DEFER, Effect.HOLD_LETTER),
    Cause.SYSTEM: (Event.REJECT, Effect.NONE),
}
MEANINGS = {cause: Meaning(event, cause, effect) for cause, (event, effect) in _ROWS.items()}
# Said after RCPT was accepted, so not by the one who keeps the list of mailboxes: counted.
GONE_LATE = Meaning(Event.REJECT, Cause.ADDRESS_GONE, Effect.COUNT_BARE)
# A size refused at MAIL (RFC 1870 §6.1) speaks of the lesson and of no recipient.
CONTENT_EARLY = Meaning(Event.DEFER, Cause.CONTENT, Effect.FAULT_LESSON)


def effect_of(cause: Cause, phase: Phase) -> Effect:
    """What an answer led to that is remembered by its cause and its phase only."""
    late = phase > Phase.RECIPIENT and cause is Cause.ADDRESS_GONE
    return GONE_LATE.effect if late else MEANINGS[cause].effect
