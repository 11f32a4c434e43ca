"""Who was not reached, by what a report says. Does not suppress anybody.

What is not known for certain is not permanent; refusal.py reads the reasons.
"""

from dataclasses import dataclass

from app.domain.arrival import IncomingMail, RecipientReport
from app.domain.refusal import PERMANENT, Reason, reason_of, status_in

FAILED = "failed"
DELAYED = "delayed"


@dataclass(frozen=True)
class FailedRecipient:
    """An address that was not reached; `permanent` only where it is definitely gone."""

    address: str
    status: str | None
    permanent: bool
    reason: Reason


def failed_recipients(mail: IncomingMail) -> tuple[FailedRecipient, ...]:
    """The recipients whose action is `failed` (RFC 3464 §2.3.3); `delayed` is not failed."""
    if mail.report is None:
        return ()
    reports = [r for r in mail.report.recipients if r.action == FAILED and r.address]
    one = len(mail.report.recipients) == 1
    return tuple(_failed(report, mail.text if one else "") for report in reports)


def _failed(report: RecipientReport, words: str) -> FailedRecipient:
    """`words` is the notice around the fields, asked only where it speaks of one recipient."""
    reason = reason_of(report.diagnostic, report.status)
    if reason is Reason.UNKNOWN and words:
        reason = reason_of(words, report.status)
    status = report.status or status_in(report.diagnostic)
    return FailedRecipient(report.address, status or None, reason in PERMANENT, reason)
