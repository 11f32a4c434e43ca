"""What is known of a mail that came in: facts only, no judgement; the rules are in incoming.py.

`app.mail.parse.read` makes these from raw bytes. Nothing here is ever None where empty says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from app.domain.quotation import new_words


@dataclass(frozen=True)
class Attachment:
    """A part that is not the text of the letter; `size` in bytes after decoding."""

    name: str
    content_type: str
    size: int


@dataclass(frozen=True)
class RecipientReport:
    """One recipient's group of fields in a delivery report (RFC 3464 §2.3), or what words gave.

    `action` is failed, delayed, delivered, relayed or expanded; `status` is x.y.z or "".
    `address` is the Original-Recipient where there is one, else the Final-Recipient.
    """

    address: str
    action: str
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True)
class Report:
    """What a report part says. `kind` is its subtype: delivery-status (RFC 3464),
    feedback-report (RFC 5965), disposition-notification (RFC 8098), or "words" where a bounce
    without fields was read from its text.
    """

    kind: str
    recipients: tuple[RecipientReport, ...] = ()
    feedback_type: str = ""
    returned_ids: tuple[str, ...] = ()
    returned_unsubscribe: tuple[str, ...] = ()


@dataclass(frozen=True)
class IncomingMail:
    """A parsed mail. Addresses are bare and lower-case, message ids without angle brackets.

    `recipients` holds the envelope recipient first, then To, Cc, Delivered-To, X-Original-To.
    `return_path` is None where unknown and "" for the null path `<>`. `headers` has lower-case
    names. `parts` lists the content types of the leaves, text/calendar with its method.
    `text` is the decoded plain text, made from the HTML part where there is no other.
    `flaws` names what kept the mail from being read in full.
    """

    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    sender: str = ""
    sender_name: str = ""
    recipients: tuple[str, ...] = ()
    subject: str = ""
    return_path: str | None = None
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    content_type: str = "text/plain"
    parts: tuple[str, ...] = ()
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    report: Report | None = None
    flaws: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        """The first value of a header, or "" where it is missing; `name` in lower case."""
        return next(iter(self.headers.get(name, ())), "").strip()

    @cached_property
    def words(self) -> str:
        """What the person newly wrote; asked by several rules, read once."""
        return new_words(self.text).words
