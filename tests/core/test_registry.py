from __future__ import annotations

import json
import subprocess
import sys

import pytest

from derin.core.errors import UnknownNameError, UsageError
from derin.core.registry import Registry


def test_a_name_gives_the_thing_that_it_names() -> None:
    registry: Registry[object] = Registry("codec", {"json": "json:dumps"})
    assert registry["json"] is json.dumps


def test_an_unknown_name_is_answered_with_near_matches() -> None:
    registry: Registry[object] = Registry("codec", {"json": "json:dumps", "csv": "csv:writer"})
    with pytest.raises(UnknownNameError, match=r"no codec named 'jason'; did you mean 'json'\?$"):
        registry["jason"]


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    program = (
        "import sys; from derin.core.registry import Registry;"
        "r = Registry('thing', {'a': 'colorsys:rgb_to_hsv', 'b': 'no_such_module:x'});"
        "assert list(r) == ['a', 'b'] and 'a' in r and len(r) == 2; assert 'colorsys' not in sys.modules;"
        "r['a']; assert 'colorsys' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_error_within_the_imported_module_is_not_hidden() -> None:
    registry: Registry[object] = Registry("thing", {"b": "no_such_module:x"})
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        registry["b"]


def test_a_thing_of_ones_own_can_be_added_once() -> None:
    registry: Registry[object] = Registry("thing", {"a": "json:dumps"})
    registry.add("mine", 7)
    assert registry["mine"] == 7
    assert list(registry) == ["a", "mine"]
    for taken in ("mine", "a"):
        with pytest.raises(UsageError, match="registered already"):
            registry.add(taken, 8)
