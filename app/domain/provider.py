"""Whose mailbox is it, and how fast does that provider take letters?

A provider is known by its mail exchangers, where they are known, else by the domains it gives its
users. Resolves no name and counts no connection: the figures are arguments.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

OTHER = "other"
#: The queue of all letters. What is said before RCPT speaks of no provider, only of us: to slow or
#: hold this queue is to slow or hold everything.
EVERY = "*"
#: How the reason of each letter begins that waits because its queue is held.
HELD_WITH = "queue held: "
SLOW_FOR = timedelta(minutes=90)

_BY_DOMAIN = {
    domain: provider
    for provider, domains in {
        "gmail": "gmail.com googlemail.com",
        "microsoft": "msn.com passport.com windowslive.com",
        "yahoo": "ymail.com rocketmail.com aim.com myyahoo.com",
        "apple": "icloud.com me.com mac.com",
        "orange": "orange.fr wanadoo.fr voila.fr orange.com",
        "laposte": "laposte.net",
        "sfr": "sfr.fr neuf.fr cegetel.net club-internet.fr numericable.fr numericable.com noos.fr",
        "free": "free.fr freesbee.fr aliceadsl.fr libertysurf.fr",
        "bouygues": "bbox.fr",
        "gmx": "gmx.fr gmx.com gmx.net gmx.de web.de mail.com",
        "proton": "proton.me protonmail.com protonmail.ch pm.me",
    }.items()
    for domain in domains.split()
}
# Brands that go by many country endings: hotmail.fr, yahoo.co.uk.
_BRANDS = {
    "outlook": "microsoft", "hotmail": "microsoft", "live": "microsoft",
    "yahoo": "yahoo", "aol": "yahoo",
}  # fmt: skip
_COUNTRY = re.compile(r"(?:com|[a-z]{2}|com?\.[a-z]{2})")
_BY_EXCHANGER = {
    "google.com": "gmail", "googlemail.com": "gmail", "outlook.com": "microsoft",
    "hotmail.com": "microsoft", "mx.microsoft": "microsoft", "yahoodns.net": "yahoo",
    "icloud.com": "apple", "orange.fr": "orange", "wanadoo.fr": "orange",
    "orange-business.com": "orange", "laposte.net": "laposte", "sfr.fr": "sfr", "free.fr": "free",
    "proxad.net": "free", "bbox.fr": "bouygues", "bouyguestelecom.fr": "bouygues",
    "gmx.net": "gmx", "web.de": "gmx", "protonmail.ch": "proton", "ovh.net": "ovh",
    "gandi.net": "gandi", "infomaniak.ch": "infomaniak", "ionos.fr": "ionos", "ionos.com": "ionos",
    "kundenserver.de": "ionos", "zoho.com": "zoho", "zoho.eu": "zoho",
}  # fmt: skip


def provider_of(domain: str, mx: str | None = None) -> str:
    """The provider of an address at `domain` (A-labels, any case), or OTHER.

    `mx` is the host name of its best exchanger; it wins, since a company's own domain may well be
    kept at Google.
    """
    labels = (mx or "").lower().rstrip(".").split(".")
    for start in range(len(labels) - 1):
        kept_at = _BY_EXCHANGER.get(".".join(labels[start:]))
        if kept_at:
            return kept_at
    if mx:
        return OTHER
    name = domain.lower().rstrip(".")
    brand, _, ending = name.partition(".")
    if brand in _BRANDS and _COUNTRY.fullmatch(ending):
        return _BRANDS[brand]
    return _BY_DOMAIN.get(name, OTHER)


def queue_of(domain: str, mx: str | None = None) -> str:
    """The queue that is slowed, held or broken alone (RFC 5321 §4.5.4.1): the provider's, or the
    domain's own where the provider is unknown. Small domains have nothing to do with each other.
    """
    provider = provider_of(domain, mx)
    return provider if provider != OTHER else domain.lower().rstrip(".")


def queue_for(email: str) -> str:
    """The queue of an address (`local@domain`, the domain in A-labels)."""
    return queue_of(email.rpartition("@")[2])


def held_with(queue: str) -> str:
    """The reason of a letter that waits because this queue is held. Letting the queue go lets go
    all letters with this very reason, and no others.
    """
    return HELD_WITH + queue


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a provider takes letters: connections at a time, letters on each of them, and the
    pause between two letters while it asks for patience.
    """

    connections: int
    messages: int
    interval: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        if self.connections < 1 or self.messages < 1 or self.interval < timedelta(0):
            raise ValueError("a pace needs at least one connection and one letter on it")


# Figures for one sending IP (S-01); the postmaster pages of Orange and Yahoo name theirs.
DEFAULTS: Mapping[str, Pace] = {
    "gmail": Pace(5, 50),
    "microsoft": Pace(5, 50),
    "yahoo": Pace(2, 20),
    "apple": Pace(2, 5),
    "orange": Pace(2, 100),
    OTHER: Pace(2, 20),
}


def pace_of(queue: str, adjusted: Mapping[str, Pace] | None = None) -> Pace:
    """The pace of a queue (a provider or a domain): the operator's word, else the default."""
    own = adjusted or {}
    return own.get(queue) or DEFAULTS.get(queue) or own.get(OTHER) or DEFAULTS[OTHER]


def slowed_from(now: datetime) -> datetime:
    """Until when a queue goes slowly after a sign of haste at `now`; a new sign begins anew."""
    return now + SLOW_FOR


def has_room(pace: Pace, under_way: int, *, slowed: bool) -> bool:
    """Whether one more letter may be on the way to a provider that has `under_way` already; while
    it is slowed, one at a time.
    """
    return under_way < (1 if slowed else pace.connections)


def turn(
    pace: Pace, now: datetime, *, last: datetime | None, ahead: int, slowed_until: datetime
) -> datetime:
    """When the next letter for a slowed queue leaves: `now`, or later.

    One per `pace.interval` after the `last` one, behind `ahead` others that wait already, and no
    later than the slowness lasts.
    """
    next_one = now if last is None else max(now, last + pace.interval)
    return min(next_one + pace.interval * ahead, max(now, slowed_until))


def is_spent(pace: Pace, handed_over: int) -> bool:
    """True when a connection has carried as many letters as the provider likes on one."""
    return handed_over >= pace.messages
