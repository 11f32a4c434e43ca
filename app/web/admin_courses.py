"""The admin API on courses: list, read, change. Courses are made by `feuilleton course import`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, field_validator

from app.db import courses, listing
from app.db.courses import Course
from app.flows import amend
from app.web.admin_fields import (
    Hour,
    HourNamed,
    Id,
    Line,
    Name,
    SlugWanted,
    Text,
    Weekday,
    absent,
    answer_like,
    body_like,
    given,
)
from app.web.admin_route import Acting, admin_router
from app.web.deps import Reading
from app.web.paging import Page, Paged

router = admin_router("courses")


class CourseOut(BaseModel):
    """A course. `opens`, `closes` and `weekdays` are local to each learner; `timezone` is that of
    who names none. `sender` is the part before the @ of the From address.
    """

    model_config = answer_like(
        id=1,
        slug="mensonges",
        title="Les 7 plus gros mensonges sur les réseaux sociaux",
        language="fr",
        sender="cours",
        timezone="Europe/Paris",
        opens="07:30",
        closes="20:00",
        weekdays=["mon", "tue", "wed", "thu", "fri"],
        accent="#2f5d62",
        promise="Sept leçons par e-mail, et une réponse à chacune de vos questions.",
        description="Pour qui veut des relations plutôt que des abonnés.",
        created_at="2026-11-24T09:00:00Z",
    )

    id: int
    slug: str
    title: str
    language: str
    sender: str
    timezone: str = Field(validation_alias="zone")
    opens: Hour
    closes: Hour
    weekdays: list[Weekday]
    accent: str
    promise: str
    description: str
    created_at: datetime

    @field_validator("weekdays", mode="before")
    @classmethod
    def _split(cls, value: str) -> Sequence[str]:
        return value.split()


class CoursePatch(BaseModel):
    """What may be changed; what is left out stays."""

    model_config = body_like(timezone="Europe/Brussels", opens="08:00", closes="19:30")

    title: Line = Field(default_factory=absent)
    sender: Name = Field(default_factory=absent)
    zone: Name = Field(default_factory=absent, alias="timezone")
    opens: HourNamed = Field(default_factory=absent)
    closes: HourNamed = Field(default_factory=absent)
    weekdays: list[Weekday] = Field(default_factory=absent, min_length=1, max_length=7)
    accent: Name = Field(default_factory=absent)
    promise: Line = Field(default_factory=absent)
    description: Text = Field(default_factory=absent)


@router.get("/courses", response_model=Page[CourseOut])
async def list_courses(session: Reading, paged: Paged, slug: SlugWanted = None) -> dict[str, Any]:
    """The courses of this installation."""
    return paged.page(await listing.courses(session, paged.span, slug=slug))


@router.get("/courses/{course_id}", response_model=CourseOut)
async def read_course(course_id: Id, session: Reading) -> Course:
    """One course."""
    return await courses.course(session, course_id)


@router.patch("/courses/{course_id}", response_model=CourseOut)
async def change_course(course_id: Id, change: CoursePatch, session: Acting) -> Course:
    """Change what a course says of itself and when its lessons leave.

    Changed hours plan nobody anew: a lesson that is planned already keeps its time, the ones after
    it follow the new hours.
    """
    return await amend.change_course(session, course_id, given(change))
