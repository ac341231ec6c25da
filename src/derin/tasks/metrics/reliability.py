"""The expected calibration error: how far confidence is from being right that often."""

from __future__ import annotations

import torch
from torch import Tensor

from derin.tasks.metrics.sums import wide_dtype

NUM_BINS = 15


class Reliability:
    """Confidence and correctness in bins of equal width, added up on the device.

    ECE = Σ over bins of (n_bin / n) · |accuracy of the bin − mean confidence of the bin|, bins being ((i−1)/15, i/15].

    Example:
        >>> reliability = Reliability()
        >>> reliability.add(torch.tensor([0.9, 0.9, 0.6]), torch.tensor([True, False, True]))
        >>> round(reliability.error(), 4)
        0.4

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, equation 3.
    """

    def __init__(self) -> None:
        self.sums: Tensor | None = None  # (3, NUM_BINS): examples, right answers, confidence

    def add(self, confidence: Tensor, right: Tensor) -> None:
        """One batch: ``(B,)`` probabilities of the answers, ``(B,)`` whether the answers are right."""
        wide = wide_dtype(confidence.device)
        places = ((confidence * NUM_BINS).ceil().long() - 1).clamp(0, NUM_BINS - 1)
        parts = torch.stack([torch.ones_like(confidence, dtype=wide), right.to(wide), confidence.to(wide)])
        # A product and not a scattered sum, whose order, and so whose last bit, varies on a GPU.
        sums = parts @ (places[:, None] == torch.arange(NUM_BINS, device=places.device)).to(wide)
        self.sums = sums if self.sums is None else self.sums + sums

    def error(self) -> float:
        """The expected calibration error; NaN before the first batch."""
        if self.sums is None:
            return float("nan")
        num, right, confidence = self.sums.double().cpu()
        return ((right - confidence).abs().sum() / num.sum()).item()
