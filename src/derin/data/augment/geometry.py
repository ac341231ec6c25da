"""How a batch moves: affine maps that are drawn once for each row, and what they do to pixels.

Bilinear values for pictures, the nearest class for masks, whole pixels copied where nothing is resampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import ShapeError

if TYPE_CHECKING:
    from torch import Tensor

    from derin.data.augment.settings import Augmentation, RandomDraws

_PADDING_MODE = {"zero": "zeros", "edge": "border", "reflect": "reflection"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Geometry:
    r"""The affine maps of a batch, one for each row: every column of the row moves by the same.

    A map says, for a place of the output, which place of the source it shows: :math:`q = A o + t`, both in pixels from
    the middle of their frame, x to the right and y down. Resizing, the window that is cut out, and augmentation are
    maps of this kind, and `then` joins them.

    Args:
        maps: A and, in the last column, t.
        source: height and width of the frame that a row comes from.
        target: height and width of the frame that it comes to.
        whole_pixels: whether nothing but flips and moves by whole pixels happens, so that pixels can be copied.

    Shapes:
        maps ``(B, 2, 3)`` float64, source and target ``(B, 2)``.

    Example:
        >>> half = Geometry.resized(np.array([[4, 8]]), np.array([[2, 4]]))
        >>> half.moved(np.array([[[8.0, 4.0], [2.0, 1.0]]])).tolist()
        [[[4.0, 2.0], [1.0, 0.5]]]
        >>> half.then(half.inverse).moved(np.array([[[3.0, 1.0]]])).tolist()
        [[[3.0, 1.0]]]
    """

    maps: npt.NDArray[np.float64]
    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    whole_pixels: bool = False

    def __post_init__(self) -> None:
        num = len(self.maps)
        if self.maps.shape != (num, 2, 3) or not self.source.shape == self.target.shape == (num, 2):
            raise ShapeError(
                "Geometry: maps (B, 2, 3), source (B, 2) and target (B, 2) are required; got "
                f"{self.maps.shape}, {self.source.shape} and {self.target.shape}."
            )

    @classmethod
    def identity(cls, num: int, size: tuple[int, int]) -> Geometry:
        """Nothing moves in frames of one size."""
        frame = np.broadcast_to(np.array(size, dtype=np.int64), (num, 2))
        return cls(maps=np.tile(np.eye(2, 3), (num, 1, 1)), source=frame, target=frame, whole_pixels=True)

    @classmethod
    def drawn(cls, settings: Augmentation, draws: RandomDraws, num: int, size: tuple[int, int]) -> Geometry:
        """What an augmentation draws for each row.

        Args:
            settings: of the augmentation.
            draws: its uniform numbers by what they are for.
            num: of rows.
            size: height and width of the pictures.
        """
        frame = np.broadcast_to(np.array(size, dtype=np.int64), (num, 2))
        maps = inverse_maps(*size, settings, draws, num)
        return cls(maps=maps, source=frame, target=frame, whole_pixels=settings.only_whole_pixels)

    @classmethod
    def resized(cls, source: npt.NDArray[np.int64], target: npt.NDArray[np.int64]) -> Geometry:
        """Frames brought to other sizes, as a whole.

        Shapes:
            source and target ``(B, 2)``: height and width.
        """
        maps = np.zeros((len(source), 2, 3))
        scale = source / target
        maps[:, 0, 0], maps[:, 1, 1] = scale[:, 1], scale[:, 0]
        return cls(maps=maps, source=source, target=target)

    @classmethod
    def window(cls, source: npt.NDArray[np.int64], target: npt.NDArray[np.int64], tops: Any, lefts: Any) -> Geometry:
        """A window of each frame, which may also reach over its edge, as padding does.

        Shapes:
            source and target ``(B, 2)``, tops and lefts ``(B,)``: the window's first line and column in the source.
        """
        maps = np.tile(np.eye(2, 3), (len(source), 1, 1))
        maps[:, 0, 2] = lefts + (target[:, 1] - source[:, 1]) / 2
        maps[:, 1, 2] = tops + (target[:, 0] - source[:, 0]) / 2
        return cls(maps=maps, source=source, target=target)

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, part: slice | npt.NDArray[np.int64]) -> Geometry:
        """Some of the rows."""
        return Geometry(
            maps=self.maps[part], source=self.source[part], target=self.target[part], whole_pixels=self.whole_pixels
        )

    @property
    def mirrored(self) -> npt.NDArray[np.bool_]:
        """Which rows are mirror images, so that left and right have changed places: ``(B,)``.

        Flipped both ways a picture is turned by half a turn, and no mirror image.
        """
        linear = self.maps[:, :, :2]
        mirrored: npt.NDArray[np.bool_] = linear[:, 0, 0] * linear[:, 1, 1] < linear[:, 0, 1] * linear[:, 1, 0]
        return mirrored

    @property
    def inverse(self) -> Geometry:
        """The way back."""
        linear = np.linalg.inv(self.maps[:, :, :2])
        shift = -np.einsum("bij,bj->bi", linear, self.maps[:, :, 2])
        maps = np.concatenate([linear, shift[:, :, None]], axis=2)
        return Geometry(maps=maps, source=self.target, target=self.source, whole_pixels=self.whole_pixels)

    def then(self, following: Geometry) -> Geometry:
        """This, and then another that begins where it ends.

        Raises:
            ShapeError: the other begins with frames of another size.
        """
        if len(self) != len(following) or not np.array_equal(self.target, following.source):
            raise ShapeError(
                "Geometry.then: what follows must begin with the frames that this one ends with; got "
                f"{self.target[:1].tolist()} and {following.source[:1].tolist()} for {len(self)} and {len(following)} "
                "rows."
            )
        linear, shift = self.maps[:, :, :2], self.maps[:, :, 2:]
        maps = linear @ following.maps
        maps[:, :, 2:] += shift
        whole = self.whole_pixels and following.whole_pixels
        return Geometry(maps=maps, source=self.source, target=following.target, whole_pixels=whole)

    def moved(self, places: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Where places of the source come to lie, in pixels from the upper left corner of the frame.

        Pixel i reaches from i to i + 1, its middle is i + 0.5.

        Shapes:
            ``(B, P, 2)``, x and y → the same, float64.
        """
        back = self.inverse
        from_middle = places - self.source[:, None, ::-1] / 2
        moved: npt.NDArray[np.float64] = from_middle @ back.maps[:, :, :2].transpose(0, 2, 1)
        moved += back.maps[:, None, :, 2] + self.target[:, None, ::-1] / 2
        return moved


def move(pictures: Tensor, geometry: Geometry, fill: str) -> Tensor:
    """Moves every picture by its own map.

    Args:
        pictures: in frames of one size.
        geometry: whose targets have one size too: that of the pictures where whole pixels move.
        fill: what comes in over the edge: ``"zero"``, ``"edge"`` or ``"reflect"``.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, *target)``; whole pixels keep their dtype and come channels last in memory,
        resampled ones are float32 and come in planes.
    """
    if geometry.whole_pixels:
        return _copy(pictures.permute(0, 2, 3, 1), geometry, fill, 0).permute(0, 3, 1, 2)
    return _resample(pictures, geometry, fill)


def move_classes(masks: Tensor, geometry: Geometry, void: int) -> Tensor:
    """Moves masks as `move` moves pictures: each pixel takes the class of the pixel whose place it shows.

    Args:
        masks: whole numbers, in frames of one size, which stays.
        geometry: as `Geometry.drawn` gives it.
        void: the value of what comes in over the edge.

    Shapes:
        ``(B, H, W)`` → the same.
    """
    import torch

    if geometry.whole_pixels:
        return _copy(masks.unsqueeze(3), geometry, "zero", void).squeeze(3)
    _, height, width = masks.shape
    # Places in float64, so that no rounding decides between two classes; Apple's devices have none.
    dtype = torch.float32 if masks.device.type == "mps" else torch.float64
    maps = torch.from_numpy(geometry.maps).to(masks.device, dtype)
    x, y = (torch.arange(side, dtype=dtype, device=masks.device) + 0.5 - side / 2 for side in (width, height))
    places = []
    for axis, side in ((0, width), (1, height)):
        along, down, shift = maps[:, axis].unbind(1)
        place = (along[:, None] * x)[:, None, :] + (down[:, None] * y + shift[:, None] + side / 2)[:, :, None]
        places.append(place.floor_().long())
    column, row = places
    outside = (column < 0) | (column >= width) | (row < 0) | (row >= height)
    index = row.clamp_(0, height - 1).mul_(width).add_(column.clamp_(0, width - 1))
    moved = masks.reshape(len(masks), -1).gather(1, index.view(len(masks), -1)).view_as(masks)
    return moved.masked_fill_(outside, void)


def inverse_maps(
    height: int, width: int, settings: Augmentation, draws: RandomDraws, num: int
) -> npt.NDArray[np.float64]:
    r"""From a place in the moved picture to the place in the original that it shows, in pixels from the middle.

    Forward a place p = (x right, y down) goes to :math:`R K Z F p + s`: flips F, zoom Z, shear K, rotation R
    (clockwise for positive angles), shift s. The inverse is :math:`q = F Z^{-1} K^{-1} R^{-1} (o - s)`, written out
    here.

    Shapes:
        → ``(B, 2, 3)``: a linear part and, in the last column, the translation.
    """
    angle = np.radians(_spread(draws, "rotate", settings.rotate, num))
    shear = _spread(draws, "shear", settings.shear, num)
    scale = 1 + _spread(draws, "zoom", settings.zoom, num)
    down, along = _offsets(height, width, settings, draws, num)
    if settings.jitter:
        own = np.exp((2 * draws["jitter"][:, 0] - 1) * np.log1p(settings.jitter))
        free = np.abs(own - 1) / 2  # of a side: by this much the moved picture may lie to either side
        down, along = (
            offset + (2 * draws["jitter"][:, n] - 1) * free * side
            for n, offset, side in ((1, down, height), (2, along, width))
        )
        scale = scale * own
    flip_x, flip_y = (1.0 - 2.0 * flipped for flipped in _flips(settings, draws, num))
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.stack(
        [
            flip_x / scale * (cos + shear * sin),
            flip_x / scale * (sin - shear * cos),
            -flip_y / scale * sin,
            flip_y / scale * cos,
        ],
        axis=-1,
    ).reshape(-1, 2, 2)
    translation = -(linear[:, :, 0] * along[:, None] + linear[:, :, 1] * down[:, None])
    return np.concatenate([linear, translation[:, :, None]], axis=2)


def _resample(pictures: Tensor, geometry: Geometry, fill: str) -> Tensor:
    """Bilinear values of the pictures at the places that the maps name."""
    import torch
    from torch.nn.functional import grid_sample

    height, width = geometry.target[0].tolist() if len(geometry) else pictures.shape[2:]
    # grid_sample without aligned corners measures from the middle in half sides: u pixels are 2u / side.
    half = np.array([pictures.shape[3] / 2, pictures.shape[2] / 2])
    scaled = geometry.maps / half[:, None] * np.array([width / 2, height / 2, 1.0])
    along, down, shift = torch.from_numpy(scaled.astype(np.float32)).to(pictures.device).unbind(2)  # each (B, 2)
    from_column = along.T[:, :, None] * _middles(width, pictures)  # (2, B, W)
    from_row = down.T[:, :, None] * _middles(height, pictures) + shift.T[:, :, None]  # (2, B, H)
    grid = from_row.unsqueeze(3) + from_column.unsqueeze(2)
    return grid_sample(
        pictures.to(torch.float32),
        grid.permute(1, 2, 3, 0),
        mode="bilinear",
        padding_mode=_PADDING_MODE[fill],
        align_corners=False,
    )


def _middles(side: int, like: Tensor) -> Tensor:
    """Middles of the pixels along a side, from -1 to 1 across the whole side."""
    import torch

    return (torch.arange(side, dtype=torch.float32, device=like.device) * 2 + 1) / side - 1


def _copy(pictures: Tensor, geometry: Geometry, fill: str, void: int) -> Tensor:
    """The same with flips and whole pixels only: every line of a moved picture is one run of a widened line.

    The widened lines, and behind them their mirror images, lie in one buffer; a line of the result is found by its
    first element there. So each line is one copy of contiguous memory, with no work per pixel.
    """
    import torch

    batch, height, width, channels = pictures.shape
    # The linear part is 1 or -1 on its diagonal, so that these are whole numbers.
    flip_x, flip_y = geometry.maps[:, 0, 0] < 0, geometry.maps[:, 1, 1] < 0
    along, down = (
        np.where(flip, shift, -shift).astype(np.int64)
        for flip, shift in ((flip_x, geometry.maps[:, 0, 2]), (flip_y, geometry.maps[:, 1, 2]))
    )
    reach = int(np.abs(along).max(initial=0))
    wide = width + 2 * reach
    copies = 2 if flip_x.any() else 1
    # One more line, of the void, is where lines outside the picture come from when they are to be empty.
    buffer = pictures.new_full((copies * batch * height + 1, wide, channels), void)
    lines = buffer[:-1].view(copies, batch, height, wide, channels)
    lines[0, :, :, reach : reach + width] = pictures
    if reach and fill != "zero":
        places = _inside(np.arange(-reach, width + reach), width, fill)
        for strip in (slice(None, reach), slice(reach + width, None)):
            lines[0, :, :, strip] = pictures.index_select(2, _index(places[strip], pictures))
    if copies == 2:
        lines[1] = lines[0].flip(2)
    row = np.arange(height) - down[:, None]
    row = np.where(flip_y[:, None], height - 1 - row, row)
    mirrored = flip_x.astype(np.int64) * batch
    line = (np.arange(batch) + mirrored)[:, None] * height + _inside(row, height, fill)
    if fill == "zero":
        line = np.where((row >= 0) & (row < height), line, copies * batch * height)
    first = (line * wide + (reach - along)[:, None]) * channels
    starts = _index(first.reshape(-1), pictures)
    flat = buffer.view(-1)
    if flat.device.type == "cpu":
        # Every start's window as an overlapping view: on the CPU the selection copies whole windows.
        windows = flat.as_strided((flat.numel() - width * channels + 1, width * channels), (1, 1))
        moved = windows.index_select(0, starts)
    else:
        moved = flat[starts[:, None] + torch.arange(width * channels, device=flat.device)]
    return moved.view(batch, height, width, channels)


def _index(values: npt.NDArray[np.int64], like: Tensor) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).to(like.device)


def _inside(places: npt.NDArray[np.int64], side: int, fill: str) -> npt.NDArray[np.int64]:
    """The pixel that stands for a place outside: the nearest one, or its mirror image at the edge."""
    if fill != "reflect":
        return places.clip(0, side - 1)
    around = places % (2 * side)
    return np.minimum(around, 2 * side - 1 - around)


def _reach(height: int, width: int, settings: Augmentation) -> tuple[int, int]:
    """The most that a picture moves down and along, in pixels."""
    sides = [max(1, round(settings.shift * side)) if settings.shift else 0 for side in (height, width)]
    return sides[0] + settings.crop_padding, sides[1] + settings.crop_padding


def _offsets(height: int, width: int, settings: Augmentation, draws: RandomDraws, num: int) -> tuple[Any, Any]:
    """By how many whole pixels each picture moves down and along: ``(B,)`` int64 each."""
    total = np.zeros((num, 2), dtype=np.int64)
    if settings.shift:
        most = np.array(_reach(height, width, settings)) - settings.crop_padding
        total += np.floor(draws["shift"] * (2 * most + 1)).astype(np.int64) - most
    if settings.crop_padding:
        total += (
            np.floor(draws["crop_padding"] * (2 * settings.crop_padding + 1)).astype(np.int64) - settings.crop_padding
        )
    return total[:, 0], total[:, 1]


def _flips(settings: Augmentation, draws: RandomDraws, num: int) -> tuple[Any, Any]:
    """Whether each picture is mirrored left to right and upside down: ``(B,)`` bool each."""
    never = np.ones(num)
    horizontal = draws.get("flip_horizontal", never) < settings.flip_horizontal
    vertical = draws.get("flip_vertical", never) < settings.flip_vertical
    return horizontal, vertical


def _spread(draws: RandomDraws, name: str, most: float, num: int) -> npt.NDArray[np.float64]:
    """Values from -most to most; zeros where the setting is off."""
    return (2 * draws[name] - 1) * most if most else np.zeros(num)
