"""For those who watch over the machine: alive, ready, and the figures. Tells no names."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.db import queues
from app.db.register import standing_counts
from app.flows import queuebook, sending
from app.web.deps import Now, Parts, Reading
from app.web.metrics import Gauges

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(parts: Parts) -> JSONResponse:
    """The database answers too; 503 while it does not.

    Halted sending is no reason: people can sign up, leave and write all the same.
    """
    try:
        async with parts.database.reading() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as fault:
        body = {"ready": False, "database": type(fault).__name__}
        return JSONResponse(body, status_code=503)
    return JSONResponse({"ready": True})


@router.get("/metrics")
async def metrics(
    session: Reading, now: Now, gauges: Annotated[Gauges, Depends(Gauges)]
) -> PlainTextResponse:
    """Prometheus text: deliveries by state, whether sending is halted, what providers said."""
    halted = await sending.halt(session, now=now) is not None
    gauges.show(await standing_counts(session), halted=halted)
    gauges.show_providers(
        await queuebook.by_provider(session, now=now), held=await queues.count_held(session)
    )
    return PlainTextResponse(generate_latest(gauges.registry), media_type=CONTENT_TYPE_LATEST)
