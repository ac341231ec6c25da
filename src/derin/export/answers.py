"""A network with its task behind it: beside what the network gives, the answers that `predict` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.data.batch import Batch
from derin.models.point_output import point_output
from derin.models.signature import TensorSpec
from derin.tasks.binary import Binary
from derin.tasks.box_selection import select_in_graph
from derin.tasks.classification import Classification
from derin.tasks.detection import Detection
from derin.tasks.embedding import Embedding
from derin.tasks.forecasting import Forecasting
from derin.tasks.forecasting_findings import spread_of
from derin.tasks.landmarks import Landmarks
from derin.tasks.multilabel import MultiLabel
from derin.tasks.multitask import MultiTask
from derin.tasks.regression import Regression
from derin.tasks.segmentation import Segmentation

OUTPUT = "output"  # what the network itself gives
ANSWERED_TASKS = (
    Classification, Binary, MultiLabel, Regression, MultiTask, Forecasting, Segmentation, Detection, Landmarks,
    Embedding,
)  # fmt: skip


class AnsweringNetwork(nn.Module):
    """x ↦ what the network gives, and what its task makes of it.

    ``probabilities`` are those after calibration, ``label`` is the place of the class decided for and ``labels`` says
    which labels are set, with the thresholds applied; ``value`` is in the unit of the target; ``low`` and ``high``
    bound a forecast; ``embedding`` has length 1. A segmentation has ``probabilities`` and ``label`` for each pixel of
    the network's input. A detection has the best ``boxes`` of each picture (left, top, right and bottom in pixels of
    the network's input) with ``scores`` and ``labels``; where there are fewer, scores are 0. Landmarks have ``points``
    in the same pixels, and where it was learned whether the thing is there its ``probability``. Of several columns at
    once each has answers of its own, ``"<column>/probabilities"`` and so on.

    Args:
        network: takes prepared inputs, in its order.
        task: one of `ANSWERED_TASKS`, with all that it needs for its answers.
        answers_first: whether the answers come before the network's own output.

    Attributes:
        output_names: of what `forward` gives.

    Shapes:
        prepared inputs → output ``(B, K)``; probabilities ``(B, classes)`` float32, label ``(B,)`` int64, labels
        ``(B, labels)`` bool; value ``(B,)``, ``(B, D)`` or ``(B, horizon, C)`` float64. Of a
        segmentation all of them have ``(H, W)`` behind. Boxes ``(B, 100, 4)`` float32, scores ``(B, 100)`` float32 and
        labels ``(B, 100)`` int64. Points ``(B, K, 2)`` and probability ``(B,)`` float32.

    Raises:
        UsageError: the task's answers are nothing that a graph of tensors gives.
    """

    def __init__(self, network: nn.Module, task: Any, *, answers_first: bool = False) -> None:
        super().__init__()
        if not isinstance(task, ANSWERED_TASKS):
            raise UsageError(
                f"The answers of the task {task.name!r} are no tensors that an ONNX file could give; export its "
                "weights as safetensors."
            )
        self.network, self.task, self.answers_first = network, task, answers_first
        names = tuple(_answer_names(task))
        self.output_names = (*names, OUTPUT) if answers_first else (OUTPUT, *names)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        output = self.task.call(self.network, Batch(dict(zip(self.task.arguments.names, inputs)), torch.empty(0)))
        answers = tuple(_answers(self.task, output, inputs[0]).values())
        return (*answers, output) if self.answers_first else (output, *answers)

    def settled(self, wanted: Sequence[Tensor], found: Sequence[Tensor]) -> Sequence[Tensor]:
        """What a file is to give that gave this output: of a detection the boxes that follow from it, best first."""
        if not isinstance(self.task, Detection):
            return wanted
        place = self.output_names.index(OUTPUT)
        answers = list(select_in_graph(found[place], self.task.num_outputs))
        return [*answers, wanted[place]] if self.answers_first else [wanted[place], *answers]


class NamedOutputs(nn.Module):
    """The inputs of a network, one after the other ↦ its outputs, one after the other, whatever form it gives them in.

    Args:
        network: with any number of inputs; gives a tensor, or several in a dict, tuple or list.
        task: which knows how the network takes them.
        inputs: the network's inputs.

    Attributes:
        output_names: of what `forward` gives: the keys of a dict; ``"output"``, or ``"output_0"`` and so on.

    Raises:
        UsageError: the network gives something else.
    """

    def __init__(self, network: nn.Module, task: Any, inputs: Sequence[TensorSpec]) -> None:
        super().__init__()
        self.network, self.task, self.names = network, task, tuple(spec.name for spec in inputs)
        with torch.no_grad():
            found = self._named(*(spec.example(2) for spec in inputs))
        for name, value in found.items():
            if not isinstance(value, Tensor):
                raise UsageError(
                    f"The outputs of a network must be tensors to be written to a file; {type(network).__name__} gives "
                    f"{type(value).__name__} as {name!r}."
                )
        self.output_names = tuple(found)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(self._named(*inputs).values())

    def _named(self, *inputs: Tensor) -> dict[str, Any]:
        batch = Batch(dict(zip(self.names, inputs, strict=True)), torch.empty(0))
        output = self.task.call(self.network, batch)
        if isinstance(output, Mapping):
            return dict(output)
        if isinstance(output, list | tuple):
            return {f"{OUTPUT}_{place}": one for place, one in enumerate(output)}
        return {OUTPUT: output}


def _answer_names(task: Any) -> list[str]:
    if isinstance(task, MultiTask):
        return [f"{column}/{name}" for column, part in task.parts.items() for name in _answer_names(part)]
    if isinstance(task, Forecasting):
        if task.preparation.series:
            return ["standardized"]
        return ["value"] if task.half_widths is None else ["value", "low", "high"]
    if isinstance(task, Regression):
        return ["value"]
    if isinstance(task, Embedding):
        return ["embedding"]
    if isinstance(task, Detection):
        return ["boxes", "scores", "labels"]
    if isinstance(task, Landmarks):
        return ["points", *["probability"] * task.learns_presence]
    return ["probabilities", "labels" if isinstance(task, MultiLabel) else "label"]


def _answers(task: Any, output: Tensor, x: Tensor) -> Mapping[str, Tensor]:
    """As `predict` and `decode` of the task, without their checks: counting the examples would fix their number."""
    if isinstance(task, MultiTask):
        found: dict[str, Tensor] = {}
        for (column, part), place in zip(task.parts.items(), task.output_places, strict=True):
            found |= {f"{column}/{name}": values for name, values in _answers(part, output[:, place], x).items()}
        return found
    if isinstance(task, Forecasting):
        return _forecast(task, output, x)
    if isinstance(task, Regression):
        # A large mean with a small spread would drown the spread in float32.
        wide = output.double().flatten(1) if output.ndim > 1 else output.double().unsqueeze(1)
        values = wide * torch.tensor(task.std, dtype=wide.dtype) + torch.tensor(task.mean, dtype=wide.dtype)
        return {"value": values.flatten() if task.num_outputs == 1 else values}
    if isinstance(task, Embedding):
        return {"embedding": F.normalize(output.float(), dim=1)}
    if isinstance(task, Detection):
        return dict(zip(("boxes", "scores", "labels"), select_in_graph(output, task.num_outputs)))
    if isinstance(task, Landmarks):
        placed = point_output(output.float(), len(task.points))
        points = placed.places * torch.tensor([x.shape[3], x.shape[2]], dtype=torch.float32)
        return {"points": points} | ({"probability": placed.presence.sigmoid()} if task.learns_presence else {})
    logits = output.float() if isinstance(task, Segmentation) else task.tempered(output.float())
    if isinstance(task, Binary):
        logits = logits.flatten()
        probabilities = torch.stack([(-logits).sigmoid(), logits.sigmoid()], dim=1)
        return {"probabilities": probabilities, "label": (probabilities[:, 1] >= task.threshold).long()}
    if isinstance(task, MultiLabel):
        probabilities = logits.reshape(-1, task.num_outputs).sigmoid()
        return {"probabilities": probabilities, "labels": probabilities >= torch.tensor(task.thresholds)}
    probabilities = logits.softmax(dim=1)
    return {"probabilities": probabilities, "label": probabilities.argmax(dim=1)}


def _forecast(task: Forecasting, output: Tensor, x: Tensor) -> Mapping[str, Tensor]:
    preparation = task.preparation
    steps = output.double().reshape(-1, preparation.horizon, preparation.num_targets)
    if preparation.series:
        # Only who has the steps knows the scale of their series.
        return {"standardized": steps}
    mean, std = (
        torch.tensor([getattr(v, name) for v in preparation.targets], dtype=steps.dtype) for name in ("mean", "std")
    )
    value = steps * std + mean
    if task.half_widths is None:
        return {"value": value}
    spreads = spread_of(x[..., : preparation.num_targets]).double()
    widths = torch.tensor(task.half_widths, dtype=steps.dtype) * spreads * std
    return {"value": value, "low": value - widths, "high": value + widths}
