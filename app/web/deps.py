"""What doors ask for: the parts of the installation, a transaction, the hour, the words of a page.

A writing transaction is committed before the answer leaves (scope "function"): who reads "done" can
rely on it. Decides nothing.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.flows.installation import Installation
from app.web.setting import WebParts


def _parts(request: Request) -> WebParts:
    parts: WebParts = request.app.state.parts
    return parts


Parts = Annotated[WebParts, Depends(_parts)]


async def _writing(parts: Parts) -> AsyncIterator[AsyncSession]:
    async with parts.database.writing() as session:
        yield session


async def _reading(parts: Parts) -> AsyncIterator[AsyncSession]:
    async with parts.database.reading() as session:
        yield session


Writing = Annotated[AsyncSession, Depends(_writing, scope="function")]
Reading = Annotated[AsyncSession, Depends(_reading, scope="function")]


def _now(parts: Parts) -> datetime:
    return parts.clock()


def _here(parts: Parts) -> Installation:
    return parts.here


Now = Annotated[datetime, Depends(_now)]
Here = Annotated[Installation, Depends(_here)]
