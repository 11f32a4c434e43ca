"""The kinds of field that bodies and queries of the admin API are made of, and how a body shows
its example. Knows no resource.
"""

import unicodedata
from datetime import time
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
    WithJsonSchema,
)

from app.web.paging import LARGEST_ID

TEXT_LONGEST, LINE_LONGEST = 100_000, 300
_HOUR = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def body_like(**example: Any) -> ConfigDict:
    """What is sent: unknown fields are refused, for they may be misspelt."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


def answer_like(**example: Any) -> ConfigDict:
    """What is answered, read from a row."""
    return ConfigDict(from_attributes=True, json_schema_extra={"examples": [example]})


def absent() -> Any:
    """The default of a field that a PATCH may leave out; null is no value for it."""
    return None


def given(patch: BaseModel) -> dict[str, Any]:
    """The fields that a PATCH names, and no others."""
    return patch.model_dump(exclude_unset=True)


def _printable(text: str) -> str:
    if any(unicodedata.category(sign) == "Cc" and sign not in "\n\r\t" for sign in text):
        raise ValueError("control characters cannot be kept")
    return text


def _one_line(text: str) -> str:
    if len(text.splitlines()) != 1 or not text.strip():
        raise ValueError("this is one line with something in it")
    return text


def _hour(value: object) -> object:
    return time.fromisoformat(value) if isinstance(value, str) else value


Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
IdWanted = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]
QueueName = Annotated[str, Path(pattern=r"^(\*|[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?)$")]
IdNamed = Annotated[int, Strict(), Field(ge=1, le=LARGEST_ID)]
Text = Annotated[str, Field(max_length=TEXT_LONGEST), AfterValidator(_printable)]
Line = Annotated[
    str, Field(max_length=LINE_LONGEST), AfterValidator(_printable), AfterValidator(_one_line)
]
Name = Annotated[str, Field(max_length=LINE_LONGEST), AfterValidator(_printable)]
Hour = Annotated[
    time,
    BeforeValidator(_hour),
    PlainSerializer(lambda at: at.isoformat("minutes"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": _HOUR}),
]
HourNamed = Annotated[str, Field(pattern=_HOUR)]
EmailWanted = Annotated[str | None, Query(max_length=LINE_LONGEST)]
SlugWanted = Annotated[str | None, Query(pattern=r"^[a-z0-9-]{1,100}$")]
