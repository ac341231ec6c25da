"""Dense layers through oneDNN, which torch carries under names that are not promised to stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def has_onednn(kind: torch.dtype) -> bool:
    """Whether torch carries oneDNN's products of dense layers, for numbers of this kind on this processor.

    Example:
        >>> import torch
        >>> has_onednn(torch.float64)
        False
    """
    import torch

    operations = torch.ops.mkldnn
    names = ("_linear_pointwise", "_reorder_linear_weight", "_is_mkldnn_bf16_supported")
    if not torch.backends.mkldnn.is_available() or not all(hasattr(operations, name) for name in names):
        return False
    return kind == torch.float32 or (kind == torch.bfloat16 and operations._is_mkldnn_bf16_supported())


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b; in float32 on the CPU through oneDNN, where torch has it, else as torch does by itself.

    torch multiplies bfloat16 through oneDNN by itself, and float32 through its BLAS, which is slower on some CPUs.

    Args:
        x, weight, bias: the operands; they may be transposed views.

    Shapes:
        x ``(..., in)``, W ``(out, in)``, b ``(out,)`` → ``(..., out)``.

    Example:
        >>> import torch
        >>> linear(torch.ones(1, 3), torch.ones(2, 3)).tolist()
        [[3.0, 3.0]]
    """
    import torch

    if x.is_cpu and x.dtype == torch.float32 and has_onednn(x.dtype):
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return result
    return torch.nn.functional.linear(x, weight, bias)


def repeated_linear(weight: Tensor, batch: int) -> Callable[[Tensor, Tensor], Tensor]:
    """x, y → x Wᵀ + y for many x ``(batch, ·)``: the weights are brought into oneDNN's own order of memory once.

    Example:
        >>> import torch
        >>> repeated_linear(torch.ones(2, 3), 1)(torch.ones(1, 3), torch.ones(1, 2)).tolist()
        [[4.0, 4.0]]
    """
    import torch

    if not weight.is_cpu or not has_onednn(weight.dtype):
        return lambda x, y: torch.addmm(y, x, weight.t())
    ordered = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), batch)
    return lambda x, y: torch.ops.mkldnn._linear_pointwise.binary(x, y, ordered, None, "add")
