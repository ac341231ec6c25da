"""Temporal convolutional network: dilated convolutions that see no step to the right, in residual blocks.

Block i reads steps at distances 2^i, so that the last step sees (kernel − 1) · 2 · (2^blocks − 1) + 1 steps.
Paper: S. Bai, J. Z. Kolter, V. Koltun, "An empirical evaluation of generic convolutional and recurrent networks for
    sequence modeling", 2018, arXiv:1803.01271.
Differs: no weight normalization; the window is read relative to its own mean and spread, and as many blocks are taken
    as are needed to see all of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.series_network import Level, SeriesNetwork, SeriesOptions


@dataclass(frozen=True, kw_only=True)
class TCNOptions(SeriesOptions):
    """Options of `series_tcn`.

    Args:
        targets: variables that are forecast, the first ones.
        width: channels of every block.
        kernel: steps that a convolution reads.
        dropout: share of activations set to zero in training.
        level: what a window is read relative to.
    """

    width: int = 32
    kernel: int = 3
    dropout: float = 0.1
    level: Level = "spread"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range("series_tcn", "width", self.width, 1)
        require_range("series_tcn", "kernel", self.kernel, 2, 64)
        require_range("series_tcn", "dropout", self.dropout, 0.0, 0.99)


class CausalConvolution(nn.Conv1d):
    """A convolution whose output at a step depends on that step and earlier ones alone.

    Shapes:
        ``(B, in, steps)`` → ``(B, out, steps)``.

    Example:
        >>> layer = CausalConvolution(1, 1, kernel=3, dilation=2)
        >>> x = torch.randn(1, 1, 9)
        >>> changed = x.clone()
        >>> changed[..., 5:] += 1
        >>> bool((layer(x)[..., :5] == layer(changed)[..., :5]).all())
        True
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int, dilation: int) -> None:
        super().__init__(in_channels, out_channels, kernel, dilation=dilation)
        self.num_before = (kernel - 1) * dilation

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(F.pad(input, (self.num_before, 0)))


class ResidualBlock(nn.Module):
    """Two causal convolutions with ReLU and dropout, and the input beside them.

    Shapes:
        ``(B, in, steps)`` → ``(B, width, steps)``.
    """

    def __init__(self, in_channels: int, width: int, *, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            CausalConvolution(in_channels, width, kernel=kernel, dilation=dilation),
            nn.ReLU(),
            nn.Dropout(dropout),
            CausalConvolution(width, width, kernel=kernel, dilation=dilation),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.shortcut = nn.Identity() if in_channels == width else nn.Conv1d(in_channels, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


class SeriesTCN(SeriesNetwork):
    """Blocks with dilations 1, 2, 4, …; the horizon is read from the last step.

    Shapes:
        ``(B, steps, variables)`` → ``(B, horizon · targets)``.

    Example:
        >>> SeriesTCN((24, 3), 5, TCNOptions())(torch.zeros(2, 24, 3)).shape
        torch.Size([2, 5])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: TCNOptions) -> None:
        super().__init__(input_shape, num_outputs, options, level=options.level)
        # The smallest number of blocks whose last step sees the whole window.
        num_blocks = max(1, math.ceil(math.log2((self.context_length - 1) / (2 * (options.kernel - 1)) + 1)))
        width, kernel, dropout = options.width, options.kernel, options.dropout
        self.blocks = nn.Sequential()
        for index in range(num_blocks):
            channels = width if index else self.num_variables
            block = ResidualBlock(channels, width, kernel=kernel, dilation=2**index, dropout=dropout)
            self.blocks.add_module(f"block{index + 1}", block)
        self.output = nn.Linear(width, num_outputs)
        initialize(self.blocks, "he")
        initialize(self.output, "xavier")

    def forecast(self, targets: Tensor, others: Tensor) -> Tensor:
        steps = torch.cat([targets, others], dim=2).transpose(1, 2)
        return self.output(self.blocks(steps)[..., -1]).unflatten(1, (self.horizon, self.num_targets))


SERIES_TCN = ModelInfo(
    name="series_tcn",
    build=SeriesTCN,
    options=TCNOptions,
    input_kind="series",
    native_input=(24, 3),
    native_outputs=12,
    paper="Bai, Kolter, Koltun: An empirical evaluation of generic convolutional and recurrent networks. 2018",
    year=2018,
    note="As many blocks as see the whole window; windows are read relative to their own mean and spread.",
)
