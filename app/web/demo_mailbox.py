"""The demo's mailbox page: every letter that left, as its reader would see it, and a box to reply.

Exists in the demo only. A reply goes out by SMTP like any mail and comes in by the inbound flow.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app.domain.errors import AnswerEmpty, RecordUnknown
from app.mail.catcher import Catcher, CaughtLetter
from app.mail.learner_reply import write_reply
from app.web.rendering import Pages

View = Literal["html", "text", "headers", "source"]
_FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True)
class Box:
    """What the page needs: the caught letters, a way to post a reply, the pages, the hour."""

    catcher: Catcher
    post: Callable[[EmailMessage], Awaitable[None]]
    pages: Pages
    clock: Callable[[], datetime]

    def page(self, request: Request, **context: Any) -> Response:
        """The mailbox page, in the language of the browser."""
        language = self.pages.language_for(request.headers.get("accept-language", ""))
        letters = self.catcher.letters()
        return self.pages.page("mailbox.html", language=language, letters=letters, **context)

    def letter(self, number: int) -> CaughtLetter:
        """The letter with this number. Raises RecordUnknown."""
        try:
            return self.catcher.letter(number)
        except KeyError:
            raise RecordUnknown from None


def router_for(box: Box) -> APIRouter:
    """The doors of the mailbox."""
    router = APIRouter(prefix="/mailbox", include_in_schema=False)

    @router.get("")
    async def inbox(request: Request) -> Response:
        """All letters, the newest first."""
        return box.page(request, letter=None)

    @router.get("/count")
    async def count() -> JSONResponse:
        """How many letters there are, for the page's own eyes."""
        return JSONResponse({"count": len(box.catcher)}, headers={"Cache-Control": "no-store"})

    @router.get("/{number}")
    async def read(
        request: Request, number: int, view: View = "html", replied: bool = False
    ) -> Response:
        """One letter, in one of its forms."""
        return box.page(request, letter=box.letter(number), view=view, replied=replied)

    @router.get("/{number}/body")
    async def body(number: int) -> HTMLResponse:
        """The HTML of a letter for its frame: no script, nothing from outside, links open apart."""
        html = box.letter(number).html.replace("<head>", '<head><base target="_blank">', 1)
        return HTMLResponse(html, headers={"Content-Security-Policy": _FRAME_POLICY})

    @router.post("/{number}/reply")
    async def reply(number: int, words: Annotated[str, Form()] = "") -> Response:
        """Send a reply, as the reader's mail program would."""
        if not words.strip():
            raise AnswerEmpty
        await box.post(write_reply(box.letter(number), words, now=box.clock()))
        return RedirectResponse(f"/mailbox/{number}?replied=true", status_code=303)

    return router
