"""Pages of a list: `cursor`, `limit` and `order` in, `items` and `next_cursor` out.

A cursor names its list, the direction and the last row that was seen; it is opaque, not secret. Who
keeps the last cursor meets later what was added since. Knows no table (app/db/listing.py does).
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict

from app.db.listing import Span
from app.domain.errors import CursorMalformed

LARGEST_ID = 2**63 - 1
Out = TypeVar("Out", bound=BaseModel)


def _example(schema: dict[str, Any], page: type[BaseModel]) -> None:
    """One item and the cursor behind it, as the example of a page."""
    item = page.model_fields["items"].annotation.__args__[0]  # type: ignore[union-attr]
    extra = getattr(item, "model_config", {}).get("json_schema_extra")
    if isinstance(extra, dict):
        schema["examples"] = [
            {"items": extra["examples"], "next_cursor": "bGVzc29uczpvbGRlc3Q6NTA"}
        ]


class Page(BaseModel, Generic[Out]):
    """`next_cursor` is null on the last page."""

    model_config = ConfigDict(json_schema_extra=_example)

    items: list[Out]
    next_cursor: str | None


class Numbered(Protocol):
    """A row with an id."""

    @property
    def id(self) -> Any: ...


class Paging:
    """What a request says about the page it wants. Raises CursorMalformed."""

    def __init__(
        self,
        request: Request,
        cursor: Annotated[
            str | None, Query(max_length=200, description="`next_cursor` of the page before.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=200, description="Rows per page.")] = 50,
        order: Annotated[
            Literal["oldest", "newest"], Query(description="Which rows come first.")
        ] = "oldest",
    ) -> None:
        self._place = f"{request.url.path.rpartition('/')[2]}:{order}:"
        self._limit = limit
        after = None if cursor is None else self._read(cursor)
        # One row more than the page holds tells whether another page follows.
        self.span = Span(after, limit + 1, newest_first=order == "newest")

    def page(self, rows: Sequence[Numbered], items: Sequence[Any] | None = None) -> dict[str, Any]:
        """The answer; `items` stand for `rows` where the answer is made of more than the row."""
        shown = list(rows if items is None else items)[: self._limit]
        more = len(rows) > self._limit
        cursor = self._write(rows[self._limit - 1].id) if more else None
        return {"items": shown, "next_cursor": cursor}

    def _write(self, last: int) -> str:
        return base64.urlsafe_b64encode(f"{self._place}{last}".encode()).decode().rstrip("=")

    def _read(self, cursor: str) -> int:
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        except (binascii.Error, ValueError) as fault:
            raise CursorMalformed from fault
        last = text.removeprefix(self._place)
        if last == text or not last.isdecimal() or int(last) > LARGEST_ID:
            raise CursorMalformed
        return int(last)


Paged = Annotated[Paging, Depends(Paging)]
