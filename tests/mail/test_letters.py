"""Every specimen in tests/letters is read as its table says. The specimens are written by us."""

import tomllib
from pathlib import Path

import pytest

from app.flows.receive import inspect

LETTERS = Path(__file__).parents[1] / "letters"
EXPECTED = tomllib.loads((LETTERS / "expected.toml").read_text())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_specimen_is_read_as_its_table_says(name: str) -> None:
    seen, expected = inspect((LETTERS / f"{name}.eml").read_bytes()), EXPECTED[name]
    assert (seen["kind"], seen["rule"]) == (expected["kind"], expected["rule"])
    assert seen["failed_recipients"] == expected.get("failed", [])
    assert seen["permanent"] is expected.get("permanent", False)
    if expected["kind"] == "human":
        assert seen["text"] == expected["words"]


def test_every_specimen_has_its_line_in_the_table() -> None:
    assert {path.stem for path in LETTERS.glob("*.eml")} == set(EXPECTED)
