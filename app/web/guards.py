"""What every request and answer goes through: a limit on bodies, and the headers that keep
pages to themselves. Knows no route by name but the prefixes with other rules.
"""

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.errors import BodyTooLarge
from app.web.problems import problem

_PUBLIC_LIMIT, _ADMIN_LIMIT = 64_000, 10_500_000
_LARGE = ("/api/", "/inbound/")
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_ALWAYS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}
_BY_TOKEN = ("/confirm/", "/u/", "/preferences/", "/desk")


class HeaderGuard:
    """Adds the security headers that an answer does not set itself.

    Pages behind a token or a session are kept out of caches and search engines."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app, self._secure = app, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                if self._secure:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
                if scope["path"].startswith(_BY_TOKEN):
                    headers.setdefault("cache-control", "no-store")
                    headers.setdefault("x-robots-tag", "noindex")
            await send(message)

        await self._app(scope, receive, answer)


class BodyGuard:
    """Refuses a body that is larger than its door takes, before anything reads it into memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _ADMIN_LIMIT if scope["path"].startswith(_LARGE) else _PUBLIC_LIMIT
        seen = 0

        async def measured() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise BodyTooLarge
            return message

        if _announced(scope) > limit:
            refusal: Response = problem(413, BodyTooLarge.code, str(BodyTooLarge()))
            await refusal(scope, receive, send)
            return
        await self._app(scope, measured, send)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
