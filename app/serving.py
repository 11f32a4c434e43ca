"""Runs the web application, the worker or both in one process, until a signal says stop.

A stop is a drain: the web server answers what it has begun, the worker finishes what it is handing
over and gives the rest back. Builds nothing.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import uvicorn
from fastapi import FastAPI

from app.db.alone import only_worker
from app.domain.errors import PortTaken
from app.inbox import open_lmtp
from app.wiring import Parts
from app.worker import Worker

_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would raise them again and cut the worker's drain short."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def settle_memory() -> None:
    """Call once when everything is built. The hot path makes no cycles, and looking for some among
    all the program's objects every few hundred letters costs a seventh of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises PortTaken with the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as fault:
        listening.close()
        raise PortTaken(
            f"{host}:{port} cannot be used ({fault.strerror}): stop what listens there, "
            "or choose another with --port"
        ) from fault
    return listening


async def until_stopped(
    parts: Parts, *, app: FastAPI | None, listening: socket.socket | None, work: bool
) -> None:
    """Serve `app` on `listening`, work, or both; returns when SIGINT or SIGTERM came and all
    drained.

    When one of the two fails the other is stopped too, and the failure is raised. Raises
    WorkerAlreadyThere for a second worker on SQLite.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    place = only_worker(parts.database) if work else nullcontext()
    settle_memory()
    with place:
        await _until(stop, parts, app=app, listening=listening, work=work)


async def _until(
    stop: asyncio.Event,
    parts: Parts,
    *,
    app: FastAPI | None,
    listening: socket.socket | None,
    work: bool,
) -> None:
    lmtp = await open_lmtp(parts) if work else None
    tasks = []
    if work:
        tasks.append(asyncio.create_task(Worker(parts).run(stop)))
    if app and listening:
        tasks.append(asyncio.create_task(_serve(app, listening, stop)))
    try:
        await asyncio.wait([*tasks, _stopped(stop)], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        if lmtp:
            lmtp.close()
        await asyncio.gather(*tasks)
        await parts.database.close()


def _stopped(stop: asyncio.Event) -> asyncio.Task[bool]:
    return asyncio.create_task(stop.wait())


async def _serve(app: FastAPI, listening: socket.socket, stop: asyncio.Event) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await asyncio.wait([serving, _stopped(stop)], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
