"""Many learners at once, as rows: each with lesson 1 due now. Used by tests of what only shows in
numbers; one learner is met through the doors (tests/town.py).
"""

from datetime import datetime

from sqlalchemy import insert, select

from app.db.courses import Lesson
from app.db.deliveries import Delivery
from app.db.people import Enrollment, Subscriber
from app.domain.delivery import LetterKind, State
from app.domain.enrollment import Standing
from app.mail.recipient import read_address
from tests.town import Town


async def crowd(town: Town, number: int, domain: str) -> list[str]:
    """Learners of the first course with addresses at `domain`; returns these."""
    emails = [f"learner{each}@{domain}" for each in range(number)]
    now, here = town.clock(), town.parts.here
    addresses = [read_address(email) for email in emails]
    async with town.parts.database.writing() as session:
        lesson = (await session.scalars(select(Lesson).order_by(Lesson.position))).first()
        assert lesson is not None
        people = [
            {
                "email": str(each),
                "key": each.key,
                "fingerprint": here.fingerprint(each),
                "first_name": "",
                "created_at": now,
            }
            for each in addresses
        ]
        made = insert(Subscriber).returning(Subscriber.id)
        ids = (await session.scalars(made, people)).all()
        enrolled = [
            {
                "course_id": lesson.course_id,
                "subscriber_id": each,
                "standing": Standing.ACTIVE,
                "zone": "Europe/Paris",
                "door": f"{domain}{each}",
                "created_at": now,
                "confirmed_at": now,
            }
            for each in ids
        ]
        places = (
            await session.scalars(insert(Enrollment).returning(Enrollment.id), enrolled)
        ).all()
        await session.execute(
            insert(Delivery), [due_lesson(each, lesson.id, now) for each in places]
        )
    return emails


def due_lesson(enrollment_id: int, lesson_id: int, now: datetime) -> dict[str, object]:
    """The row of a first lesson that is due."""
    return {
        "enrollment_id": enrollment_id,
        "kind": LetterKind.LESSON,
        "intent": f"lesson:{lesson_id}",
        "priority": 2,
        "state": State.PLANNED,
        "lesson_id": lesson_id,
        "planned_for": now,
        "planned_day": now.date(),
        "due_at": now,
        "ready_at": now,
        "attempts": 0,
        "fence": 0,
        "created_at": now,
    }
