"""The file outside the database that says which database this host works on, and how far it came.

It also holds what a copy cannot take along: the number and generation of its own inode, and the
machine it was written on. Both file systems and machines without such numbers exist (then they are
0 and ""); there a copy of file and database together is not noticed. Judges nothing.
"""

import fcntl
import hashlib
import json
import os
import secrets
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import SettingMissing
from app.domain.restore import Life

_NOTE = "Made by the worker; never copy it to another host, never restore it with the database."
# FS_IOC_GETVERSION of Linux: a number that the file system draws anew for each file that it makes.
_GENERATION = 0x80007601 | struct.calcsize("l") << 16


@dataclass(frozen=True, slots=True)
class Page:
    """What the file says; `moved`: it was not written as this file, or not on this machine."""

    life: Life
    moved: bool


def read(path: Path) -> Page | None:
    """The page, or None where there is no file. One that cannot be read as such names nobody, so
    that it fits no database. Raises SettingMissing when it may not be opened.
    """
    try:
        with open(path, "rb") as file:
            place, text = _place(file.fileno()), file.read()
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise _unusable(path, fault) from fault
    try:
        said = json.loads(text)
        life = Life(str(said["name"]), int(said["epoch"]))
        return Page(life, moved=_differ(said["place"], place))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Page(Life("", 0), moved=True)


def write(path: Path, life: Life) -> None:
    """Put a new page in place of the old one, whole or not at all, and on disk when it returns.

    Raises SettingMissing when it cannot.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "x") as file:
            place = _place(file.fileno())
            said = {"note": _NOTE, "name": life.name, "epoch": life.epoch, "place": place}
            file.write(json.dumps(said) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as fault:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise _unusable(path, fault) from fault


def _place(file: int) -> dict[str, int | str]:
    generation = bytearray(8)
    with suppress(OSError):
        fcntl.ioctl(file, _GENERATION, generation)
    return {
        "inode": os.fstat(file).st_ino,
        "generation": int.from_bytes(generation[:4], "little"),
        "machine": _machine(),
    }


def _machine() -> str:
    """A fingerprint of the machine-id, which is not to be shown (machine-id(5)); "" without one."""
    try:
        known = Path("/etc/machine-id").read_text().strip()
    except OSError:
        return ""
    return hashlib.sha256(b"feuilleton:" + known.encode()).hexdigest()[:16] if known else ""


def _differ(written: dict[str, int | str], found: dict[str, int | str]) -> bool:
    """A container that has no machine-id today may have had one yesterday: only two can differ."""
    known = [name for name, value in found.items() if value and written.get(name)]
    return any(written[name] != found[name] for name in known)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _unusable(path: Path, fault: OSError) -> SettingMissing:
    return SettingMissing(
        f"FEUILLETON_INSTANCE_FILE: {path} cannot be used ({fault.strerror}); "
        "name a file on a disk that outlives a restart, in a folder that the worker may write to"
    )
