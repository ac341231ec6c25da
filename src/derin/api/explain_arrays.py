"""Which of several inputs decide: integrated gradients and occlusion of a network that reads arrays by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from derin.api.explanation import MOST_PICTURES, Explanation, title_of
from derin.core.errors import UsageError
from derin.core.messages import translate
from derin.data.batch import Batch
from derin.explain.asked import Asked, ask
from derin.explain.integrated_gradients import integrated_gradients
from derin.explain.pictures import amounts_sheet
from derin.explain.targets import require_output
from derin.explain.watching import device_of, unchanged

if TYPE_CHECKING:
    from derin.api.model import Model


@dataclass(frozen=True)
class _Given:
    """Arrays on their way through a network: by name, and what is asked about them."""

    columns: Mapping[str, Tensor]
    asked: Asked
    measures: list[float]

    def __len__(self) -> int:
        return len(self.measures)

    def rows(self, further: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What is said of each example, as JSON."""
        key = "probability" if self.asked.is_class else "value"
        parts = zip(self.asked.names, self.measures, further)
        return [{"input": str(n), "target": t, key: m, **more} for n, (t, m, more) in enumerate(parts, start=1)]


class _Joined(nn.Module):
    """The network of some of its inputs, their numbers side by side; the others stay what they are.

    Shapes:
        ``(repeats · B, F)`` → what the network gives.
    """

    def __init__(self, model: Model, given: _Given, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.task, self.given, self.names = model.network, model.task, given, names

    def forward(self, numbers: Tensor) -> Any:
        repeats, start, columns = len(numbers) // len(self.given), 0, {}
        for name, values in self.given.columns.items():
            if name in self.names:
                width = values[0].numel()
                columns[name] = numbers[:, start : start + width].reshape(-1, *values.shape[1:])
                start += width
            else:
                columns[name] = values.repeat(repeats, *(1,) * (values.ndim - 1))
        return self.task.call(self.network, Batch(columns, torch.arange(len(numbers))))


def explain_arrays_by_integrated_gradients(
    model: Model, inputs: Any, *, target: str | int | None, num_steps: int
) -> Explanation:
    """What each number of the inputs adds to the score, on the way from zeros.

    Whole numbers, such as those of words, have no way from zero to them: they stay what they are.

    Raises:
        UsageError: all inputs are whole numbers.
    """
    given = _given(model, inputs, target)
    names = [name for name, values in given.columns.items() if values.is_floating_point()]
    if not names:
        raise UsageError(
            f"Integrated gradients lead through numbers with fractions; {model.path} reads whole ones "
            f"({', '.join(given.columns)}). Hide them (occlusion), or shuffle them (importance)."
        )
    x = torch.cat([given.columns[name].flatten(1) for name in names], dim=1)
    joined = _Joined(model, given, names)
    found = integrated_gradients(joined, x, given.asked.score, num_steps=num_steps)
    widths = [given.columns[name][0].numel() for name in names]
    parts = np.split(found.attributions, np.cumsum(widths)[:-1], axis=1)
    sums = np.stack([part.sum(axis=1, dtype=np.float64) for part in parts], axis=1)
    further = [
        {
            "score": float(found.scores[place]),
            "inputs": dict(zip(names, sums[place].tolist())),
            "sum": float(sums[place].sum()),
            "difference": float(found.differences[place]),
            "gap": float(found.gaps[place]),
            "steps": found.num_steps,
        }
        for place in range(len(given))
    ]
    arrays = {name: part.reshape(given.columns[name].shape) for name, part in zip(names, parts)}
    return _explanation(model, "integrated_gradients", given, arrays, further)


def explain_arrays_by_occlusion(model: Model, inputs: Any, *, target: str | int | None) -> Explanation:
    """How much the probability of a class falls, or a number, where all of one input is zero."""
    given = _given(model, inputs, target)
    falls = {}
    with unchanged(model.network), torch.no_grad():
        for name, values in given.columns.items():
            hidden = Batch({**given.columns, name: torch.zeros_like(values)}, torch.arange(len(given)))
            measured = given.asked.measure(require_output(model.task.call(model.network, hidden)))
            falls[name] = np.array(given.measures) - measured.double().cpu().numpy()
    further = [{"inputs": {name: float(fall[place]) for name, fall in falls.items()}} for place in range(len(given))]
    return _explanation(model, "occlusion", given, falls, further)


def _given(model: Model, inputs: Any, target: str | int | None) -> _Given:
    """Reads arrays and lets the network answer."""
    read, task = model.preparation.read(inputs), model.task
    named = read if isinstance(read, dict) else {task.input: read}
    device = device_of(model.network)
    rows = {name: torch.as_tensor(np.ascontiguousarray(values)).to(device) for name, values in named.items()}
    columns, num = model.preparation.finished(rows), len(next(iter(rows.values())))
    if num > MOST_PICTURES:
        raise UsageError(f"At most {MOST_PICTURES} examples are looked at; got {num}.")
    with unchanged(model.network), torch.no_grad():
        output = require_output(task.call(model.network, Batch(columns, torch.arange(num))))
        asked = ask(task, output, target)
        measures = [float(value) for value in asked.measure(output)]
    return _Given(columns, asked, measures)


def _explanation(
    model: Model, method: str, given: _Given, found: Mapping[str, Any], further: Sequence[Mapping[str, Any]]
) -> Explanation:
    document = given.rows(further)
    title, names = title_of(model, translate(f"explain.{method}")), list(further[0]["inputs"])
    labels = [f"{row['input']}: {row['target']}" for row in document]
    values = np.array([[row["inputs"][name] for name in names] for row in document])
    return Explanation(
        method=method, found=found, document=document, draw=lambda: amounts_sheet(labels, names, values, title)
    )
