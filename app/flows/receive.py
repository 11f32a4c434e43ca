"""What becomes of a mail that comes in: keep raw, then file. Keeps no rules: the domain decides,
the mail room reads.

`keep` is done when its transaction has committed; only then may a door acknowledge the mail. `file`
judges later, and whatever happens there the bytes stay.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import conversations, courses, deliveries, people
from app.db.conversations import Filing, IncomingLetter
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.db.session import ready
from app.domain import token
from app.domain.address import key_of
from app.domain.arrival import IncomingMail
from app.domain.attribution import Attribution, Candidate, candidates
from app.domain.errors import TokenForged
from app.domain.incoming import Kind, Verdict, classify
from app.domain.quotation import new_words
from app.domain.token import Purpose
from app.domain.unknown import settled_by
from app.flows import discuss, react, unsettled
from app.flows.installation import Installation
from app.mail.compose import AUTHOR_SENDER, RETURN_HOST, SERVICE_SENDER
from app.mail.parse import read

_PURPOSES = {"r": Purpose.REPLY, "l": Purpose.REPLY, "b": Purpose.RETURN}
OFFICES = frozenset({SERVICE_SENDER, AUTHOR_SENDER, "postmaster", "abuse"})
_TRACES = (b"received:", b"delivered-to:", b"x-original-to:", b"return-path:")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail at a door, with its envelope where the way in has one."""

    raw: bytes
    via: str
    envelope_from: str | None = None
    envelope_to: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Whose mail it is and which letter of ours it belongs to. `returned`: it came to the return
    path of that letter, which nobody knows but who has the letter (VERP).
    """

    by: Attribution
    enrollment: Enrollment
    person: Subscriber
    delivery: Delivery | None
    returned: bool = False


def inspect(raw: bytes) -> dict[str, object]:
    """Look at one raw mail without keeping it; needs no database.

    Returns `kind`, `text` (the new words of a person, else the whole plain text), `rule`,
    `failed_recipients` (addresses) and `permanent` (one of them at least is gone for good).
    """
    mail = read(raw)
    verdict = classify(mail)
    text = mail.words if verdict.kind is Kind.HUMAN else mail.text
    return {
        "kind": verdict.kind.value,
        "text": text,
        "failed_recipients": [failed.address for failed in verdict.failed],
        "permanent": any(failed.permanent for failed in verdict.failed),
        "rule": verdict.rule,
    }


async def keep(session: AsyncSession, arrival: Arrival, *, now: datetime) -> IncomingLetter:
    """Keep a mail before anybody judges it. The same mail by two ways, or twice, is one letter."""
    ready(session)
    return await conversations.keep_once(
        session,
        fingerprint(arrival.raw),
        raw=arrival.raw,
        via=arrival.via,
        envelope_from=arrival.envelope_from,
        envelope_to=arrival.envelope_to,
        received_at=now,
        filing=Filing.KEPT,
    )


async def is_admitted(session: AsyncSession, recipient: str, *, here: Installation) -> bool:
    """Whether mail to this address may enter at all: a genuine tag, or a sender of ours.

    Some mail programs ignore Reply-To and answer the From address, so those are open too.
    """
    local, _, domain = recipient.casefold().rpartition("@")
    ours = here.mail_domain.casefold()
    if domain not in (ours, f"{RETURN_HOST}.{ours}"):
        return False
    purpose, plus, tag = local.partition("+")
    if plus and purpose in ("r", "b"):
        return _is_genuine(tag, purpose, here=here)
    senders = {course.sender for course in await courses.all_courses(session)}
    return local in senders | OFFICES


def _is_genuine(tag: str, purpose: str, *, here: Installation) -> bool:
    try:
        token.read_tag(tag, _PURPOSES[purpose], keys=here.keys)
    except TokenForged:
        return False
    return True


def fingerprint(raw: bytes) -> str:
    """The SHA-256 of a mail without the headers that each way of arrival adds."""
    head, gap, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    kept, dropping = [], False
    for line in head.split(b"\n"):
        if not line[:1].isspace():
            dropping = line.lower().startswith(_TRACES)
        if not dropping:
            kept.append(line)
    return hashlib.sha256(b"\n".join(kept) + gap + body).hexdigest()


async def file(
    session: AsyncSession, incoming_id: int, *, now: datetime, here: Installation
) -> IncomingLetter:
    """Judge a kept letter: parse, classify, attribute, act. Filing twice changes nothing.

    What cannot be placed stays, with the reason; nobody becomes a subscriber by writing to us.
    """
    letter = await conversations.incoming(session, incoming_id, lock=True)
    if letter.filing is not Filing.KEPT:
        return letter
    mail = read(
        await conversations.raw_of(session, incoming_id),
        envelope_from=letter.envelope_from,
        envelope_to=letter.envelope_to,
    )
    verdict = classify(mail)
    _describe(letter, mail, verdict)
    place = await _place(session, mail, here=here)
    letter.filing = Filing.FILED
    if place:
        letter.attributed_by = place.by
        letter.enrollment_id = place.enrollment.id
        letter.delivery_id = place.delivery.id if place.delivery else None
    elif verdict.kind is Kind.HUMAN:
        letter.filing, letter.reason = Filing.UNFILED, "it belongs to no learner known here"
    if place:
        await _settle(session, letter, verdict, place, now=now, here=here)
        await _act(session, letter, mail, verdict, place, now=now)
    return letter


async def _settle(
    session: AsyncSession,
    letter: IncomingLetter,
    verdict: Verdict,
    place: Place,
    *,
    now: datetime,
    here: Installation,
) -> None:
    """Who names our letter has it: a doubt whether it arrived ends here."""
    if place.delivery and place.by is not Attribution.SENDER and settled_by(verdict.kind):
        number = place.delivery.id
        await unsettled.settle_by_mail(session, letter, number, now=now, here=here)


async def _act(
    session: AsyncSession,
    letter: IncomingLetter,
    mail: IncomingMail,
    verdict: Verdict,
    place: Place,
    *,
    now: datetime,
) -> None:
    """The tag or the thread names the learner; only the learner's own address may act."""
    own = key_of(mail.sender) == place.person.key
    match verdict.kind:
        case Kind.HUMAN:
            await _discuss(session, letter, mail, place, own=own, now=now)
        case Kind.UNSUBSCRIBE if own and place.by is not Attribution.SENDER:
            await react.to_goodbye(session, place.enrollment.id, now=now)
        case Kind.UNSUBSCRIBE:
            await _discuss(session, letter, mail, place, own=own, now=now)
        case Kind.BOUNCE if place.delivery and place.returned:
            await react.to_bounce(session, letter, place.delivery, verdict.failed, now=now)
        case Kind.COMPLAINT if place.by is not Attribution.SENDER:
            await react.to_complaint(session, place.person, now=now)


async def _discuss(
    session: AsyncSession,
    letter: IncomingLetter,
    mail: IncomingMail,
    place: Place,
    *,
    own: bool,
    now: datetime,
) -> None:
    await discuss.file_remark(
        session,
        letter,
        new_words(mail.text),
        enrollment_id=place.enrollment.id,
        lesson_id=place.delivery.lesson_id if place.delivery else None,
        written_from=None if own else mail.sender,
        now=now,
    )


def _describe(letter: IncomingLetter, mail: IncomingMail, verdict: Verdict) -> None:
    letter.message_id = mail.message_id
    letter.subject, letter.sender = mail.subject, mail.sender
    letter.kind, letter.rule = str(verdict.kind), verdict.rule
    letter.reason = "; ".join(mail.flaws) or None


async def _place(session: AsyncSession, mail: IncomingMail, *, here: Installation) -> Place | None:
    for candidate in candidates(mail, mail_domain=here.mail_domain):
        if candidate.by is Attribution.SENDER:
            return await _place_of_sender(session, candidate.value)
        delivery = await _delivery_of(session, candidate, here=here)
        if delivery:
            enrollment, _, person = await people.with_course(session, delivery.enrollment_id)
            returned = _PURPOSES[candidate.purpose] is Purpose.RETURN
            return Place(candidate.by, enrollment, person, delivery, returned)
    return None


async def _delivery_of(
    session: AsyncSession, candidate: Candidate, *, here: Installation
) -> Delivery | None:
    try:
        number = token.read_tag(candidate.value, _PURPOSES[candidate.purpose], keys=here.keys)
    except TokenForged:
        return None
    return await session.get(Delivery, number)


async def _place_of_sender(session: AsyncSession, sender: str) -> Place | None:
    """The last resort: the learner with this address, and the lesson they received last."""
    person = await people.subscriber_by_key(session, key_of(sender))
    if person is None:
        return None
    for enrollment in await people.enrollments_of(session, person.id):
        last = await deliveries.last_accepted_lesson(session, enrollment.id)
        return Place(Attribution.SENDER, enrollment, person, last)
    return None
