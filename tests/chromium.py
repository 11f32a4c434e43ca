"""Finds the Chromium that the browser tests drive, and says how it is to be launched.

Only looks: what is missing is brought by tests/system.py (`make system`). A browser counts when it
renders a page, since a command of that name may be a mere pointer to one that is not installed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

# Where tests/system.py unpacks the browser of the npm registry.
UNPACKED = Path(__file__).parents[1] / ".venv" / "chromium"

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = (
    "--no-sandbox",  # root, and most containers, cannot have one; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    # A test that talks to anybody else's host is not a test of ours.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# In a process of its own: a browser that hangs can be ended, and no event loop is in the way.
RENDER = """
import sys
from playwright.sync_api import sync_playwright
executable, *flags = sys.argv[1:]
with sync_playwright() as driver:
    page = driver.chromium.launch(executable_path=executable, args=flags).new_page()
    page.set_content("<p>rendered</p>")
    print(page.inner_text("p"))
"""


class ChromiumMissing(Exception):
    """No Chromium starts here: run `make system`, which installs one or says what to do."""


def launch_options() -> dict[str, Any]:
    """Give what `playwright.chromium.launch(**launch_options())` needs; raises ChromiumMissing."""
    executable = find()
    if executable is None:
        raise ChromiumMissing(ChromiumMissing.__doc__)
    return {"executable_path": str(executable), "args": list(FLAGS)}


@cache
def find() -> Path | None:
    """Return the first Chromium that starts, None when there is none.

    One named by the variable CHROMIUM is taken at its word: no other is tried in its stead.
    """
    return next(filter(starts, _candidates()), None)


def starts(executable: Path) -> bool:
    """Whether playwright gets this browser to render a page."""
    command = [sys.executable, "-c", RENDER, str(executable), *FLAGS]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return False
    return answer.stdout.strip() == "rendered"


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("CHROMIUM"):
        yield Path(named)
        return
    yield from (Path(path) for name in NAMES if (path := shutil.which(name)))
    yield from _of_playwright()
    yield from UNPACKED.glob("start-chromium")


def _of_playwright() -> list[Path]:
    default = Path.home() / ".cache" / "ms-playwright"
    cache_folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", default))
    browsers = cache_folder.glob("chromium-*/chrome-linux*/chrome")
    shells = cache_folder.glob("chromium_headless_shell-*/*/*headless[-_]shell")
    return sorted([*browsers, *shells], reverse=True)
