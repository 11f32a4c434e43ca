"""Writes and signs the letters of claims, a few ahead of the connections that will carry them.

Marks nothing: a letter that was written and is not carried after all is given back untouched.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from app.db.outbox import Claim
from app.db.pen import Due
from app.domain.errors import BytesChanged, FeuilletonError, LessonWithdrawn, RenderFailed
from app.flows.claims import Claims, Item
from app.flows.letterbook import Letterbook, Sketch, Written
from app.flows.office import PostOffice
from app.flows.setback import set_back

# Letters written in one go before connections are served again, and the threads that sign (the
# lock of the interpreter is free while RSA is computed).
_AT_ONCE, _SIGNERS = 8, 2
_Begun = tuple[Sketch, Letterbook, str]


class Scribe:
    """`written` are letters that are ready, each with the name of its queue. `changed` is set when
    there are more of them, or when there will be no more (`is_done`).
    """

    def __init__(self, office: PostOffice, claims: Claims, changed: asyncio.Event) -> None:
        self._office, self._claims, self._changed = office, claims, changed
        self._ahead = 2 * office.connections
        self._at_once = min(_AT_ONCE, self._ahead)
        self._room = asyncio.Event()
        self._batches = asyncio.Semaphore(2 * _SIGNERS)
        self._signing = set[asyncio.Task[None]]()
        self._fault: Exception | None = None
        self.written: deque[tuple[Written, str]] = deque()
        self.is_done = False

    async def run(self) -> None:
        """Write until no claim is left, or the office must stop."""
        pool = ThreadPoolExecutor(_SIGNERS) if self._office.signer else None
        try:
            while first := await self._claims.next():
                at_once = 1 if self._office.courtesy.is_due else self._at_once
                batch = [first, *self._claims.more(at_once - 1)]
                if pool:
                    await self._batches.acquire()
                    task = asyncio.create_task(self._write_aside(batch, pool))
                    self._signing.add(task)
                    task.add_done_callback(self._signing.discard)
                else:
                    await self._write(batch, None)
                await self._until_needed()
                if self._fault:
                    raise self._fault
            await asyncio.gather(*self._signing)
            if self._fault:
                raise self._fault
        finally:
            for task in self._signing:
                task.cancel()
            if pool:
                pool.shutdown(wait=False)
            self.is_done = True
            self._changed.set()

    def wake(self) -> None:
        """Have `run` look whether it must stop."""
        self._room.set()

    def take(self) -> tuple[Written, str]:
        """The next letter that is ready. Raises IndexError when there is none."""
        self._room.set()
        return self.written.popleft()

    @property
    def _is_ahead(self) -> bool:
        return len(self.written) + self._at_once * len(self._signing) > self._ahead

    async def _until_needed(self) -> None:
        # Connections are served between two batches.
        await asyncio.sleep(0)
        while not self._office.must_stop and self._is_ahead:
            self._room.clear()
            await self._room.wait()

    async def _write_aside(self, batch: Sequence[Item], pool: ThreadPoolExecutor) -> None:
        try:
            await self._write(batch, pool)
        except Exception as fault:  # noqa: BLE001 (raised by run)
            self._fault = fault
        finally:
            self._batches.release()
            self._room.set()

    async def _write(self, batch: Sequence[Item], pool: ThreadPoolExecutor | None) -> None:
        now, sketches = self._office.clock(), list[_Begun]()
        for row, book, queue in batch:
            try:
                sketch = book.sketch(row, now=now) or await book.write(row, now=now)
                sketches.append((sketch, book, queue))
            except (RenderFailed, LessonWithdrawn) as fault:
                await self._set_back(row, queue, fault)
        if pool:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(pool, self._sign, [each for each, _, _ in sketches], now)
        for sketch, book, queue in sketches:
            try:
                self.written.append((book.finished(sketch, now=now), queue))
            except BytesChanged as fault:
                await self._set_back(sketch.row, queue, fault)
        self._changed.set()

    def _sign(self, sketches: Sequence[Sketch], now: datetime) -> None:
        """Runs in a thread. The time in a signature is that in the letter's Date, so that a letter
        which is written again has the same bytes.
        """
        signer = self._office.signer
        for sketch in sketches:
            if signer and not sketch.is_final:
                sketch.wire = signer.sign(sketch.wire, sketch.row.written_at or now)

    async def _set_back(self, row: Due, queue: str, fault: FeuilletonError) -> None:
        """A letter that cannot be written spoils only itself."""
        await set_back(self._office, Claim(row.id, row.fence), fault)
        self._office.in_hand.pop(row.id, None)
        self._office.traffic.lands(queue, accepted=False)
        self._claims.landed(queue)
