"""The admin API as one router, in the order in which its description shows the resources."""

from fastapi import APIRouter

from app.web import (
    admin_conversations,
    admin_courses,
    admin_deliveries,
    admin_enrollments,
    admin_incoming,
    admin_ledger,
    admin_lessons,
    admin_people,
    admin_queues,
    admin_sending,
    admin_suppressions,
    admin_tokens,
)

router = APIRouter()
for _door in (
    admin_courses,
    admin_lessons,
    admin_people,
    admin_enrollments,
    admin_ledger,
    admin_deliveries,
    admin_conversations,
    admin_incoming,
    admin_suppressions,
    admin_queues,
    admin_sending,
    admin_tokens,
):
    router.include_router(_door.router)
