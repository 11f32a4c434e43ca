"""How many letters a second, as ratios of one run: F, the naive loop, the whole pipeline on each
engine, with DKIM, with two workers, and over a network with latency.

F, the floor: aiosmtplib's `sendmail` over 16 connections with the prebuilt bytes of one of our own
letters. The pipeline: from due rows to recorded outcomes and planned next lessons, with every
guarantee on. Each sender is one process (two where it says so); the sink is another.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import aiosmtplib
import uvloop
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select

from app.db import people
from app.db.deliveries import Delivery
from app.db.register import standing_counts
from app.domain.delivery import State
from app.flows.dispatch import send_due
from app.flows.render import render
from app.mail.dkim_keys import signing_key
from app.mail.next_hop import relay as relay_of
from app.serving import settle_memory
from tests.bench import ground
from tests.postgres import fresh_database

LETTERS = int(os.environ.get("LETTERS", "20000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
_FLOOR_CONNECTIONS, _NAIVE, _FAR = 16, 400, 3000
_LATENCY = 0.02


async def floor(relay: str, wire: bytes, letters: int) -> float:
    """Letters a second by aiosmtplib alone."""
    hop, left = relay_of(relay), iter(range(letters))

    async def carry() -> None:
        client = aiosmtplib.SMTP(hostname=hop.host, port=hop.port, start_tls=False)
        await client.connect()
        for number in left:
            await client.sendmail("b@cours.test", [f"l{number}@example.fr"], wire)
        await client.quit()

    begun = time.perf_counter()
    await asyncio.gather(*(carry() for _ in range(_FLOOR_CONNECTIONS)))
    return letters / (time.perf_counter() - begun)


async def naive(database_url: str, relay: str) -> float:
    """Letters a second by what one writes first: render, compose, send and commit one by one."""
    parts = await ground.install(ground.settings(database_url, relay))
    await ground.seed(parts, 1, _NAIVE)
    hop, begun = relay_of(relay), time.perf_counter()
    async with parts.database.reading() as session:
        due = (await session.scalars(select(Delivery.id))).all()
    async with aiosmtplib.SMTP(hostname=hop.host, port=hop.port, start_tls=False) as client:
        for number in due:
            async with parts.database.writing() as session:
                delivery = await session.get_one(Delivery, number)
                enrollment = await people.enrollment(session, delivery.enrollment_id)
                person = await people.subscriber(session, enrollment.subscriber_id)
                now, templates = parts.clock(), parts.templates
                letter = await render(session, delivery, templates, now=now, here=parts.here)
                await client.sendmail("b@cours.test", [person.email], letter.wire)
                delivery.state, delivery.accepted_at = State.ACCEPTED, parts.clock()
    took = time.perf_counter() - begun
    await parts.database.close()
    return len(due) / took


async def pipeline(
    database_url: str, relay: str, *, letters: int = LETTERS, **more: str
) -> tuple[float, bytes]:
    """Letters a second by the product, and one of its letters (unsigned)."""
    parts = await ground.install(ground.settings(database_url, relay, **more))
    await ground.seed(parts, 1, letters)
    example = await ground.a_letter(parts)
    settle_memory()
    begun = time.perf_counter()
    taken = 0
    while now := await send_due(parts.office):
        taken += now
    took = time.perf_counter() - begun
    async with parts.database.reading() as session:
        counts = await standing_counts(session)
    await parts.database.close()
    if taken != letters or counts != {"accepted": letters, "planned": letters}:
        raise SystemExit(f"not all letters arrived: {counts}")
    return letters / took, example


async def _due(database_url: str, relay: str) -> None:
    parts = await ground.install(ground.settings(database_url, relay))
    await ground.seed(parts, 1, LETTERS)
    await parts.database.close()


def together(database_url: str, relay: str, workers: int) -> float:
    """Letters a second by so many workers, each a process of its own, on one PostgreSQL."""
    uvloop.run(_due(database_url, relay))
    command = [sys.executable, "-m", "tests.bench.worker", database_url, relay]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    there = [subprocess.Popen(command, text=True, **pipes) for _ in range(workers)]
    for each in there:
        assert each.stdout
        each.stdout.readline()
    begun = time.perf_counter()
    for each in there:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in there:
        each.wait()
    return LETTERS / (time.perf_counter() - begun)


def raw_rsa(pem: str) -> float:
    """RSA-2048 signatures a second, on all cores, by nothing but signing."""
    key, cores = signing_key(pem, "raw"), os.cpu_count() or 1
    until = time.perf_counter() + 2

    def sign(_: int) -> int:
        done = 0
        while time.perf_counter() < until:
            key.signature(b"x" * 2000)
            done += 1
        return done

    with ThreadPoolExecutor(cores) as pool:
        return sum(pool.map(sign, range(cores))) / 2


def keys() -> tuple[str, str]:
    """A fresh RSA-2048 key and an Ed25519 one, as PEM."""
    made = rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()
    rsa_pem, ed_pem = (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        for key in made
    )
    return rsa_pem, ed_pem


def main() -> None:
    """Print the table."""
    figures: dict[str, list[float]] = {}

    def note(name: str, rate: float) -> None:
        figures.setdefault(name, []).append(rate)

    rsa_pem, ed_pem = keys()
    with (
        tempfile.TemporaryDirectory() as name,
        ground.sink() as near,
        ground.sink(_LATENCY) as far,
        ground.postgres() as base,
    ):
        folder = Path(name)

        def sqlite(kind: str, round_: int) -> str:
            return f"sqlite:///{folder / f'{kind}{round_}.db'}"

        def postgresql(kind: str, round_: int) -> str:
            return uvloop.run(fresh_database(base, f"{kind}{round_}"))

        for round_ in range(ROUNDS):
            rate, example = uvloop.run(pipeline(sqlite("a", round_), near))
            note("sqlite", rate)
            note("F", uvloop.run(floor(near, example, 5000)))
            note("postgresql", uvloop.run(pipeline(postgresql("a", round_), near))[0])
            note("naive", uvloop.run(naive(sqlite("n", round_), near)))
            note("raw rsa", raw_rsa(rsa_pem))
            signed = {"dkim_rsa_key": rsa_pem}
            both = signed | {"dkim_ed25519_key": ed_pem}
            for kind, url in (("sqlite", sqlite), ("postgresql", postgresql)):
                rate = uvloop.run(pipeline(url("r", round_), near, **signed))[0]
                note(f"{kind} rsa", rate)
            note("sqlite both", uvloop.run(pipeline(sqlite("b", round_), near, **both))[0])
            for workers in (1, 2):
                url = postgresql(f"w{workers}", round_)
                note(f"workers {workers}", together(url, near, workers))
            note("far F", uvloop.run(floor(far, example, 600)))
            url = sqlite("f", round_)
            more = {"letters": _FAR, "connections": str(_FLOOR_CONNECTIONS)}
            note("far", uvloop.run(pipeline(url, far, **more))[0])
            print(f"round {round_ + 1} of {ROUNDS} done", file=sys.stderr)
    _print({name: median(rates) for name, rates in figures.items()}, len(example))


def _print(rate: dict[str, float], size: int) -> None:
    f, raw = rate["F"], rate["raw rsa"]
    rows = [
        (f"F: aiosmtplib sendmail, {_FLOOR_CONNECTIONS} connections, {size} bytes", "F", ""),
        ("whole pipeline on SQLite", "sqlite", f"{rate['sqlite'] / f:.2f} x F"),
        ("whole pipeline on PostgreSQL", "postgresql", f"{rate['postgresql'] / f:.2f} x F"),
        ("naive loop", "naive", f"pipeline {rate['sqlite'] / rate['naive']:.0f} x (SQLite)"),
        ("raw RSA-2048 signing, all cores", "raw rsa", ""),
        ("pipeline with RSA on SQLite", "sqlite rsa", f"{rate['sqlite rsa'] / raw:.2f} x raw"),
        (
            "pipeline with RSA on PostgreSQL",
            "postgresql rsa",
            f"{rate['postgresql rsa'] / raw:.2f} x raw",
        ),
        (
            "pipeline with RSA and Ed25519 on SQLite",
            "sqlite both",
            f"{rate['sqlite both'] / raw:.2f} x raw",
        ),
        ("one worker process on PostgreSQL", "workers 1", ""),
        (
            "two worker processes on PostgreSQL",
            "workers 2",
            f"{rate['workers 2'] / rate['workers 1']:.2f} x one",
        ),
        (f"F with {_LATENCY * 1000:.0f} ms of latency", "far F", ""),
        (
            "pipeline with that latency, 16 connections",
            "far",
            f"{rate['far'] / rate['far F']:.2f} x",
        ),
    ]
    ground_words = (
        f"letters {LETTERS}, connections {ground.CONNECTIONS}, medians of {ROUNDS} rounds"
    )
    print(f"cores {os.cpu_count()}, {ground_words}, sink tests/bench/sink.py")
    for words, name, ratio in rows:
        print(f"  {words:58}{rate[name]:8.0f} letters/s  {ratio}")
