"""Starts a Postfix of our own: its own folders, a free port, nothing leaves it.

Brings nothing: what is missing is installed by tests/system.py (`make system`). Postfix gives up
root for its own user, so starting it takes root, or sudo without a password.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SBIN = "/usr/sbin:/usr/local/sbin"
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/lib
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = relay.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
smtpd_recipient_restrictions = permit_mynetworks, reject
default_transport = discard:
relay_transport = discard:
smtp_dns_support_level = disabled
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class PostfixMissing(Exception):
    """No Postfix starts here: run `make system`, which installs one or says what to do."""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A Postfix that runs, and where it writes what it does."""

    port: int
    log: Path

    def story(self) -> str:
        """Its log, which may be root's alone."""
        command = [*_sudo(), "cat", str(self.log)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def find() -> str | None:
    """Return the path of postfix; it stands among the daemons, where not every PATH leads."""
    return shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:{SBIN}")


@contextmanager
def running_postfix() -> Iterator[Postfix]:
    """A Postfix that takes every letter for everybody, and lets it vanish."""
    program = find()
    if program is None:
        raise PostfixMissing(PostfixMissing.__doc__)
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    folder.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name in ("etc", "queue", "lib"):
        (folder / name).mkdir()
    (folder / "etc" / "main.cf").write_text(MAIN.format(folder=folder))
    (folder / "etc" / "master.cf").write_text(MASTER.format(port=port))
    sudo = _sudo()
    command = [*sudo, program, "-c", str(folder / "etc")]
    try:
        subprocess.run([*sudo, "chown", "postfix", str(folder / "lib")], check=True)
        done = subprocess.run([*command, "start"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PostfixMissing(f"Postfix does not start: {done.stdout}{done.stderr}")
        yield Postfix(port, folder / "mail.log")
    finally:
        subprocess.run([*command, "stop"], capture_output=True, check=False)
        subprocess.run([*sudo, "rm", "-rf", str(folder)], check=True)


def _sudo() -> tuple[str, ...]:
    return () if os.geteuid() == 0 else ("sudo", "-n")
