"""Tells the rest of the process that somebody is being served. Changes nothing about a request."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.flows.courtesy import Courtesy


class Visits:
    """The outermost layer of the web application."""

    def __init__(self, app: ASGIApp, courtesy: Courtesy) -> None:
        self._app, self._courtesy = app, courtesy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._courtesy.enter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._courtesy.leave()
