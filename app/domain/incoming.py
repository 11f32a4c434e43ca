"""What kind of mail came in? An ordered list of small named rules; the first that matches speaks.

Does not find out whose it is (attribution.py) and does nothing about it (flows/receive.py).
The mail's facts are made by `app.mail.parse.read`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.domain import farewell, machine
from app.domain.arrival import Attachment, IncomingMail, RecipientReport, Report
from app.domain.attribution import Attribution, Candidate, candidates
from app.domain.bounce import DELAYED, FAILED, FailedRecipient, failed_recipients

__all__ = [
    "Attachment",
    "Attribution",
    "Candidate",
    "FailedRecipient",
    "IncomingMail",
    "Kind",
    "RecipientReport",
    "Report",
    "Verdict",
    "candidates",
    "classify",
    "may_be_answered",
]


class Kind(StrEnum):
    """What a mail is. OTHER is kept and shown apart, never answered."""

    HUMAN = "human"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    OTHER = "other"


@dataclass(frozen=True)
class Verdict:
    """The kind, the name of the rule that spoke, and for a bounce the recipients that failed."""

    kind: Kind
    rule: str
    failed: tuple[FailedRecipient, ...] = ()


def classify(mail: IncomingMail) -> Verdict:
    """What `mail` is; a mail that no rule claims is a person's."""
    for kind, name, matches in RULES:
        if matches(mail):
            failed = failed_recipients(mail) if kind is Kind.BOUNCE else ()
            return Verdict(kind, name, failed)
    return Verdict(Kind.HUMAN, "person")


def may_be_answered(mail: IncomingMail, verdict: Verdict) -> bool:
    """Never answer a machine (RFC 3834 §2), nor who gave no way back."""
    wants_none = mail.return_path == "" or not mail.sender or machine.is_sent_by_a_role(mail)
    return verdict.kind is Kind.HUMAN and not wants_none and not machine.is_auto_submitted(mail)


def _report_kind(mail: IncomingMail) -> str:
    return mail.report.kind if mail.report else ""


def _feedback(*types: str) -> Callable[[IncomingMail], bool]:
    """RFC 5965 §7.3; an empty tuple stands for every type that is left."""

    def matches(mail: IncomingMail) -> bool:
        report = mail.report
        if report is None or report.kind != "feedback-report":
            return False
        return not types or report.feedback_type in types

    return matches


def _delivery(action: str) -> Callable[[IncomingMail], bool]:
    """RFC 3464 §2.3.3: a report counts by the gravest thing that it says of anybody."""

    def matches(mail: IncomingMail) -> bool:
        report = mail.report
        return report is not None and any(r.action == action for r in report.recipients)

    return matches


def _is_delivery_receipt(mail: IncomingMail) -> bool:
    """Delivered, relayed and expanded are no failure."""
    return _report_kind(mail) == "delivery-status" and bool(mail.report and mail.report.recipients)


def _is_report_without_fields(mail: IncomingMail) -> bool:
    return _report_kind(mail) == "delivery-status" or (
        _FAILURE_SUBJECT.match(mail.subject) is not None
        and (machine.is_sent_by_a_role(mail) or mail.return_path == "")
    )


def _is_read_receipt(mail: IncomingMail) -> bool:
    return _report_kind(mail) == "disposition-notification"


def _is_calendar_answer(mail: IncomingMail) -> bool:
    """RFC 5546 §3.2.3: an accepted or declined meeting, neither a bounce nor words."""
    return any(re.fullmatch(r"text/calendar; method=(reply|counter)", part) for part in mail.parts)


def _is_reaction(mail: IncomingMail) -> bool:
    return "text/vnd.google.email-reaction+json" in mail.parts


_FAILURE_SUBJECT = re.compile(
    r"(?:\W|re:)*(?:undeliver(?:able|ed)|un?delivered mail|delivery (?:status notification|failure|"
    r"has failed|problem)|mail (?:delivery|system) (?:failed|failure|error)|failure notice|"
    r"returned mail|message (?:undeliverable|not delivered)|non remis|non distribuable|"
    r"échec (?:de la |d.)?(?:remise|envoi|distribution)|rapport de non.remise|unzustellbar|"
    r"nicht zustellbar|no se puede entregar|impossibile recapitare|onbestelbaar|não entregue)",
    re.IGNORECASE,
)

#: Reports by their form, machines by their headers, then wording; a person is what is left.
RULES: tuple[tuple[Kind, str, Callable[[IncomingMail], bool]], ...] = (
    (Kind.COMPLAINT, "complaint", _feedback("abuse", "fraud", "virus", "")),
    (Kind.UNSUBSCRIBE, "feedback-opt-out", _feedback("opt-out", "opt-out-list")),
    (Kind.OTHER, "feedback-of-another-type", _feedback()),
    (Kind.OTHER, "read-receipt", _is_read_receipt),
    (Kind.BOUNCE, "delivery-failed", _delivery(FAILED)),
    (Kind.BOUNCE, "delivery-delayed", _delivery(DELAYED)),
    (Kind.OTHER, "delivery-receipt", _is_delivery_receipt),
    (Kind.BOUNCE, "report-without-recipient", _is_report_without_fields),
    (Kind.OTHER, "calendar-answer", _is_calendar_answer),
    (Kind.OTHER, "reaction", _is_reaction),
    (Kind.AUTO_REPLY, "auto-submitted", machine.is_auto_submitted),
    (Kind.AUTO_REPLY, "responder-header", machine.has_responder_header),
    (Kind.OTHER, "through-a-list", machine.came_through_a_list),
    (Kind.AUTO_REPLY, "precedence", machine.has_precedence_of_machines),
    (Kind.AUTO_REPLY, "challenge", machine.is_challenge),
    (Kind.AUTO_REPLY, "null-return-path", machine.has_null_return_path),
    (Kind.AUTO_REPLY, "subject-of-absence", machine.has_subject_of_absence),
    (Kind.OTHER, "role-sender", machine.is_sent_by_a_role),
    (Kind.UNSUBSCRIBE, "asked-in-subject", farewell.asks_in_subject),
    (Kind.UNSUBSCRIBE, "asked-in-words", farewell.asks_in_words),
    (Kind.AUTO_REPLY, "words-of-absence", machine.has_words_of_absence),
)
