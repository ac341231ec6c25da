"""What is taken from good pictures, so that a network learns to give it back: noise, compression, detail, color."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from derin.core.errors import UsageError
from derin.data.pictures.colors import luminance

Kind = Literal["noise", "jpeg", "sr", "gray"]
KINDS: tuple[Kind, ...] = ("noise", "jpeg", "sr", "gray")
FORMS = "noise=25, noise=5-50 (unknown strength), jpeg=30, jpeg=10-60, sr=2, sr=4 or gray"
_RANGES = {"noise": (0.0, 255.0), "jpeg": (1.0, 95.0), "sr": (2.0, 4.0)}


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """How a good picture becomes the one that the network reads.

    ``noise``: x + σ n / 255 with normal n, not clipped, as published figures have it; ``jpeg``: written by Pillow with
    that quality and read again; ``sr``: reduced so many times, bicubic with antialiasing, and rounded to 8 bits as a
    file holds it; ``gray``: the luminance in all channels.

    Args:
        kind: of `KINDS`.
        low, high: σ of 255, quality, or times; where they differ, each picture gets a strength between them.

    Example:
        >>> Degradation.parse("noise=5-50")
        Degradation(kind='noise', low=5.0, high=50.0)
        >>> str(Degradation.parse("sr=2")), Degradation.parse("sr=2").scale
        ('sr=2', 2)
    """

    kind: Kind
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Degradation:
        """The degradation that a text names.

        Raises:
            UsageError: it names none.
        """
        kind, _, strength = text.strip().partition("=")
        first, _, last = strength.partition("-")
        try:
            low, high = (float(first), float(last or first)) if strength else (0.0, 0.0)
        except ValueError:
            low = high = float("nan")
        for each in KINDS:
            least, most = _RANGES.get(each, (0.0, 0.0))
            if kind == each and bool(strength) == (each in _RANGES) and least <= low <= high <= most:
                found = cls(kind=each, low=low, high=high)
                if each != "sr" or (low == high and low in (2, 4)):
                    return found
        raise UsageError(f"degrade must be {FORMS}; got {text!r}.")

    def __str__(self) -> str:
        if self.kind == "gray":
            return "gray"
        return f"{self.kind}={self.low:g}" + (f"-{self.high:g}" if self.high != self.low else "")

    @property
    def scale(self) -> int:
        """How many times larger the restored picture is than what the network reads."""
        return int(self.low) if self.kind == "sr" else 1

    def whole(self, clean: Tensor) -> Tensor:
        """The part of pictures that is a multiple of the scale, without the last lines."""
        height, width = (max(side - side % self.scale, self.scale) for side in clean.shape[2:])
        return clean[:, :, :height, :width]

    def apply(self, clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What the network reads of good pictures.

        Args:
            clean: in 0..1, sides a multiple of the scale.
            generator: of the noise, on the CPU; None takes torch's, which the loop seeds before each step.

        Shapes:
            ``(B, C, H, W)`` → ``(B, C, H / scale, W / scale)``.
        """
        if self.kind == "gray":
            return luminance(clean).expand_as(clean)
        if self.kind == "sr":
            return ((reduced(clean, self.scale) * 255).round() / 255).clamp(0, 1)
        # Drawn on the CPU, so that the device does not change them.
        strengths = torch.rand(len(clean), generator=generator) * (self.high - self.low) + self.low
        if self.kind == "noise":
            noise = torch.randn(clean.shape, generator=generator) * strengths.view(-1, 1, 1, 1) / 255
            return clean + noise.to(clean.device)
        return jpeg(clean, strengths.round().int().tolist())


def reduced(pictures: Tensor, scale: int) -> Tensor:
    """Pictures made smaller, bicubic with antialiasing, as Pillow does it.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, H / scale, W / scale)``.
    """
    size = (pictures.shape[2] // scale, pictures.shape[3] // scale)
    return F.interpolate(pictures, size=size, mode="bicubic", antialias=True, align_corners=False)


def enlarged(pictures: Tensor, scale: int) -> Tensor:
    """Pictures made larger, bicubic (a = −1/2), as Pillow does it: what super-resolution is compared with."""
    size = (pictures.shape[2] * scale, pictures.shape[3] * scale)
    return F.interpolate(pictures, size=size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def jpeg(pictures: Tensor, qualities: list[int]) -> Tensor:
    """Pictures as a JPEG file of a quality each holds them.

    Shapes:
        ``(B, 1 or 3, H, W)`` in 0..1 → the same.
    """
    import PIL.Image

    pixels = (pictures.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    read = []
    for picture, quality in zip(pixels, qualities, strict=True):
        file = io.BytesIO()
        PIL.Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(file, "JPEG", quality=quality)
        with PIL.Image.open(file) as image:
            read.append(np.asarray(image).reshape(picture.shape))
    return torch.from_numpy(np.stack(read)).permute(0, 3, 1, 2).to(pictures.device, pictures.dtype) / 255
