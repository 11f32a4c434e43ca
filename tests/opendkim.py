"""Asks OpenDKIM, which shares no code with us or with dkimpy, what it makes of signed letters.

Only looks: what is missing is brought by tests/system.py (`make system`).
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path


class OpendkimMissing(Exception):
    """No opendkim is here: run `make system`, which installs it or says what to do."""


def find() -> str | None:
    """Return the path of opendkim; it stands among the daemons, where not every PATH leads."""
    return shutil.which("opendkim", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def verdicts(wire: bytes, records: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return `pass` or `fail` by selector; `records` are the TXT records by their full names."""
    program = find()
    if program is None:
        raise OpendkimMissing(OpendkimMissing.__doc__)
    letter, zone, conf = folder / "letter.eml", folder / "zone", folder / "opendkim.conf"
    letter.write_bytes(wire)
    zone.write_text("".join(f"{name} {text}\n" for name, text in records.items()))
    conf.write_text(f"Mode v\nSyslog no\nTestDNSData {zone}\n")
    command = [program, "-v", "-v", "-t", str(letter), "-x", str(conf)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return {
        selector: verdict
        for verdict, selector in re.findall(r"dkim=(\w+)[^;']*header\.s=(\w+)", done.stdout)
    }
