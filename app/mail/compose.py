"""From a rendered letter to the bytes on the wire: the headers of each kind of letter.

Chooses no words (templates does), signs nothing and opens no connection. All headers are set
through EmailMessage, which refuses line breaks: nothing that a person typed can add a header.
"""

from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage

from app.domain.address import Address
from app.domain.delivery import LetterKind
from app.mail.templates import Letter
from app.mail.wire import WIRE, WIRE_UTF8, to_bytes

RETURN_HOST = "rebonds"
SERVICE_SENDER, AUTHOR_SENDER = "inscription", "auteur"


@dataclass(frozen=True, slots=True)
class Sender:
    """A name and a mailbox of ours."""

    name: str
    local: str
    domain: str


@dataclass(frozen=True, slots=True)
class CourseMark:
    """What the list headers of a lesson say: which course, which lesson, where the way out is."""

    slug: str
    lesson: str
    unsubscribe_url: str
    help_url: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything about a letter but its words.

    `tag` is the signed tag of this delivery: it stands in the Message-ID, in Reply-To (`r+tag@`)
    and in the return path (`b+tag@rebonds.`), the same for every attempt (greylisting keys on it,
    RFC 6647 §5). `written_at` is aware; it becomes Date. `course` is set for lessons only,
    `replies_to` and `references` for answers only.
    """

    kind: LetterKind
    sender: Sender
    recipient: Address
    recipient_name: str
    mail_domain: str
    tag: str
    language: str
    written_at: datetime
    course: CourseMark | None = None
    replies_to: str = ""
    references: tuple[str, ...] = field(default=())

    @property
    def message_id(self) -> str:
        """The Message-ID, without angle brackets; says nothing about the person."""
        return f"l.{self.tag}@{self.mail_domain}"

    @property
    def reply_to(self) -> str:
        """Where the learner's reply goes."""
        return f"r+{self.tag}@{self.mail_domain}"


def return_path(bounce_tag: str, mail_domain: str) -> str:
    """The envelope sender of one delivery (VERP), the same for all its attempts.

    Greylisting keys on it (RFC 6647 §5), so it must not change from try to try.
    """
    return f"b+{bounce_tag}@{RETURN_HOST}.{mail_domain}"


def compose(letter: Letter, envelope: Envelope) -> bytes:
    """The letter as canonical bytes, without dot-stuffing (the transport's affair).

    Raises ValueError when a header or a line cannot be carried.
    """
    message = EmailMessage(policy=WIRE_UTF8 if envelope.recipient.needs_smtputf8 else WIRE)
    _address(message, letter, envelope)
    if envelope.kind is not LetterKind.ANSWER:
        message["Auto-Submitted"] = "auto-generated"
    if envelope.course:
        _list_headers(message, envelope.course, envelope)
    if envelope.replies_to:
        message["In-Reply-To"] = f"<{envelope.replies_to}>"
        message["References"] = " ".join(f"<{each}>" for each in envelope.references)
    _body(message, letter, envelope)
    return to_bytes(message)


def _body(message: EmailMessage, letter: Letter, envelope: Envelope) -> None:
    """Text first, HTML last (RFC 2046 §5.1.4), both quoted-printable: 7bit whatever is in them."""
    message.set_content(letter.text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", charset="utf-8", cte="quoted-printable")
    message.set_boundary(f"=_{envelope.tag}")
    # Setting the content clears all Content-* headers, so this one comes after it.
    message["Content-Language"] = envelope.language
    for part in message.iter_parts():
        del part["MIME-Version"]


def _address(message: EmailMessage, letter: Letter, envelope: Envelope) -> None:
    sender = envelope.sender
    message["From"] = Mailbox(sender.name, sender.local, sender.domain)
    recipient = envelope.recipient
    message["To"] = Mailbox(envelope.recipient_name, recipient.local, recipient.domain)
    message["Subject"] = letter.subject
    message["Date"] = envelope.written_at
    message["Message-ID"] = f"<{envelope.message_id}>"
    message["Reply-To"] = envelope.reply_to


def _list_headers(message: EmailMessage, course: CourseMark, envelope: Envelope) -> None:
    """RFC 2919, RFC 2369, RFC 8058; Feedback-ID names lesson and course, never a person."""
    message["List-Id"] = f"{course.slug} <{course.slug}.{envelope.mail_domain}>"
    message["List-Unsubscribe"] = f"<{course.unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["List-Help"] = f"<{course.help_url}>"
    message["Feedback-ID"] = f"{course.lesson}:{course.slug}:lesson:feuilleton"
