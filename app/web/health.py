"""For those who watch over the machine: alive, ready, and the figures. Tells no names."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.db.register import standing_counts
from app.web.deps import Parts, Reading
from app.web.metrics import Gauges

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(parts: Parts) -> JSONResponse:
    """The database answers too; 503 while it does not."""
    try:
        async with parts.database.reading() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as fault:
        body = {"ready": False, "database": type(fault).__name__}
        return JSONResponse(body, status_code=503)
    return JSONResponse({"ready": True})


@router.get("/metrics")
async def metrics(
    session: Reading, gauges: Annotated[Gauges, Depends(Gauges)]
) -> PlainTextResponse:
    """Prometheus text: deliveries by state."""
    gauges.show(await standing_counts(session))
    return PlainTextResponse(generate_latest(gauges.registry), media_type=CONTENT_TYPE_LATEST)
