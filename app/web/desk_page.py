"""What every page of the desk is given: the hour, the author's zone, the language of the
browser, the token for its forms, and the halt of all sending if there is one. Knows no page by
name.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import courses, queues
from app.flows import sending
from app.web import desk_session
from app.web.deps import Now, Parts, Reading
from app.web.desk_session import HEADERS, Seated
from app.web.setting import WebParts

LARGEST = 2**63 - 1
Id = Annotated[int, Path(ge=1, le=LARGEST)]


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk as one browser sees it, with a transaction that only looks."""

    parts: WebParts
    session: AsyncSession
    seat: str
    language: str
    now: datetime

    async def page(self, name: str, **context: Any) -> Response:
        """One page of the desk. Times are shown in the zone of the first course: the author's."""
        return self.parts.pages.page(
            name,
            language=self.language,
            headers=HEADERS,
            form_token=desk_session.form_token(self.seat, self.parts),
            now=self.now,
            zone=await self._zone(),
            halt=await sending.halt(self.session, now=self.now),
            held_queues=await queues.count_held(self.session),
            **context,
        )

    async def _zone(self) -> str:
        found = await courses.all_courses(self.session)
        return found[0].zone if found else "UTC"


def _desk(request: Request, parts: Parts, session: Reading, seat: Seated, now: Now) -> Desk:
    language = parts.pages.language_for(request.headers.get("accept-language", ""))
    return Desk(parts, session, seat, language, now)


AtDesk = Annotated[Desk, Depends(_desk)]


def back_to(*path: str | int, said: str) -> Response:
    """To a page of the desk, after a deed, with the key of a word on what was done."""
    steps = "/".join(quote(str(step), safe="") for step in ("desk", *path) if step != "")
    return RedirectResponse(f"/{steps}?{urlencode({'said': said})}", status_code=303)
