"""A picture that a network made of another one."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from derin.data.mask_colors import png


@dataclass(frozen=True, eq=False)
class MadePicture:
    """What a network makes of a picture: restored, colored, painted.

    Args:
        picture: its pixels.
        paths: files that were written of it, by ``"made"``.

    Shapes:
        picture ``(H, W, 1 or 3)`` uint8.

    Example:
        >>> answer = MadePicture(np.zeros((2, 3, 1), dtype=np.uint8))
        >>> answer.to_json()
        {'height': 2, 'width': 3, 'channels': 1}
    """

    picture: npt.NDArray[np.uint8]
    paths: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_planes(cls, planes: Tensor) -> MadePicture:
        """The picture of values in 0..1, rounded to 8 bits.

        Shapes:
            ``(C, H, W)``.
        """
        pixels = (planes.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().cpu().numpy()
        return cls(pixels)

    def image(self) -> Any:
        """The Pillow picture."""
        import PIL.Image

        return PIL.Image.fromarray(self.picture[..., 0] if self.picture.shape[2] == 1 else self.picture)

    def encoded(self, form: str) -> bytes:
        """The bytes of a file, ``"PNG"`` or ``"JPEG"``."""
        file = io.BytesIO()
        self.image().save(file, form, **({"quality": 95} if form == "JPEG" else {}))
        return file.getvalue()

    def files(self) -> dict[str, bytes]:
        """What is written of it."""
        return {"made": png(self.picture[..., 0] if self.picture.shape[2] == 1 else self.picture)}

    def to_json(self) -> dict[str, Any]:
        height, width, channels = self.picture.shape
        return {"height": height, "width": width, "channels": channels, **dict(self.paths)}

    def __str__(self) -> str:
        return f"{self.picture.shape[0]} × {self.picture.shape[1]}"
