"""What the package exports, and that every public name explains itself."""

from __future__ import annotations

import ast
import doctest
import importlib
import linecache
from pathlib import Path

import pytest

import derin

SOURCE = Path(__file__).resolve().parent.parent / "src" / "derin"
MODULES = {
    ".".join(("derin", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
    if path.name != "__main__.py"
}


def test_exported_names_are_these() -> None:
    assert sorted(derin.__all__) == [
        "Augmentation",
        "Callback",
        "DerinError",
        "Graph",
        "Input",
        "Plan",
        "Run",
        "Sequential",
        "Stream",
        "System",
        "Table",
        "TrainConfig",
        "__version__",
        "compare",
        "diagnose",
        "diagnose_numbers",
        "dream",
        "fit",
        "gradcheck",
        "load",
        "open",
        "optimizers",
        "schedules",
        "search",
        "style",
        "tune_process",
    ]
    for name in derin.__all__:
        assert getattr(derin, name) is not None


def test_every_public_thing_has_a_docstring() -> None:
    missing = []
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            missing.append(str(path.relative_to(SOURCE)))
        for node in tree.body:
            if (
                isinstance(node, ast.ClassDef | ast.FunctionDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                missing.append(f"{path.relative_to(SOURCE)}: {node.name}")
    assert not missing


WITH_EXAMPLES = [name for name, path in MODULES.items() if ">>>" in path.read_text(encoding="utf-8")]


@pytest.mark.usefixtures("onnx_is_read_once")
@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_docstring_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    # For each example, and by doctest itself for each docstring without one, all sources ever read would be looked for
    # anew, in case that they changed.
    monkeypatch.setattr(linecache, "checkcache", lambda *about: None)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for found in doctest.DocTestFinder().find(module):
        if found.examples:
            runner.run(found)
    told = runner.summarize(verbose=False)
    assert told.attempted > 0
    assert told.failed == 0
