"""Is this database the one that this host worked on last, or a copy, or an older state of it?

Compares what the row and the file outside the database say; reads neither. A virtual machine that
is cloned or set back as a whole, with everything in it, cannot be told from within: give the clone
a new machine-id and no network before its worker starts.
"""

from dataclasses import dataclass
from enum import StrEnum


class Halt(StrEnum):
    """Why all sending is stopped until a person says to go on."""

    NO_FILE = "no_file"
    NO_ROW = "no_row"
    STRANGER = "stranger"
    WENT_BACK = "went_back"
    COPIED = "copied"
    CLOCK_JUMPED = "clock_jumped"
    CLOCK_BEHIND = "clock_behind"


OF_THE_CLOCK = frozenset({Halt.CLOCK_JUMPED, Halt.CLOCK_BEHIND})
# Only a second host on the same database leaves the others' files true.
_NAME_STAYS = OF_THE_CLOCK | {Halt.NO_FILE}
_WHAT_TO_CHECK: dict[str, str] = {
    Halt.NO_FILE: "this host has never worked on this database: it is a copy, or the host is new, "
    "or its instance file does not outlive a restart; make sure that no other host sends from it",
    Halt.NO_ROW: "the database is empty, but this host has worked on another one: see "
    "FEUILLETON_DATABASE_URL, or go on with the new one",
    Halt.STRANGER: "the instance file of this host belongs to another database, or to an earlier "
    "life of this one: see FEUILLETON_DATABASE_URL and FEUILLETON_INSTANCE_FILE",
    Halt.WENT_BACK: "the database is older than this host remembers (restored, or a failover that "
    "lost commits): what it calls due may have left already",
    Halt.COPIED: "the instance file was copied or restored together with the database: make sure "
    "that the original does not send any more, and that nothing due has left already",
    Halt.CLOCK_JUMPED: "the wall clock jumped by more than a quarter of an hour: see `timedatectl`",
    Halt.CLOCK_BEHIND: "the wall clock is behind the newest time in the database, or another "
    "worker's is ahead: see `timedatectl` on each host",
}


@dataclass(frozen=True, slots=True)
class Life:
    """Which database, and how far it has lived: `epoch` counts the beats of its workers."""

    name: str
    epoch: int


def judge(row: Life | None, file: Life | None, *, moved: bool) -> Halt | None:
    """Why sending must stop, or None. `moved`: the file is not where, or what, it was written as.

    The file is written after the commit of the row that it repeats, so it never runs ahead of the
    database that it belongs to. A row of epoch 0 has not sent anything yet: its first worker died
    before it could write the file.
    """
    if row is None:
        return Halt.NO_ROW if file else None
    if file is None:
        return Halt.NO_FILE if row.epoch else None
    if row.name != file.name:
        return Halt.STRANGER
    if row.epoch < file.epoch:
        return Halt.WENT_BACK
    return Halt.COPIED if moved else None


def outweighs(found: Halt, standing: str) -> bool:
    """The first reason stands, but a clock that was wrong must not hide a copy."""
    return standing in OF_THE_CLOCK and found not in OF_THE_CLOCK


def begins_anew(because: str) -> bool:
    """Whether a database that goes on after this halt takes a new name.

    It does when another state of the same name may still exist (the old primary, a later dump, the
    original of a copy), with an epoch that would look right: to this host it is a stranger then.
    """
    return because not in _NAME_STAYS


def what_to_check(because: str) -> str:
    """What to look at before sending goes on, as a sentence."""
    return _WHAT_TO_CHECK.get(because, because)
