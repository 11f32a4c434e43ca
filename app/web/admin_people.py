"""The admin API on subscribers: list, read, sign up, rename. Shows no token and no way out."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from app.db import listing, people
from app.db.people import Subscriber
from app.flows import amend, subscribe
from app.flows.subscribe import Application
from app.mail.recipient import read_address
from app.web.admin_fields import (
    EmailWanted,
    Id,
    IdWanted,
    Name,
    answer_like,
    body_like,
)
from app.web.admin_route import Acting, admin_router
from app.web.deps import Here, Now, Reading
from app.web.paging import Page, Paged

router = admin_router("subscribers")


class SubscriberOut(BaseModel):
    """A person."""

    model_config = answer_like(
        id=12,
        email="camille@example.org",
        first_name="Camille",
        created_at="2026-11-24T09:00:00Z",
    )

    id: int
    email: str
    first_name: str
    created_at: datetime


class SubscriberIn(BaseModel):
    """Who asks for a course; `course` is its slug (none: the first one), `timezone` an IANA name
    (none: that of the course).
    """

    model_config = body_like(
        email="camille@example.org",
        first_name="Camille",
        course="mensonges",
        timezone="Europe/Paris",
    )

    email: Name
    first_name: Name = ""
    course: Name | None = None
    timezone: Name | None = None


class SubscriberPatch(BaseModel):
    """The name that lessons and answers begin with; "" for none."""

    model_config = body_like(first_name="Camille")

    first_name: Name


class SubscriberAccepted(BaseModel):
    """The same answer for everybody."""

    model_config = answer_like(status="accepted")

    status: Literal["accepted"] = "accepted"


@router.get("/subscribers", response_model=Page[SubscriberOut])
async def list_subscribers(
    session: Reading, paged: Paged, email: EmailWanted = None, course_id: IdWanted = None
) -> dict[str, Any]:
    """The people known here, whether or not they have confirmed anything."""
    key = read_address(email).key if email is not None else None
    rows = await listing.subscribers(session, paged.span, key=key, course_id=course_id)
    return paged.page(rows)


@router.post("/subscribers", status_code=202, response_model=SubscriberAccepted)
async def add_subscriber(
    person: SubscriberIn, session: Acting, now: Now, here: Here
) -> SubscriberAccepted:
    """Sign somebody up, under the rules of the form: they are asked by mail whether they want it.

    The answer is the same whether the address is new, known or suppressed. There is no way around
    the confirmation.
    """
    application = Application(
        email=person.email,
        first_name=person.first_name,
        course=person.course,
        zone=person.timezone,
        method="api",
    )
    await subscribe.sign_up(session, application, now=now, here=here)
    return SubscriberAccepted()


@router.get("/subscribers/{subscriber_id}", response_model=SubscriberOut)
async def read_subscriber(subscriber_id: Id, session: Reading) -> Subscriber:
    """One person."""
    return await people.subscriber(session, subscriber_id)


@router.patch("/subscribers/{subscriber_id}", response_model=SubscriberOut)
async def rename_subscriber(
    subscriber_id: Id, change: SubscriberPatch, session: Acting
) -> Subscriber:
    """Address a person by another first name. The address does not change: it was confirmed."""
    return await amend.rename(session, subscriber_id, change.first_name)
