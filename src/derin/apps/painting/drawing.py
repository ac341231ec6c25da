"""Pictures on disk, and the drawing of how one came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import StorageError, UsageError
from derin.core.files import open_atomically, storage_errors, usable_path
from derin.core.messages import translate
from derin.explain.pictures import require_place, save

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_INK, _FAINT = "#1f2430", "#6b7280"
_LINES = ("#1f2430", "#0f766e", "#b45309", "#9ca3af")
_PANEL, _CURVES = 2.2, 2.4  # inches: width of a picture, height of the curves


@dataclass(frozen=True)
class Level:
    """A size on which the picture was changed.

    Args:
        steps: how many.
        height: in pixels.
        width: in pixels.
    """

    steps: int
    height: int
    width: int


@dataclass(frozen=True, kw_only=True)
class ChangedPicture:
    """A picture that was changed step by step until a network saw in it what was wanted.

    Args:
        image: the picture, as Pillow has it.
        levels: the sizes on which it was changed, from the smallest.
        snapshots: step and picture, from the start to the end.
        settings: all that the picture is a function of, beside the pictures that were given.
    """

    image: Image
    levels: list[Level]
    snapshots: list[tuple[int, Image]] = field(repr=False)
    settings: dict[str, Any] = field(repr=False)

    def curves(self) -> dict[str, list[float]]:
        """What each step came to, by what it is called."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """What is worth knowing of it, as JSON."""
        return {
            "width": self.image.width,
            "height": self.image.height,
            "levels": [asdict(level) for level in self.levels],
            "settings": self.settings,
        }

    def save(self, path: str | Path) -> Path:
        """Writes the picture; the ending says in which form.

        Raises:
            UsageError: an ending that is no form of picture.
            StorageError: it cannot be written.
        """
        place = require_image_path(path)
        with storage_errors(f"The picture {place}"), open_atomically(place) as file:
            self.image.save(file, format=_FORMS[place.suffix.lower()], quality=92)
        return place

    def save_strip(self, path: str | Path) -> Path:
        """Writes the picture over the steps, and below it the curves, as .png, .svg or .pdf."""
        from matplotlib.figure import Figure

        require_place(Path(path))
        num, size = len(self.snapshots), self.image.size
        height = _PANEL * size[1] / size[0] + 0.3
        figure = Figure(figsize=(num * _PANEL, height + _CURVES), layout="constrained")
        above, below = figure.subfigures(2, 1, height_ratios=(height, _CURVES)).flat  # type: ignore[union-attr]
        for ax, (step, image) in zip(above.subplots(1, num, squeeze=False)[0], self.snapshots, strict=True):
            ax.imshow(image)
            ax.set_title(translate("painting.step", step=step), fontsize=9, color=_FAINT)
            ax.set_axis_off()
        _draw_curves(below.subplots(), self.curves(), self.levels)
        save(figure, Path(path))
        return Path(path)

    def _repr_png_(self) -> bytes | None:
        """A notebook shows the picture."""
        return self.image._repr_png_()


def require_image_path(path: str | Path) -> Path:
    """Refuses a file that could not be written, before long work is begun for it.

    Raises:
        UsageError: an ending that is no form of picture.
        StorageError: the folder does not exist.
    """
    place = usable_path(path, "The picture")
    if place.suffix.lower() not in _FORMS:
        raise UsageError(f"A picture is written as {', '.join(_FORMS)}; got {place.name!r}.")
    if not place.parent.is_dir():
        raise StorageError(f"The picture {str(place)!r} needs a folder that exists; make it or name another.")
    return place


def _draw_curves(ax: Any, curves: Mapping[str, Sequence[float]], levels: Sequence[Level]) -> None:
    """Another size is another function, which begins anew at a dotted line."""
    begun = 0
    for level in levels:
        ax.axvline(begun + 0.5, color=_LINES[-1], linewidth=0.8, linestyle=":")
        ax.annotate(
            f"{level.width} × {level.height}",
            (begun + 0.5, 1),
            (3, -8),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=7.5,
            color=_FAINT,
        )
        begun += level.steps
    for (name, values), color in zip(curves.items(), _LINES):
        ax.plot(range(1, len(values) + 1), values, label=name, color=color, linewidth=1.4)
    if min(min(values) for values in curves.values()) >= 0 and len(curves) > 1:
        ax.set_ylim(bottom=0)
    ax.set_xlabel(translate("painting.steps"), fontsize=9, color=_FAINT)
    ax.tick_params(labelsize=8, colors=_FAINT)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=8, frameon=False, labelcolor=_INK)
