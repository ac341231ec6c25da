"""The preparation of a table as a module: raw columns to features, with the statistics and classes of training."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from derin.data.cells.encoders import CategoryEncoder, DateEncoder, Encoder, NumberEncoder
from derin.data.cells.raw_column import MISSING, UNSEEN, Cells
from derin.data.features import FeaturesCodec
from derin.export.onnx import GraphInput

# Ways of writing that a value is missing; which of them count is asked of the reader of cells.
_MISSING_WORDS = ("", "NA", "na", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "Null", "None", "?", "-")
_SECONDS_PER_DAY = 86_400.0
_SAMPLE_UNSEEN = 0.1


class PreparedTable(nn.Module):
    """One input for each raw column, in the order of the card: numbers, categories as strings, dates as seconds.

    Numbers come as float64 in their own units, dates as float64 seconds since 1970-01-01 UTC, both NaN where missing.
    Categories come as strings, spelled as in training, empty where missing; within the graph a LabelEncoder turns them
    into their places.

    Args:
        preparation: fitted on the training rows.

    Attributes:
        inputs: one for each column.

    Shapes:
        columns ``(B,)``, or ``(B, …)`` where a value has a shape → features ``(B, F)`` float32.
    """

    order: Tensor

    def __init__(self, preparation: FeaturesCodec) -> None:
        super().__init__()
        self.encoders = preparation.encoders
        self.inputs = tuple(_input(encoder) for encoder in self.encoders)
        numbers = [e for e in self.encoders if isinstance(e, NumberEncoder)]
        self._numbers = _Numbers(numbers) if numbers else None
        self.register_buffer("order", torch.from_numpy(_order(self.encoders)))

    def forward(self, *columns: Tensor) -> Tensor:
        pairs = list(zip(self.encoders, columns, strict=True))
        numbers = [column.flatten(1) if e.shape else column.unsqueeze(1) for e, column in pairs if _is_number(e)]
        parts = [] if self._numbers is None else [self._numbers(torch.cat(numbers, dim=1))]
        for encoder, column in pairs:
            if isinstance(encoder, CategoryEncoder):
                parts.append(_category(encoder, column))
            elif isinstance(encoder, DateEncoder):
                parts.append(_date(encoder, column))
        return torch.cat(parts, dim=1).index_select(1, self.order)

    def samples(self, batch: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Values of the spread of training, some of them missing or new."""
        return [_sample(encoder, batch, generator) for encoder in self.encoders]


class _Numbers(nn.Module):
    """All numbers at once: z = (x − μ) / σ, 0 where missing, then 1 where one is missing that was so in training."""

    means: Tensor
    scales: Tensor
    missing: Tensor

    def __init__(self, encoders: Sequence[NumberEncoder]) -> None:
        super().__init__()
        means, scales = (
            torch.tensor([v for e in encoders for v in getattr(e, name)], dtype=torch.float64) for name in _STATISTICS
        )
        starts = np.cumsum([0, *(len(e.means) for e in encoders)]).tolist()
        missing = [start + place for start, e in zip(starts, encoders) for place in e.missing]
        self.register_buffer("means", means)
        self.register_buffer("scales", scales)
        self.register_buffer("missing", torch.tensor(missing, dtype=torch.int64))

    def forward(self, values: Tensor) -> Tensor:
        is_absent = values.isnan() | (values.abs() == math.inf)
        is_constant = self.scales == 0
        standardized = (values - self.means) / torch.where(is_constant, torch.ones_like(self.scales), self.scales)
        standardized = torch.where(is_absent | is_constant, torch.zeros_like(standardized), standardized)
        largest = torch.finfo(torch.float32).max
        parts = [standardized.clamp(-largest, largest).float()]
        if len(self.missing):
            parts.append(is_absent.index_select(1, self.missing).float())
        return torch.cat(parts, dim=1)


_STATISTICS = ("means", "scales")


def _is_number(encoder: Encoder) -> bool:
    return isinstance(encoder, NumberEncoder)


def _input(encoder: Encoder) -> GraphInput:
    if not isinstance(encoder, CategoryEncoder):
        return GraphInput(name=encoder.name, shape=encoder.shape, dtype=torch.float64)
    # A whole number is also written 3.0 where a column had gaps.
    spellings = [*encoder.classes, *(f"{name}.0" for name in encoder.classes if name.isdecimal()), *_MISSING_WORDS]
    codes = Cells(encoder.name, spellings).codes(encoder.classes).tolist()
    known = {text: code for text, code in zip(spellings, codes, strict=True) if code != UNSEEN}
    return GraphInput(name=encoder.name, shape=(), dtype=torch.int64, codes=known, unknown=UNSEEN)


def _order(encoders: Sequence[Encoder]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where each feature lies when numbers come first, then their gaps, then all other columns."""
    numbers = [e for e in encoders if isinstance(e, NumberEncoder)]
    num_values, num_gaps = sum(len(e.means) for e in numbers), sum(len(e.missing) for e in numbers)
    value, gap, other = 0, num_values, num_values + num_gaps
    order: list[int] = []
    for encoder in encoders:
        if isinstance(encoder, NumberEncoder):
            order += [*range(value, value + len(encoder.means)), *range(gap, gap + len(encoder.missing))]
            value, gap = value + len(encoder.means), gap + len(encoder.missing)
        else:
            order += range(other, other + len(encoder.feature_names))
            other += len(encoder.feature_names)
    return np.asarray(order, dtype=np.int64)


def _category(encoder: CategoryEncoder, codes: Tensor) -> Tensor:
    """A 1 in the place of the class, further places for all other classes and for missing ones as in training; or the
    class's place in the table of vectors."""
    if encoder.dim is not None:
        return (codes - UNSEEN).unsqueeze(1).float()
    places = [*range(len(encoder.classes)), *[UNSEEN] * encoder.other, *[MISSING] * encoder.missing]
    return (codes.unsqueeze(1) == torch.tensor(places)).float()


def _date(encoder: DateEncoder, seconds: Tensor) -> Tensor:
    is_absent = seconds.isnan()
    year, circles = _calendar(torch.where(is_absent, torch.zeros_like(seconds), seconds))
    features = [(year - encoder.mean) / encoder.scale if encoder.scale else torch.zeros_like(year)]
    for part in encoder.parts:
        angle = (2 * math.pi * circles[part]).float()
        features += [angle.sin().double(), angle.cos().double()]
    found = torch.stack(features, dim=1)
    found = torch.where(is_absent.unsqueeze(1), torch.zeros_like(found), found).float()
    return torch.cat([found, is_absent.float().unsqueeze(1)], dim=1) if encoder.missing else found


def _calendar(seconds: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Years, and the share of the turn that month, weekday and hour have done, as the encoder of dates has them.

    All in float64, which holds these whole numbers exactly: years are counted from March, in eras of 400 years.
    """
    days = (seconds / _SECONDS_PER_DAY).floor()
    shifted = days + 719_468  # from 1 March of the year 0
    era = (shifted / 146_097).floor()
    day = shifted - era * 146_097
    year = ((day - (day / 1_460).floor() + (day / 36_524).floor() - (day / 146_096).floor()) / 365).floor()
    of_year = day - (365 * year + (year / 4).floor() - (year / 100).floor())
    month = ((5 * of_year + 2) / 153).floor()  # 0 is March
    month = torch.where(month < 10, month + 2, month - 10)  # 0 is January
    year = year + era * 400 + (month < 2).double()
    weekday = days + 3  # 1970-01-01 was a Thursday, day 3 of a week that starts on Monday
    circles = {
        "month": month / 12,
        "weekday": (weekday - (weekday / 7).floor() * 7) / 7,
        "hour": ((seconds - days * _SECONDS_PER_DAY) / 3_600).floor() / 24,
    }
    return year, circles


def _sample(encoder: Encoder, batch: int, generator: torch.Generator) -> Tensor:
    is_odd = torch.rand(batch, generator=generator) < _SAMPLE_UNSEEN
    if isinstance(encoder, CategoryEncoder):
        codes = torch.randint(0, len(encoder.classes), (batch,), generator=generator)
        odd = torch.where(torch.rand(batch, generator=generator) < 0.5, MISSING, UNSEEN)
        return torch.where(is_odd, odd, codes)
    if isinstance(encoder, DateEncoder):
        years = encoder.mean + encoder.scale * torch.randn(batch, generator=generator, dtype=torch.float64)
        return ((years - 1970) * 365.2425 * _SECONDS_PER_DAY).floor().masked_fill(is_odd, torch.nan)
    assert isinstance(encoder, NumberEncoder)
    means, scales = (torch.tensor(getattr(encoder, name), dtype=torch.float64) for name in _STATISTICS)
    values = means + scales * torch.randn((batch, len(means)), generator=generator, dtype=torch.float64)
    return values.masked_fill(is_odd.unsqueeze(1), torch.nan).reshape(batch, *encoder.shape)
