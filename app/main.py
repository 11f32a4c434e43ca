"""Builds the web application: its doors and what stands before them. Starts no server."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from app.web import (
    admin_api,
    admin_openapi,
    desk_conversations,
    desk_courses,
    desk_deliveries,
    desk_enter,
    desk_incoming,
    desk_learners,
    desk_ledger,
    desk_queues,
    desk_sending,
    health,
    learner,
    problems,
    public,
)
from app.web.guards import BodyGuard, HeaderGuard
from app.web.rendering import Pages
from app.web.setting import WebParts
from app.web.visits import Visits
from app.wiring import Parts

_STATIC = Path(__file__).parent / "web" / "static"
_DESK = (
    desk_enter,
    desk_conversations,
    desk_deliveries,
    desk_learners,
    desk_ledger,
    desk_courses,
    desk_incoming,
    desk_queues,
    desk_sending,
)
_ABOUT = "The admin API of Feuilleton. Errors are problem documents (RFC 9457)."


def web_parts(parts: Parts) -> WebParts:
    """What the doors are given."""
    return WebParts(
        database=parts.database,
        templates=parts.templates,
        here=parts.here,
        pages=Pages(parts.tongues, speed=parts.here.speed),
        admin_token=parts.admin_token,
        privacy_url=parts.privacy_url,
        clock=parts.clock,
    )


def create_app(parts: Parts) -> FastAPI:
    """The application over these parts."""
    app = FastAPI(
        title="Feuilleton",
        version="1",
        description=_ABOUT,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.parts = web_parts(parts)
    app.add_middleware(BodyGuard)
    app.add_middleware(HeaderGuard, secure=app.state.parts.secure)
    app.add_middleware(Visits, courtesy=parts.office.courtesy)
    problems.install(app, app.state.parts.pages)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    for door in (public, learner, *_DESK, health, admin_api):
        app.include_router(door.router)
    admin_openapi.install(app)
    return app
