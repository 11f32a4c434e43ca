"""Letters of which nobody knows whether they arrived: what is done about them, and its record.

A rule, a mail that came in, the relay's log or a person decides; each decision is a ruling. The
rules themselves are domain/unknown.py.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, deliveries, doubtful, people, rulings
from app.db.conversations import IncomingLetter
from app.db.deliveries import Delivery
from app.db.people import Enrollment
from app.db.rulings import Verdict
from app.db.session import ready
from app.domain import delivery as rules
from app.domain import schedule
from app.domain import unknown as unknown_rules
from app.domain.delivery import Event, LetterKind, State, Why
from app.domain.unknown import By, Decision, Outlook
from app.flows import record
from app.flows.installation import Installation
from app.flows.plan import calendar_of

# What a delivery says of itself when it counts as sent; the ruling says the rest.
SENT_BECAUSE = {
    By.RULE: "taken as sent by the rule for unknown lessons",
    By.EVIDENCE: "a mail that came in shows that it arrived",
    By.RELAY_LOG: "the relay's log shows that it was taken",
    By.PERSON: "taken as sent by the author",
}

NO_SIGN = {True: "no sign of it for 24 hours", False: "no sign of it for 10 minutes"}


async def judge(session: AsyncSession, *, now: datetime, here: Installation) -> int:
    """Apply the rules to a batch of letters whose time has come; returns how many were decided."""
    ids = await doubtful.ripe(
        session,
        service=now - unknown_rules.CONFIRMATION_AGAIN,
        lesson=now - unknown_rules.LESSON_WAITS,
    )
    if not ids:
        return 0
    held, done = await doubtful.hold(session, ids), 0
    resent = await doubtful.sent_again(session, ids)
    for delivery, enrollment in held:
        since = delivery.unknown_since or now
        decision = unknown_rules.decide(
            delivery.kind, since, now, resent=delivery.id in resent, rule=here.unknown_lessons
        )
        because = NO_SIGN[delivery.kind is LetterKind.LESSON]
        if decision is Decision.ASSUME_SENT:
            await take(session, delivery, enrollment, By.RULE, because, now=now, here=here)
        elif decision is Decision.RESEND:
            await send_again(session, delivery, enrollment, By.RULE, because, now=now, here=here)
        done += decision is not Decision.WAIT
    return done


async def heed_filed_mail(session: AsyncSession, *, now: datetime, here: Installation) -> int:
    """Settle what a mail named that came before the letter became unknown; returns how many.

    A machine answers within seconds, a dead worker is noticed after minutes.
    """
    named = await doubtful.evident(session, unknown_rules.EVIDENCE)
    held = await doubtful.hold(session, list(named)) if named else []
    for delivery, enrollment in held:
        because = _naming(named[delivery.id])
        await take(session, delivery, enrollment, By.EVIDENCE, because, now=now, here=here)
    return len(held)


async def settle_by_mail(
    session: AsyncSession,
    letter: IncomingLetter,
    delivery_id: int,
    *,
    now: datetime,
    here: Installation,
) -> bool:
    """Settle an unknown letter that an incoming mail names; True when it was unknown."""
    known = await deliveries.delivery(session, delivery_id)
    enrollment = await people.enrollment(session, known.enrollment_id, lock=True)
    delivery = await deliveries.delivery(session, delivery_id, lock=True)
    await session.refresh(delivery)
    if not is_open(delivery):
        return False
    because = _naming(letter)
    await take(session, delivery, enrollment, By.EVIDENCE, because, now=now, here=here)
    return True


async def take(
    session: AsyncSession,
    delivery: Delivery,
    enrollment: Enrollment,
    by: By,
    because: str,
    *,
    now: datetime,
    here: Installation,
) -> None:
    """Decide that it arrived; the course goes on. Both rows are locked by the caller."""
    delivery.state = rules.advance(delivery.state, Event.ACCEPT)
    delivery.reason = SENT_BECAUSE[by]
    rulings.note(session, delivery.id, Verdict.SENT, by, because, now=now)
    await record.accepted(session, delivery, enrollment, now=now, here=here)


async def send_again(
    session: AsyncSession,
    delivery: Delivery,
    enrollment: Enrollment,
    by: By,
    because: str,
    *,
    now: datetime,
    here: Installation,
) -> None:
    """Decide that the same bytes go once more; a lesson within the hours of its course.

    That they are the same is kept by the letterbook.
    """
    delivery.state = rules.advance(delivery.state, Event.RELEASE)
    delivery.reason, delivery.ready_at = None, now
    if delivery.kind is LetterKind.LESSON:
        delivery.ready_at = await _within_hours(session, delivery, enrollment, now=now, here=here)
    rulings.note(session, delivery.id, Verdict.RESEND, by, because, now=now)
    ready(session)


async def ahead(session: AsyncSession, delivery: Delivery, *, here: Installation) -> Outlook | None:
    """What will become of an unknown letter by itself, and when; None when it is not unknown."""
    if not is_open(delivery) or delivery.unknown_since is None:
        return None
    resent = await doubtful.sent_again(session, [delivery.id])
    return unknown_rules.outlook(
        delivery.kind, delivery.unknown_since, resent=bool(resent), rule=here.unknown_lessons
    )


def note_word(
    session: AsyncSession, delivery: Delivery, verdict: Verdict, because: str, *, now: datetime
) -> None:
    """Write down a person's word on a letter, if it was unknown; before its state is changed."""
    if is_open(delivery):
        rulings.note(session, delivery.id, verdict, By.PERSON, because, now=now)


def is_open(delivery: Delivery) -> bool:
    """Unknown in earnest; what was never handed over goes back to the queue with the next sweep."""
    return delivery.state is State.UNKNOWN and delivery.reason != Why.NEVER_HANDED_OVER


async def _within_hours(
    session: AsyncSession,
    delivery: Delivery,
    enrollment: Enrollment,
    *,
    now: datetime,
    here: Installation,
) -> datetime:
    course = await courses.course(session, enrollment.course_id)
    today = calendar_of(delivery, now, here.speed)
    zone = schedule.zone(enrollment.zone)
    slot = schedule.next_slot(today, window=course.window, zone=zone)
    return schedule.on_the_wall(slot.at, now=now, calendar_now=today, speed=here.speed)


def _naming(letter: IncomingLetter) -> str:
    return f"incoming {letter.id}: {letter.kind}"
