"""The named moments of a letter's way at which a test may end the process, as if the power had
gone.

A running installation has none of this: without FEUILLETON_DIE_AT nothing is called.
"""

import os
import signal
from collections.abc import Callable

from app.domain.errors import SettingMissing

POINTS = (
    "after_claim",
    "before_mark",
    "after_mark",
    "before_envelope",
    "before_content",
    "after_content",
    "before_outcome",
    "after_outcome",
    "before_release",
)


def deadly(stated: str) -> Callable[[str], None] | None:
    """What ends the process at the n-th pass of a point, from `point:n`; None for no words.

    Raises SettingMissing for a point that does not exist.
    """
    if not stated:
        return None
    name, _, times = stated.partition(":")
    if name not in POINTS or not (times or "1").isdigit():
        raise SettingMissing(f"FEUILLETON_DIE_AT reads POINT:N, with one of {', '.join(POINTS)}")
    left = int(times or "1")

    def pass_by(point: str) -> None:
        nonlocal left
        left -= point == name
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return pass_by
