"""Imports run one way through the house, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "derin"

# Each room and the rooms it may import; the order is that of docs/architecture.md.
ORDER = (
    ("core", ()),
    ("data", ("core",)),
    ("readers", ("core", "data")),
    ("datasets", ("core", "data", "readers")),
    ("layers", ("core",)),
    ("train", ("core",)),
    ("models", ("core", "layers")),
    ("tasks", ("core", "data", "readers", "layers", "models", "train")),
    ("strategy", ("core", "data", "models", "train", "tasks")),
    ("explain", ("core", "data", "layers", "models", "train", "tasks")),
    ("export", ("core", "data", "layers", "models", "train", "tasks")),
)
MAY_IMPORT = {room: set(others) for room, others in ORDER}
# From here on each room may import all before it.
for room in ("report", "api", "apps", "lessons", "cli"):
    MAY_IMPORT[room] = set(MAY_IMPORT)
MAY_IMPORT["report"] -= {"readers", "datasets", "export"}
# The one thing that a loop and a source of batches must both know.
ALLOWED_MODULES = {("train", "derin.data.batch")}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def names_of(node: ast.Import | ast.ImportFrom) -> set[str]:
    return {alias.name for alias in node.names} if isinstance(node, ast.Import) else {node.module or ""} - {""}


@functools.cache
def statements(path: Path) -> tuple[tuple[ast.Import | ast.ImportFrom, bool], ...]:
    """Every import of a file, also inside functions, and whether it is read by type checkers alone."""
    found: list[tuple[ast.Import | ast.ImportFrom, bool]] = []
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text(encoding="utf-8")), False)]
    while waiting:
        node, of_types = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append((node, of_types))
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, part, None)
            checked = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            if isinstance(inner, list):
                waiting += [(one, of_types or (checked and part == "body")) for one in inner]
    return tuple(found)


def imported(path: Path) -> set[str]:
    """Full names of what a file imports, also inside functions and under TYPE_CHECKING."""
    return {name for node, _ in statements(path) for name in names_of(node)}


def test_no_arrow_runs_against_the_order_of_the_rooms() -> None:
    wrong = []
    for path in modules():
        relative = path.relative_to(SOURCE)
        if len(relative.parts) == 1:
            continue
        room = relative.parts[0]
        for name in imported(path):
            parts = name.split(".")
            if parts[0] != "derin" or len(parts) < 2 or parts[1] == "version":
                continue
            if parts[1] == room or parts[1] in MAY_IMPORT[room] or (room, name) in ALLOWED_MODULES:
                continue
            wrong.append(f"{relative} imports {name}")
    assert not wrong


def module_name(path: Path) -> str:
    parts = ("derin", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def reached(path: Path, known: set[str]) -> set[str]:
    """Modules that a file needs when it runs, inside functions too; what only type checkers read is left out."""
    found: set[str] = set()
    for node, of_types in statements(path):
        if of_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & known or {node.module}
        else:
            found |= names_of(node)
    return found & known - {module_name(path)}


def test_no_module_needs_itself_through_others() -> None:
    """Circles within a room too. What a registry loads by its name when it is asked for is no import."""
    paths = {module_name(path): path for path in modules()}
    needs = {name: reached(path, set(paths)) for name, path in paths.items()}
    # Whatever needs nothing that is left goes, again and again, and then whatever nothing needs: circles remain.
    while done := {name for name, others in needs.items() if not others & needs.keys()}:
        needs = {name: others for name, others in needs.items() if name not in done}
    while unneeded := needs.keys() - set().union(*needs.values()):
        needs = {name: others for name, others in needs.items() if name not in unneeded}
    assert {name: sorted(others & needs.keys()) for name, others in needs.items()} == {}


def test_every_room_has_a_place_in_the_order() -> None:
    rooms = {p.name for p in SOURCE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert rooms == set(MAY_IMPORT)


@pytest.mark.parametrize("room", ["core", "data", "readers", "datasets"])
def test_room_imports_no_torch_at_module_level(room: str) -> None:
    wrong = []
    for path in sorted((SOURCE / room).rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{path.name}: {n}" for n in names if n.split(".")[0] in {"torch", "safetensors", "sklearn"}]
    assert not wrong


@pytest.mark.parametrize("statement", ["import derin", "import derin.cli.main", "from derin import DerinError"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    heavy = ("torch", "numpy", "matplotlib", "sklearn", "PIL")
    code = f"{statement}\nimport sys\nprint([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
