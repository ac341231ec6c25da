"""Padding and the size of a convolution's output: zeros, mirrors, valid, same, stride, dilation and groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from derin.core.errors import UsageError
from derin.layers import Conv
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, ORANGE, png
from derin.lessons.filtering import require_matrix
from derin.lessons.grids import draw_grids, window, write_grids
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Rows

COURSE: Rows = (
    (1, 0, 1, 1, 0, 1),
    (0, 1, 0, 0, 1, 0),
    (0, 1, 1, 1, 1, 0),
    (0, 1, 1, 1, 1, 0),
    (1, 0, 1, 1, 0, 1),
    (1, 1, 0, 0, 1, 1),
)
# Ours → NumPy's name. A mirror at the edge repeats the outermost value, one at its middle does not.
MODES: dict[str, Literal["constant", "symmetric", "reflect"]] = {
    "zero": "constant",
    "mirror": "symmetric",
    "reflection": "reflect",
}
_NAMES = {
    "zero": Text("zeros", "sıfır"),
    "mirror": Text("mirror (edge repeated)", "ayna (kenar yinelenir)"),
    "reflection": Text("reflection (edge once)", "yansıma (kenar bir kez)"),
}
# size n, filter f, padding p, stride s, dilation d
CASES: tuple[tuple[int, ...], ...] = (
    (6, 3, 0, 1, 1),
    (6, 3, 1, 1, 1),
    (7, 3, 0, 2, 1),
    (7, 3, 1, 2, 1),
    (28, 5, 2, 1, 1),
    (7, 3, 0, 1, 2),
)


@dataclass(frozen=True, kw_only=True)
class PaddingOptions:
    """Options of the lesson.

    Args:
        values: the matrix that is padded.
        width: p of the drawn paddings.
        size: n, where a size of one's own is asked for.
        filter_size: f, with it.
        padding: p, with it.
        stride: s, with it.
        dilation: d, with it.
    """

    values: Rows = COURSE
    width: int = 1
    size: int | None = None
    filter_size: int = 3
    padding: int = 0
    stride: int = 1
    dilation: int = 1

    def __post_init__(self) -> None:
        require_matrix("padding.values", self.values, most=12)
        least = min(len(self.values), len(self.values[0]))
        if not 0 <= self.width < least:
            raise UsageError(
                f"padding.width must be below the smaller side of the matrix, which is {least}, for the reflection "
                f"to find values; got width={self.width}."
            )
        if self.size is not None:
            require_range("padding", "size", self.size, 1)


def run(options: PaddingOptions) -> Outcome:
    """The padded tables, then sizes by the formula beside those of the layer."""
    values, p = np.array(options.values, dtype=np.float64), options.width
    padded = {mode: np.pad(values, p, mode=numpys) for mode, numpys in MODES.items()}
    shown = {"X": values, **{str(_NAMES[mode]): table for mode, table in padded.items()}}
    inside = [(row + p, column + p) for row, column in np.ndindex(values.shape)]
    marks = {str(_NAMES[mode]): window(padded[mode].shape, inside, BLUE) for mode in MODES}
    marks["X"] = window(values.shape, list(np.ndindex(values.shape)), BLUE)

    cases = CASES
    if options.size is not None:
        cases = ((options.size, options.filter_size, options.padding, options.stride, options.dilation),)
    sizes = [measure(*case) for case in cases]
    line = Text(
        "n={n:<3} f={f} p={p} s={s} d={d}   ⌊(n + 2p − d(f−1) − 1)/s⌋ + 1 = {output:<3} layer: {layer}",
        "n={n:<3} f={f} p={p} s={s} d={d}   ⌊(n + 2p − d(f−1) − 1)/s⌋ + 1 = {output:<3} katman: {layer}",
    )
    lines = [*write_grids(shown), "", *(line.fill(**row) for row in sizes), ""]
    numbers: dict[str, Any] = {"padded": {mode: table.tolist() for mode, table in padded.items()}, "sizes": sizes}

    # "same" pads p = (f − 1)/2 and keeps the size; "valid" pads nothing and loses f − 1.
    numbers["same"] = [{"f": f, "p": (f - 1) // 2, "output": along(Conv(1, f, padding="same"))} for f in (1, 3, 5, 7)]
    numbers["valid"] = [{"f": f, "output": along(Conv(1, f, padding="valid"))} for f in (1, 3, 5, 7)]
    both = Text(
        "f={f}: same pads p = (f−1)/2 = {p} and keeps {same} of 7; valid leaves {valid}",
        "f={f}: same p = (f−1)/2 = {p} ekler ve 7'nin {same} tanesini korur; valid {valid} bırakır",
    )
    for same, valid in zip(numbers["same"], numbers["valid"]):
        lines.append(both.fill(f=same["f"], p=same["p"], same=same["output"], valid=valid["output"]))
    numbers["groups"] = [{"groups": g, "weights": count_weights(g)} for g in (1, 2, 4)]
    grouped = Text(
        "3×3 filters, 4 channels to 8, groups={groups}: 3·3·(4/{groups})·8 = {weights} weights",
        "3×3 filtre, 4 kanaldan 8'e, groups={groups}: 3·3·(4/{groups})·8 = {weights} ağırlık",
    )
    lines += ["", *(grouped.fill(**row) for row in numbers["groups"])]
    return Outcome(
        numbers=numbers,
        lines=tuple(lines),
        pictures={"tables.png": png(draw_grids(shown, marks, columns=2)), "taps.png": draw_taps()},
    )


def measure(n: int, f: int, p: int, s: int, d: int) -> dict[str, int]:
    """An output size by the formula, and as the layer has it.

    Raises:
        ShapeError: the filter is larger than the padded input.
    """
    layer = Conv(1, f, stride=s, padding=p, dilation=d)
    _, found = layer.output_shape((1, n))
    return {"n": n, "f": f, "p": p, "s": s, "d": d, "output": (n + 2 * p - d * (f - 1) - 1) // s + 1, "layer": found}


def along(layer: Conv, n: int = 7) -> int:
    """How many outputs a layer has for n inputs along an axis."""
    return layer.output_shape((1, n))[1]


def count_weights(groups: int) -> int:
    """The weights of a layer of eight 3×3 filters over four channels, in so many groups."""
    module = Conv(8, 3, groups=groups, bias=False).build((4, 5, 5))
    return sum(p.numel() for p in module.parameters())


def draw_taps() -> bytes:
    """Where the nine weights of a filter lie at dilation 1, 2 and 3, and where the windows of stride 2 begin."""
    grids, marks = {}, {}
    for d in (1, 2, 3):
        name = str(Text(f"dilation {d}: reach {2 * d + 1}", f"genleşme {d}: erim {2 * d + 1}"))
        grids[name] = np.full((7, 7), np.nan)
        marks[name] = window((7, 7), [(d * u, d * v) for u in range(3) for v in range(3)], ORANGE)
    name = str(Text("stride 2: windows begin", "adım 2: pencere başları"))
    grids[name] = np.full((7, 7), np.nan)
    grids[name][::2, ::2][:3, :3] = np.arange(1, 10).reshape(3, 3)
    marks[name] = window((7, 7), [(2 * u, 2 * v) for u in range(3) for v in range(3)], BLUE)
    return png(draw_grids(grids, marks, columns=2))


LESSON = Lesson(
    name="padding",
    rows=("D2",),
    title=Text("Padding, stride, dilation, groups and sizes", "Dolgu, adım, genleşme, gruplar ve boyutlar"),
    about=Text(
        "A filter of size f fits n − f + 1 times into n values: the picture shrinks, and corners are seen once where "
        "the middle is seen f² times. Padding adds a border of p values: zeros, or a mirror. The mirror of the course "
        "repeats the edge (1 0 1 1 0 1 becomes 1 1 0 1 1 0 1 1); a reflection takes the edge once (0 1 0 1 1 0 1 0). "
        '"Valid" pads nothing, "same" keeps the size. A stride s leaves out all but every s-th place, a dilation d '
        "spreads the weights, groups let each filter see a part of the channels. The floor is taken before 1 is added: "
        "⌊(n+2p−f+1)/s⌋, as it is sometimes written, gives 2 for n=7, f=3, s=2, where there are 3 windows.",
        "f boyutlu bir filtre n değere n − f + 1 kez sığar: resim küçülür, ortası f² kez görülürken köşeler bir kez "
        "görülür. Dolgu p değerlik bir kenarlık ekler: sıfırlar ya da ayna. Derslerdeki ayna kenarı yineler (1 0 1 1 0 "
        '1, 1 1 0 1 1 0 1 1 olur); yansıma kenarı bir kez alır (0 1 0 1 1 0 1 0). "Valid" hiçbir şey eklemez, '
        '"same" boyutu korur. s adımı her s\'inci yer dışındakileri atlar, d genleşmesi ağırlıkları yayar, gruplar '
        "her filtreye kanalların bir bölümünü gösterir. Aşağı yuvarlama 1 eklenmeden önce yapılır: bazen yazıldığı "
        "gibi ⌊(n+2p−f+1)/s⌋, n=7, f=3, s=2 için 2 verir; oysa 3 pencere vardır.",
    ),
    formula=r"n' = \left\lfloor \frac{n + 2p - d(f-1) - 1}{s} \right\rfloor + 1, \qquad "
    r"p_{\text{same}} = \frac{f-1}{2}",
    run=run,
    options=PaddingOptions,
)
