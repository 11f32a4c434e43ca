"""The desk's view of mailbox providers: which queue is held or slowed and why, and a person's word
on it. Decides nothing (flows/fuse does).
"""

from fastapi import APIRouter
from fastapi.responses import Response

from app.flows import fuse, queuebook
from app.web.admin_fields import QueueName
from app.web.deps import Here, Now, Writing
from app.web.desk_page import AtDesk, back_to
from app.web.desk_session import OwnForm

router = APIRouter(prefix="/desk/queues", include_in_schema=False)


@router.get("")
async def overview(desk: AtDesk, said: str = "") -> Response:
    """The queues out of the ordinary, and what servers said in the last day."""
    found = await queuebook.at_a_glance(desk.session, now=desk.now)
    return await desk.page(
        "desk_queues.html",
        said=said,
        stopped=[each for each in found if each.held_at or each.slowed_until],
        busy=[each for each in found if each.last_day.asked],
    )


@router.post("/{name}/release", dependencies=[OwnForm])
async def release(name: QueueName, session: Writing, now: Now, here: Here) -> Response:
    """Let it go on."""
    await fuse.release(session, name, now=now, here=here)
    return back_to("queues", said="queue_released")


@router.post("/{name}/mailboxes-gone", dependencies=[OwnForm])
async def mailboxes_gone(name: QueueName, session: Writing, now: Now, here: Here) -> Response:
    """The provider was right."""
    await fuse.mailboxes_are_gone(session, name, now=now, here=here)
    return back_to("queues", said="mailboxes_gone")


@router.post("/{name}/provider-wrong", dependencies=[OwnForm])
async def provider_wrong(name: QueueName, session: Writing, now: Now, here: Here) -> Response:
    """It was not."""
    await fuse.provider_was_wrong(session, name, now=now, here=here)
    return back_to("queues", said="provider_wrong")
