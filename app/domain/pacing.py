"""The operator's own figures for the pace of a provider, as they stand in a setting.

Reads words; which figures hold without them is said by provider.
"""

import re
from collections.abc import Mapping

from app.domain.errors import SettingMissing
from app.domain.provider import Pace

_SHAPE = re.compile(r"([a-z0-9.-]+)=(\d+)x(\d+)", re.ASCII)


def read_paces(text: str) -> Mapping[str, Pace]:
    """The paces of `gmail=5x50,orange=2x100,example.org=1x10,other=2x20`: for each queue (provider
    or domain) how many connections at a time, and how many letters on each of them.

    Raises SettingMissing, naming the part that cannot be read.
    """
    paces = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _SHAPE.fullmatch(part.lower())
        if not found or not int(found[2]) or not int(found[3]):
            raise SettingMissing(
                f"FEUILLETON_PACES reads NAME=CONNECTIONSxLETTERS, as in gmail=5x50; not {part!r}"
            )
        paces[found[1]] = Pace(int(found[2]), int(found[3]))
    return paces
