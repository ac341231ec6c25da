"""What the models of the zoo share: they know the shape they read and refuse another in one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from torch import Tensor, nn

from derin.core.errors import ShapeError

Options = TypeVar("Options", bound=Any)

_SMALL_PICTURE = 64  # below so many pixels the stem for ImageNet leaves the last maps one pixel or two


def with_stem(options: Options, input_shape: tuple[int, ...]) -> Options:
    """The options of a network of pictures with its `stem` decided: "auto" takes "small" for small pictures."""
    if options.stem != "auto":
        return options
    chosen: Options = replace(options, stem="small" if min(input_shape[1:]) < _SMALL_PICTURE else "imagenet")
    return chosen


class Network(nn.Module):
    """Base of the zoo.

    Args:
        input_shape: of one example, without the batch.
        smallest: smallest height and width that it takes, for a network that reads pictures of any size; None where
            the input must have exactly `input_shape`.
        options: the options in force, those chosen by the network itself included.

    Raises:
        ShapeError: in `require`, for an input that does not fit.
    """

    spec: dict[str, Any]

    def __init__(self, input_shape: tuple[int, ...], *, smallest: tuple[int, int] | None = None, options: Any) -> None:
        super().__init__()
        self.input_shape, self.smallest, self.options = tuple(input_shape), smallest, options

    def require(self, x: Tensor) -> Tensor:
        """Hands the input on if it fits. Two comparisons of small tuples: below a microsecond."""
        if x.shape[1:] != self.input_shape and not self._takes(x):
            raise ShapeError(
                f"{type(self).__name__} reads {self._wanted()}; got {_spell(x.shape)}. "
                f"Resize the input, or build the model with input_shape={tuple(x.shape[1:])}."
            )
        return x

    def _takes(self, x: Tensor) -> bool:
        if self.smallest is None or x.ndim != 4 or x.shape[1] != self.input_shape[0]:
            return False
        return x.shape[2] >= self.smallest[0] and x.shape[3] >= self.smallest[1]

    def _wanted(self) -> str:
        if self.smallest is None:
            return "batches of shape " + _spell(("batch", *self.input_shape))
        channels = self.input_shape[0]
        return (
            f"batches of pictures with {channels} channels and at least {self.smallest[0]} × {self.smallest[1]} pixels"
        )


def _spell(shape: tuple[Any, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"
