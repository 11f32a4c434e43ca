"""What sending needs, in one place: the parts, the figures, and what this process has in hand.

Does nothing itself: dispatch sends, the worker says when.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.db.outbox import Claim
from app.db.session import Database
from app.domain.ceiling import Ceilings
from app.domain.delivery import Reply
from app.domain.restore import Life
from app.flows.courtesy import Courtesy
from app.flows.edition import Press
from app.flows.installation import Installation
from app.flows.traffic import Traffic
from app.mail.next_hop import Relay
from app.mail.sign import Signer
from app.mail.templates import Templates
from app.mail.transport import Patience


def _unpaced() -> Traffic:
    return Traffic({}, Ceilings())


@dataclass(slots=True)
class PostOffice:
    """`in_hand` are the claims that this process holds at the moment; `stopping` makes it finish
    what is being handed over and give the rest back; so does `halted`, the reason why nothing may
    leave before a person says so. `life` is the database as the guard last saw it. `bell` rings
    when a row becomes ready. `deadly` is told the names of moments (see points), in tests.
    """

    database: Database
    templates: Templates
    relay: Relay
    here: Installation
    clock: Callable[[], datetime]
    press: Press
    connections: int = 4
    signer: Signer | None = None
    traffic: Traffic = field(default_factory=_unpaced)
    patience: Patience = field(default_factory=Patience)
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    courtesy: Courtesy = field(default_factory=Courtesy)
    clock_is_off: Callable[[], bool] = lambda: False
    deadly: Callable[[str], None] | None = None
    in_hand: dict[int, Claim] = field(default_factory=dict)
    stopping: bool = False
    halted: str | None = None
    life: Life | None = None
    relay_fault: Reply | None = None

    @property
    def must_stop(self) -> bool:
        """Whether no further letter may be begun."""
        return bool(self.stopping or self.halted or self.relay_fault)

    def point(self, name: str) -> None:
        """Pass a named moment."""
        if self.deadly:
            self.deadly(name)
