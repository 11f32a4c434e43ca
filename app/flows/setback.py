"""Claimed letters that are not handed over after all, each for its own reason: short transactions
of their own, outside the hot path.
"""

import structlog

from app.db import courses, deliveries, outbox, people
from app.db.outbox import Claim
from app.domain import delivery as rules
from app.domain.delivery import Event, State, Why
from app.domain.errors import BytesChanged, FeuilletonError, LessonWithdrawn
from app.flows import discuss
from app.flows.office import PostOffice
from app.flows.plan import plan_next

log = structlog.get_logger()


async def keep_back(office: PostOffice, claim: Claim) -> None:
    """A letter that was not marked: the person left, pauses or is suppressed; or it is not ours."""
    async with office.database.writing() as session:
        delivery = await deliveries.delivery(session, claim.delivery_id)
        why = await outbox.kept_back(session, delivery)
        if why:
            event = Event.HOLD if why is Why.PAUSED else Event.CANCEL
            after = rules.advance(State.CLAIMED, event)
            moved = await outbox.move(session, claim, before=State.CLAIMED, after=after, reason=why)
            if moved and delivery.remark_id:
                await discuss.answer_failed(session, delivery.remark_id, now=office.clock())


async def set_back(office: PostOffice, claim: Claim, fault: FeuilletonError) -> None:
    """A letter that cannot be written: held; or unknown where its bytes went out before and cannot
    be written alike any more; or passed over where its lesson was withdrawn.
    """
    if isinstance(fault, LessonWithdrawn):
        await _pass_over(office, claim)
        return
    event = Event.LOSE if isinstance(fault, BytesChanged) else Event.HOLD
    after = rules.advance(State.CLAIMED, event)
    values = {"unknown_since": office.clock()} if event is Event.LOSE else {}
    async with office.database.writing() as session:
        await outbox.move(
            session, claim, before=State.CLAIMED, after=after, reason=str(fault), **values
        )
    log.error("letter stopped", delivery=claim.delivery_id, state=str(after))


async def _pass_over(office: PostOffice, claim: Claim) -> None:
    now = office.clock()
    async with office.database.writing() as session:
        delivery = await deliveries.delivery(session, claim.delivery_id)
        enrollment = await people.enrollment(session, delivery.enrollment_id, lock=True)
        course = await courses.course(session, enrollment.course_id)
        after = rules.advance(State.CLAIMED, Event.CANCEL)
        why = Why.WITHDRAWN
        if await outbox.move(session, claim, before=State.CLAIMED, after=after, reason=why):
            await plan_next(session, enrollment, course, now=now, speed=office.here.speed)
