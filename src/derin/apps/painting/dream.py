"""DeepDream: a picture is changed so that a layer answers more strongly to what it already sees there.

Source: A. Mordvintsev, C. Olah, M. Tyka, "Inceptionism: going deeper into neural networks", Google Research, 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derin.apps.painting.drawing import ChangedPicture, Level
from derin.apps.painting.seeing import LEAST, Seeing, read_picture, scaled, to_image
from derin.core.errors import UsageError
from derin.core.messages import translate
from derin.core.seeds import generator
from derin.explain.watching import unchanged
from derin.models.features import LayerFeatures

if TYPE_CHECKING:
    from PIL.Image import Image

    from derin.api.model import Model

NETWORKS = ("squeezenet1_0_imagenet", "squeezenet1_0_torchvision", "squeezenet1_1_imagenet")
_DREAMED_STRIDE = 16  # where whole parts of things are seen
_SHIFT = 32  # pixels: what is dreamed up must not keep to the grid of the strides


@dataclass(frozen=True, kw_only=True)
class Dream(ChangedPicture):
    """A dreamed picture.

    Args:
        answers: what was climbed, before each step; it begins lower with each octave, which shows more pixels.
    """

    answers: list[float]

    def curves(self) -> dict[str, list[float]]:
        return {translate("painting.answer"): self.answers}

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "answers": self.answers}


def dream(
    picture: Any,
    *,
    network: str | Path | Model | None = None,
    layers: str | Mapping[str, float] | None = None,
    unit: int | None = None,
    octaves: int = 4,
    octave_scale: float = 1.4,
    steps: int = 20,
    lr: float = 0.01,
    jitter: int = _SHIFT,
    size: int | None = 400,
    seed: int = 0,
    device: str = "cpu",
    on_step: Callable[[int, int], None] | None = None,
) -> Dream:
    """Climbs Σ cˡ · mean(aˡ²), from a small picture to a large one.

    Each octave begins with what was dreamed on the smaller one, enlarged, plus the detail that the photo lost by being
    small: photo − enlarge(shrink(photo)).

    Args:
        picture: a file, bytes, a Pillow picture, or an array.
        network: published weights by name (`derin weights`), a run or bundle of a network that reads pictures; None
            takes SqueezeNet's published weights.
        layers: a layer, or the contribution c of each; None takes the last layer at stride 16. Early layers draw
            strokes and grids, late ones eyes and fur.
        unit: one map of the layer, whose mean is climbed instead; None takes all.
        octaves: how many sizes.
        octave_scale: by how much each is larger than the one before.
        steps: of each octave.
        lr: how far a step goes, in 0..1, for a pixel whose gradient is of average size.
        jitter: the picture is shifted by up to so many pixels before each step.
        size: pixels of the longer side; None takes the picture's own.
        seed: of the shifts.
        device: where it is computed.
        on_step: told how many steps of how many are done.

    Raises:
        UsageError: a layer, unit, number or size that cannot be.
        DataError: the picture cannot be read.

    Example:
        >>> import derin, numpy as np, tempfile
        >>> clouds, other = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), dtype=np.uint8)
        >>> out = tempfile.mkdtemp()  # any network that has learned to see; without one, published weights are taken
        >>> data = (np.stack([clouds, other] * 8), ["clouds", "other"] * 8)
        >>> run = derin.fit(data, model="convnet", epochs=1, plan="plain", out=out + "/run", report=False)
        >>> dreamed = derin.dream(clouds, network=run.path, layers={"stages.1": 1.0}, octaves=1, steps=2)
        >>> path = dreamed.save(out + "/dream.png")
    """
    if octaves < 1 or steps < 1 or jitter < 0 or not 1 < octave_scale <= 4 or not 0 < lr < 1:
        raise UsageError(
            "Dreaming takes at least one octave of one step, a jitter from 0, an octave scale above 1 and up to 4 and "
            f"lr between 0 and 1; got octaves={octaves}, steps={steps}, jitter={jitter}, "
            f"octave_scale={octave_scale}, lr={lr}."
        )
    seeing = Seeing.open(network, NETWORKS, device=device)
    photo = read_picture(picture, size=size, what="The picture", device=seeing.device)
    by_stride = seeing.last_of_strides()
    if layers is None:
        layers = by_stride.get(_DREAMED_STRIDE) or list(by_stride.values())[-1]
    weights = {layers: 1.0} if isinstance(layers, str) else dict(layers)
    if not weights or (unit is not None and len(weights) != 1):
        raise UsageError(f"At least one layer is required, and a unit is one of a single layer; got {weights}.")
    features = seeing.features(list(weights))
    sides = _octaves((photo.shape[2], photo.shape[3]), octaves, octave_scale)
    answers: list[float] = []
    snapshots: list[tuple[int, Image]] = [(0, to_image(photo))]
    dreamed = before = scaled(photo, sides[0])
    with unchanged(seeing.model.network):
        for octave, shape in enumerate(sides):
            own = scaled(photo, shape)
            dreamed = (scaled(dreamed, shape) + own - scaled(before, shape)).clamp(0, 1)
            before = own
            for step in range(steps):
                draw = generator(seed, "dream-jitter", octave, step)
                shift = draw.integers(-jitter, jitter + 1, 2).tolist()
                dreamed, answer = _climbed(dreamed, seeing, features, weights, unit, lr, (shift[0], shift[1]))
                answers.append(answer)
                if on_step is not None:
                    on_step(len(answers), len(sides) * steps)
            snapshots.append((len(answers), to_image(scaled(dreamed, sides[-1]))))
    settings = {
        "network": seeing.name,
        "layers": weights,
        "unit": unit,
        "octave_scale": octave_scale,
        "steps": steps,
        "lr": lr,
        "jitter": jitter,
        "seed": seed,
    }
    levels = [Level(steps, *shape) for shape in sides]
    return Dream(image=to_image(dreamed), levels=levels, snapshots=snapshots, settings=settings, answers=answers)


def _climbed(
    pixels: Tensor,
    seeing: Seeing,
    features: LayerFeatures,
    weights: Mapping[str, float],
    unit: int | None,
    lr: float,
    shift: tuple[int, int],
) -> tuple[Tensor, float]:
    """The picture after a step, and what the layers answered before it."""
    moved = torch.roll(pixels, shift, dims=(2, 3)).detach().requires_grad_()
    maps = features(seeing.prepare(moved))
    parts = [weight * answer_of(maps[name], name, unit) for name, weight in weights.items()]
    answer = torch.stack(parts).sum()
    (gradient,) = torch.autograd.grad(answer, moved)
    size = gradient.abs().mean().clamp(min=torch.finfo(gradient.dtype).tiny)
    climbed = (moved.detach() + lr * gradient / size).clamp(0, 1)
    return torch.roll(climbed, (-shift[0], -shift[1]), dims=(2, 3)), answer.item()


def answer_of(maps: Tensor, layer: str, unit: int | None) -> Tensor:
    """What is climbed of a layer: the mean square of all its maps, or the mean of one.

    Shapes:
        ``(1, C, H, W)`` → a scalar.

    Raises:
        UsageError: the layer has no such unit.
    """
    if unit is None:
        return (maps**2).mean()
    if not 0 <= unit < maps.shape[1]:
        raise UsageError(f"A unit of {layer!r} must be from 0 to {maps.shape[1] - 1}; got {unit}.")
    return maps[:, unit].mean()


def _octaves(size: tuple[int, int], num: int, scale: float) -> list[tuple[int, int]]:
    """Heights and widths from the smallest; those too small for a network to see anything are left out."""
    found = [(round(size[0] / scale**k), round(size[1] / scale**k)) for k in reversed(range(num))]
    return [sides for sides in found if min(sides) >= LEAST]
