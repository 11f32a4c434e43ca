"""Bounces that carry no fields: whom does the notice name? (qmail, Exim, Orange, old Exchange …)

Asked only where the mail is bounce-like; a person's letter that quotes a notice is never read here.
Facts only: what the words mean for the address is for app/domain/refusal.py.
"""

import re
from collections.abc import Collection, Iterable
from email.message import Message

from flufl.bounce import all_failures

from app.domain.arrival import RecipientReport, Report
from app.domain.bare_line import ADDRESS
from app.domain.refusal import status_in
from app.mail.report_parts import returned_ids

_ADDRESS = re.compile(ADDRESS)
# Below these the notice returns our own letter, with addresses and words of ours.
_COPY = re.compile(
    r"below this line is a copy|this is a copy of|original message (?:follows|headers)|"
    r"^-{3,}.{0,60}-{3,}\s*$|"
    r"returned message (?:follows|below)|^(?:received|return-path): |message d.origine|"
    r"copie de votre message|"
    r"diagnostic information for administrators|en-t[êe]tes? (?:du message )?d.origine",
    re.IGNORECASE | re.MULTILINE,
)
_LATE = re.compile(
    r"\b(?:delayed|has not yet been delivered|will (?:be retried|continue|keep) (?:for|trying|"
    r"to try)|"
    r"still being retried|retardé|sera retentée?|n.a pas encore)\b",
    re.IGNORECASE,
)
_AROUND = 600


def report_in_words(message: Message, text: str, ours: Collection[str]) -> Report | None:
    """Who was not reached, by a notice's words; `ours` are the addresses that it was sent to."""
    notice = _notice(text)
    late = bool(_LATE.search(notice))
    failed, delayed = _named(message, notice, ours)
    if late and not delayed:
        failed, delayed = [], failed
    groups = [*_reports(failed, "failed", notice), *_reports(delayed, "delayed", notice)]
    if not groups:
        return None
    return Report("words", recipients=tuple(groups), returned_ids=returned_ids(text))


def _notice(text: str) -> str:
    """The part above our returned letter; a notice begins with a few words at least."""
    found = _COPY.search(text, 40)
    return text[: found.start()] if found else text[:20_000]


def _named(message: Message, notice: str, ours: Collection[str]) -> tuple[list[str], list[str]]:
    header = _ADDRESS.findall(str(message.get("x-failed-recipients", "")))
    if header:
        return _clean(header, ours), []
    temporary, permanent = all_failures(message)
    failed = _clean((address.decode("ascii", "ignore") for address in permanent), ours)
    delayed = _clean((address.decode("ascii", "ignore") for address in temporary), ours)
    if failed or delayed:
        return sorted(failed), sorted(delayed)
    alone = _clean(_ADDRESS.findall(notice), ours)
    return (alone if len(alone) == 1 else []), []


def _clean(addresses: Iterable[str], ours: Collection[str]) -> list[str]:
    """Bare and lower-case, each once, without ourselves and without mail systems."""
    bare = (
        found.group(0).rstrip(".").casefold() for a in addresses if (found := _ADDRESS.search(a))
    )
    kept = (a for a in bare if a not in ours and not re.match(r"mailer-daemon|postmaster", a))
    return list(dict.fromkeys(kept))


def _reports(addresses: Iterable[str], action: str, notice: str) -> Iterable[RecipientReport]:
    lower = notice.casefold()
    for address in addresses:
        at = lower.find(address)
        said = notice[at : at + _AROUND] if at >= 0 else notice[:_AROUND]
        yield RecipientReport(address, action, status_in(said) or status_in(notice), said)
