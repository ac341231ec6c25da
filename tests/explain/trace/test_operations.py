"""Every entry of the table against PyTorch's operator and autograd; a change of any formula is noticed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from derin.explain.trace.operation import Call, Operation
from derin.explain.trace.operations import OPERATIONS

DRAW = np.random.default_rng(3)


def real(*shape: int) -> Any:
    """Numbers of both signs, none near a corner at 0, ±0.5, ±1 or ±3."""
    values = DRAW.normal(size=shape)
    for corner in (0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0):
        values = np.where(np.abs(values - corner) < 0.02, values + 0.05, values)
    return values


def positive(*shape: int) -> Any:
    return np.abs(real(*shape)) + 0.3


def share(*shape: int) -> Any:
    return DRAW.uniform(0.1, 0.9, size=shape)


def whole(high: int, *shape: int) -> Any:
    return DRAW.integers(0, high, size=shape)


def yes(*shape: int) -> Any:
    return DRAW.random(shape) < 0.5


def aten(name: str) -> Callable[..., Any]:
    return getattr(torch.ops.aten, name)


def first(name: str) -> Callable[..., Any]:
    return lambda *arguments: aten(name)(*arguments)[0]


# Name without "aten." → PyTorch's function (None: the operator of that name) and the arguments of each call.
Case = tuple[Callable[..., Any] | None, list[tuple[Any, ...]]]
_ONE = [(real(2, 5),)]
CASES: dict[str, Case] = {
    **dict.fromkeys(
        [
            "neg",
            "exp",
            "expm1",
            "abs",
            "sin",
            "cos",
            "tan",
            "atan",
            "erf",
            "sign",
            "floor",
            "ceil",
            "round",
            "square",
            "relu",
            "sigmoid",
            "tanh",
            "silu",
            "mish",
            "hardswish",
            "clone",
            "t",
        ],
        (None, _ONE),
    ),
    **{name: (None, [(positive(2, 5),)]) for name in ["log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"]},
    **{
        name: (None, [(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))])
        for name in ["eq", "ne", "lt", "le", "gt", "ge"]
    },
    **{name: (None, [(real(2, 5), real(5))]) for name in ["maximum", "minimum"]},
    **{name: (None, [(yes(3, 7), yes(3, 7))]) for name in ["logical_and", "logical_or"]},
    **{
        name: (
            lambda x, axes, keep, f=function: f(x, dim=axes, keepdim=keep),
            [(real(2, 3, 5), (0, 2), False), (real(2, 3), (1,), True)],
        )
        for name, function in (
            ("sum", torch.sum),
            ("mean", torch.mean),
            ("amax", torch.amax),
            ("amin", torch.amin),
            ("logsumexp", torch.logsumexp),
        )
    },
    **{
        name: (lambda x, axis, keep, f=function: f(x, axis, keep), [(real(3, 5), 1, False), (real(3, 5), 0, True)])
        for name, function in (("argmax", torch.argmax), ("argmin", torch.argmin))
    },
    **{
        name: (lambda x, axes, keep, f=function: f(x, dim=axes, keepdim=keep), [(yes(3, 2), (1,), False)])
        for name, function in (("any", torch.any), ("all", torch.all))
    },
    "add": (lambda a, b, alpha: torch.add(a, b, alpha=alpha), [(real(2, 3), real(3), 1), (real(2, 1), real(3), 2.5)]),
    "sub": (lambda a, b, alpha: torch.sub(a, b, alpha=alpha), [(real(2, 3), real(1, 3), 1), (real(3), real(2, 1), 2)]),
    "mul": (None, [(real(2, 3), real(3)), (real(2, 3), 1.7)]),
    "div": (None, [(real(2, 3), positive(3)), (real(2, 3), 1.7)]),
    "pow": (None, [(positive(2, 3), 3), (positive(2, 3), real(3)), (2.0, real(3))]),
    "addcmul": (lambda x, a, b, v: torch.addcmul(x, a, b, value=v), [(real(2, 3), real(3), real(2, 1), 1.3)]),
    "xlogy": (None, [(real(2, 3), positive(3)), (np.array([0.0, 2.0]), np.array([1.5, 0.4]))]),
    "isnan": (None, [(np.array([1.0, np.nan, -np.inf]),)]),
    "isinf": (None, [(np.array([1.0, np.nan, -np.inf]),)]),
    "lerp": (torch.lerp, [(real(2, 3), real(2, 3), share(2, 3)), (real(3), real(3), 0.3)]),
    "clamp": (None, [(real(3, 5), -0.7, 0.6), (real(3, 5), None, 0.2)]),
    "where": (torch.where, [(yes(2, 5), real(2, 5), real(5))]),
    "masked_fill": (None, [(real(2, 5), yes(2, 5), 0.7)]),
    "logical_not": (None, [(yes(2, 5),)]),
    "mm": (None, [(real(2, 3), real(3, 5))]),
    "bmm": (None, [(real(2, 3, 4), real(2, 4, 5))]),
    "addmm": (
        lambda c, a, b, beta, alpha: torch.addmm(c, a, b, beta=beta, alpha=alpha),
        [(real(5), real(2, 3), real(3, 5), 1, 1), (real(2, 5), real(2, 3), real(3, 5), 0.7, 1.3)],
    ),
    "baddbmm": (
        lambda c, a, b, beta, alpha: torch.baddbmm(c, a, b, beta=beta, alpha=alpha),
        [(real(2, 3, 5), real(2, 3, 4), real(2, 4, 5), 0.7, 1.3)],
    ),
    "linear": (None, [(real(2, 3, 4), real(5, 4), real(5)), (real(2, 4), real(5, 4), None)]),
    "mv": (None, [(real(2, 3), real(3))]),
    "dot": (None, [(real(3), real(3))]),
    "convolution": (
        None,
        [
            (real(2, 4, 7, 6), real(6, 2, 3, 2), real(6), (2, 1), (1, 0), (1, 2), False, (0, 0), 2),
            (real(2, 3, 9), real(5, 3, 4), None, (3,), (2,), (1,), False, (0,), 1),
            (real(2, 4, 4, 3), real(4, 3, 3, 2), real(6), (2, 3), (1, 0), (2, 1), True, (1, 2), 2),
            (real(1, 2, 3, 4, 5), real(3, 2, 2, 1, 3), real(3), (1, 2, 1), (0, 0, 1), (1, 1, 1), False, (0, 0, 0), 1),
        ],
    ),
    "max_pool2d": (
        first("max_pool2d_with_indices"),
        [
            (real(2, 3, 7, 8), (3, 2), (2, 1), (1, 0), (1, 2), False),
            (real(2, 3, 6, 7), (2, 3), (), (0, 1), (1, 1), True),
        ],
    ),
    "max_pool3d": (
        first("max_pool3d_with_indices"),
        [(real(1, 2, 4, 5, 6), (2, 3, 2), (2, 1, 2), (0, 1, 1), (1, 1, 1), True)],
    ),
    "avg_pool1d": (None, [(real(2, 3, 7), (3,), (2,), (1,), True, False)]),
    "avg_pool2d": (
        None,
        [
            (real(2, 3, 7, 8), (3, 2), (2, 3), (1, 0), True, True, None),
            (real(2, 3, 7, 8), (3, 2), (), (1, 1), False, False, None),
            (real(2, 3, 6, 5), (2, 3), (1, 2), (0, 0), False, True, 5),
        ],
    ),
    "avg_pool3d": (None, [(real(1, 2, 4, 5, 6), (2, 3, 2), (2, 1, 2), (1, 1, 0), False, True, None)]),
    "adaptive_avg_pool2d": (None, [(real(2, 3, 7, 5), (3, 2))]),
    "adaptive_avg_pool3d": (None, [(real(1, 2, 4, 5, 3), (3, 2, 2))]),
    "adaptive_max_pool2d": (first("adaptive_max_pool2d"), [(real(2, 3, 7, 5), (3, 2))]),
    "adaptive_max_pool3d": (first("adaptive_max_pool3d"), [(real(1, 2, 4, 5, 3), (3, 2, 2))]),
    "batch_norm": (
        lambda x, w, b, m, v, training, momentum, eps: F.batch_norm(
            x,
            None if training else m.detach().clone(),
            None if training else v.detach().clone(),
            w,
            b,
            training,
            momentum,
            eps,
        ),
        [
            (real(3, 2, 4, 5), real(2), real(2), np.zeros(2), np.ones(2), True, 0.1, 1e-5),
            (real(3, 2, 5), real(2), real(2), share(2), positive(2), False, 0.1, 1e-3),
            (real(7, 3), None, None, np.zeros(3), np.ones(3), True, 0.1, 1e-5),
        ],
    ),
    "layer_norm": (
        F.layer_norm,
        [(real(2, 3, 5), (5,), real(5), real(5), 1e-5), (real(2, 3, 5), (3, 5), None, None, 1e-3)],
    ),
    "group_norm": (F.group_norm, [(real(2, 6, 3, 5), 3, real(6), real(6), 1e-5), (real(2, 4, 3), 2, None, None, 1e-3)]),
    # The operator of that name takes 1/6 in single precision for its slope, in double precision too (PyTorch 2.13).
    "hardsigmoid": (lambda x: F.relu6(x + 3) / 6, _ONE),
    "log_sigmoid": (F.logsigmoid, _ONE),
    "hardtanh": (None, [(real(3, 5), -0.7, 0.6)]),
    "leaky_relu": (None, [(real(3, 5), 0.2)]),
    "elu": (None, [(real(3, 5), 1.3, 0.7, 1.1)]),
    "softplus": (None, [(real(3, 5) * 20, 2.0, 20.0), (real(3, 5), 0.7, 20.0)]),
    "gelu": (lambda x, how: F.gelu(x, approximate=how), [(real(3, 5), "none"), (real(3, 5), "tanh")]),
    "threshold": (None, [(real(3, 5), 0.1, -0.4)]),
    "softshrink": (None, [(real(3, 5), 0.4)]),
    "hardshrink": (None, [(real(3, 5), 0.4)]),
    "prelu": (aten("_prelu_kernel"), [(real(2, 3, 5), share(3, 1))]),
    "glu": (None, [(real(2, 6), 1)]),
    "_softmax": (lambda x, axis: torch.softmax(x, axis), [(real(2, 3, 5), 1)]),
    "_safe_softmax": (lambda x, axis: torch.softmax(x, axis), [(real(2, 5), -1)]),
    "_log_softmax": (lambda x, axis: torch.log_softmax(x, axis), [(real(2, 3, 5), 1)]),
    "mse_loss": (None, [(real(2, 3), real(2, 3), 1), (real(2, 3), real(2, 3), 2), (real(2, 3), real(2, 3), 0)]),
    "huber_loss": (None, [(real(3, 5), real(3, 5), 1, 0.7)]),
    "smooth_l1_loss": (None, [(real(3, 5), real(3, 5), 1, 0.7)]),
    "nll_loss": (
        first("nll_loss_forward"),
        [
            (real(3, 5), whole(5, 3), None, 1, -100),
            (real(4, 3), np.array([2, 0, 1, 1]), positive(3), 1, 0),
            (real(3, 5), whole(5, 3), positive(5), 2, -100),
        ],
    ),
    "binary_cross_entropy": (None, [(share(2, 3), share(2, 3), positive(2, 3), 1), (share(3), share(3), None, 2)]),
    "binary_cross_entropy_with_logits": (
        None,
        [(real(2, 3), share(2, 3), positive(3), positive(3), 1), (real(5), share(5), None, None, 2)],
    ),
    "var": (
        lambda x, axes, c, keep: torch.var(x, dim=axes, correction=c, keepdim=keep),
        [(real(3, 5, 2), (0, 2), 1, False), (real(3, 5), (1,), 0, True)],
    ),
    "std": (
        lambda x, axes, c, keep: torch.std(x, dim=axes, correction=c, keepdim=keep),
        [(real(3, 5, 2), (0, 2), 1, False)],
    ),
    "linalg_vector_norm": (
        None,
        [(real(3, 5), 2.0, (1,), True), (real(3, 5), 3.0, None, False), (real(3, 5), np.inf, (0,), False)],
    ),
    "cumsum": (None, [(real(3, 5), 1)]),
    "embedding": (None, [(real(7, 3), whole(7, 2, 5), 3, False, False)]),
    "view": (None, [(real(2, 6), (3, -1))]),
    "transpose": (None, [(real(2, 3, 5), 0, -1)]),
    "permute": (None, [(real(2, 3, 5), (2, 0, 1))]),
    "expand": (None, [(real(3, 1), (2, -1, 5))]),
    "squeeze": (None, [(real(2, 1, 5), 1), (real(2, 1, 5, 1), (1, 3))]),
    "unsqueeze": (None, [(real(2, 5), -1)]),
    "slice": (None, [(real(3, 7), 1, 1, 6, 2), (real(3, 7), -2, -2, 2**62, 1)]),
    "select": (None, [(real(3, 5), 1, -2)]),
    "repeat": (None, [(real(2, 3), (2, 1, 3))]),
    "flip": (None, [(real(2, 3), (0, 1))]),
    "pixel_shuffle": (None, [(real(2, 12, 2, 3), 2), (real(9, 2, 1), 3)]),
    "roll": (None, [(real(3, 5), (1, 2), (0, 1)), (real(7), (3,), ())]),
    "unfold": (None, [(real(2, 7), 1, 3, 2)]),
    "as_strided": (None, [(real(3, 4), (2, 3), (4, 1), 1)]),
    "diagonal": (None, [(real(2, 3, 4), 1, 1, 2)]),
    "index_select": (None, [(real(3, 5), 1, np.array([4, 0, 4]))]),
    "reflection_pad1d": (None, [(real(2, 3, 5), (2, 1))]),
    "reflection_pad2d": (None, [(real(2, 3, 5, 4), (2, 1, 3, 0))]),
    "reflection_pad3d": (None, [(real(1, 2, 3, 5, 4), (2, 1, 3, 0, 1, 1))]),
    "replication_pad1d": (None, [(real(2, 3, 5), (2, 1))]),
    "replication_pad2d": (None, [(real(2, 3, 5, 4), (2, 1, 3, 0))]),
    "replication_pad3d": (None, [(real(1, 2, 3, 5, 4), (2, 1, 3, 0, 1, 1))]),
    "upsample_nearest1d": (None, [(real(2, 3, 5), (8,), None)]),
    "upsample_nearest2d": (None, [(real(2, 3, 4, 5), (7, 10), None, 2.0)]),
    "upsample_bilinear2d": (
        None,
        [(real(2, 3, 4, 5), (7, 10), False, None, 2.0), (real(1, 2, 4, 3), (7, 5), True, None, None)],
    ),
    "constant_pad_nd": (None, [(real(3, 5), (1, -2, 0, 2), 0.7)]),
    "cat": (None, [((real(2, 3), real(2, 4)), 1)]),
    "stack": (None, [((real(2, 3), real(2, 3)), 1)]),
    "index": (None, [(real(4, 5), (np.array([3, 0, 3]),)), (real(4, 5), (None, np.array([1, 1, 4])))]),
    "index_put": (
        None,
        [(real(4, 5), (np.array([3, 0]),), real(2, 5), False), (real(4, 5), (np.array([3, 3]),), real(5), True)],
    ),
    "gather": (lambda x, axis, i, sparse: torch.gather(x, axis, i), [(real(3, 5), 1, whole(5, 3, 2), False)]),
    "slice_scatter": (None, [(real(3, 7), real(3, 3), 1, 1, 6, 2)]),
    "select_scatter": (None, [(real(3, 5), real(3), 1, 2)]),
    "copy": (lambda x, value: value.expand(x.shape) + 0 * x, [(real(3, 5), real(5))]),
    "tril": (None, [(real(3, 5), 1)]),
    "triu": (None, [(real(3, 5), -1)]),
    "_to_copy": (
        lambda x, kind: x.to(getattr(torch, kind)),
        [(real(3, 5) * 3, "int64"), (whole(7, 5), "float64"), (real(5), "float64")],
    ),
    "detach": (None, _ONE),
    "running_mean": (lambda r, x, m: _statistics(r, x, m)[0], [(real(2), real(3, 2, 5), 0.3)]),
    "running_variance": (lambda r, x, m: _statistics(r, x, m)[1], [(positive(2), real(3, 2, 5), 0.3)]),
    **{
        f"{name}_{what}": (
            lambda x, axis, keep, f=function, at=place: f(x, axis, keep)[at],
            [(real(3, 5), 1, True), (real(3, 5), 0, False)],
        )
        for name, function in (("max", torch.max), ("min", torch.min))
        for place, what in enumerate(("values", "indices"))
    },
}


# Arguments by which PyTorch does not differentiate.
NOT_DIFFERENTIABLE = {
    "aten.nll_loss": (2,),
    "aten.binary_cross_entropy": (2,),
    "aten.binary_cross_entropy_with_logits": (2, 3),
}


def _statistics(running: Tensor, x: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    mean, variance = running.detach().clone(), running.detach().clone()
    F.batch_norm(x.detach(), mean, variance, training=True, momentum=momentum)
    return mean, variance


def case_of(name: str) -> Case:
    short = name.partition(".")[2]
    function, calls = CASES[short]
    return function or aten(short), calls


def as_torch(value: Any, leaves: list[Tensor], differentiable: bool = True) -> Any:
    if isinstance(value, tuple):
        return [as_torch(one, leaves) for one in value]
    if not isinstance(value, np.ndarray):
        return value
    tensor = torch.from_numpy(value.copy())
    if differentiable and tensor.is_floating_point():
        tensor.requires_grad_()
        leaves.append(tensor)
    return tensor


def arrays_in(arguments: Any, parts: Any) -> list[Any]:
    """The gradient of every real array among the arguments, in order; None where there is none."""
    found: list[Any] = []
    for argument, part in zip(arguments, parts, strict=True):
        if isinstance(argument, tuple):
            found += arrays_in(argument, part if part is not None else [None] * len(argument))
        elif isinstance(argument, np.ndarray) and argument.dtype.kind == "f":
            found.append(part)
    return found


Expected = tuple[Any, Any, list[Any]]


def expected_of(name: str, arguments: tuple[Any, ...]) -> Expected:
    """PyTorch's output, a gradient of it, and the gradients of the arguments that autograd makes of that."""
    function, _ = case_of(name)
    leaves: list[Tensor] = []
    fixed = NOT_DIFFERENTIABLE.get(name, ())
    output = function(
        *(as_torch(one, [] if place in fixed else leaves, place not in fixed) for place, one in enumerate(arguments))
    )
    if not output.requires_grad:
        return output.numpy(), np.ones(output.shape), [None] * len(leaves)
    weights = torch.from_numpy(np.asarray(np.random.default_rng(5).normal(size=tuple(output.shape)) + 0.1))
    found = torch.autograd.grad(output, leaves, weights, allow_unused=True)
    return output.detach().numpy(), weights.numpy(), [None if one is None else one.numpy() for one in found]


def agrees(operation: Operation, arguments: tuple[Any, ...], expected: Expected) -> bool:
    output, gradient, wanted = expected
    try:
        ours = np.asarray(operation.forward(*arguments))
        if ours.shape != output.shape or not np.allclose(ours, output, rtol=1e-10, atol=1e-12):
            return False
        parts = operation.backward(Call(arguments, ours), gradient)
        fixed = NOT_DIFFERENTIABLE.get(operation.name, ())
        kept = [place for place in range(len(arguments)) if place not in fixed]
        found = arrays_in([arguments[place] for place in kept], [parts[place] for place in kept])
    except (ValueError, IndexError, TypeError, ZeroDivisionError, RuntimeWarning):
        return False
    for part, theirs in zip(found, wanted, strict=True):
        part, theirs = (np.zeros(1) if one is None else np.asarray(one) for one in (part, theirs))
        if not np.any(part) and not np.any(theirs):
            continue
        if part.shape != theirs.shape or not np.allclose(part, theirs, rtol=1e-10, atol=1e-12):
            return False
    return True


def mutants(operation: Operation) -> dict[str, Operation]:
    """The same entry with one formula changed."""

    def changed_forward(change: Callable[[Any], Any]) -> Operation:
        return dataclasses.replace(operation, forward=lambda *a: change(np.asarray(operation.forward(*a))))

    def changed_backward(change: Callable[[Any], Any]) -> Operation:
        def backward(call: Call, gradient: Any) -> Any:
            return tuple(
                tuple(map(change, part)) if isinstance(part, tuple) else None if part is None else change(part)
                for part in operation.backward(call, gradient)
            )

        return dataclasses.replace(operation, backward=backward)

    def scaled(value: Any) -> Any:
        return ~value if value.dtype == bool else value * 1.01

    return {
        "forward scaled": changed_forward(scaled),
        "forward shifted": changed_forward(lambda y: ~y if y.dtype == bool else y + 0.01),
        "backward scaled": changed_backward(lambda g: None if g is None else np.asarray(g) * 1.01),
        "backward negated": changed_backward(lambda g: None if g is None else -np.asarray(g)),
        "backward left out": changed_backward(lambda g: None),
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_agrees_with_pytorch_forward_and_backward(name: str) -> None:
    for arguments in case_of(name)[1]:
        assert agrees(OPERATIONS[name], arguments, expected_of(name, arguments)), arguments


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_changed_formula_is_noticed(name: str) -> None:
    calls = [(arguments, expected_of(name, arguments)) for arguments in case_of(name)[1]]
    # Where nothing flows back there is no formula of a gradient to change.
    flows = any(np.any(part) for _, (_, _, parts) in calls for part in parts if part is not None)
    for what, mutant in mutants(OPERATIONS[name]).items():
        if flows or what.startswith("forward"):
            assert not all(agrees(mutant, arguments, expected) for arguments, expected in calls), what


COMMUTATIVE = {
    *("aten.mul", "aten.maximum", "aten.minimum", "aten.eq", "aten.ne", "aten.logical_and", "aten.logical_or"),
    *("aten.dot", "aten.mse_loss", "aten.huber_loss", "aten.smooth_l1_loss"),
}


def takes_two_arrays(name: str) -> bool:
    operands = case_of(name)[1][0]
    return len(OPERATIONS[name].symbols) > 1 and all(isinstance(operand, np.ndarray) for operand in operands[:2])


@pytest.mark.parametrize("name", [name for name in OPERATIONS if takes_two_arrays(name) and name not in COMMUTATIVE])
def test_swapped_operands_are_noticed(name: str) -> None:
    operation, calls = OPERATIONS[name], case_of(name)[1]
    swapped = dataclasses.replace(operation, forward=lambda a, b, *rest: operation.forward(b, a, *rest))
    assert not all(agrees(swapped, arguments, expected_of(name, arguments)) for arguments in calls)


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.cell])
def test_terms_of_a_cell_make_its_value(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.cell
    for arguments in case_of(name)[1]:
        call = Call(arguments, np.asarray(operation.forward(*arguments)))
        for index in list(np.ndindex(*call.output.shape))[::3]:
            cell = operation.cell(call, index)
            assert cell.value == pytest.approx(float(call.output[index]), rel=1e-12)
            for term in cell.terms:
                for number, place, value in term.factors:
                    assert number < 0 or float(arguments[number][place]) == value
            values = [term.value for term in cell.terms]
            if cell.form in ("sum", "max", "min"):
                made = {"sum": sum, "max": max, "min": min}[cell.form](values)
                assert made == pytest.approx(cell.value, rel=1e-9, abs=1e-12)


def test_every_entry_has_its_formulas_and_symbols() -> None:
    for name, operation in OPERATIONS.items():
        assert operation.name == name
        assert operation.formula.strip()
        assert operation.symbols
        assert operation.formula.count("{") == operation.formula.count("}")
        assert operation.gradient_formula.count("{") == operation.gradient_formula.count("}")
        # A gradient that flows has a formula, and one that does not has none.
        arguments = case_of(name)[1][0]
        flows = any(part is not None for part in expected_of(name, arguments)[2])
        assert bool(operation.gradient_formula) or not flows, name
