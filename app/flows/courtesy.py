"""Visitors go first: where pages and sending share one process, sending slows down while somebody
is being served. Knows no request and no letter.
"""

import time

_LINGER = 0.3


class Courtesy:
    """Counts who is inside. After the last one left, sending stays slow for a moment: visitors
    seldom come alone.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._last = -_LINGER

    def enter(self) -> None:
        """Somebody is being served."""
        self._inside += 1

    def leave(self) -> None:
        """Somebody has been served."""
        self._inside -= 1
        self._last = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether sending should go slowly now."""
        return self._inside > 0 or time.monotonic() - self._last < _LINGER
