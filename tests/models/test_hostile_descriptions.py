"""A description from a file may say anything; what no network has is refused in one sentence and takes no memory."""

from __future__ import annotations

import copy
import tracemalloc
from typing import Any

import pytest

from derin.core.errors import RefusedFileError
from derin.models import from_spec

MLP: dict[str, Any] = {"name": "mlp", "input_shape": [5], "num_outputs": 3, "options": {"hidden": [7]}}
DENSE: dict[str, Any] = {"kind": "dense", "units": 3}
SEQUENTIAL: dict[str, Any] = {
    "name": "sequential",
    "input_shape": [5],
    "num_outputs": 3,
    "options": {"layers": [DENSE]},
}
GRAPH: dict[str, Any] = {
    "name": "graph",
    "input_shape": [5],
    "num_outputs": 3,
    "options": {"inputs": [[5]], "nodes": [{"layer": DENSE, "reads": [0]}], "outputs": 1},
}


def changed(spec: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {**copy.deepcopy(spec), **values}


def graph(*nodes: Any, outputs: Any = 1, inputs: Any = None) -> dict[str, Any]:
    return changed(GRAPH, options={"inputs": inputs or [[5]], "nodes": list(nodes), "outputs": outputs})


@pytest.mark.parametrize("spec", [MLP, SEQUENTIAL, GRAPH], ids=["mlp", "sequential", "graph"])
def test_the_untouched_descriptions_are_accepted(spec: dict[str, Any]) -> None:
    assert from_spec(spec).spec["name"] == spec["name"]


@pytest.mark.parametrize(
    "spec",
    [
        None,
        [],
        "mlp",
        {},
        {"name": "mlp"},
        {**MLP, "code": "import os"},
        changed(MLP, name="os:system"),
        changed(MLP, name="derin.models.mlp:MLP"),
        changed(MLP, name=["mlp"]),
        changed(MLP, input_shape="5"),
        changed(MLP, input_shape=[]),
        changed(MLP, input_shape=[5.5]),
        changed(MLP, input_shape=[-1]),
        changed(MLP, input_shape=[10**30]),
        changed(MLP, input_shape=[2] * 100),
        changed(MLP, num_outputs=None),
        changed(MLP, num_outputs=True),
        changed(MLP, num_outputs=10**12),
        changed(MLP, options=[]),
        changed(MLP, options={"hidden": [1_000_000, 1_000_000]}),
        changed(MLP, options={"hidden": [7] * 100_000}),
        changed(MLP, options={"hidden": [7], "__class__": "x"}),
        changed(MLP, options={"activation": "__import__"}),
        changed(MLP, name="resnet18"),
        changed(MLP, name="resnet20", input_shape=[3, 32, 32], options={"depth": 10**9 * 6 + 2}),
        changed(MLP, name="convnet", input_shape=[3, 32, 32], options={"widths": [8], "depths": [10**9]}),
        changed(SEQUENTIAL, options={}),
        changed(SEQUENTIAL, options={"layers": []}),
        changed(SEQUENTIAL, options={"layers": [DENSE], "more": 1}),
        changed(SEQUENTIAL, options={"layers": {"0": DENSE}}),
        changed(SEQUENTIAL, options={"layers": [DENSE] * 20_001}),
        changed(SEQUENTIAL, options={"layers": ["dense"]}),
        changed(SEQUENTIAL, options={"layers": [{"kind": "torch.nn.Linear", "units": 3}]}),
        changed(SEQUENTIAL, options={"layers": [{"kind": "dense"}]}),
        changed(SEQUENTIAL, options={"layers": [{**DENSE, "units": "3"}]}),
        changed(SEQUENTIAL, options={"layers": [{**DENSE, "units": 10**9}]}),
        changed(SEQUENTIAL, options={"layers": [{**DENSE, "name": "forward"}]}),
        changed(SEQUENTIAL, options={"layers": [{**DENSE, "name": "a.b"}]}),
        changed(SEQUENTIAL, options={"layers": [{"kind": "embedding", "vocabulary": 10**8, "dim": 10**6}]}),
        changed(SEQUENTIAL, num_outputs=4),
        changed(SEQUENTIAL, input_shape=[3, 5, 5], options={"layers": [{"kind": "upsample", "factor": 1000}] * 9}),
        changed(
            SEQUENTIAL,
            input_shape=[10**6, 5, 5],
            options={"layers": [{"kind": "conv", "channels": 10**6, "kernel": 4096, "padding": 4096}]},
        ),
        graph({"layer": DENSE, "reads": [1]}),
        graph({"layer": DENSE, "reads": [-1]}),
        graph({"layer": DENSE, "reads": [True]}),
        graph({"layer": DENSE, "reads": []}),
        graph({"layer": DENSE, "reads": 0}),
        graph({"layer": DENSE}),
        graph(DENSE),
        graph({"layer": DENSE, "reads": [0]}, outputs=7),
        graph({"layer": DENSE, "reads": [0]}, outputs=[]),
        graph({"layer": DENSE, "reads": [0]}, outputs=None),
        graph({"layer": DENSE, "reads": [0]}, inputs=[5]),
        graph({"layer": DENSE, "reads": [0]}, inputs=[["5"]]),
        graph({"layer": DENSE, "reads": [0]}, inputs=[[5], [4]]),
        graph(*({"layer": {"kind": "concat"}, "reads": [n, n]} for n in range(5000)), outputs=5000),
    ],
)
def test_damaged_and_hostile_descriptions_are_refused_without_taking_memory(spec: Any) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RefusedFileError) as refused:
            from_spec(spec)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
    assert str(refused.value).endswith((".", "?"))


def test_more_parameters_than_the_weights_at_hand_are_refused() -> None:
    assert from_spec(MLP, max_parameters=5 * 7 + 7 + 7 * 3 + 3)
    with pytest.raises(RefusedFileError, match="66 parameters; at most 65"):
        from_spec(MLP, max_parameters=65)
