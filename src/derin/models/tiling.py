"""A network of pictures on a picture of any size: in tiles that show no seams.

Around each tile as much of the picture is read as a pixel of the output can see, so that the tiles together are, up to
the rounding of floats, what the network gives for the picture as a whole.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

# Pixels that are computed at once: the maps of a network of 64 channels then take some 100 MB.
_MOST_PIXELS = 1 << 18


def tiled(
    network: nn.Module, picture: Tensor, *, call: Callable[[Tensor], Tensor] | None = None, tile: int | None = None
) -> Tensor:
    """What a network gives for one whole picture.

    Args:
        network: whose attributes say how it sees: `reach`, how far from a pixel of the input those lie that change it;
            `multiple`, of which its sides must be multiples; `scale`, how many times larger its output is; `smallest`,
            the least sides. One without `reach` gets the whole picture.
        picture: of any size; one that is too small, or no multiple, goes on in its mirror image.
        call: the network, where it is called otherwise than by itself.
        tile: side of the tiles without what is read around them; None takes large ones, and one where it is enough.

    Shapes:
        ``(1, C, H, W)`` → ``(1, K, scale · H, scale · W)``.
    """
    call = network if call is None else call
    reach, scale = getattr(network, "reach", None), getattr(network, "scale", 1)
    multiple, least = getattr(network, "multiple", 1), getattr(network, "smallest", None) or (1, 1)
    height, width = picture.shape[2:]
    down, along = (max(low, -(-side // multiple) * multiple) for side, low in zip((height, width), least, strict=True))
    whole = mirrored(picture, -(-down // multiple) * multiple, -(-along // multiple) * multiple)
    if reach is None or (tile is None and whole.shape[2] * whole.shape[3] <= _MOST_PIXELS):
        return call(whole)[:, :, : height * scale, : width * scale]
    halo = -(-reach // multiple) * multiple
    # Not below the halo: more would be read around a tile than in it.
    wanted = max(int(_MOST_PIXELS**0.5) - 2 * halo, halo, *least) if tile is None else tile
    side = -(-wanted // multiple) * multiple
    lines = []
    for top in range(0, whole.shape[2], side):
        first, last = max(0, top - halo), min(whole.shape[2], top + side + halo)
        parts = []
        for left in range(0, whole.shape[3], side):
            start, stop = max(0, left - halo), min(whole.shape[3], left + side + halo)
            made = call(whole[:, :, first:last, start:stop])
            y, x = (top - first) * scale, (left - start) * scale
            parts.append(made[:, :, y : y + side * scale, x : x + side * scale])
        lines.append(torch.cat(parts, 3))
    return torch.cat(lines, 2)[:, :, : height * scale, : width * scale]


def mirrored(pictures: Tensor, height: int, width: int) -> Tensor:
    """Pictures that are too small go on in their mirror image, below and to the right.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, max(H, height), max(W, width))``.
    """
    while pictures.shape[2] < height or pictures.shape[3] < width:
        down = min(max(0, height - pictures.shape[2]), pictures.shape[2])
        along = min(max(0, width - pictures.shape[3]), pictures.shape[3])
        if down:
            pictures = torch.cat((pictures, pictures[:, :, -down:].flip(2)), 2)
        if along:
            pictures = torch.cat((pictures, pictures[:, :, :, -along:].flip(3)), 3)
    return pictures
