"""Whose letter is it? The tags to try, best first. Verifies no signature and asks no table.

Tags are opaque here: lower-case base32, since mail programs fold the case of local parts
(RFC 5321 §2.4 forbids it, Exchange and others do it).
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.domain.arrival import IncomingMail

_TAGGED = re.compile(r"(?P<purpose>[rb])\+(?P<tag>[a-z0-9]+)")
_OURS = re.compile(r"l\.(?P<tag>[a-z0-9]+)")


class Attribution(StrEnum):
    """By what a mail found its place."""

    TAG = "tag"
    THREAD = "thread"
    SENDER = "sender"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Candidate:
    """One thing to try. `purpose` is the letter before the tag: r reply, b bounce, l letter.

    `value` is the tag, or the sender's address where `by` is SENDER and `purpose` is "".
    """

    by: Attribution
    purpose: str
    value: str


def candidates(mail: IncomingMail, *, mail_domain: str) -> tuple[Candidate, ...]:
    """What to try, best first: signed tags of any recipient, letters of ours named, the sender.

    A report names our letter in the copy that it returns (RFC 3462 §2, RFC 5965 §2), so the
    ids of that copy count as named.
    """
    domain = mail_domain.casefold()
    return tuple(dict.fromkeys([*_tags(mail), *_letters(mail, domain), *_sender(mail)]))


def _tags(mail: IncomingMail) -> list[Candidate]:
    """Any domain will do: a forwarder may rewrite it, and the tag is verified by its key."""
    found = []
    for recipient in mail.recipients:
        local = recipient.casefold().rpartition("@")[0]
        if tagged := _TAGGED.fullmatch(local):
            found.append(Candidate(Attribution.TAG, tagged["purpose"], tagged["tag"]))
    return found


def _letters(mail: IncomingMail, domain: str) -> list[Candidate]:
    returned = mail.report.returned_ids if mail.report else ()
    found = []
    for named in (*mail.in_reply_to, *reversed(mail.references), *returned):
        local, _, host = named.casefold().rpartition("@")
        if host == domain and (ours := _OURS.fullmatch(local)):
            found.append(Candidate(Attribution.THREAD, "l", ours["tag"]))
    return found


def _sender(mail: IncomingMail) -> list[Candidate]:
    return [Candidate(Attribution.SENDER, "", mail.sender)] if mail.sender else []
