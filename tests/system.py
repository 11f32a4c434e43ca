"""Installs what the tests need from the system when it is absent: `python -m tests.system`.

With the argument `image`, what the test of the container image needs instead. Never pretends: a
part that cannot be had ends the run with what was tried and what would help.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache

from tests import chromium, opendkim, postfix

# Without the first, playwright's driver does not start; without the second, pictures lack letters.
BESIDE_CHROMIUM = ("libatomic1", "fonts-dejavu-core")
IMAGE_TOOLS = ("buildah", "crun", "debootstrap")
NPM_PACKAGE = "@sparticuz/chromium@153.0.0"

# The package carries libraries and fonts beside the browser, and unpacks them into TMPDIR; its own
# list of font folders takes that for /tmp.
UNPACK = """
import { inflate } from '@sparticuz/chromium';
const packed = process.cwd() + '/node_modules/@sparticuz/chromium/bin/';
for (const part of ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br'])
  await inflate(packed + part);
"""
START = """#!/bin/sh
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/al2023/lib" FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
"""
FONTS = """<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""
NO_BROWSER = "The browser tests need a Chromium, and none could be had:"
NO_ROOT = (
    "The tests with a real Postfix need root, or sudo without a password, and a Debian. To leave "
    "them out: WITHOUT_POSTFIX=1 make test ARGS='-m \"not postfix and not image\"'"
)
WHAT_HELPS = "Install one (Debian: apt-get install chromium) or name one: CHROMIUM=/path make test"


class Unavailable(Exception):
    """A part that cannot be had in this way; the text says why."""


def ensure_browser() -> None:
    """See to it that playwright's driver and a Chromium start; raises Unavailable otherwise."""
    _ensure_driver()
    if chromium.find():
        return
    if named := os.environ.get("CHROMIUM"):
        raise Unavailable(f"CHROMIUM names {named}, which renders no page. Mend it or unset it.")
    tried = []
    for rung in (_from_debian, _from_playwright, _from_npm):
        print(f"No Chromium starts here yet: {rung.__doc__}", flush=True)
        if failure := _failure_of(rung):
            tried.append(f"- {rung.__doc__} {failure}")
        chromium.find.cache_clear()
        if chromium.find():
            return
    raise Unavailable("\n".join([NO_BROWSER, *tried, WHAT_HELPS]))


def ensure_opendkim() -> None:
    """See to it that OpenDKIM can be asked about signatures; raises Unavailable otherwise."""
    if opendkim.find():
        return
    if failure := _failure_of(lambda: _apt_install("opendkim")):
        raise Unavailable(
            f"The tests of DKIM signatures need opendkim, and none could be had. {failure}\n"
            "Install it (Debian: apt-get install opendkim)."
        )


def ensure_postfix() -> None:
    """See to it that a Postfix can be started, which takes root; raises Unavailable otherwise."""
    if os.environ.get("WITHOUT_POSTFIX"):
        return
    superuser = _superuser()
    if superuser is None:
        raise Unavailable(NO_ROOT)
    if not postfix.find():
        # Without a configuration of its own the system's Postfix does not start.
        choice = "postfix postfix/main_mailer_type select No configuration"
        _run(*superuser, "sh", "-c", f"echo {choice} | debconf-set-selections")
        _apt_install("postfix")


def ensure_image_tools() -> None:
    """See to it that buildah and debootstrap are there; raises Unavailable otherwise."""
    if not all(shutil.which(tool) for tool in IMAGE_TOOLS):
        _apt_install(*IMAGE_TOOLS)


def _ensure_driver() -> None:
    if _driver_starts():
        return
    failure = _failure_of(lambda: _apt_install(*BESIDE_CHROMIUM))
    if not _driver_starts():
        raise Unavailable(
            "The driver of playwright does not start; on Debian it lacks libatomic1 "
            f"(apt-get install libatomic1). {failure or ''}"
        )


def _driver_starts() -> bool:
    return _succeeds(sys.executable, "-m", "playwright", "--version")


def _from_debian() -> None:
    """taking Debian's chromium."""
    _apt_install("chromium", *BESIDE_CHROMIUM)


def _from_playwright() -> None:
    """taking the one that playwright downloads."""
    # Its libraries come by apt, which is ours to use only as root or with sudo.
    libraries = [] if _superuser() is None else ["--with-deps"]
    _run(sys.executable, "-m", "playwright", "install", *libraries, "chromium")


def _from_npm() -> None:
    """taking the one in the npm registry."""
    if not (shutil.which("npm") and shutil.which("node")):
        raise Unavailable("There is no npm.")
    folder = chromium.UNPACKED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts")
    _run("npm", "install", "--prefix", str(folder), *quiet, NPM_PACKAGE)
    unpack = ("node", "--input-type=module", "--eval", UNPACK)
    _run("env", "--chdir", str(folder), f"TMPDIR={folder}", *unpack)
    (folder / "fonts.conf").write_text(FONTS.format(folder=folder))
    launcher = folder / "start-chromium"
    launcher.write_text(START)
    launcher.chmod(0o755)


def _apt_install(*packages: str) -> None:
    superuser = _superuser()
    if superuser is None:
        raise Unavailable("It needs root, or sudo without a password.")
    _apt_update()
    options = ("-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120")
    quietly = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", *options)
    _run(*superuser, *quietly, *packages)


@cache
def _apt_update() -> None:
    _run(*(_superuser() or ()), "apt-get", "update", "-qq")


@cache
def _superuser() -> tuple[str, ...] | None:
    """The words before a command that needs root; None when there is no way to be root by apt."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return ()
    sudo = ("sudo", "-n")
    allowed = shutil.which("sudo") and not subprocess.call(
        [*sudo, "true"], stderr=subprocess.DEVNULL
    )
    return sudo if allowed else None


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(*command: str) -> None:
    """Run quietly; raises Unavailable with the last lines said when the command fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(str(error)) from error
    if done.returncode != 0:
        last_words = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise Unavailable(" ".join([f"{' '.join(command[:4])} …:", *last_words]))


def _failure_of(rung: Callable[[], None]) -> str | None:
    try:
        rung()
    except Unavailable as reason:
        return str(reason)
    return None


def main(arguments: list[str]) -> int:
    """Bring what is asked for; the exit status of the command."""
    parts = (
        [ensure_image_tools]
        if arguments == ["image"]
        else [ensure_browser, ensure_opendkim, ensure_postfix]
    )
    failures = [failure for part in parts if (failure := _failure_of(part))]
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
