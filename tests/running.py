"""Starts the command `feuilleton` as a person would, in a process of its own, and stops it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 40


@dataclass(slots=True)
class Running:
    """A process, what it printed so far, and the folder it runs in."""

    process: subprocess.Popen[str]
    folder: Path
    url: str

    @property
    def printed(self) -> str:
        return (self.folder / "printed.txt").read_text()

    def wait_for(self, words: str) -> None:
        """Wait until the process has printed `words`."""
        until = time.monotonic() + PATIENCE
        while words not in self.printed:
            assert time.monotonic() < until, self.printed
            time.sleep(0.1)

    def address(self, label: str) -> str:
        """The address that the demo printed behind a label."""
        found = re.search(rf"{label}\s+(http\S+)", self.printed)
        assert found, self.printed
        return found[1]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def feuilleton(*words: str, folder: Path, stdin: bytes = b"", **settings: str):
    """Run a command to its end."""
    command = [sys.executable, "-m", "app.cli", *words]
    environment = _environment(**settings)
    return subprocess.run(
        command, cwd=folder, env=environment, input=stdin, capture_output=True, timeout=PATIENCE
    )


@contextmanager
def started(*words: str, folder: Path, **settings: str) -> Iterator[Running]:
    """A command that goes on until it is told to stop; given when it answers."""
    port = free_port()
    command = [sys.executable, "-m", "app.cli", *words, "--port", str(port)]
    with (folder / "printed.txt").open("w") as printed:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(**settings),
            stdout=printed,
            stderr=printed,
            text=True,
        )
    running = Running(process, folder, f"http://127.0.0.1:{port}")
    try:
        _wait_until_it_answers(running)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@contextmanager
def working(*, folder: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """`feuilleton work`, which listens nowhere."""
    command = [sys.executable, "-m", "app.cli", "work"]
    with subprocess.Popen(command, cwd=folder, env=_environment(**settings)) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _environment(**settings: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if "FEUILLETON" not in name}
    root = str(Path(__file__).parents[1])
    stated = {f"FEUILLETON_{name.upper()}": value for name, value in settings.items()}
    return ours | {"PYTHONPATH": root, "PYTHONUNBUFFERED": "1"} | stated


def _wait_until_it_answers(running: Running) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert running.process.poll() is None, running.printed
        try:
            with urllib.request.urlopen(f"{running.url}/healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(running.printed)
