"""Processes of `feuilleton work` that start in a moment: forked from one that has read all modules.

    python -m tests.nursery

A start costs a second and a half of processor time, nearly all of it for reading modules; who
kills a thousand workers wants that once. What runs in the fork is the command, from its first line.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import cli

ROOT = Path(__file__).parents[1]


class Nursery:
    """Starts workers and reports how they ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, folder: Path, stated: dict[str, str]) -> "Child":
        """A worker in `folder` with these settings; what it prints goes to folder/worker.log."""
        told = {"folder": str(folder), "environment": environment(stated)}
        return Child(self, int(self.ask(**told)))

    def ask(self, **told: Any) -> str:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(told), file=self._process.stdin, flush=True)
        return self._process.stdout.readline()


@dataclass(slots=True)
class Child:
    """One worker."""

    nursery: Nursery
    pid: int

    def signal(self, what: signal.Signals) -> None:
        os.kill(self.pid, what)

    def kill(self) -> None:
        """End it as a power cut would, and wait until the system has cleared it away."""
        self.signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """Tell it to finish what it is doing."""
        self.signal(signal.SIGTERM)

    def wait(self, patience: float = 30) -> int:
        """Its exit status, or minus the signal that ended it. Fails when it goes on and on."""
        until = time.monotonic() + patience
        while (status := self.status()) is None:
            assert time.monotonic() < until, f"the worker {self.pid} does not end"
            time.sleep(0.02)
        return status

    async def ended(self, patience: float = 30) -> int:
        """As `wait`, while other things go on."""
        async with asyncio.timeout(patience):
            while (status := self.status()) is None:
                await asyncio.sleep(0.05)
        return status

    def status(self) -> int | None:
        """As `wait`, or None while it runs."""
        said: int | None = json.loads(self.nursery.ask(look=self.pid))
        return said


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery; its workers end with it."""
    command = [sys.executable, "-m", "tests.nursery"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Nursery(process)


def environment(stated: dict[str, str]) -> dict[str, str]:
    """What the settings are called outside."""
    return {f"FEUILLETON_{name.upper()}": value for name, value in stated.items()}


def _mind() -> None:
    """Fork on demand until nobody asks any more; then end what still runs."""
    children, ended = set[int](), dict[int, int]()
    for line in sys.stdin:
        told = json.loads(line)
        if "look" in told:
            for pid in list(children):
                gone, status = os.waitpid(pid, os.WNOHANG)
                if gone:
                    children.discard(pid)
                    ended[pid] = os.waitstatus_to_exitcode(status)
            print(json.dumps(ended.get(told["look"])), flush=True)
        elif pid := os.fork():
            children.add(pid)
            print(pid, flush=True)
        else:
            _become(Path(told["folder"]), told["environment"])
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _become(folder: Path, stated: dict[str, str]) -> None:
    """Be the command `feuilleton work`; never returns."""
    log = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith("FEUILLETON")]:
        del os.environ[name]
    os.environ.update(stated)
    sys.argv = ["feuilleton", "work"]
    status = 1
    try:
        cli.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if status:
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 (the process ends here)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _mind()
