"""A model made ready for many predictions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from derin.core.errors import DerinError, DerinWarning, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from derin.api.model import Model
    from derin.data.preparation import Preparation


def warm_up(model: Model, *batch_sizes: int, with_onnx: bool = True) -> dict[int, dict[str, float]]:
    """Finds the fastest way to compute a model's network on this machine, for batches of some sizes.

    Three ways are timed: the network as it is, the same network recorded with its steps joined by oneDNN, and, where
    onnxruntime is installed, ONNX Runtime. All give the same outputs to 1e-4 of the largest. From then on `predict`
    takes the fastest for batches of these sizes. It takes seconds, for recording.

    The second and third way compute with a copy of the network. Before each batch the network is compared with it, bit
    by bit, which costs one reading of its weights: after any change, also one through ``.data``, `predict` goes back to
    the network itself. Warm up again to have the faster ways follow. A process of your own is faster still after
    `derin.tune_process`.

    Args:
        model: of `derin.open`, on the CPU.
        batch_sizes: how many inputs come at once; 1 where none is given.
        with_onnx: whether ONNX Runtime is tried too: writing a network of many layers as ONNX takes half a minute.

    Returns:
        seconds of a call by batch size and way: ``"torch"``, ``"onednn"``, ``"onnxruntime"``.

    Raises:
        UsageError: the network is not on the CPU, reads texts or series, or a batch size is below 1.

    Example:
        >>> import derin
        >>> run = derin.fit("iris", epochs=2, out="runs/warm", report=False, progress=False)
        >>> seconds = derin.open(run.path).warm_up(1, 32)
        >>> sorted(seconds), "torch" in seconds[32]
        ([1, 32], True)
    """
    import torch

    sizes = batch_sizes or (1,)
    if min(sizes) < 1:
        raise UsageError(f"A batch holds at least 1 input; {min(sizes)} came.")
    if model.preparation.medium == "arrays":
        raise UsageError(
            f"Networks that read pictures or rows of numbers are warmed up; {model.path} reads arrays by name "
            f"({', '.join(model.preparation.input_names)}). Call predict without it."
        )
    if not model.has_fast_form:
        raise UsageError(
            f"Networks that read pictures or rows of numbers are warmed up; {model.path} reads "
            f"{model.preparation.input_kind}, whose lengths change with every input. Call predict without it."
        )
    device = next(model.network.parameters()).device
    if device.type != "cpu":
        raise UsageError(f"A network is warmed up on the CPU; that of {model.path} is on {device}. Call predict.")
    preparation = model.preparation
    warm = model.warm_network()
    others = _others(warm.frozen(), preparation) if with_onnx else {}
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        return {size: warm.prepare(preparation.random_inputs(size, generator), others) for size in sizes}


def _others(network: nn.Module, preparation: Preparation) -> dict[str, Callable[[Tensor], Tensor]]:
    import torch

    if any(find_spec(package) is None for package in ("onnx", "onnxscript", "onnxruntime")):
        return {}
    from derin.export.session import OnnxSession

    try:
        example = preparation.random_inputs(1, torch.Generator())[0]
        return {"onnxruntime": OnnxSession(network, example, lambda *drawn: [preparation.random_inputs(*drawn)])}
    except DerinError as error:
        warnings.warn(DerinWarning(f"ONNX Runtime is left out. {error}"), stacklevel=4)
        return {}
