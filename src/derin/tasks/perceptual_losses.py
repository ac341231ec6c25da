"""What two pictures have in common to a network that has learned to see: content, style, and how rough a picture is.

Sources: L. Gatys, A. Ecker, M. Bethge, "Image style transfer using convolutional neural networks", CVPR 2016
    (arXiv:1508.06576); J. Johnson, A. Alahi, L. Fei-Fei, "Perceptual losses for real-time style transfer and
    super-resolution", ECCV 2016, arXiv:1603.08155.
Differs: each cost is a share of what there is to reach, where Gatys divides by 4·N²·M². So a weight means the same in
    a layer of 96 maps and in one of 512, and in any network: at 1 nothing of the style is there, at 0 all of it.
"""

from __future__ import annotations

from torch import Tensor

from derin.core.errors import ShapeError

_LEAST = 1e-12  # a layer that is silent on a picture has nothing to divide by


def gram_matrix(maps: Tensor) -> Tensor:
    """How strongly each pair of maps answers at the same places: G_kl = Σᵢⱼ a_kij · a_lij / (H·W).

    Where things lie is lost, what occurs together stays: colors, strokes, textures. The mean over places, rather than
    the sum, lets pictures of different size be compared.

    Args:
        maps: of a layer.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, C)``.

    Raises:
        ShapeError: the layer gives no maps.

    Example:
        >>> import torch
        >>> gram_matrix(torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]]])).tolist()
        [[[2.5, 4.0], [4.0, 8.0]]]
    """
    if maps.ndim != 4:
        raise ShapeError(f"gram_matrix: maps must have the shape (B, C, H, W); got {tuple(maps.shape)}.")
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def content_cost(maps: Tensor, wanted: Tensor) -> Tensor:
    """How far the maps of a picture are from those of the content: Σ (a − p)² / Σ p² for each picture.

    Args:
        maps: of a layer, of the picture.
        wanted: of the same layer, of the content.

    Shapes:
        both ``(B, C, H, W)`` → ``(B,)``.

    Raises:
        ShapeError: the two differ in shape.

    Example:
        >>> import torch
        >>> content_cost(torch.full((2, 3, 4, 5), 3.0), torch.full((2, 3, 4, 5), 2.0)).tolist()
        [0.25, 0.25]
    """
    return _relative("content_cost", maps, wanted)


def style_cost(gram: Tensor, wanted: Tensor) -> Tensor:
    """How far the Gram matrix of a picture is from that of the style: Σ (G − A)² / Σ A² for each picture.

    Args:
        gram: of a layer, of the picture.
        wanted: of the same layer, of the style; one for all pictures or one for each.

    Shapes:
        ``(B, C, C)`` and ``(1, C, C)`` or ``(B, C, C)`` → ``(B,)``.

    Raises:
        ShapeError: the two differ in shape.

    Example:
        >>> import torch
        >>> style_cost(torch.zeros(2, 3, 3), torch.ones(1, 3, 3)).tolist()
        [1.0, 1.0]
    """
    return _relative("style_cost", gram, wanted.expand(len(gram), *wanted.shape[1:]))


def total_variation(pictures: Tensor) -> Tensor:
    """How rough pictures are: the mean square of the difference to the next pixel, below and to the right.

    Shapes:
        ``(B, C, H, W)`` → ``(B,)``.

    Raises:
        ShapeError: a picture is less than 2 pixels high or wide.

    Example:
        >>> import torch
        >>> total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])).tolist()
        [1.0]
    """
    if pictures.ndim != 4 or min(pictures.shape[2:]) < 2:
        raise ShapeError(
            "total_variation: pictures must have the shape (B, C, H, W) with at least 2 pixels each way; "
            f"got {tuple(pictures.shape)}."
        )
    down = pictures[:, :, 1:] - pictures[:, :, :-1]
    right = pictures[:, :, :, 1:] - pictures[:, :, :, :-1]
    return (down**2).flatten(1).mean(1) + (right**2).flatten(1).mean(1)


def _relative(name: str, values: Tensor, wanted: Tensor) -> Tensor:
    if values.shape != wanted.shape:
        raise ShapeError(f"{name}: both must have the same shape; got {tuple(values.shape)} and {tuple(wanted.shape)}.")
    distance = ((values - wanted) ** 2).flatten(1).sum(1)
    return distance / (wanted**2).flatten(1).sum(1).clamp(min=_LEAST)
