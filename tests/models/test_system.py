"""Systems of several networks: built again from what they say, and refused where they cannot be."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import torch
from torch import nn

import derin
from derin.core.errors import RefusedFileError, ShapeError, UsageError
from derin.layers import Dense
from derin.models.building import build, from_spec
from derin.models.summary import summarize
from derin.models.system import System


def system() -> System:
    judge = derin.Sequential([Dense(3, activation="relu"), Dense(1)], input_shape=(4,))
    return System({"judge": judge, "maker": build("mlp", input_shape=(2,), num_outputs=4, hidden=(3,), seed=0)})


def test_a_system_of_described_networks_is_built_again_without_code() -> None:
    first = system()
    again = from_spec(json.loads(json.dumps(first.spec)))
    assert again.spec == first.spec
    again.load_state_dict(first.state_dict())
    x = torch.randn(5, 2)
    assert torch.equal(again.judge(again.maker(x)), first.judge(first.maker(x)))
    assert System({"own": nn.Linear(2, 1), "maker": first.maker}).spec is None


def test_the_parts_of_a_system_are_counted_in_its_summary() -> None:
    counts = summarize(system())
    assert counts.parameters == (4 * 3 + 3 + 3 + 1) + (2 * 3 + 3 + 3 * 4 + 4)
    assert {row.name.split(".")[0] for row in counts.layers} == {"judge", "maker"}


def test_a_system_is_not_called_as_one_network() -> None:
    with pytest.raises(ShapeError, match="called by one of these networks"):
        system()(torch.zeros(1, 4))


@pytest.mark.parametrize("names", [["a.b"], [""], ["1st"], ["forward"], [], [f"n{i}" for i in range(17)]])
def test_names_and_numbers_that_cannot_be_are_refused(names: list[str]) -> None:
    with pytest.raises(UsageError):
        System({name: nn.Linear(1, 1) for name in names})


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    spec = copy.deepcopy(system().spec)
    at: Any = spec
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return spec  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("options",), {}),
        (("options", "networks"), {}),
        (("options", "networks"), [1]),
        (("options", "networks", "maker"), 7),
        (("options", "networks", "maker", "name"), "os.system"),
        (("options", "networks", "maker", "input_shape"), [1 << 40]),
        (("options", "networks", "maker", "options", "hidden"), [10**6, 10**6]),
        (("options", "networks"), {"forward": {}}),
        (("input_shape",), [5]),
        (("num_outputs",), 2),
    ],
)
def test_a_description_that_was_altered_is_refused(path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(RefusedFileError):
        from_spec(changed(path, value))


def test_a_system_within_a_system_is_refused() -> None:
    spec: Any = system().spec
    for _ in range(50):
        spec = {**spec, "options": {"networks": {"inner": spec}}}
    with pytest.raises(RefusedFileError, match="holds descriptions of networks"):
        from_spec(spec)
