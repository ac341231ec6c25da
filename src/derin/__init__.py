"""Derin: from a folder of data to a network that is trained, diagnosed, explained and in use.

Nothing is imported until it is asked for, so that ``import derin`` costs a few milliseconds. What other libraries read
from the environment when they are loaded is set then (`core.library_settings`).

Example:
    >>> import derin
    >>> data = derin.load("iris")
    >>> data.target().classes
    ('setosa', 'versicolor', 'virginica')
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from derin.core.library_settings import set_library_settings
from derin.version import __version__

set_library_settings()

if TYPE_CHECKING:
    from derin import optimizers, schedules
    from derin.api.compare import compare
    from derin.api.diagnose import diagnose, diagnose_numbers
    from derin.api.fit import fit
    from derin.api.load import load
    from derin.api.model import open
    from derin.api.run import Run
    from derin.api.search import search
    from derin.apps.painting.dream import dream
    from derin.apps.painting.style import style
    from derin.core.errors import DerinError
    from derin.core.process_tuning import tune_process
    from derin.data.augment import Augmentation
    from derin.data.table import Table
    from derin.explain.trace.gradcheck import gradcheck
    from derin.models.graph import Graph, Input
    from derin.models.sequential import Sequential
    from derin.models.system import System
    from derin.readers.stream import Stream
    from derin.train.callback import Callback
    from derin.train.config import TrainConfig
    from derin.train.plan import Plan

_PUBLIC = {
    "Augmentation": "derin.data.augment",
    "Callback": "derin.train.callback",
    "DerinError": "derin.core.errors",
    "Graph": "derin.models.graph",
    "Input": "derin.models.graph",
    "Plan": "derin.train.plan",
    "Run": "derin.api.run",
    "Stream": "derin.readers.stream",
    "Sequential": "derin.models.sequential",
    "System": "derin.models.system",
    "Table": "derin.data.table",
    "TrainConfig": "derin.train.config",
    "compare": "derin.api.compare",
    "diagnose": "derin.api.diagnose",
    "diagnose_numbers": "derin.api.diagnose",
    "dream": "derin.apps.painting.dream",
    "fit": "derin.api.fit",
    "gradcheck": "derin.explain.trace.gradcheck",
    "load": "derin.api.load",
    "open": "derin.api.model",
    "search": "derin.api.search",
    "style": "derin.apps.painting.style",
    "tune_process": "derin.core.process_tuning",
}

# Modules that are loaded when they are first asked for.
_MODULES = ("optimizers", "schedules", "tasks")

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"derin.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'derin' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC, *_MODULES})
