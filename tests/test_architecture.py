"""The house keeps its shape: who may know whom, one name per module, a word on what each is for."""

import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

APP = Path(__file__).parents[1] / "app"
MODULES = sorted(APP.rglob("*.py"))
ROOMS = {"domain", "db", "mail", "flows", "web"}
MAY_KNOW = {
    "domain": {"domain"},
    "db": {"db", "domain"},
    "mail": {"mail", "domain"},
    "flows": {"flows", "db", "mail", "domain"},
    "web": {"web", "flows", "db", "mail", "domain"},
}
FORBIDDEN_NAMES = {"utils", "helpers", "helper", "manager", "service", "services", "data", "misc"}
STANDARD = {"app"} | sys.stdlib_module_names


def imports_of(path: Path) -> list[tuple[str, ast.stmt]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node) for alias in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [(f"{node.module}.{alias.name}", node) for alias in node.names]
    return found


def room_of(path: Path) -> str:
    return path.relative_to(APP).parts[0]


def modules_in(*rooms: str) -> list[Path]:
    return [path for path in MODULES if room_of(path) in rooms]


def known_by(path: Path) -> set[str]:
    """The rooms and top-level modules of ours that `path` imports."""
    return {name.split(".")[1] for name, _ in imports_of(path) if name.startswith("app.")}


def short(path: Path) -> str:
    return str(path.relative_to(APP))


@pytest.mark.parametrize("path", modules_in(*ROOMS), ids=short)
def test_knowledge_runs_downstairs_only(path: Path):
    assert known_by(path) <= MAY_KNOW[room_of(path)]


@pytest.mark.parametrize("path", modules_in("domain"), ids=short)
def test_rules_need_the_standard_library_only(path: Path):
    assert {name.split(".")[0] for name, _ in imports_of(path)} <= STANDARD


@pytest.mark.parametrize("path", modules_in("domain"), ids=short)
def test_rules_read_no_clock_and_touch_no_file(path: Path):
    text = path.read_text()
    for reader in ("datetime.now", "utcnow(", "date.today", "time.time", "open(", "Path("):
        assert reader not in text


@pytest.mark.parametrize("path", modules_in("web"), ids=short)
def test_doors_ask_named_questions_and_write_no_queries(path: Path):
    names = {name for name, _ in imports_of(path)}
    assert not names & {"sqlalchemy.select", "sqlalchemy.update", "sqlalchemy.delete"}


def test_only_the_wiring_reads_the_settings():
    readers = [short(path) for path in MODULES if "config" in known_by(path)]
    assert readers == ["wiring.py"]


def test_module_names_are_addresses():
    stems = Counter(path.stem for path in MODULES if path.stem != "__init__")
    assert [name for name, times in stems.items() if times > 1] == []
    assert not set(stems) & FORBIDDEN_NAMES


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_each_module_says_what_it_is_for(path: Path):
    said = ast.get_docstring(ast.parse(path.read_text()))
    assert said
    assert len(said) > 30


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_no_module_is_longer_than_three_hundred_lines(path: Path):
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_imports_stand_at_the_top(path: Path):
    top = set(ast.parse(path.read_text()).body)
    tree = ast.parse(path.read_text())
    nested = [
        node.lineno
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(outer)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert top
    assert nested == []


def test_no_modules_import_each_other_in_a_circle():
    name_of = {
        path: ".".join(path.relative_to(APP.parent).with_suffix("").parts) for path in MODULES
    }
    modules = set(name_of.values())
    graph = {
        name_of[path]: {
            target
            for name, _ in imports_of(path)
            for target in (name, name.rpartition(".")[0])
            if target in modules
        }
        for path in MODULES
    }
    while free := [name for name, needs in graph.items() if not needs]:
        for name in free:
            del graph[name]
        for needs in graph.values():
            needs.difference_update(free)
    assert graph == {}
