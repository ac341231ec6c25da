"""Batches of a single example before a batch norm, which finds no variance in one value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.data.batch import Source

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


@contextmanager
def bearing_lone_examples(model: nn.Module, num_examples: int, source: Source) -> Iterator[None]:
    """A training step in which batch norms bear a batch of one example.

    Over a batch of two or more nothing is done. In a batch of one, a batch norm that gets a single value for each
    channel takes its running mean and variance in place of the batch's, as in evaluation, and leaves them as they are.

    Args:
        model: in training mode.
        num_examples: of the batch.
        source: of the batch.

    Raises:
        UsageError: every batch of the source holds one example, so that there never are running averages to take; or
            the layer keeps none.

    Example:
        >>> import torch
        >>> class Pairs:
        ...     batch_size, num_examples, num_batches = 2, 3, 2
        >>> layer = nn.BatchNorm1d(2)
        >>> with bearing_lone_examples(layer, 1, Pairs()):
        ...     layer(torch.tensor([[3.0, -1.0]])).round(decimals=3).tolist()
        [[3.0, -1.0]]
    """
    if num_examples > 1:
        yield
        return
    with ExitStack() as stack:
        for name, module in model.named_modules():
            if isinstance(module, _BATCH_NORMS):
                stack.callback(module.register_forward_pre_hook(_Taking(name, source)).remove)
                stack.callback(module.train, module.training)
        yield


class _Taking:
    """Puts a batch norm in evaluation mode where it gets one value for each channel."""

    def __init__(self, name: str, source: Source) -> None:
        self._where = f"The batch norm {name!r}" if name else "A batch norm"
        self._always = source.num_batches >= source.num_examples

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        x = inputs[0]
        if not module.training or not isinstance(x, Tensor) or x.ndim < 2 or x.numel() != x.shape[1]:
            return
        if self._always or module.running_mean is None:
            raise UsageError(
                f"{self._where} gets one value for each channel from a batch of one example, which has no variance; "
                "train with batches of two examples or more (--batch-size 2), or take another norm, such as a layer "
                "norm."
            )
        module.eval()
