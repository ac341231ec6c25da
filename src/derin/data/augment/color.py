"""Brightness, contrast and saturation as one affine map of the colors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from derin.data.augment.settings import Augmentation, RandomDraws

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: the weights of red, green and blue in gray
_WHITE = 255.0


def channel_means(pictures: Tensor) -> Tensor:
    """The mean color of each picture.

    Whole-numbered values are summed exactly, so that the order of summation, and with it the batch size, changes
    nothing.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C)`` float32.
    """
    import torch

    _, _, height, width = pictures.shape
    # A column's sum is exact in float32 up to 65 793 pixels; the sum of columns is made in whole numbers.
    columns = pictures.to(torch.float32).sum(dim=2)
    return columns.to(torch.int64).sum(dim=2).to(torch.float32) / (height * width)


def jitter(pictures: Tensor, means: Tensor | None, settings: Augmentation, draws: RandomDraws) -> Tensor:
    r"""Changes brightness by b, contrast by c and saturation by s, in one map.

    .. math:: x' = b c s\, x + b c (1 - s)\, g(x) + b (1 - c)\, \bar g

    where g is the luma of a pixel and :math:`\bar g` that of the picture's mean color. Values are kept within 0 and
    255.

    Args:
        means: the mean color of each picture; only contrast needs it.

    Shapes:
        pictures ``(B, C, H, W)``, means ``(B, C)`` → ``(B, C, H, W)`` float32.
    """
    import torch

    num_channels = pictures.shape[1]
    weights = LUMA if num_channels == len(LUMA) else (1 / num_channels,) * num_channels
    bright, contrast, saturation = (
        1 + getattr(settings, name) * (2 * draws[name] - 1) if name in draws else np.ones(len(pictures))
        for name in ("brightness", "contrast", "saturation")
    )
    if num_channels == 1:
        saturation = np.ones_like(saturation)
    factors = np.stack(
        [bright * contrast * saturation, bright * contrast * (1 - saturation), bright * (1 - contrast)], axis=1
    )
    on_device = torch.from_numpy(factors.astype(np.float32)).to(pictures.device)
    own, gray, level = (factor.view(-1, 1, 1, 1) for factor in on_device.unbind(1))
    if settings.saturation and num_channels > 1:
        # Planes in memory, because the weighted sum over channels would otherwise read every third value.
        planes = pictures.to(torch.float32).contiguous()
        luma = sum(planes[:, c : c + 1] * weight for c, weight in enumerate(weights))
        result = planes * own
        result += luma * gray
    else:
        result = pictures * own
    if settings.contrast and means is not None:
        result += (means * torch.tensor(weights, device=means.device)).sum(dim=1).view(-1, 1, 1, 1) * level
    return result.clamp_(0, _WHITE)
