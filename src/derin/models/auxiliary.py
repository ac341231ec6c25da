"""What a network with auxiliary classifiers gives while it trains."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class WithAuxiliary(NamedTuple):
    """The outputs of a network with auxiliary classifiers, in training; in use it gives its main output alone.

    The loss is L(output) + weight · Σ L(auxiliary).

    Args:
        output: of the main classifier.
        auxiliary: of the classifiers within the network, from input to output.
        weight: of each auxiliary loss.

    Source: C. Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 5 (weight 0.3).
    """

    output: Tensor
    auxiliary: tuple[Tensor, ...]
    weight: float
