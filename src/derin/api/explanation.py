"""What every way of seeing inside a saved network shares: pictures on their way through it, and what came of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from derin.core.errors import UsageError
from derin.core.messages import format_number, translate
from derin.data.box_drawing import draw_boxes
from derin.data.codecs.mask import VOID, resized
from derin.data.pictures.fitting import Rule
from derin.data.pictures.reading_inputs import images_of
from derin.explain.asked import Asked, ask
from derin.explain.pictures import Shown, save
from derin.explain.targets import require_output
from derin.explain.watching import device_of, unchanged
from derin.tasks.detection import Detection
from derin.tasks.prediction import Answer, Answers, Prediction, Value
from derin.tasks.segmentation import Segmentation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from derin.api.model import Model

MOST_PICTURES = 48  # on one sheet


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What was seen inside a network.

    Args:
        method: how it was looked at.
        found: the numbers: a `HeatMap`, a list of `Activations`, `Patterns`, or a list of `Projection`; of arrays by
            name one of each.
        document: what is worth knowing of it, as JSON.
        draw: makes the drawing.
    """

    method: str
    found: Any
    document: Any
    draw: Callable[[], Figure]

    def save(self, path: str | Path) -> None:
        """Writes the drawing as .png, .svg or .pdf."""
        save(self.draw(), Path(path))

    def to_json(self) -> Any:
        return self.document

    def _repr_png_(self) -> bytes:
        """A notebook shows the drawing."""
        buffer = io.BytesIO()
        self.draw().savefig(buffer, format="png")
        return buffer.getvalue()


@dataclass(frozen=True)
class PredictedInputs:
    """Pictures on their way through a network: as read, as the network's input, and what it says of them."""

    names: tuple[str, ...]
    pixels: np.ndarray
    x: Tensor
    asked: Asked
    measures: list[float]


def predict_for_explanation(
    model: Model, inputs: Any, target: str | int | None, *, box: int | None = None, most: int = MOST_PICTURES
) -> PredictedInputs:
    """Reads pictures and lets the network answer; `target` and `box` are as `derin.explain.asked.ask` has them."""
    require_pictures(model)
    pixels = model.preparation.read(inputs)
    if len(pixels) > most:
        raise UsageError(
            f"At most {most} {'picture is' if most == 1 else 'pictures are'} looked at; got {len(pixels)}."
        )
    x = model.preparation.to_model_input(torch.from_numpy(np.ascontiguousarray(pixels)).to(device_of(model.network)))
    with unchanged(model.network), torch.no_grad():
        output = model.network(x.clone())
        if not isinstance(model.task, Detection):
            require_output(output)
        asked = ask(model.task, output, target, box=box, seen=_seen(model, inputs))
        measures = [float(value) for value in asked.measure(output)]
    return PredictedInputs(_names(inputs, len(pixels)), pixels, x, asked, measures)


def _seen(model: Model, inputs: Any) -> Tensor | None:
    """Which pixels of the input of a network of masks show a picture; None where all do.

    Shapes:
        → ``(B, H, W)``.
    """
    if not isinstance(model.task, Segmentation):
        return None
    codec = model.preparation.input  # type: ignore[attr-defined]
    if codec.frame.fitting.rule is not Rule.PAD:
        return None
    pictures = images_of(inputs, channels=codec.channels, values=codec.values)
    blank = [np.zeros((1, *np.asarray(picture).shape[:2]), dtype=np.uint8) for picture in pictures]
    return torch.from_numpy(np.stack([resized(one, codec.frame.fitting, VOID)[0] != VOID for one in blank]))


def require_pictures(model: Model) -> tuple[int, int, int]:
    """The shape of what the network reads."""
    if not model.preparation.reads_pictures:
        raise UsageError(
            f"Looking inside needs a network that reads pictures and nothing else; {model.path} reads "
            f"{model.preparation.described_inputs}."
        )
    channels, height, width = model.preparation.input_shape
    return channels, height, width


def _names(inputs: Any, num: int) -> tuple[str, ...]:
    """File names where the inputs have some, numbers otherwise."""
    listed = list(inputs) if isinstance(inputs, list | tuple) else [inputs] * num
    if len(listed) != num:
        listed = [None] * num
    return tuple(
        Path(one).name if isinstance(one, str | Path) else str(place) for place, one in enumerate(listed, start=1)
    )


def caption_for(given: PredictedInputs, place: int, asked: str = "") -> Shown:
    """One of the pictures, with what the network says of it, and the box that was asked for."""
    pixels = given.pixels[place]
    if given.asked.boxes:
        pixels = draw_boxes(pixels, np.array([given.asked.boxes[place].xyxy]), [0])
    return Shown(pixels, given.names[place], _in_words(given.asked.answers[place]), asked)


def _in_words(answer: Answer) -> str:
    """What a network says, in a few words."""
    if isinstance(answer, Value):
        values = answer.value if isinstance(answer.value, tuple) else (answer.value,)
        return ", ".join(format_number(float(value), ".4g") for value in values) + (
            f" {answer.unit}" if answer.unit else ""
        )
    if isinstance(answer, Answers):
        return ", ".join(_in_words(one) for one in answer.columns.values())
    if isinstance(answer, Prediction):
        return f"{answer.label} {format_number(answer.probability, '.1%')}"
    return ", ".join(answer.labels) or translate("value.none")


def title_of(model: Model, what: str) -> str:
    """What is shown, and of which network."""
    entry = model.card["model"]
    return translate("explain.of", what=what, model=entry.get("name") or entry.get("class"))
