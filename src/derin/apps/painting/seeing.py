"""A trained network as a pair of eyes: pictures of any size, and what its layers make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from derin.api.explanation import require_pictures
from derin.api.model import Model
from derin.api.model import open as open_model
from derin.core.errors import UsageError
from derin.data.pictures.reading_inputs import images_of
from derin.data.pictures.values import PixelValues
from derin.explain.layer_names import find_layer, trace
from derin.explain.watching import device_of
from derin.models.features import LayerFeatures
from derin.models.registry import MODELS
from derin.models.weights.known import BY_NAME

if TYPE_CHECKING:
    from PIL.Image import Image

LEAST = 32  # pixels of the shorter side: below it no network here sees anything that lasts beyond its second pool
MOST = 4096  # of the longer side; one step on such a picture takes some gigabytes
_PROBED = 128  # side of the picture with which the layers are found


@dataclass(frozen=True)
class Seeing:
    """A trained network that looks at pictures.

    Args:
        model: the network with the preparation of its pictures.
        name: as the user named it.
    """

    model: Model
    name: str

    @classmethod
    def open(cls, network: str | Path | Model | None, usual: Sequence[str] = (), *, device: str = "cpu") -> Seeing:
        """Of published weights by name (`derin weights`), a run or a bundle, or a model that is open.

        Args:
            network: as above; None takes the first of the usual ones that is on this machine.
            usual: names of published weights, of which the last can be fetched.
            device: where it looks.

        Raises:
            UsageError: it is a network without weights, reads no pictures in color, or there is none.
        """
        if network is None:
            here = (name for name in usual if BY_NAME[name].find() is not None)
            network = next(here, usual[-1])
        if isinstance(network, Model):
            model, name = network, str(network.path)
        else:
            name = str(network)
            if name in MODELS and not Path(name).exists():
                published = ", ".join(known.name for known in BY_NAME.values() if known.model == name)
                raise UsageError(
                    f"A network that has learned to see is required; {name} alone has no weights. "
                    + (f"Published ones: {published}." if published else "derin weights lists the published ones.")
                )
            model = open_model(network, device=device)
        if require_pictures(model)[0] != 3:
            raise UsageError(f"A network that reads pictures in color is required; {name} reads gray ones.")
        return cls(model, name)

    @property
    def device(self) -> torch.device:
        return device_of(self.model.network)

    def prepare(self, pixels: Tensor) -> Tensor:
        """From pictures 0..1 to the network's input.

        Shapes:
            ``(B, 3, H, W)`` → the same.
        """
        found: Tensor = self.model.preparation.to_model_input(pixels.permute(0, 2, 3, 1) * 255)
        return found

    def features(self, layers: Sequence[str]) -> LayerFeatures:
        """What these layers make of prepared pictures.

        Raises:
            UsageError: there is no such layer; near matches and the layers that give maps are listed.
        """
        for name in layers:
            find_layer(self.model.network, self._blank(), name)
        return LayerFeatures(self.model.network, layers)

    def last_of_strides(self) -> dict[int, str]:
        """The last layer that gives maps at each stride, by stride: what sees a picture at one scale and knows most.

        Layers in a part of a part are passed over, as are those that are part of one with the same output.
        """
        found: dict[int, str] = {}
        for call in trace(self.model.network, self._blank()):
            if call.gives_maps and min(call.shape[2:]) > 1 and 0 < call.name.count(".") <= 1:
                found[2 ** round(np.log2(_PROBED / call.shape[2]))] = call.name
        return found

    def _blank(self) -> Tensor:
        return torch.zeros(1, 3, _PROBED, _PROBED, device=self.device)


def read_picture(source: Any, *, size: int | None, what: str, device: torch.device | str = "cpu") -> Tensor:
    """A picture in color, its longer side brought to a size.

    Gray becomes color, an alpha channel and 16 bits are read as everywhere (`derin.data.pictures`).

    Args:
        source: a file, bytes, a Pillow picture, or an array.
        size: pixels of the longer side; None leaves it as it is.
        what: names it in sentences: ``"The content"``.
        device: where it is to lie.

    Shapes:
        → ``(1, 3, H, W)``, 0..1.

    Raises:
        DataError: it cannot be read.
        UsageError: there are several, or it is too small or too large.
    """
    pictures = images_of(source, channels=3, values=PixelValues())
    if len(pictures) != 1:
        raise UsageError(f"{what} must be one picture; got {len(pictures)}.")
    image = _color(pictures[0])
    if min(image.size) < LEAST:
        raise UsageError(
            f"{what} must be at least {LEAST} pixels high and wide; got {image.width} × {image.height}. "
            "Give a larger one."
        )
    if size is not None:
        image = _resized(image, size, what)
    elif max(image.size) > MOST:
        raise UsageError(f"{what} must be at most {MOST:,} pixels long; got {max(image.size):,}. Give a size.")
    pixels = torch.from_numpy(np.array(image, dtype=np.float32) / 255).permute(2, 0, 1)[None]
    return pixels.contiguous().to(device)


def scaled(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures in another size, without the patterns that leaving out pixels gives.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, *size)``.
    """
    return F.interpolate(pixels, size=size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def to_image(pixels: Tensor) -> Image:
    """One picture of 0..1 as a Pillow picture.

    Shapes:
        ``(1, 3, H, W)``.
    """
    from PIL import Image

    values = (pixels[0].detach().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(values)


def _color(picture: Any) -> Image:
    from PIL import Image

    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    return picture.convert("RGB")


def _resized(image: Image, size: int, what: str) -> Image:
    from PIL import Image

    if not LEAST <= size <= MOST:
        raise UsageError(f"The size must be from {LEAST} to {MOST:,} pixels; got {size}.")
    factor = size / max(image.size)
    sides = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    if min(sides) < LEAST:
        raise UsageError(
            f"{what} would be {sides[0]} × {sides[1]} pixels at a size of {size}, and {LEAST} are needed; take a "
            "larger size, or cut the picture."
        )
    return image.resize(sides, Image.Resampling.LANCZOS)
