"""What a person asks about: a class or a number of a task, as scores of the network's output.

Source: of masks, K. Vinogradova, A. Dibrov, G. Myers, "Towards interpretable semantic segmentation via
gradient-weighted class activation mapping", AAAI 2020, arXiv:2002.11434, with the mean over the region for its sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import UnknownNameError, UsageError, near_matches
from derin.data.batch import Batch
from derin.explain.targets import Score
from derin.models.box_output import box_output
from derin.tasks.box_selection import LEAST_SCORE, select_with_places
from derin.tasks.detected import Box
from derin.tasks.detection import Detection
from derin.tasks.multitask import MultiTask
from derin.tasks.prediction import Answer, Labels, Prediction
from derin.tasks.segmentation import Segmentation

_MOST_LISTED = 40  # classes that a sentence can bear


@dataclass(frozen=True)
class Asked:
    """What is explained, for each example of a batch.

    Args:
        names: the class, or the number.
        answers: what the network says.
        score: what the network computes for it: a logit, or a standardized number. Gradients are taken of this.
        measure: what people read: a probability, or the number in its unit.
        is_class: whether that is a probability.
        boxes: of a detection, the box of each example, in pixels of the network's input.
        strides: pixels from place to place of the maps that these boxes were read from.
    """

    names: tuple[str, ...]
    answers: tuple[Answer, ...]
    score: Score
    measure: Score
    is_class: bool
    boxes: tuple[Box, ...] = ()
    strides: tuple[int, ...] = ()


def ask(
    task: Any,
    output: Tensor,
    wanted: str | int | None = None,
    *,
    box: int | None = None,
    seen: Tensor | None = None,
) -> Asked:
    """The scores that a question means.

    Args:
        task: of the network.
        output: of the network, for the batch that is explained.
        wanted: a class by name or number, the number of a regression's output; None takes what the network answers,
            and the first number of a regression. Where several columns are predicted, ``"column"`` or
            ``"column=class"``; None takes the first. Of masks a class is asked for at the pixels that the network
            gives it, everywhere where there is none; None takes the class with most pixels.
        box: of a detection: which of the boxes, 1 the most probable; of all, or of the class that is wanted.
        seen: of masks: which pixels of the input show the picture and not the border around it, ``(B, H, W)``; None
            for all.

    Raises:
        UnknownNameError: there is no such class.
        UsageError: there is no such output or box, or the task answers with neither classes nor numbers.

    Example:
        >>> from derin.tasks.binary import Binary
        >>> task = Binary(columns=["sick"], classes=["no", "yes"])
        >>> asked = ask(task, torch.tensor([[-2.0], [3.0]]))
        >>> asked.names, asked.score(torch.tensor([[-2.0], [3.0]]))
        (('no', 'yes'), tensor([2., 3.]))
    """
    if isinstance(task, Detection):
        return _ask_box(task, output, wanted, 1 if box is None else box)
    if box is not None:
        raise UsageError(f"A box is asked for of a network that finds boxes; got one of the task {task.name!r}.")
    if isinstance(task, Segmentation):
        return _ask_region(task, output, wanted, seen)
    if isinstance(task, MultiTask):
        return _ask_column(task, output, task.columns[0] if wanted is None else str(wanted))
    given = _predicted(task, output)
    if not ("probabilities" in given or "value" in given):
        raise UsageError(f"A network that gives classes or numbers is required; its task is {task.name!r}.")
    answers = tuple(task.decode(given))
    if task.classes:
        places = [_class_place(task.classes, _decided(a) if wanted is None else wanted) for a in answers]
        names, key = task.classes, "probabilities"
    else:
        places = [_output_place(task.num_outputs, wanted)] * len(answers)
        single = len(task.columns) == task.num_outputs
        names = task.columns if single else [f"{task.columns[0]} {place}" for place in range(task.num_outputs)]
        key = "value"
    chosen = torch.tensor(places, device=output.device)
    sign = 1 - 2 * (chosen == 0).float() if task.classes and task.num_outputs == 1 else None

    def score(raw: Tensor) -> Tensor:
        """Of two classes with one logit, the first gains what the second loses."""
        repeats = len(raw) // len(places)
        if sign is not None:
            return raw.reshape(len(raw)) * sign.repeat(repeats)
        return _pick(raw, chosen, repeats)

    def measure(raw: Tensor) -> Tensor:
        return _pick(_predicted(task, raw)[key], chosen, len(raw) // len(places))

    return Asked(tuple(names[place] for place in places), answers, score, measure, bool(task.classes))


def _ask_box(task: Detection, output: Tensor, wanted: str | int | None, number: int) -> Asked:
    """The logit of a box's class at the place that gave the box."""
    if number < 1:
        raise UsageError(f"Boxes are counted from 1, the most probable; got box {number}.")
    chosen: list[tuple[int, int, Box]] = []
    for corners, scores, classes, places in zip(*select_with_places(output, task.num_outputs, LEAST_SCORE)):
        of_class = places >= 0
        if wanted is not None:
            of_class &= classes == _class_place(task.classes, wanted)
        found = torch.nonzero(of_class).flatten().tolist()
        if len(found) < number:
            raise UsageError(
                f"Of {'the class ' + repr(str(wanted)) if wanted is not None else 'any class'} the network finds "
                f"{len(found)} boxes in picture {len(chosen) + 1}; box {number} was asked for. Ask for another."
            )
        own = found[number - 1]
        label = task.classes[int(classes[own])]
        left, top, right, bottom = corners[own].tolist()
        box = Box(label, float(scores[own]), (left, top, right, bottom))
        chosen.append((int(places[own]), int(classes[own]), box))

    def score(raw: Tensor) -> Tensor:
        logits = box_output(raw, task.num_outputs).logits.float()
        rows = torch.arange(len(raw), device=raw.device)
        place, number = (
            torch.tensor([each[part] for each in chosen], device=raw.device).repeat(len(raw) // len(chosen))
            for part in (0, 1)
        )
        return logits[rows, place, number]

    boxes = tuple(box for _, _, box in chosen)
    answers = tuple(Prediction(box.label, box.probability, ()) for box in boxes)
    names = tuple(box.label for box in boxes)
    of_places = box_output(output, task.num_outputs).strides
    strides = tuple(round(float(of_picture[place])) for of_picture, (place, _, _) in zip(of_places, chosen))
    return Asked(names, answers, score, lambda raw: score(raw).sigmoid(), is_class=True, boxes=boxes, strides=strides)


def _ask_region(task: Segmentation, output: Tensor, wanted: str | int | None, seen: Tensor | None) -> Asked:
    """The mean logit of a class over the pixels that the network gives it."""
    given = output.detach().argmax(dim=1)  # (B, H, W)
    seen = torch.ones_like(given, dtype=torch.bool) if seen is None else seen.to(given.device)
    num_seen = seen.sum(dim=(1, 2))
    shares = torch.stack(
        [((given == number) & seen).sum(dim=(1, 2)) / num_seen for number in range(len(task.classes))], dim=1
    )
    most = shares.argmax(dim=1)
    chosen = most if wanted is None else torch.full_like(most, _class_place(task.classes, wanted))
    region = (given == chosen[:, None, None]) & seen
    is_nowhere = ~region.flatten(1).any(dim=1)
    region[is_nowhere] = seen[is_nowhere]

    def mean_of(maps: Tensor) -> Tensor:
        """``(B, K, H, W)`` → ``(B,)``."""
        repeats = len(maps) // len(chosen)
        rows = torch.arange(len(maps), device=maps.device)
        of_class = maps[rows, chosen.repeat(repeats)].float()
        where = region.repeat(repeats, 1, 1).float()
        return (of_class * where).sum(dim=(1, 2)) / where.sum(dim=(1, 2))

    answers = tuple(
        Prediction(task.classes[place], float(share[place]), ()) for place, share in zip(most.tolist(), shares)
    )
    names = tuple(task.classes[place] for place in chosen.tolist())
    return Asked(names, answers, mean_of, lambda raw: mean_of(raw.float().softmax(dim=1)), is_class=True)


def _ask_column(task: MultiTask, output: Tensor, wanted: str) -> Asked:
    """One column of several: the question goes to the task that predicts it, with the outputs that are its own."""
    column, _, inner = wanted.partition("=")
    if column not in task.parts:
        raise UnknownNameError("column", column, task.parts)
    place = list(task.parts).index(column)
    part = ask(task.parts[column], task.split_outputs(output)[place], inner or None)
    return Asked(
        tuple(f"{column}={name}" if part.is_class else column for name in part.names),
        tuple(task.decode(task.predict(_Giving(output), _no_inputs(task, output)))),
        lambda raw: part.score(task.split_outputs(raw)[place]),
        lambda raw: part.measure(task.split_outputs(raw)[place]),
        part.is_class,
    )


def _predicted(task: Any, output: Tensor) -> Mapping[str, Tensor]:
    """What the task makes of a network's output."""
    found: Mapping[str, Tensor] = task.predict(_Giving(output), _no_inputs(task, output))
    return found


class _Giving(nn.Module):
    """A network that gives the same whatever goes in."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output

    def forward(self, *inputs: Tensor, **named: Tensor) -> Tensor:
        return self.output


def _no_inputs(task: Any, output: Tensor) -> Batch:
    """Outputs in the place of all inputs, which nothing reads."""
    return Batch(dict.fromkeys(task.arguments.names, output), torch.arange(len(output)))


def _decided(answer: Answer) -> str:
    """The class that was decided for; of several labels, the most probable."""
    if isinstance(answer, Prediction):
        return answer.label
    assert isinstance(answer, Labels)
    return answer.top[0].name


def _class_place(classes: tuple[str, ...], wanted: str | int) -> int:
    """A name goes before a number: the classes of digits are names."""
    if str(wanted) in classes:
        return classes.index(str(wanted))
    if str(wanted).isdecimal() and int(wanted) < len(classes):
        return int(wanted)
    if len(classes) > _MOST_LISTED and near_matches(str(wanted), classes).startswith("known"):
        raise UsageError(
            f"There is no class named {wanted!r}; the network tells {len(classes):,} classes apart, such as "
            f"{classes[0]!r} and {classes[-1]!r}. Name one of them or its number, 0 to {len(classes) - 1}."
        )
    raise UnknownNameError("class", str(wanted), classes)


def _output_place(num_outputs: int, wanted: str | int | None) -> int:
    place = "0" if wanted is None else str(wanted)
    if not place.isdecimal() or int(place) >= num_outputs:
        raise UsageError(
            f"A network that predicts numbers is asked by the number of its output, 0 to {num_outputs - 1}; "
            f"got {wanted!r}."
        )
    return int(place)


def _pick(values: Tensor, chosen: Tensor, repeats: int) -> Tensor:
    """``(B,)`` or ``(B, K)`` → ``(B,)``."""
    columns = values.reshape(len(values), -1)
    return columns.gather(1, chosen.repeat(repeats)[:, None]).squeeze(1)
