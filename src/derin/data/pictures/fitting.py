"""How a picture is brought to a size: one piece of code for the cache, for training and for prediction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.Image import Image

# Height and width of the network's input where nobody says otherwise.
DEFAULT_SIZE = 128
# The same for pictures with boxes: a thing in them is a fraction of the picture.
BOXES_SIZE = 320
# The same for pictures with masks, of which every pixel is an example.
MASKS_SIZE = 256
# The least shorter side at which pictures of unequal size are stored.
MIN_SIDE = 16
# Pictures of one size are kept as they are up to this longer side.
SMALL_SIDE = 128
# Stored pictures are larger than the input by this factor, so that training can choose its window.
MARGIN = 1.15
# Of a longer picture only the middle is kept: windows are square, and a strip would fill the memory.
MAX_ASPECT = 4


class Rule(StrEnum):
    """How height and width are reached."""

    KEEP = "keep"  # the picture stays as it is
    RESIZE = "resize"  # exactly to height × width
    PAD = "pad"  # into height × width, proportions kept, in the middle of black
    SHORTEST_SIDE = "shorter"  # the shorter side to `height`, proportions kept


@dataclass(frozen=True)
class ResizePolicy:
    """A rule and its sizes.

    Args:
        rule: how the sizes are reached.
        height: of the result; for `Rule.SHORTEST_SIDE` its shorter side.
        width: of the result; for `Rule.SHORTEST_SIDE` the same as the height.

    Example:
        >>> ResizePolicy.shorter(147).shape(300, 400)
        (147, 196)
    """

    rule: Rule
    height: int
    width: int

    @property
    def is_exact(self) -> bool:
        """Whether pictures of all sizes get one size, so that they are one array."""
        return self.rule in (Rule.RESIZE, Rule.PAD)

    @classmethod
    def from_json(cls, data: Any) -> ResizePolicy:
        """The fitting that `to_json` described.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(Rule(data["rule"]), int(data["height"]), int(data["width"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"no fitting of pictures: {error}") from None

    @classmethod
    def shorter(cls, side: int) -> ResizePolicy:
        """The shorter side becomes ``side`` pixels."""
        return cls(Rule.SHORTEST_SIDE, side, side)

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that a picture of this height and width gets."""
        if self.rule is Rule.KEEP:
            return height, width
        if self.is_exact:
            return self.height, self.width
        shorter, longer = min(height, width), min(max(height, width), MAX_ASPECT * min(height, width))
        longer = max(self.height, round(longer * self.height / shorter))
        return (self.height, longer) if height <= width else (longer, self.height)

    def placed(self, height: int, width: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, int]]:
        """Which part of a picture is shown, and where it lands: what pixels, masks and coordinates follow alike.

        Returns:
            top, left, height and width of the part; top, left, height and width of where it lands; height and width
            of the whole result.

        Example:
            >>> ResizePolicy(Rule.PAD, 8, 8).placed(4, 2)
            ((0, 0, 4, 2), (0, 2, 8, 4), (8, 8))
        """
        target = self.shape(height, width)
        if self.rule is Rule.PAD:
            scale = min(self.height / height, self.width / width)
            down, across = (
                max(1, min(most, round(side * scale))) for side, most in ((height, self.height), (width, self.width))
            )
            return (0, 0, height, width), ((self.height - down) // 2, (self.width - across) // 2, down, across), target
        down, across = height, width
        if self.rule is Rule.SHORTEST_SIDE and is_strip(height, width) and target != (height, width):
            down, across = min(height, MAX_ASPECT * width), min(width, MAX_ASPECT * height)
        return ((height - down) // 2, (width - across) // 2, down, across), (0, 0, *target), target

    def apply(self, image: Image) -> Image:
        """The picture, resized with antialiasing (bicubic)."""
        import PIL.Image
        from PIL.Image import Resampling

        (top, left, height, width), (y, x, down, across), whole = self.placed(image.height, image.width)
        is_kept = (height, width) == (image.height, image.width) == (down, across)
        box = None if (height, width) == (image.height, image.width) else (left, top, left + width, top + height)
        inner = image if is_kept else image.resize((across, down), Resampling.BICUBIC, box=box)
        if (down, across) == whole:
            return inner
        ground = PIL.Image.new(image.mode, (whole[1], whole[0]))
        ground.paste(inner, (x, y))
        return ground

    def to_json(self) -> dict[str, Any]:
        return {"rule": self.rule.value, "height": self.height, "width": self.width}


def is_strip(height: int, width: int) -> bool:
    """Whether a picture is so long that only its middle is kept."""
    return max(height, width) > MAX_ASPECT * min(height, width)


def is_small(height: int, width: int) -> bool:
    """Whether a picture may be kept as it is."""
    return max(height, width) <= SMALL_SIDE


def stored_side(size: int) -> int:
    """The shorter side of a stored picture for an input of ``size`` pixels.

    Example:
        >>> stored_side(128)
        147
    """
    return round(MARGIN * size)


def input_size(side: int) -> int:
    """The inverse of `stored_side`.

    Example:
        >>> all(input_size(stored_side(size)) == size for size in range(4, 2000))
        True
    """
    return round(side / MARGIN)


def choose_fitting(shapes: Iterable[tuple[int, int]] | None, size: int | None) -> ResizePolicy:
    """The fitting of a whole set of pictures.

    Small pictures of one size are kept as they are, or brought to ``size`` × ``size`` where they are square. All others
    get 1.15 times the input's size as their shorter side.

    Args:
        shapes: the distinct heights and widths, or None where some picture was too large to be kept.
        size: height and width of the network's input; None is 128, or less for pictures that are mostly smaller.

    Example:
        >>> choose_fitting({(32, 32)}, None).rule.value, choose_fitting({(32, 32), (32, 40)}, None).height
        ('keep', 32)
    """
    distinct = set() if shapes is None else set(shapes)
    if len(distinct) == 1:
        height, width = distinct.pop()
        if size is None or (height, width) == (size, size):
            return ResizePolicy(Rule.KEEP, height, width)
        if height == width and is_small(height, width):
            return ResizePolicy(Rule.RESIZE, size, size)
    side = stored_side(size or DEFAULT_SIZE)
    if size is None and distinct:
        # Pictures that are mostly smaller gain nothing from being enlarged to the usual size.
        shorter_sides = sorted(min(shape) for shape in distinct)
        side = min(side, max(shorter_sides[len(shorter_sides) // 2], MIN_SIDE))
        # Of a size that an input has: what the network reads is then what is stored.
        side = stored_side(input_size(side))
    return ResizePolicy.shorter(side)
