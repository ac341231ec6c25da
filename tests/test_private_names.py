"""Names of torch that are not promised to stay: each kind is used in one file, which does without where it is gone."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import derin
from derin.core.onednn import has_onednn, linear, repeated_linear
from derin.explain.layer_names import trace
from derin.models import build
from derin.models.summary import Summary, summarize
from derin.train.foreach import foreach
from derin.train.optimizers.fused_adam import FusedAdam, FusedAdamW

SOURCE = Path(derin.__file__).parent
# What private names each file may use.
ALLOWED = {
    "core/onednn.py": {
        "torch.ops.mkldnn._linear_pointwise",
        "torch.ops.mkldnn._linear_pointwise.binary",
        "torch.ops.mkldnn._reorder_linear_weight",
        "torch.ops.mkldnn._is_mkldnn_bf16_supported",
    },
    "explain/trace/decompositions.py": {"torch._decomp.get_decompositions"},
    "layers/operators.py": {"torch.utils._python_dispatch.TorchDispatchMode"},
    "train/optimizers/muon.py": {"torch._foreach_lerp_", "torch._foreach_lerp", "torch._foreach_mul_"},
}
# Private names that are looked up as text, so that nothing happens where they are gone.
ALLOWED_TEXTS = {"train/foreach.py": "_foreach_", "train/optimizers/fused_adam.py": "_fused_adam"}


def private_names(tree: ast.Module) -> set[str]:
    """Dotted names below torch with a part that begins with one underscore; aliases are followed."""
    aliases: dict[str, str] = {}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {(a.asname or a.name.partition(".")[0]): (a.name if a.asname else a.name.partition(".")[0])
                        for a in node.names}  # fmt: skip
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            aliases |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
            found |= {f"{node.module}.{a.name}" for a in node.names}
    for node in ast.walk(tree):
        parts: list[str] = []
        at: ast.expr | Any = node
        while isinstance(at, ast.Attribute):
            parts.append(at.attr)
            at = at.value
        if parts and isinstance(at, ast.Name) and at.id in aliases:
            found.add(".".join([aliases[at.id], *reversed(parts)]))
    return {
        name
        for name in found
        if name.split(".")[0] == "torch" and any(p.startswith("_") and not p.startswith("__") for p in name.split("."))
    }


def test_a_private_name_is_seen_however_it_is_written() -> None:
    text = """
import torch
import torch._dynamo as compiler
from torch import nn, _C
from torch.utils import _pytree as trees
torch._foreach_add_(torch.ones(1), torch.__version__)
nn.functional._verify_batch_size
trees.tree_map
compiler.reset
"""
    assert private_names(ast.parse(text)) == {
        "torch._dynamo",
        "torch._C",
        "torch.utils._pytree",
        "torch._foreach_add_",
        "torch.nn.functional._verify_batch_size",
        "torch.utils._pytree.tree_map",
        "torch._dynamo.reset",
    }


def test_no_other_file_uses_private_names_of_torch() -> None:
    for path in SOURCE.rglob("*.py"):
        text, place = path.read_text(encoding="utf-8"), path.relative_to(SOURCE).as_posix()
        if "torch" not in text:
            continue
        assert private_names(ast.parse(text)) <= ALLOWED.get(place, set()), place
        for told, prefix in ALLOWED_TEXTS.items():
            assert place == told or f'"{prefix}' not in text, place


def test_many_tensors_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = [
        ("lerp_", [torch.ones(2), torch.zeros(3)], 0.3),
        ("lerp", [torch.ones(2), torch.zeros(3)], 0.3),
        ("copy_", [torch.ones(2), torch.zeros(3)]),
        ("div_", 3.0),
        ("mul_", 0.7),
        ("sign",),
        ("sign_",),
    ]

    def results() -> list[torch.Tensor]:
        found = []
        for name, *arguments in calls:
            tensors = [torch.linspace(-1, 1, 2), torch.linspace(-2, 3, 3)]
            found += [*foreach(name, tensors, *arguments), *tensors]
        return [*found, *foreach("add_", [torch.ones(2)], [torch.full((2,), 0.1)], alpha=0.3)]

    together = results()
    for name in dir(torch):
        if name.startswith("_foreach_"):
            monkeypatch.delattr(torch, name)
    assert all(torch.equal(one, other) for one, other in zip(together, results(), strict=True))


@pytest.mark.parametrize("kind", [FusedAdam, FusedAdamW])
def test_fused_steps_without_the_kernels_of_their_own(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained() -> torch.Tensor:
        weight = nn.Parameter(torch.linspace(-1, 1, 7))
        optimizer = kind([weight], lr=0.1, weight_decay=0.1, fused=True)
        for _ in range(3):
            optimizer.zero_grad()
            weight.square().sum().backward()
            optimizer.step()
        return weight.detach()

    expected = trained()
    names = SimpleNamespace(no_grad=torch.no_grad, float32=torch.float32)  # all that the file may ask torch for
    monkeypatch.setattr("derin.train.optimizers.fused_adam.torch", names)
    assert torch.equal(trained(), expected)


@pytest.mark.skipif(not has_onednn(torch.float32), reason="this torch has no oneDNN")
def test_dense_layers_without_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias = torch.rand(5, 12), torch.rand(7, 12), torch.rand(7)
    through = [linear(x, weight, bias), repeated_linear(weight, 5)(x, bias.expand(5, 7))]
    monkeypatch.setattr("torch.ops.mkldnn", SimpleNamespace())
    assert not has_onednn(torch.float32)
    for found in (linear(x, weight, bias), repeated_linear(weight, 5)(x, bias.expand(5, 7))):
        # Twelve products are added in another order: a few units in the last place of sums up to 12.
        torch.testing.assert_close(found, torch.nn.functional.linear(x, weight, bias), rtol=0, atol=4e-6)
        torch.testing.assert_close(found, through[0], rtol=0, atol=4e-6)


def hide(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Modules of torch are not there for Derin; torch itself has them still."""
    load = builtins.__import__

    def importing(name: str, names: Any = None, *rest: Any) -> Any:
        if name in modules and (names or {}).get("__name__", "").startswith("derin."):
            raise ImportError(name)
        return load(name, names, *rest)

    monkeypatch.setattr(builtins, "__import__", importing)


def test_layers_are_counted_without_the_mode_for_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    def counted() -> list[Summary]:
        lstm = nn.Sequential(nn.Embedding(9, 5), nn.LSTM(5, 4))
        attention = nn.TransformerEncoderLayer(12, 3, 24, batch_first=True)
        return [
            summarize(build("lenet5", input_shape=(1, 28, 28), num_outputs=10, seed=0), (1, 28, 28)),
            summarize(lstm, (7,), dtype=torch.int64),
            summarize(attention, (5, 12)),
            summarize(nn.ConvTranspose2d(3, 4, 5), (3, 6, 7)),
        ]

    expected = counted()
    hide(monkeypatch, "torch.utils._python_dispatch")
    assert counted() == expected
    assert all(summary.multiply_adds for summary in expected)


def test_a_network_is_traced_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from derin.explain.trace.capture import capture
    from derin.explain.trace.experiment import experiment

    layer = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Dropout())
    made = experiment(layer, torch.ones(5, 3), torch.ones(5, 2))
    expected = capture(made).graph, made.autograd()[0]
    hide(monkeypatch, "torch._decomp", "torch.utils._python_dispatch")
    assert (capture(made).graph, made.autograd()[0]) == expected


def test_convolutions_are_found_by_any_name() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 1, 3, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.convolution(x, self.weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)

    net = nn.Sequential(Own(), nn.ConvTranspose2d(2, 3, 2), nn.ReLU())
    assert [call.convolves for call in trace(net, torch.zeros(1, 1, 8, 8))] == [True, True, False, False]
