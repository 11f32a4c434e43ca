"""One worker per SQLite database: a lock on a file beside it, which the system frees when the
process ends. On PostgreSQL any number of workers may share the rows; nothing is locked.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from app.db.session import Database
from app.domain.errors import WorkerAlreadyThere


@contextmanager
def only_worker(database: Database) -> Iterator[None]:
    """Hold the worker's place for as long as the block runs. Raises WorkerAlreadyThere."""
    path = database.url.database
    if not database.is_sqlite or not path or path == ":memory:":
        yield
        return
    with open(f"{path}.worker", "w") as place:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise WorkerAlreadyThere from fault
        yield
