"""Kernels on a picture: the same sum of nine products blurs, sharpens, brightens and finds edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from derin.layers.options import require_range
from derin.lessons.drawing import INK, new_figure, png
from derin.lessons.filtering import convolve, require_matrix
from derin.lessons.grids import write_grids
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Rows
from derin.lessons.photograph import Gray, gray_picture

_LARGEST_KERNEL = 63
# Of the drawing: grays that cannot be told from more and keep the file small, and pixels.
_SHADES, _TITLE, _GAP, _NARROWEST = 32, 26, 6, 130
# Rows that fall from bright to dark in the middle, and what becomes of them: the first edge of the course.
HALF_BRIGHT = ((10, 10, 10, 0, 0, 0),) * 6

KERNELS: dict[str, tuple[Text, Rows]] = {
    "identity": (Text("identity", "birim"), ((0, 0, 0), (0, 1, 0), (0, 0, 0))),
    "blur": (Text("blur", "bulanık"), ((1 / 9,) * 3,) * 3),
    "sharpen": (Text("sharpen", "keskin"), ((0, -1, 0), (-1, 5, -1), (0, -1, 0))),
    "brighten": (Text("brighten", "açık"), ((0, 0, 0), (0, 1.3, 0), (0, 0, 0))),
    "darken": (Text("darken", "koyu"), ((0, 0, 0), (0, 0.5, 0), (0, 0, 0))),
    "vertical": (Text("vertical edges", "dikey kenar"), ((1, 0, -1), (1, 0, -1), (1, 0, -1))),
    "horizontal": (Text("horizontal edges", "yatay kenar"), ((1, 1, 1), (0, 0, 0), (-1, -1, -1))),
    "sobel_vertical": (Text("Sobel, vertical", "Sobel, dikey"), ((1, 0, -1), (2, 0, -2), (1, 0, -1))),
    "sobel_horizontal": (Text("Sobel, horizontal", "Sobel, yatay"), ((1, 2, 1), (0, 0, 0), (-1, -2, -1))),
    "scharr_vertical": (Text("Scharr, vertical", "Scharr, dikey"), ((3, 0, -3), (10, 0, -10), (3, 0, -3))),
    "scharr_horizontal": (Text("Scharr, horizontal", "Scharr, yatay"), ((3, 10, 3), (0, 0, 0), (-3, -10, -3))),
}


@dataclass(frozen=True, kw_only=True)
class KernelsOptions:
    """Options of the lesson.

    Args:
        kernel: rows of numbers, tried instead of the known kernels.
        image: path of a picture, instead of the painting or the drawn scene.
        side: to which the shorter side of the picture is made smaller, in pixels; none takes 90 for all kernels and
            300 for one.
    """

    kernel: Rows | None = None
    image: str | None = None
    side: int | None = None

    def __post_init__(self) -> None:
        if self.side is not None:
            require_range("kernels", "side", self.side, 8, 1_000)
        if self.kernel is not None:
            require_matrix("kernels.kernel", self.kernel, most=_LARGEST_KERNEL)


def run(options: KernelsOptions) -> Outcome:
    """Every kernel on the half bright matrix and on the picture."""
    picture, name = gray_picture(options.image, options.side or (90 if options.kernel is None else 300))
    kernels = KERNELS
    if options.kernel is not None:
        kernels = {"own": (Text("your kernel", "sizin çekirdeğiniz"), options.kernel)}
    results = {kernel: convolve(picture, rows) for kernel, (_, rows) in kernels.items()}

    table: list[dict[str, Any]] = [
        {"kernel": kernel, "sum": float(np.sum(rows)), "mean": float(results[kernel].mean())}
        for kernel, (_, rows) in kernels.items()
    ]
    lines = [
        Text("{name}: {high}×{wide}, mean {mean:.3f}", "{name}: {high}×{wide}, ortalama {mean:.3f}").fill(
            name=name, high=picture.shape[0], wide=picture.shape[1], mean=float(picture.mean())
        )
    ]
    sentence = Text(
        "{kernel:<20} sum of weights {sum:>6.2f}   mean of the result {mean:>7.3f}",
        "{kernel:<20} ağırlıklar toplamı {sum:>6.2f}   sonucun ortalaması {mean:>7.3f}",
    )
    lines += [sentence.fill(**{**row, "kernel": str(kernels[row["kernel"]][0])}) for row in table]
    numbers: dict[str, Any] = {"picture": name, "shape": list(picture.shape), "kernels": table}
    if options.kernel is None:
        edge = convolve(HALF_BRIGHT, KERNELS["vertical"][1])
        bright_to_dark = str(Text("bright to dark", "açıktan koyuya"))
        shown = {bright_to_dark: HALF_BRIGHT, "F": KERNELS["vertical"][1], str(Text("edge", "kenar")): edge}
        lines += ["", *write_grids(shown)]
        numbers["half_bright"] = edge.tolist()
        numbers["half_dark"] = convolve(np.fliplr(HALF_BRIGHT), KERNELS["vertical"][1]).tolist()
    return Outcome(
        numbers=numbers,
        lines=tuple(lines),
        pictures={"sheet.png": sheet(picture, {str(kernels[k][0]): (kernels[k][1], r) for k, r in results.items()})},
    )


def sheet(picture: Gray, results: dict[str, tuple[Rows, Gray]]) -> bytes:
    """The picture and what each kernel makes of it, pixel by pixel."""
    shown = {str(Text("the picture", "resim")): picture, **{name: seen(*pair) for name, pair in results.items()}}
    columns = min(4, len(shown))
    high, wide = picture.shape[0] + _TITLE, max(picture.shape[1], _NARROWEST) + _GAP  # of a panel, in pixels
    rows = -(-len(shown) // columns)
    figure = new_figure(1, 1)
    figure.set_layout_engine("none")
    figure.set_size_inches((columns * wide + _GAP) / figure.dpi, (rows * high + _GAP) / figure.dpi)
    for place, (name, values) in enumerate(shown.items()):
        row, column = divmod(place, columns)
        left, top = _GAP + column * wide, (rows - row) * high
        shades = np.round(values * (_SHADES - 1)) / (_SHADES - 1)
        figure.figimage(shades, left, top - _TITLE - values.shape[0] + _GAP, cmap="gray", vmin=0, vmax=1)
        across, up = left / figure.bbox.width, (top - _TITLE + 2 * _GAP) / figure.bbox.height
        figure.text(across, up, name, fontsize=8.5, color=INK)
    return png(figure)


def seen(kernel: Rows, result: Gray) -> Gray:
    """A result as brightness: cut off at black and white, or with zero in the middle where the weights cancel out."""
    weights = np.array(kernel)
    if abs(weights.sum()) > 1e-9 * abs(weights).sum():
        return np.clip(result, 0, 1)
    # No result is beyond the sum of the positive weights; edges in pictures reach about half of it.
    return np.clip(0.5 + result / max(weights[weights > 0].sum(), 1e-12), 0, 1)


LESSON = Lesson(
    name="kernels",
    rows=("D1",),
    title=Text("Kernels on a picture", "Resim üzerinde çekirdekler"),
    about=Text(
        "A kernel is laid over every place of the picture; its weights are multiplied with the pixels beneath and the "
        "products are added. Weights that add up to 1 keep the brightness: all alike they blur, a large one amid "
        "negative ones sharpens. More than 1 brightens, less darkens. Weights that add up to 0 answer only where "
        "something changes: the minus side beside the plus side finds an edge, white from bright to dark, black from "
        "dark to bright. A network learns such weights instead of being given them. (What the field calls convolution "
        "does not flip the kernel.)",
        "Çekirdek resmin her yerine konur; ağırlıkları altındaki piksellerle çarpılır ve çarpımlar toplanır. Toplamı "
        "1 olan ağırlıklar parlaklığı korur: hepsi eşitse bulanıklaştırır, eksilerin ortasındaki büyük ağırlık "
        "keskinleştirir. 1'den çoğu açar, azı koyulaştırır. Toplamı 0 olan ağırlıklar yalnızca bir şeyin değiştiği "
        "yerde yanıt verir: artı yanının yanındaki eksi yanı kenarı bulur; açıktan koyuya beyaz, koyudan açığa siyah. "
        "Bir ağ bu ağırlıkları hazır almaz, öğrenir. (Bu alanda evrişim denen işlem çekirdeği ters çevirmez.)",
    ),
    formula=r"O_{ij} = \sum_{u=0}^{f-1}\sum_{v=0}^{f-1} F_{uv}\, X_{i+u,\,j+v}",
    run=run,
    options=KernelsOptions,
)
