"""What a report says of delivery (RFC 3464, 6533), feedback (RFC 5965), disposition (RFC 8098).

Falls back on the words of the notice where there are no fields. Reads facts and judges none:
whether an address is gone is for app/domain/bounce.py.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterable, Mapping, Sequence
from email.message import Message

from app.domain.arrival import RecipientReport, Report
from app.domain.bare_line import ADDRESS
from app.mail.charsets import header_text, text_of

_REPORTS = {
    "message/delivery-status": "delivery-status",
    "message/global-delivery-status": "delivery-status",
    "message/feedback-report": "feedback-report",
    "message/disposition-notification": "disposition-notification",
    "message/global-disposition-notification": "disposition-notification",
}
_RETURNED = frozenset({
    "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
    "message/global-headers", "text/rfc822",
})  # fmt: skip
_FIELD = re.compile(r"([!-9;-~]{1,80}):[ \t]*(.*)")
_ID = re.compile(r"^[ >]*message-id:\s*<([^<>\s]{1,500})>", re.IGNORECASE | re.MULTILINE)
_UNSUBSCRIBE = re.compile(
    r"^list-unsubscribe:((?:.*\n(?:[ \t].*\n){0,9}))", re.IGNORECASE | re.MULTILINE
)
_ADDRESS = re.compile(ADDRESS)
_LONGEST = 200_000

Block = Mapping[str, str]


def report_of(leaves: Sequence[Message]) -> Report | None:
    """The report among the leaves of a mail, or None; the first report part speaks."""
    for leaf in leaves:
        kind = _REPORTS.get(leaf.get_content_type())
        if kind:
            blocks = fields(embedded_text(leaf))
            returned = [part for part in leaves if part.get_content_type() in _RETURNED]
            return _report(kind, blocks, [embedded_text(part) for part in returned])
    return None


def _report(kind: str, blocks: Sequence[Block], returned: Sequence[str]) -> Report:
    copies = "\n".join(returned)[:_LONGEST]
    every = {name: value for block in blocks for name, value in block.items()}
    return Report(
        kind=kind,
        recipients=tuple(_recipients(blocks)) if kind == "delivery-status" else (),
        feedback_type=every.get("feedback-type", "").casefold(),
        returned_ids=returned_ids(copies) or returned_ids(every.get("original-message-id", "")),
        returned_unsubscribe=tuple(
            re.findall(r"<([^<>\s]+)>", "".join(_UNSUBSCRIBE.findall(copies)))
        ),
    )


def returned_ids(text: str) -> tuple[str, ...]:
    """The Message-IDs written as header lines in `text`, without brackets."""
    if text.startswith("<"):
        text = f"Message-ID: {text}"
    return tuple(dict.fromkeys(_ID.findall(text[:_LONGEST])))


def _recipients(blocks: Iterable[Block]) -> Iterable[RecipientReport]:
    for block in blocks:
        final = _address(block.get("final-recipient", ""))
        address = _address(block.get("original-recipient", "")) or final
        if not address:
            address = _address(block.get("x-actual-recipient", ""))
        status = re.match(r"[245]\.\d{1,3}\.\d{1,3}", block.get("status", ""))
        if address:
            code = status.group(0) if status else ""
            yield RecipientReport(
                address, _action(block, code), code, header_text(block.get("diagnostic-code", ""))
            )


def _action(block: Block, status: str) -> str:
    """RFC 3464 §2.3.3; some write `failure` or `error`, some nothing but the status."""
    word = re.match(r"[a-z]*", block.get("action", "").casefold())
    action = word.group(0) if word else ""
    if action.startswith(("fail", "error")) or (not action and status[:1] == "5"):
        return "failed"
    return action or ("delayed" if status[:1] == "4" else "")


def _address(value: str) -> str:
    """`rfc822; <a@b>`, `utf-8;…` or a bare address (RFC 3464 §2.1.2); "" where there is none."""
    found = _ADDRESS.search(value.rpartition(";")[2])
    return found.group(0).rstrip(".").casefold() if found else ""


def fields(text: str) -> list[dict[str, str]]:
    """The groups of fields in `text`, names in lower case; a second recipient begins a new group
    even where the blank line between them is missing.
    """
    groups: list[dict[str, str]] = [{}]
    name = ""
    for line in text[:_LONGEST].split("\n"):
        if not line.strip():
            groups.append({})
        elif line[0] in " \t" and name in groups[-1]:
            groups[-1][name] += f" {line.strip()}"
        elif found := _FIELD.match(line):
            name = found.group(1).casefold()
            if name == "final-recipient" and name in groups[-1]:
                groups.append({})
            groups[-1].setdefault(name, found.group(2).strip())
    return [group for group in groups if group]


def embedded_text(part: Message) -> str:
    """A message/* part as text again: the parser took its fields for headers, and does not decode
    the base64 that RFC 3464 forbids and programs write.
    """
    if not part.is_multipart():
        return text_of(_octets(part), "utf-8")
    blocks = (sub for sub in part.get_payload() if isinstance(sub, Message))
    data = b"\n\n".join(_unparsed(block) for block in blocks)
    return text_of(_decoded(data, str(part.get("content-transfer-encoding", ""))), "utf-8")


def _unparsed(block: Message) -> bytes:
    headers = "\n".join(f"{name}: {value}" for name, value in block.raw_items())
    return (headers.encode("utf-8", "surrogateescape") + b"\n\n" + _octets(block)).lstrip(b"\n")


def _octets(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decoded(data: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().casefold()
    try:
        if encoding == "base64":
            return base64.b64decode(re.sub(rb"[^A-Za-z0-9+/=]", b"", data))
        return quopri.decodestring(data) if encoding == "quoted-printable" else data
    except (binascii.Error, ValueError):
        return data
