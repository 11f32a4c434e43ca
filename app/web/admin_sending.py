"""The admin API on sending as a whole: whether it is halted, and a person's word to go on."""

from datetime import datetime

from pydantic import BaseModel

from app.domain.restore import Halt
from app.flows import sending
from app.flows.sending import Sending
from app.web.admin_fields import answer_like
from app.web.admin_route import Acting, admin_router
from app.web.deps import Now, Reading

router = admin_router("sending")


class SendingOut(BaseModel):
    """Whether letters leave. `halted_at` null: they do. `check` says what to look at before they
    may again; `due` letters wait, the first since `oldest_due_at`.
    """

    model_config = answer_like(
        halted_at="2026-11-24T09:00:00Z",
        halted_because="went_back",
        check="the database is older than this host remembers",
        due=12,
        oldest_due_at="2026-11-23T07:30:00Z",
    )

    halted_at: datetime | None
    halted_because: Halt | None
    check: str | None
    due: int
    oldest_due_at: datetime | None


@router.get("/sending", response_model=SendingOut)
async def read_sending(session: Reading, now: Now) -> Sending:
    """Whether letters leave, and what waits.

    Sending halts by itself when the database was restored or copied, or when the clock jumped.
    """
    return await sending.sending(session, now=now)


@router.post("/sending/resume", response_model=SendingOut)
async def resume_sending(session: Acting, now: Now) -> Sending:
    """Let letters leave again, from this database as it is.

    A conflict when nothing is halted. Make sure first that what is due did not leave already.
    """
    await sending.resume(session, now=now)
    return await sending.sending(session, now=now)
