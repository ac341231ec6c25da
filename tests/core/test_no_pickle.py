"""Reading a saved file never unpickles and never runs code from data: found by parsing the source, not by words."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import derin

ROOT = Path(derin.__file__).parent
# Weights of other programs come in here, in a process of their own, with weights_only.
IMPORTER = ROOT / "models" / "weights" / "importer.py"
MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "jsonpickle"}
LOADERS = {"torch.load", "torch.jit.load", "torch.package", "torch.export.load", "yaml.load", "yaml.unsafe_load"}
PANDAS = {"read_pickle", "to_pickle"}


def dotted(node: ast.expr) -> str:
    """``a.b.c`` as it is written; nothing for what is no name."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def unsafe(source: str) -> list[str]:
    """What a module does that could run code from a file."""
    nodes = list(ast.walk(ast.parse(source)))
    found, aliases = [], {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for name in node.names:
                aliases[name.asname or name.name.partition(".")[0]] = (
                    name.name if name.asname else name.name.partition(".")[0]
                )
                if name.name.partition(".")[0] in MODULES:
                    found.append(f"import {name.name}")
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for name in node.names:
                aliases[name.asname or name.name] = f"{node.module}.{name.name}"
            if (node.module or "").partition(".")[0] in MODULES:
                found.append(f"from {node.module} import")
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        head, dot, rest = called.partition(".")
        full = aliases.get(head, head) + dot + rest
        if (
            full in ("eval", "exec", "builtins.eval", "builtins.exec")
            or full in LOADERS
            or full.startswith("torch.package")
        ):
            found.append(full)
        if full.rpartition(".")[2] in PANDAS:
            found.append(full)
        named = [str(arg.value).partition(".")[0] for arg in node.args if isinstance(arg, ast.Constant)]
        if full in ("__import__", "importlib.import_module") and MODULES & set(named):
            found.append(full)
        for keyword in node.keywords:
            allowed = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg == "allow_pickle" and not allowed:
                found.append(f"{full}(allow_pickle)")
            if keyword.arg == "weights_only" and full not in LOADERS and not isinstance(keyword.value, ast.Constant):
                found.append(f"{full}(weights_only)")
        if full in ("numpy.load", "numpy.lib.format.read_array") and len(node.args) > 2:
            found.append(f"{full} with allow_pickle by place")
    return found


SOURCES = sorted(path for path in ROOT.rglob("*.py") if path != IMPORTER)


def test_no_module_unpickles_or_runs_data() -> None:
    assert len(SOURCES) > 20
    guilty = {str(path.relative_to(ROOT)): found for path in SOURCES if (found := unsafe(path.read_text("utf-8")))}
    assert guilty == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    import pickle as p",
        "from pickle import loads",
        "from joblib.numpy_pickle import load",
        "import marshal, json",
        "import torch\ntorch.load('a')",
        "import torch as t\nt.load('a')",
        "from torch import load\nload('a', weights_only=True)",
        "from torch import load as read\nread('a')",
        "import torch.jit\ntorch.jit.load('a')",
        "import numpy as np\nnp.load('a', allow_pickle=True)",
        "import numpy as np\nnp.load('a', allow_pickle=flag)",
        "import numpy as np\nnp.load('a', None, True)",
        "import pandas as pd\npd.read_pickle('a')",
        "eval('1')",
        "exec('1')",
        "import yaml\nyaml.load('a')",
        "__import__('pickle')",
        "import importlib\nimportlib.import_module('pickle')",
    ],
)
def test_the_search_finds(source: str) -> None:
    assert unsafe(source)


@pytest.mark.parametrize(
    "source",
    ["model.eval()", "import numpy as np\nnp.load('a', allow_pickle=False)", "# pickle\n'torch.load'", "load(1)"],
)
def test_the_search_passes_over(source: str) -> None:
    assert unsafe(source) == []
