"""Filter patterns: the picture that excites a unit most, painted by gradient ascent.

Source: D. Erhan et al., "Visualizing higher-layer features of a deep network", 2009; the regularizers are those of
C. Olah, A. Mordvintsev, L. Schubert, "Feature visualization", Distill 2017, doi:10.23915/distill.00007.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.core.seeds import generator
from derin.explain.fourier import picture, random_spectrum
from derin.explain.heat_map import Floats, to_numpy
from derin.explain.layer_names import find_layer
from derin.explain.watching import Reached, device_of, unchanged, watch
from derin.train.optimizers.eager import Adam

_RATE = 0.05  # of Adam, as published
_TURN = math.radians(5)
_ZOOM = 0.08
_SMALLEST_TURNED = 48  # pixels; turning smaller pictures blurs more than it helps


@dataclass(frozen=True)
class Patterns:
    """What excites the units of a layer.

    Args:
        layer: its name.
        units: which of them.
        pictures: one for each unit, 0..1.
        before: mean activation of each unit on the picture from which the ascent began.
        after: on the picture that was found.

    Shapes:
        pictures ``(N, H, W, C)``, before and after ``(N,)``.
    """

    layer: str
    units: tuple[int, ...]
    pictures: Floats
    before: Floats
    after: Floats


def filter_patterns(
    network: nn.Module,
    layer: str,
    units: Sequence[int],
    *,
    input_shape: tuple[int, int, int],
    normalize: Callable[[Tensor], Tensor] | None = None,
    steps: int = 256,
    jitter: int | None = None,
    seed: int = 0,
    on_step: Callable[[int, int], None] | None = None,
) -> Patterns:
    """Climbs from nearly gray pictures to those on which units answer most: the mean over the unit's map is maximized.

    Three things keep the picture from being noise: it is parametrized by waves and decorrelated colors
    (`derin.explain.fourier`), it is shifted at random before every step, and turned and zoomed a little where it is
    large enough. Shifts wrap around, which the waves do by themselves.

    Args:
        network: any network.
        layer: of any kind; of a convolution a unit is a map, of a dense layer a number. Take a convolution rather
            than the activation behind it, where a unit that is silent at the start gives no gradient.
        units: which; each gets a picture of its own.
        input_shape: ``(channels, height, width)`` of the pictures to paint, which the network must read.
        normalize: from pictures 0..1, ``(B, C, H, W)``, to the network's input; None leaves them.
        steps: of the ascent.
        jitter: the largest shift in pixels; None takes a sixteenth of the shorter side.
        seed: of the first pictures and of the shifts.
        on_step: told how many steps of how many are done.

    Shapes:
        → pictures ``(len(units), H, W, C)``.

    Raises:
        UsageError: a layer or unit that is not there.
        ShapeError: the layer gives no units.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
        >>> found = filter_patterns(net, "0", [0, 2], input_shape=(1, 12, 14), steps=8)
        >>> found.pictures.shape, bool((found.after > found.before).all())
        ((2, 12, 14, 1), True)
    """
    if steps < 1 or not units:
        raise UsageError(f"Painting needs at least one unit and one step; got {len(units)} units, steps={steps}.")
    channels, *size = input_shape
    sides = (size[0], size[1])
    device = device_of(network)
    prepare = normalize or (lambda pixels: pixels)
    module = find_layer(network, torch.full((1, *input_shape), 0.5, device=device), layer)
    reach = min(sides) // 16 if jitter is None else jitter
    with unchanged(network):
        spectrum = random_spectrum(len(units), channels, sides, seed).to(device).requires_grad_()
        answer = _Answer(network, module, layer, prepare, units)
        before = answer(picture(spectrum, sides).detach())
        climber = Adam([spectrum], lr=_RATE)
        for step in range(steps):
            moved = _moved(picture(spectrum, sides), reach, seed, step)
            (spectrum.grad,) = torch.autograd.grad(-answer(moved).sum(), spectrum)
            climber.step()
            if on_step is not None:
                on_step(step + 1, steps)
        found = picture(spectrum, sides).detach()
        after = answer(found)
    return Patterns(layer, tuple(units), to_numpy(found.permute(0, 2, 3, 1)), to_numpy(before), to_numpy(after))


@dataclass(frozen=True)
class _Answer:
    """How much unit n answers to picture n, ``(N,)``. The network runs no further than the layer."""

    network: nn.Module
    module: nn.Module
    layer: str
    prepare: Callable[[Tensor], Tensor]
    units: Sequence[int]

    def __call__(self, pixels: Tensor) -> Tensor:
        with watch(self.module, stop=True) as watched:
            try:
                self.network(self.prepare(pixels))
            except Reached:
                pass
        if watched.output is None or watched.value.ndim < 2 or len(watched.value) != len(self.units):
            raise ShapeError(f"A layer that gives (batch, units, …) is required; {self.layer!r} gives something else.")
        output = watched.value
        outside = next((unit for unit in self.units if not 0 <= unit < output.shape[1]), None)
        if outside is not None:
            raise UsageError(f"A unit of {self.layer!r} must be from 0 to {output.shape[1] - 1}; got {outside}.")
        rows = torch.arange(len(output), device=output.device)
        own = output[rows, torch.tensor(list(self.units), device=output.device)]
        return own.reshape(len(output), -1).mean(dim=1)


def _moved(pixels: Tensor, reach: int, seed: int, step: int) -> Tensor:
    """The same pictures shifted by up to `reach` pixels, and turned and zoomed a little."""
    draw = generator(seed, "filter-jitter", step)
    down, right = draw.integers(-reach, reach + 1, 2).tolist()
    angle, zoom = draw.uniform(-_TURN, _TURN), 1 + draw.uniform(-_ZOOM, _ZOOM)
    pixels = torch.roll(pixels, (down, right), dims=(2, 3))
    if min(pixels.shape[2:]) < _SMALLEST_TURNED:
        return pixels
    cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
    turn = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0]], device=pixels.device)
    grid = F.affine_grid(turn.expand(len(pixels), 2, 3), list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
