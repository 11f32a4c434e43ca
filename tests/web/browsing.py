"""Pages as a browser without JavaScript sees them: forms that are filled in and sent, and the
author who sits at the desk. Used by tests.
"""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx2

from app.db.base import Base
from app.wiring import Parts
from tests.conftest import ADMIN


@dataclass
class Form:
    """A form with what it would send as it stands."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        about = dict(attrs)
        if tag == "form":
            self.found.append(Form(about.get("action") or "", about.get("method") or "get"))
        elif tag in ("input", "textarea") and "name" in about:
            self.found[-1].fields[about["name"]] = about.get("value") or ""
        elif tag == "select":
            self._select = about["name"]
        elif tag == "option" and ("selected" in about or self._select not in self._fields()):
            self._fields()[self._select] = about["value"]

    def _fields(self) -> dict[str, str]:
        return self.found[-1].fields


def forms(html: str) -> list[Form]:
    """The forms of a page, in order."""
    parser = _Forms()
    parser.feed(html)
    return parser.found


def text_of(html: str) -> str:
    """What a reader sees: without tags, with single blanks for blanks of all kinds."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def everything(parts: Parts) -> dict[str, list[Any]]:
    """Every row of every table, to show that nothing changed."""
    async with parts.database.reading() as session:
        return {
            table.name: [tuple(row) for row in await session.execute(table.select())]
            for table in Base.metadata.sorted_tables
        }


@dataclass
class Author:
    """Somebody with a browser and the admin token."""

    client: httpx2.AsyncClient

    async def enters(self, token: str = ADMIN) -> httpx2.Response:
        return await self.client.post("/desk/enter", data={"token": token})

    async def reads(self, path: str) -> str:
        page = await self.client.get(path)
        assert page.status_code == 200, (path, page.status_code)
        return page.text

    async def sends(self, path: str, action: str, **typed: str) -> httpx2.Response:
        """Fill in the form of a page that leads to `action`, and press its button."""
        form = next(each for each in forms(await self.reads(path)) if each.action == action)
        assert form.method == "post"
        return await self.client.post(action, data=form.fields | typed)


async def at_the_desk(client: httpx2.AsyncClient) -> Author:
    """The author, who has sat down."""
    author = Author(client)
    assert (await author.enters()).status_code == 303
    return author
