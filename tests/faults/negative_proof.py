"""Breaks the guarantee in five ways, each in a private copy of the tree, and runs the tests that
must notice: `make negative-proof`. A break that nobody notices ends it with an error.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_NEEDED = shutil.ignore_patterns(".venv", ".git", "var", "__pycache__", ".*_cache")
MIGRATION = "migrations/versions/2026-11-24-0710_the_first_tables.py"


@dataclass(frozen=True, slots=True)
class Break:
    """What is broken, the text of each file that is replaced, and the tests that must go red."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]


CHECK = "ELSE e.standing IN ('active', 'finished') END"
WRITE = """\
        marked = await self._ledger.write(
            [each.letter for each in group.departures], [each.outcome for each in group.landings]
        )
"""
AFTER_THE_CONTENT = """\
        for each in group.departures:
            self._carry(each)
        while self._under_way:
            await asyncio.sleep(0.001)
"""
LANDED = "        for landing in group.landings:\n            accepted = "
PLAIN = "        plain = [each for each in outcomes if _is_plain(each)]\n"
LATE = """\
        self._late = getattr(self, "_late", []) + plain
        plain = [] if letters else self._late
"""
CONSTRAINT = """\
        sa.UniqueConstraint(
            "enrollment_id", "intent", name=op.f("uq_deliveries_enrollment_id_intent")
        ),
"""
BREAKS = (
    Break(
        "one wish may be two rows",
        (
            ("app/db/deliveries.py", 'UniqueConstraint("enrollment_id", "intent"), ', ""),
            (MIGRATION, CONSTRAINT, ""),
        ),
        ("tests/faults/test_intents.py",),
    ),
    Break(
        "acceptances are recorded when there is nothing more to send",
        (("app/flows/ledger.py", PLAIN, PLAIN + LATE),),
        ("tests/faults/test_points.py", "-k", "in_doubt and sqlite"),
    ),
    Break(
        "no answer after the dot is tried again",
        (("app/domain/meaning.py", "Cause.UNKNOWN: (Event.LOSE", "Cause.UNKNOWN: (Event.DEFER"),),
        ("tests/faults/test_matrix.py", "-k", "dot and sqlite"),
    ),
    Break(
        "the mark comes after the content",
        (
            (
                "app/flows/handover.py",
                WRITE,
                AFTER_THE_CONTENT + WRITE,
            ),
            ("app/flows/handover.py", LANDED, "        group.departures.clear()\n" + LANDED),
        ),
        ("tests/faults/test_points.py", "-k", "any_moment and sqlite"),
    ),
    Break(
        "who left meanwhile is not looked at again",
        (
            ("app/db/pen_sqlite.py", CHECK, "ELSE true END"),
            ("app/db/pen_postgresql.py", CHECK, "ELSE true END"),
        ),
        ("tests/faults/test_races.py", "-k", "goodbye"),
    ),
)


def copy_of_the_tree(folder: Path) -> Path:
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=NOT_NEEDED)
    (tree / ".venv").symlink_to(ROOT / ".venv")
    return tree


def broken(tree: Path, edits: Sequence[tuple[str, str, str]]) -> None:
    """Replace each text; ends the program when one is not there exactly once."""
    for name, old, new in edits:
        path = tree / name
        text = path.read_text()
        if text.count(old) != 1:
            sys.exit(f"negative proof: {name} has changed; this is not in it once:\n{old}")
        path.write_text(text.replace(old, new))


def goes_red(tree: Path, tests: Sequence[str]) -> tuple[bool, str]:
    """Whether tests fail, and pytest's last line. Ends the program when they cannot be run."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=600)
    if done.returncode not in (0, 1):
        sys.exit(f"negative proof: {' '.join(tests)} cannot be run:\n{done.stdout}{done.stderr}")
    summary = re.search(r"\d+ (?:passed|failed)[^=\n]*", done.stdout)
    reason = re.search(r"^(?:/\S+: |E +)(.*)$", done.stdout, re.MULTILINE)
    said = f"{summary[0].strip() if summary else '?'}: {reason[1][:70] if reason else ''}"
    return done.returncode == 1, said


def run(edits: Sequence[tuple[str, str, str]], tests: Sequence[str]) -> tuple[bool, str]:
    """`goes_red`, in a fresh copy with these edits."""
    with tempfile.TemporaryDirectory() as folder:
        tree = copy_of_the_tree(Path(folder))
        broken(tree, edits)
        return goes_red(tree, tests)


def main() -> None:
    missed = 0
    for each in BREAKS:
        (before, _), (after, said) = run((), each.tests), run(each.edits, each.tests)
        missed += before or not after
        colours = f"{'red' if before else 'green':6} {'red' if after else 'green':6}"
        print(f"{each.name:62} whole: {colours[:7]}broken: {colours[7:]} {said}", flush=True)
    print(f"{missed} of {len(BREAKS)} not as they should be")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
