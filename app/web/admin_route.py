"""What every route of the admin API does before and after its door: the bearer first, then one
transaction around the whole request, committed before the answer leaves.

Knows no resource. A door below /api/v1 is made with `admin_router` and asks for `Acting`.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.errors import ContentTypeUnsupported
from app.web.bearer import SCHEME, authenticate
from app.web.idempotency import once
from app.web.setting import WebParts

PREFIX = "/api/v1"
Door = Callable[[Request], Awaitable[Response]]


class AdminRoute(APIRoute):
    """A route that opens to bearers only. They are asked for before the body is read: a stranger
    cannot make us parse megabytes, and learns nothing about what a route would take.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        door = super().get_route_handler()
        asked = {
            param.alias
            for param in get_flat_params(self.dependant)
            if isinstance(param.field_info, Query)
        }

        async def guarded(request: Request) -> Response:
            parts: WebParts = request.app.state.parts
            bearer = await authenticate(request, parts)
            _refuse_unknown(request, asked)
            if request.method == "GET":
                return await door(request)
            if self.body_field is not None and not _is_json(request):
                raise ContentTypeUnsupported("send application/json")
            return await _act(request, parts, bearer, door)

        return guarded


def admin_router(tag: str) -> APIRouter:
    """A router for one group of resources; operations are named after their functions."""
    return APIRouter(
        prefix=PREFIX,
        tags=[tag],
        route_class=AdminRoute,
        dependencies=[Security(SCHEME)],
        generate_unique_id_function=lambda route: route.name,
    )


def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


Acting = Annotated[AsyncSession, Depends(_session)]
"""The transaction of a request that changes something; `Reading` is for those that do not."""


async def _act(request: Request, parts: WebParts, bearer: str, door: Door) -> Response:
    await request.body()
    async with parts.database.writing() as session:
        request.state.session = session
        if request.method == "POST":
            return await once(session, request, bearer, door, now=parts.clock())
        return await door(request)


def _is_json(request: Request) -> bool:
    sent_as = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    return sent_as == "application/json"


def _refuse_unknown(request: Request, asked: set[str]) -> None:
    """A misspelt filter must not look like a filter that everything passes."""
    unknown = [name for name in request.query_params if name not in asked]
    if unknown:
        said = "this address knows no such parameter"
        raise RequestValidationError([{"loc": ("query", name), "msg": said} for name in unknown])
