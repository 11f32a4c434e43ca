"""Raw bytes of a mail to facts (IncomingMail). Never raises, whatever the bytes; judges nothing.

The standard parser runs under compat32 with accessors of our own: its newer policies raise on
malformed headers (cpython issues 94306, 105802, 117849). Limits are kept before it runs.
"""

import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes, policy
from email.message import Message

from app.domain.arrival import Attachment, IncomingMail, Report
from app.domain.bare_line import ADDRESS
from app.mail.charsets import header_text, text_of
from app.mail.mime_limits import cut
from app.mail.notice_words import report_in_words
from app.mail.plaintext import plain_text
from app.mail.report_parts import report_of

_RECIPIENT_HEADERS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_MOST_RECIPIENTS = 200
_LONGEST_NOTICE = 100_000
_ADDRESS = re.compile(ADDRESS)
_ANGLE = re.compile(rf"<\s*({ADDRESS})\s*>")
_QUOTED_STRING = re.compile(r'"[^"]{0,500}"')
_ID = re.compile(r"<([^<>\s]{1,500})>")
_CHARSET = re.compile(r"charset\*?\s*=\s*(?:[\w-]*'[\w-]*')?\"?([^\s\";]+)", re.IGNORECASE)
_SYSTEM_SENDER = re.compile(r"(?:mailer-daemon|postmaster|mail-?daemon)\b", re.IGNORECASE)

Headers = dict[str, tuple[str, ...]]


def read(
    raw: bytes, *, envelope_from: str | None = None, envelope_to: str | None = None
) -> IncomingMail:
    """The facts of one mail. `envelope_from` is None where unknown and "" for `<>`; a mail over a
    limit is read up to it and says so in `flaws` (mime_limits.py).
    """
    readable, flaws = cut(raw.lstrip(b"\r\n"))
    message = message_from_bytes(readable, policy=policy.compat32)
    leaves = list(_leaves(message))
    headers = _headers(message)
    recipients = _recipients(headers, envelope_to)
    sender_name, sender = _sender(headers)
    return_path = envelope_from if envelope_from is not None else _return_path(headers)
    text = _text(leaves)
    report = report_of(leaves)
    if _is_notice(message, report, return_path, sender, headers):
        found, flaw = _in_words(message, readable, text, recipients)
        report, flaws = found or report, flaws + flaw
    return IncomingMail(
        message_id=next(iter(_ids(headers, "message-id")), ""),
        in_reply_to=_ids(headers, "in-reply-to"),
        references=_ids(headers, "references"),
        sender=sender,
        sender_name=sender_name,
        recipients=recipients,
        subject=next(iter(headers.get("subject", ())), ""),
        return_path=return_path,
        headers=headers,
        content_type=message.get_content_type(),
        parts=tuple(_described(leaf) for leaf in leaves),
        text=text,
        attachments=tuple(_attachment(leaf) for leaf in leaves if not _is_text(leaf)),
        report=report,
        flaws=flaws,
    )


def _in_words(
    message: Message, readable: bytes, text: str, recipients: tuple[str, ...]
) -> tuple[Report | None, tuple[str, ...]]:
    """A notice names the recipient near its top; a long one is searched no further."""
    if len(readable) > _LONGEST_NOTICE:
        message = message_from_bytes(readable[:_LONGEST_NOTICE], policy=policy.compat32)
    try:
        return report_in_words(message, text[:_LONGEST_NOTICE], recipients), ()
    except Exception as error:  # noqa: BLE001 - a detector of flufl.bounce may raise anything
        return None, (f"notice not read: {type(error).__name__}",)


def _leaves(part: Message) -> Iterator[Message]:
    """The parts that hold something, in order; an enclosed mail is one leaf, never walked into.

    A leaf's payload is only ever asked for as bytes: decoded by the parser it may raise.
    """
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        for sub in part.get_payload():
            if isinstance(sub, Message):
                yield from _leaves(sub)
    else:
        yield part


def _headers(message: Message) -> Headers:
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        found.setdefault(name.casefold(), []).append(header_text(str(value)))
    return {name: tuple(values) for name, values in found.items()}


def _addresses(value: str) -> list[str]:
    """Bare addresses of a header, those in angle brackets first: a quoted name may look like one.

    Not `email.utils.getaddresses`: it recurses into nested comments until the stack ends.
    """
    unquoted = _QUOTED_STRING.sub(" ", value)
    found = [*_ANGLE.findall(unquoted), *_ADDRESS.findall(unquoted)] or _ADDRESS.findall(value)
    return list(dict.fromkeys(found))


def _recipients(headers: Headers, envelope_to: str | None) -> tuple[str, ...]:
    named = [envelope_to] if envelope_to else []
    for header in _RECIPIENT_HEADERS:
        for value in headers.get(header, ()):
            named += _addresses(value)
    lower = (address.strip("<> ").casefold() for address in named)
    return tuple(dict.fromkeys(lower))[:_MOST_RECIPIENTS]


def _sender(headers: Headers) -> tuple[str, str]:
    for header in ("from", "sender", "reply-to"):
        for value in headers.get(header, ()):
            for address in _addresses(value)[:1]:
                local, _, domain = address.rpartition("@")
                return _name(value), f"{local}@{domain.casefold()}"
    return "", ""


def _name(value: str) -> str:
    """The display name of a From header: before the brackets, or the comment behind an address."""
    before, bracket, _ = value.rpartition("<")
    comment = re.search(r"\(([^()]{1,200})\)\s*$", value)
    name = before if bracket else (comment.group(1) if comment else "")
    return name.strip().strip("\"'").replace('\\"', '"').strip()[:200]


def _return_path(headers: Headers) -> str | None:
    values = headers.get("return-path")
    return values[0].strip("<> ") if values else None


def _ids(headers: Headers, name: str) -> tuple[str, ...]:
    values = headers.get(name, ())
    found = [match for value in values for match in _ID.findall(value)]
    if not found and name == "message-id":
        found = [value.strip("<> ") for value in values]
    return tuple(dict.fromkeys(found))


def _is_text(leaf: Message) -> bool:
    """A body, not a file: text without a name, or a multipart that was never divided."""
    disposition = str(leaf.get("content-disposition", "")).strip().casefold()
    if disposition.startswith("attachment") or _file_name(leaf):
        return False
    return leaf.get_content_type() in ("text/plain", "text/html") or (
        leaf.get_content_maintype() == "multipart"
    )


def _text(leaves: Iterable[Message]) -> str:
    """The plain parts, one after another; where they are blank, the HTML parts made plain."""
    bodies = [leaf for leaf in leaves if _is_text(leaf)]
    html = [leaf for leaf in bodies if leaf.get_content_type() == "text/html"]
    plain = _joined(_body(leaf) for leaf in bodies if leaf not in html)
    return plain or _joined(plain_text(_body(leaf)) for leaf in html)


def _joined(texts: Iterable[str]) -> str:
    """Several bodies as paragraphs; a single one as it is, save blank lines around it."""
    return "\n\n".join(text for whole in texts if (text := whole.strip("\n")).strip())


def _body(leaf: Message) -> str:
    declared = _CHARSET.search(str(leaf.get("content-type", "")))
    return text_of(_octets(leaf), declared.group(1) if declared else "")


def _octets(leaf: Message) -> bytes:
    payload = leaf.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _described(leaf: Message) -> str:
    """The content type; a calendar part with its method (RFC 6047 §2.4)."""
    content_type = leaf.get_content_type()
    method = re.search(r"method\s*=\s*\"?(\w+)", str(leaf.get("content-type", "")), re.IGNORECASE)
    if content_type == "text/calendar" and method:
        return f"{content_type}; method={method.group(1).casefold()}"
    return content_type


def _attachment(leaf: Message) -> Attachment:
    return Attachment(_file_name(leaf), leaf.get_content_type(), len(_octets(leaf)))


def _file_name(leaf: Message) -> str:
    try:
        return header_text(leaf.get_filename() or "")
    except (ValueError, LookupError, TypeError):
        # RFC 2231 parameters may be broken in ways that the standard library does not expect.
        return "unnamed"


def _is_notice(
    message: Message, report: Report | None, return_path: str | None, sender: str, headers: Headers
) -> bool:
    """Bounce-like, and its fields name nobody: only then its words are searched for addresses."""
    if report is not None and (report.kind != "delivery-status" or report.recipients):
        return False
    answered = any("replied" in value for value in headers.get("auto-submitted", ()))
    return (
        message.get_content_type() == "multipart/report"
        or bool(_SYSTEM_SENDER.match(sender))
        or "x-failed-recipients" in headers
        or (return_path == "" and not answered)
    )
