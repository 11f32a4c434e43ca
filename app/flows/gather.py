"""Group commit: what several tasks want to write at about the same time is written together.

While one group is being committed the next one gathers; nobody waits for a clock. Knows no row.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class GroupCommit(Generic[T, R]):
    """Gathers wishes and commits them in groups of up to `limit`.

    `commit` gets the wishes of a group and returns their outcomes in the same order; when it
    raises, the wishes are committed one by one, and who still fails gets the error.
    """

    def __init__(
        self, commit: Callable[[Sequence[T]], Awaitable[Sequence[R]]], *, limit: int = 256
    ) -> None:
        self._commit, self._limit = commit, limit
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, wish: T) -> R:
        """Write `wish` with the next group; returns its outcome when that is committed."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[R] = loop.create_future()
        self._waiting.append((wish, outcome))
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._write())
        return await outcome

    async def _write(self) -> None:
        while self._waiting:
            # Whoever is ready to run joins this group.
            await asyncio.sleep(0)
            group, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            await self._settle(group)

    async def _settle(self, group: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        """Commit a group; when it cannot be, each by itself: one wish spoils only itself."""
        try:
            outcomes = await self._commit([wish for wish, _ in group])
        except Exception as fault:  # noqa: BLE001 (handed to who waits)
            if len(group) == 1:
                self._tell(group, fault)
                return
            for each in group:
                await self._settle([each])
            return
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)

    @staticmethod
    def _tell(group: Sequence[tuple[T, asyncio.Future[R]]], fault: Exception) -> None:
        for _, future in group:
            if not future.done():
                future.set_exception(fault)
