"""From PyTorch's operators to the operations of the table: other names, and arguments that do not matter here.

PyTorch has several spellings of one thing (`_unsafe_view` is `view`), results that only its own backward pass reads
(the places of a maximum), and arguments about memory. A captured operator is said in the table's few operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# The arguments of an operator by its schema → the table's operation and its arguments.
Said = tuple[str, tuple[Any, ...]]


def _same(name: str, count: int | None = None) -> Callable[..., Said]:
    """Another name; of the arguments the first ones count."""
    return lambda *a: (name, a[:count])


# Values that no input enters: PyTorch's own number is taken as a constant.
MAKES_CONSTANTS = frozenset(
    {
        *("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "randint_like", "bernoulli"),
        *("new_zeros", "new_ones", "new_full", "new_empty", "new_empty_strided"),
    }
)

# Operators with several results of which the first is the operation's.
FIRST_RESULT = frozenset(
    {
        *("max_pool2d_with_indices", "max_pool3d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool3d"),
        *("native_layer_norm", "native_group_norm", "nll_loss_forward", "nll_loss2d_forward", "log_sigmoid_forward"),
    }
)

SAID: dict[str, Callable[..., Said]] = {
    "_unsafe_view": _same("aten.view"),
    "reshape": _same("aten.view"),
    "_reshape_alias": _same("aten.view", 2),
    "alias": _same("aten.clone", 1),
    "clone": _same("aten.clone", 1),
    "lift_fresh_copy": _same("aten.clone", 1),
    "lift_fresh": _same("aten.clone", 1),
    "copy": lambda x, value, *_: ("aten.copy", (x, value)),
    "rsub": lambda x, other, alpha: ("aten.sub", (other, x, alpha)),
    "floor_divide": lambda a, b: ("aten.div", (a, b, "floor")),
    "clamp_min": lambda x, low: ("aten.clamp", (x, low, None)),
    "clamp_max": lambda x, high: ("aten.clamp", (x, None, high)),
    "bitwise_not": _same("aten.logical_not"),
    "bitwise_and": _same("aten.logical_and"),
    "bitwise_or": _same("aten.logical_or"),
    "sum": lambda x, axes=None, keep=False: ("aten.sum", (x, axes, keep)),
    "mean": lambda x, axes=None, keep=False: ("aten.mean", (x, axes, keep)),
    "any": lambda x, axes=None, keep=False: ("aten.any", (x, axes, keep)),
    "all": lambda x, axes=None, keep=False: ("aten.all", (x, axes, keep)),
    "norm": lambda x, order=None, axes=None, keep=False: (
        "aten.linalg_vector_norm",
        (x, 2 if order is None else order, axes, keep),
    ),
    "_softmax": _same("aten._softmax", 2),
    "_safe_softmax": _same("aten._safe_softmax", 2),
    "_log_softmax": _same("aten._log_softmax", 2),
    "_prelu_kernel": _same("aten.prelu"),
    "log_sigmoid_forward": _same("aten.log_sigmoid"),
    "max_pool2d_with_indices": _same("aten.max_pool2d"),
    "max_pool3d_with_indices": _same("aten.max_pool3d"),
    "_adaptive_avg_pool2d": _same("aten.adaptive_avg_pool2d"),
    "_adaptive_avg_pool3d": _same("aten.adaptive_avg_pool3d"),
    "native_layer_norm": _same("aten.layer_norm"),
    "native_group_norm": lambda x, weight, bias, n, c, area, groups, eps: (
        "aten.group_norm",
        (x, groups, weight, bias, eps),
    ),
    "nll_loss_forward": _same("aten.nll_loss"),
    "nll_loss2d_forward": _same("aten.nll_loss"),
    "_unsafe_index": _same("aten.index"),
    "_unsafe_index_put": _same("aten.index_put"),
}
