"""The container image, built with buildah and started: `make test-image` (root, two minutes).

No engine is at work here: isolation by namespaces, published ports and the timing of health checks
stay untried. The base is a stand-in for the published slim image, put together from the same
packages by debootstrap, so that nothing but the package archive has to be within reach.
"""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
STORE = Path("/var/tmp/feuilleton-image")
PRIVATE_STORE = [
    "--storage-driver=vfs",
    f"--root={STORE / 'root'}",
    f"--runroot={STORE / 'run'}",
]
USER = 10001
BASE = "localhost/feuilleton-base:bookworm-slim"
IMAGE = "localhost/feuilleton:test"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
SETTINGS = {
    "FEUILLETON_BASE_URL": "http://127.0.0.1",
    "FEUILLETON_MAIL_DOMAIN": "course.example",
    "FEUILLETON_SMTP_URL": "smtp://127.0.0.1:1",
    "FEUILLETON_SECRET_KEYS": "0123456789abcdef0123456789abcdef",
    "FEUILLETON_ADMIN_TOKEN": "for-this-test-only-0123456789abcdef",
    "FEUILLETON_AUTHOR_NAME": "Specimen",
    "FEUILLETON_POSTAL_ADDRESS": "1 rue du Specimen, 00000 Exemple",
}
RUN = ["run", "--isolation=chroot", *(f"--env={name}={value}" for name, value in SETTINGS.items())]


def buildah(*arguments: str | Path, **options: Any) -> str:
    command = ["buildah", *PRIVATE_STORE, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


@pytest.fixture(scope="module")
def base() -> str:
    """The stand-in; kept for the next time, since it takes a minute."""
    if BASE not in buildah("images", "--format", "{{.Name}}:{{.Tag}}").split():
        folder = STORE / "base"
        subprocess.run(["rm", "-rf", folder], check=True)
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", folder], check=True)
        container = buildah("from", "scratch").strip()
        buildah("add", "--quiet", container, folder, "/")
        buildah("commit", "--quiet", "--rm", container, BASE)
        subprocess.run(["rm", "-rf", folder], check=True)
    return BASE


@pytest.fixture(scope="module")
def image(base: str) -> Iterator[str]:
    # A private authority of this machine is handed in for the time of the build.
    authorities = "/mnt/authorities.crt"
    trust = ["--volume", f"{AUTHORITIES}:{authorities}:ro"]
    trust += [f"--build-arg={name}={authorities}" for name in ("PIP_CERT", "SSL_CERT_FILE")]
    layers = ["--format", "docker", "--pull-never", "--isolation", "chroot"]
    given = [*trust, f"--build-arg=BASE_IMAGE={base}", "--tag", IMAGE]
    buildah("bud", "--quiet", *layers, *given, ROOT)
    yield IMAGE
    buildah("rmi", IMAGE)


@pytest.fixture(scope="module")
def container(image: str) -> Iterator[str]:
    name = buildah("from", "--pull-never", image).strip()
    yield name
    buildah("rm", name)


@pytest.fixture(scope="module")
def description(image: str) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(buildah("inspect", "--type", "image", image))
    return dict(described["Docker"]["config"])


def within(container: str, *command: str) -> str:
    return buildah(*RUN, container, "--", *command).strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(container: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["buildah", *PRIVATE_STORE, *RUN, container, "--", *command]) as process:
        try:
            yield process
        finally:
            for pid in processes(command):
                os.kill(pid, signal.SIGKILL)


def processes(command: list[str]) -> list[int]:
    """Those that run this command as the image's own user, seen from outside."""
    started = "\0".join(["/opt/feuilleton/bin/python", f"/opt/feuilleton/bin/{command[0]}"])
    words = "\0".join([started, *command[1:]]).encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Processes end while they are looked at.
        with suppress(OSError):
            cmdline = (process / "cmdline").read_bytes()
            if cmdline.startswith(words) and process.stat().st_uid == USER:
                found.append(int(process.name))
    return found


def health_check(description: dict[str, Any], port: str) -> list[str]:
    return [word.replace("8000", port) for word in description["Healthcheck"]["Test"][1:]]


def first_answer(url: str) -> int:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return int(answer.status)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_the_image_says_who_runs_what_and_how_it_is_asked_and_stopped(description: dict[str, Any]):
    assert description["User"] == "10001:10001"
    assert description["Cmd"] == ["feuilleton", "run", "--host", "0.0.0.0"]
    assert description["StopSignal"] == "SIGTERM"
    assert description["Healthcheck"]["Test"][:2] == ["CMD", "python"]


def test_the_image_keeps_nothing_of_the_machine_that_built_it(description: dict[str, Any]):
    names = {variable.partition("=")[0] for variable in description["Env"]}
    assert names.isdisjoint({"PIP_CERT", "SSL_CERT_FILE", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"})


@pytest.mark.parametrize("tool", ["pip", "pip3", "uv", "gcc", "cc", "make", "git"])
def test_no_build_tool_is_left_inside(container: str, tool: str):
    assert within(container, "sh", "-c", f"command -v {tool} || echo none") == "none"


def test_only_the_data_folder_can_be_written(container: str):
    places = "/data /srv/feuilleton /srv/feuilleton/emails /opt/feuilleton /etc"
    answer = within(container, "sh", "-c", f"for p in {places}; do [ ! -w $p ] || echo $p; done")
    assert answer == "/data"


def test_the_container_serves_as_an_ordinary_user_and_stops_when_told(
    container: str, description: dict[str, Any]
):
    port = str(free_port())
    command = [*description["Cmd"], "--port", port]
    within(container, "feuilleton", "migrate")
    with running(container, command) as process:
        assert first_answer(f"http://127.0.0.1:{port}/healthz") == 200
        assert within(container, *health_check(description, port)) == ""
        (server,) = processes(command)
        os.kill(server, signal.SIGTERM)
        process.wait(timeout=30)
        assert processes(command) == []


def test_the_health_check_fails_where_nobody_serves(container: str, description: dict[str, Any]):
    with pytest.raises(subprocess.CalledProcessError):
        within(container, *health_check(description, str(free_port())))
