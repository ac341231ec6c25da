"""Style transfer: a photo is changed until a trained network sees the photo's things in the painting's manner.

Source: L. Gatys, A. Ecker, M. Bethge, "Image style transfer using convolutional neural networks", CVPR 2016.
Differs: the costs are relative (`derin.tasks.perceptual_losses`), and the picture is changed through its waves in
    decorrelated colors (`derin.explain.fourier`), small first and then larger. Along single pixels only VGG gives
    paintings: C. Olah et al., "Differentiable image parameterizations", Distill 2018, doi:10.23915/distill.00012.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derin.apps.painting.drawing import ChangedPicture, Level
from derin.apps.painting.seeing import Seeing, read_picture, scaled, to_image
from derin.core.errors import UnknownNameError, UsageError
from derin.core.messages import translate
from derin.core.seeds import generator
from derin.explain.fourier import picture, random_spectrum, spectrum_of
from derin.explain.watching import unchanged
from derin.tasks.perceptual_losses import content_cost, gram_matrix, style_cost, total_variation
from derin.train.optimizers.eager import LBFGS, Adam

if TYPE_CHECKING:
    from PIL.Image import Image

    from derin.api.model import Model

OPTIMIZERS = ("adam", "lbfgs")
STARTS = ("content", "noise")
# Its layers give smoother paintings than SqueezeNet's, in half the time.
NETWORKS = ("mobilenet_v2_imagenet", "mobilenet_v2_torchvision")
_LR = {"adam": 0.05, "lbfgs": 1.0}
_LEVELS = (0.5, 1.0)  # of the size: large strokes are laid on the small picture, where a layer sees more of it
_SHIFT = 8  # pixels; strides would leave their grid in a picture that always lies in the same place
_STYLE_STRIDES, _CONTENT_STRIDE = (2, 4, 8, 16), 8
_SNAPSHOTS = 6
_PLACES = 8  # to which it is shifted in turn; what the network sees of the content there is kept


@dataclass(frozen=True)
class Costs:
    """What a step cost.

    Args:
        total: α·content + β·style + γ·roughness.
        content: of the layers of content.
        style: of each layer of style, before its λ.
        roughness: the total variation.
    """

    total: float
    content: float
    style: dict[str, float]
    roughness: float


@dataclass(frozen=True, kw_only=True)
class Painting(ChangedPicture):
    """A photo in the manner of a painting.

    Args:
        costs: of the picture before each step.
    """

    costs: list[Costs]

    def curves(self) -> dict[str, list[float]]:
        """The total cost and its parts, weights included, so that the parts add up."""
        settings = self.settings
        alpha, beta, gamma = (settings[name] for name in ("content_weight", "style_weight", "smooth_weight"))
        lambdas = settings["style_layers"]
        return {
            translate("painting.total"): [cost.total for cost in self.costs],
            translate("painting.content"): [alpha * cost.content for cost in self.costs],
            translate("painting.style"): [
                beta * sum(lambdas[name] * value for name, value in cost.style.items()) for cost in self.costs
            ],
            translate("painting.roughness"): [gamma * cost.roughness for cost in self.costs],
        }

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "first": asdict(self.costs[0]), "last": asdict(self.costs[-1])}


def style(
    content: Any,
    painting: Any,
    *,
    network: str | Path | Model | None = None,
    size: int | None = 400,
    style_size: int | None = None,
    content_weight: float = 1.0,
    style_weight: float = 10.0,
    smooth_weight: float = 1.0,
    content_layer: str | None = None,
    style_layers: Mapping[str, float] | None = None,
    optimizer: str = "adam",
    steps: int = 200,
    lr: float | None = None,
    start: str = "content",
    keep_colors: bool = False,
    seed: int = 0,
    device: str = "cpu",
    on_step: Callable[[int, int], None] | None = None,
) -> Painting:
    """Paints a photo in the manner of a painting: J(G) = α·J_content(C, G) + β·Σ λˡ·J_styleˡ(S, G) + γ·roughness(G).

    Args:
        content: the photo: a file, bytes, a Pillow picture, or an array.
        painting: whose style is wanted.
        network: published weights by name (`derin weights`), a run or bundle of a network that reads pictures; None
            takes MobileNetV2's published weights.
        size: pixels of the longer side of what is painted; None takes the photo's own.
        style_size: pixels of the longer side of the painting; smaller ones give smaller strokes. None takes `size`.
        content_weight: α.
        style_weight: β.
        smooth_weight: γ.
        content_layer: where the content is compared; None takes the last layer at stride 8.
        style_layers: λ of each layer where the style is compared; None takes the last layers at the strides 2, 4, 8
            and 16, a share of 1 divided among them.
        optimizer: ``"adam"`` or ``"lbfgs"``.
        steps: passes of the network; the first half on a picture of half the size.
        lr: step size; None is 0.05 for Adam and 1 for L-BFGS.
        start: ``"content"``, or ``"noise"`` as Gatys began.
        keep_colors: whether the photo keeps its colors and takes on the strokes alone.
        seed: of noise and shifts; the same seed paints the same picture.
        device: where it is computed.
        on_step: told how many steps of how many are done.

    Raises:
        UsageError: a weight, layer, network or size that cannot be.
        DataError: a picture that cannot be read.

    Example:
        >>> import derin, numpy as np, tempfile
        >>> photo, painting = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), dtype=np.uint8)
        >>> out = tempfile.mkdtemp()  # any network that has learned to see; without one, published weights are taken
        >>> data = (np.stack([photo, painting] * 8), ["photo", "painting"] * 8)
        >>> run = derin.fit(data, model="convnet", epochs=1, plan="plain", out=out + "/run", report=False)
        >>> painted = derin.style(photo, painting, network=run.path, size=64, steps=2)
        >>> painted.image.size
        (64, 48)
        >>> path = painted.save(out + "/painted.png")
    """
    _check(optimizer, start, steps, lr, (content_weight, style_weight, smooth_weight))
    seeing = Seeing.open(network, NETWORKS, device=device)
    photo = read_picture(content, size=size, what="The content picture", device=seeing.device)
    longer = max(photo.shape[2:])
    manner = read_picture(painting, size=style_size or longer, what="The style picture", device=seeing.device)
    by_stride = seeing.last_of_strides()
    if style_layers is None:
        names = [name for stride, name in sorted(by_stride.items()) if stride in _STYLE_STRIDES]
        style_layers = {name: 1 / len(names) for name in names}
    if content_layer is None:
        content_layer = by_stride.get(_CONTENT_STRIDE) or list(by_stride.values())[len(by_stride) // 2]
    if not style_layers or min(style_layers.values()) < 0:
        raise UsageError(f"At least one layer of style with a weight from 0 is required; got {dict(style_layers)}.")
    aim = _Aim(seeing, content_layer, dict(style_layers), (content_weight, style_weight, smooth_weight))
    rate = _LR[optimizer] if lr is None else lr
    costs: list[Costs] = []
    levels: list[Level] = []
    snapshots: list[tuple[int, Image]] = []
    shown = {round(steps * (place / (_SNAPSHOTS - 1)) ** 2) for place in range(_SNAPSHOTS)}
    height, width = photo.shape[2:]
    found: Tensor | None = None
    with unchanged(seeing.model.network):
        for level, (factor, num) in enumerate(zip(_LEVELS, _shares(steps), strict=True)):
            sides = _sides((height, width), factor)
            levels.append(Level(num, *sides))
            aim.look_at(scaled(photo, sides), scaled(manner, _sides(tuple(manner.shape[2:]), factor)))
            if found is not None:
                begin = spectrum_of(scaled(found, sides))
            elif start == "content":
                begin = spectrum_of(scaled(photo, sides))
            else:
                begin = random_spectrum(1, 3, sides, seed).to(seeing.device)
            painter = _Painter(begin, sides, aim, optimizer, rate, seed, level)
            if level == 0:
                snapshots.append((0, to_image(scaled(painter.pixels(), (height, width)))))
            for _ in range(num):
                costs.append(painter.step())
                if len(costs) in shown:
                    snapshots.append((len(costs), to_image(scaled(painter.pixels(), (height, width)))))
                if on_step is not None:
                    on_step(len(costs), steps)
            found = painter.pixels()
    assert found is not None
    finished = _with_colors_of(photo, found) if keep_colors else found
    settings = {
        "network": seeing.name,
        "content_layer": content_layer,
        "style_layers": dict(style_layers),
        "content_weight": content_weight,
        "style_weight": style_weight,
        "smooth_weight": smooth_weight,
        "optimizer": optimizer,
        "lr": rate,
        "start": start,
        "keep_colors": keep_colors,
        "seed": seed,
    }
    return Painting(image=to_image(finished), levels=levels, costs=costs, snapshots=snapshots, settings=settings)


class _Aim:
    """The total cost of a picture, for two pictures to be looked at."""

    def __init__(
        self, seeing: Seeing, content_layer: str, style_layers: dict[str, float], weights: tuple[float, float, float]
    ) -> None:
        self._seeing, self._content_layer, self._lambdas = seeing, content_layer, style_layers
        self._weights = weights
        self._features = seeing.features([*dict.fromkeys([*style_layers, content_layer])])
        self._photo: Tensor = torch.empty(0)
        self._wanted: dict[tuple[int, int], Tensor] = {}
        self._grams: dict[str, Tensor] = {}

    def look_at(self, photo: Tensor, manner: Tensor) -> None:
        """What is wanted from now on."""
        with torch.no_grad():
            self._photo, self._wanted = photo, {}
            maps = self._features(self._seeing.prepare(manner))
            self._grams = {name: gram_matrix(maps[name]) for name in self._lambdas}

    def __call__(self, pixels: Tensor, shift: tuple[int, int]) -> tuple[Tensor, Costs]:
        """The cost of a picture that is shifted, as the photo is."""
        if shift not in self._wanted:
            with torch.no_grad():
                seen = self._features(self._seeing.prepare(torch.roll(self._photo, shift, dims=(2, 3))))
            self._wanted[shift] = seen[self._content_layer]
        maps = self._features(self._seeing.prepare(torch.roll(pixels, shift, dims=(2, 3))))
        content = content_cost(maps[self._content_layer], self._wanted[shift]).sum()
        styles = {name: style_cost(gram_matrix(maps[name]), gram).sum() for name, gram in self._grams.items()}
        rough = total_variation(pixels).sum()
        alpha, beta, gamma = self._weights
        style_sum = sum((self._lambdas[name] * cost for name, cost in styles.items()), torch.zeros_like(content))
        total = alpha * content + beta * style_sum + gamma * rough
        parts = Costs(total.item(), content.item(), {name: cost.item() for name, cost in styles.items()}, rough.item())
        return total, parts


class _Painter:
    """A picture as its waves, changed step by step."""

    def __init__(
        self, begin: Tensor, sides: tuple[int, int], aim: _Aim, optimizer: str, lr: float, seed: int, level: int
    ) -> None:
        self._spectrum = begin.requires_grad_()
        self._sides, self._aim, self._seed, self._level = sides, aim, seed, level
        self._num = 0
        # L-BFGS compares gradients, which must be those of one function: its picture stays where it is. Each of its
        # steps runs the network once, as one of Adam does.
        self._is_adam = optimizer == "adam"
        self._optimizer = Adam([self._spectrum], lr=lr) if self._is_adam else LBFGS([self._spectrum], lr=lr, max_iter=1)
        places = generator(seed, "style-shift", level).integers(-_SHIFT, _SHIFT + 1, (_PLACES, 2)).tolist()
        self._places: list[tuple[int, int]] = [(down, right) for down, right in places]

    def pixels(self) -> Tensor:
        return picture(self._spectrum.detach(), self._sides)

    def step(self) -> Costs:
        """One update; what the picture cost before it."""
        shift = self._places[self._num % _PLACES] if self._is_adam else (0, 0)
        self._num += 1
        total, costs = self._aim(picture(self._spectrum, self._sides), shift)
        (self._spectrum.grad,) = torch.autograd.grad(total, self._spectrum)
        self._optimizer.step(lambda: total.item())
        return costs


def _with_colors_of(photo: Tensor, painted: Tensor) -> Tensor:
    """The lightness of what was painted with the colors of the photo, in YCbCr (ITU-R BT.601).

    Source: L. Gatys, M. Bethge, A. Hertzmann, E. Shechtman, "Preserving color in neural artistic style transfer",
        arXiv:1606.05897, "luminance-only transfer".
    """
    weights = torch.tensor([0.299, 0.587, 0.114], device=photo.device)[:, None, None]
    old, new = ((pixels * weights).sum(1, keepdim=True) for pixels in (photo, painted))
    return (photo + new - old).clamp(0, 1)


def _shares(steps: int) -> tuple[int, int]:
    """How many steps each level gets: the larger half on the small picture, where one costs a quarter."""
    small = (steps + 1) // 2
    return small, steps - small


def _sides(size: tuple[int, ...], factor: float) -> tuple[int, int]:
    return max(2, round(size[0] * factor)), max(2, round(size[1] * factor))


def _check(optimizer: str, start: str, steps: int, lr: float | None, weights: tuple[float, float, float]) -> None:
    for what, name, known in (("optimizer", optimizer, OPTIMIZERS), ("start", start, STARTS)):
        if name not in known:
            raise UnknownNameError(what, name, known)
    if steps < 1:
        raise UsageError(f"Painting takes at least one step; got steps={steps}.")
    if lr is not None and not 0 < lr < float("inf"):
        raise UsageError(f"The step size lr must be above 0; got {lr}.")
    if not all(0 <= weight < float("inf") for weight in weights):
        raise UsageError(f"The weights of content, style and smoothness must be finite and from 0; got {weights}.")
