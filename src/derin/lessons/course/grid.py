"""A grid over the picture: which cell a thing belongs to, which of two anchors, and what finds no place left."""

from __future__ import annotations

from itertools import product

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Given, Line, Question, Sheet, given, line
from derin.lessons.lesson import Text

# Class, then middle, height and width in shares of the picture: a person before a car, and a car farther left.
_THINGS = (("A", 1, 0.55, 0.56, 0.6, 0.16), ("B", 2, 0.6, 0.6, 0.3, 0.5), ("C", 2, 0.2, 0.5, 0.18, 0.26))
_NAMES = tuple(name for name, *_ in _THINGS)
_SIDES = (
    ("x", "middle from the left", "ortası, soldan"),
    ("y", "middle from the top", "ortası, yukarıdan"),
    ("h", "height", "yüksekliği"),
    ("w", "width", "genişliği"),
)
_ANCHORS = ((1, 0.5, 0.15), (2, 0.25, 0.5))


def _each(letter: str, symbol: str, formula: str, en: str | None = None, tr: str | None = None) -> list[Line]:
    return [
        line(
            f"{letter}{name}", symbol.replace("#", name), formula.replace("#", name), *((en, tr) if name == "A" else ())
        )
        for name in _NAMES
    ]


def _lines() -> list[Line]:
    found = [
        *_each(
            "c",
            "c_#",
            "min(S - 1, floor(S*x#))",
            "Column and row of the cell, from 0",
            "Hücrenin sütunu ve satırı, 0'dan",
        ),
        *_each("r", "r_#", "min(S - 1, floor(S*y#))"),
        *_each("u", "b_{x,#}", "S*x# - c#", "The box as its cell sees it", "Hücresine göre kutu"),
        *_each("v", "b_{y,#}", "S*y# - r#"),
        *_each("g", "b_{h,#}", "S*h#"),
        *_each("d", "b_{w,#}", "S*w#"),
    ]
    for k, _, _ in _ANCHORS:
        common = f"min(h#, H{k})*min(w#, W{k})"
        heading = ("IoU with each anchor, middle upon middle", "Her çapayla IoU, ortaları üst üste") if k == 1 else ()
        found += _each(f"i{k}", rf"\mathrm{{IoU}}_{{#{k}}}", f"{common}/(h#*w# + H{k}*W{k} - {common})", *heading)
    found += _each(
        "a", "a_#", "1 + step(i2# - i1#)", "Its anchor, and its place among all", "Çapası ve tüm yerler içindeki yeri"
    )
    found += _each("p", "n_#", "2*(S*r# + c#) + a#")
    found += _each("m", "m_#", "max(i1#, i2#)")
    for place, name in enumerate(_NAMES):
        # Of two that want one place the better fitting has it; of equally good ones the first.
        others = [
            f"(1 - (1 - abs(sign(p{name} - p{other})))*"
            + (f"step(m{other} - m{name}))" if other > name else f"(1 - step(m{name} - m{other})))")
            for other in _NAMES
            if other != name
        ]
        heading = ("Learned (1: yes, 0: the place is taken)", "Öğrenilen (1: evet, 0: yer dolu)") if place == 0 else ()
        found.append(line(f"k{name}", f"k_{name}", "*".join(others), *heading))
    return [
        *found,
        line("K", "K", " + ".join(f"k{name}" for name in _NAMES)),
        line("N", "N", "S*S*(1 + 4 + 3)", "How many numbers the network gives", "Ağın verdiği sayılar"),
        line("M", "M", "S*S*2*(1 + 4 + 3)"),
    ]


def _givens() -> tuple[Given, ...]:
    found = [given("S", "S", 3, 1, 19, "cells along a side", "bir kenardaki hücreler", 1)]
    for k, high, wide in _ANCHORS:
        found.append(given(f"H{k}", f"H_{k}", high, 0.05, 1, f"height of anchor {k}", f"{k}. çapanın yüksekliği", 0.05))
        found.append(given(f"W{k}", f"W_{k}", wide, 0.05, 1, f"width of anchor {k}", f"{k}. çapanın genişliği", 0.05))
    for (name, _, *values), (place, side) in product(_THINGS, enumerate(_SIDES)):
        letter, en, tr = side
        of = (f"{en} of {name}", f"{name} kutusunun {tr}")
        found.append(given(f"{letter}{name}", f"{letter}_{name}", values[place], 0, 1, *of, slider=False))
    found += [
        given(f"z{name}", f"z_{name}", kind, 1, 3, f"class of {name}", f"{name} sınıfı", 1, slider=False)
        for name, kind, *_ in _THINGS
    ]
    return tuple(found)


def _start(title: Text, **moved: float) -> tuple[Text, dict[str, float]]:
    first = {f"{side}{name}": values[k] for name, _, *values in _THINGS for k, side in enumerate("xyhw")}
    return title, {**first, **{f"z{name}": float(kind) for name, kind, *_ in _THINGS}, **moved}


LESSON = CourseLesson(
    name="grid",
    area="H",
    rows=("H2", "E12"),
    title=Text("The grid: which cell, which anchor", "Izgara: hangi hücre, hangi çapa"),
    goals=(
        Text(
            "Say which cell and which anchor a thing belongs to, and write its numbers.",
            "Bir nesnenin hangi hücreye, hangi çapaya ait olduğunu söylemek ve sayılarını yazmak.",
        ),
        Text("Foresee which things find no place.", "Hangi nesnelere yer kalmadığını öngörmek."),
    ),
    story=(
        Text(
            "One vector of eight numbers tells of one thing. YOLO lays a grid of $S \\times S$ cells over the "
            "picture, and each cell has such a vector: with $S = 3$ and three classes $3 \\times 3 \\times 8$ "
            "numbers. A thing belongs to the cell in which its **middle** lies, however far it reaches beyond it. "
            "Its box is written as the cell sees it: $b_x, b_y$ from the cell's upper left corner, between 0 and 1; "
            "$b_h, b_w$ in cells, and above 1 for what is larger than a cell.",
            "Sekiz sayılık bir vektör tek bir nesneyi anlatır. YOLO resmin üzerine $S \\times S$ hücrelik bir ızgara "
            "koyar, her hücrenin böyle bir vektörü olur: $S = 3$ ve üç sınıfla $3 \\times 3 \\times 8$ sayı. Bir "
            "nesne, **ortası** hangi hücredeyse onundur; dışına ne kadar taşarsa taşsın. Kutusu hücreye göre "
            "yazılır: $b_x, b_y$ hücrenin sol üst köşesinden ölçülür, 0 ile 1 arasındadır; $b_h, b_w$ hücre "
            "cinsindendir, hücreden büyük olan için 1'i aşar.",
        ),
        Text(
            "Two things may have their middles in one cell. So each cell gets two **anchor boxes**, one tall and "
            "one wide, with a vector each: $3 \\times 3 \\times 16$. A thing goes to the anchor with which its "
            "shape has the larger IoU. What still collides, three things in one cell or two of one shape, has one "
            "place too few: it is not learned. Finer grids make that rare.",
            "İki nesnenin ortası aynı hücreye düşebilir. Bu yüzden her hücreye biri uzun, biri geniş iki **çapa "
            "kutusu** verilir, her birinin bir vektörü olur: $3 \\times 3 \\times 16$. Nesne, biçiminin IoU'su hangi "
            "çapayla büyükse ona gider. Yine de çakışanlara, bir hücredeki üç nesneye ya da aynı biçimli ikisine, "
            "bir yer eksik kalır: biri öğrenilmez. Daha ince ızgaralarda bu seyrektir.",
        ),
    ),
    question=Question(
        text=Text(
            "Two cars of like shape have their middles in one cell, with two anchors. How many are learned?",
            "Benzer biçimli iki arabanın ortası aynı hücrede, iki çapa var. Kaçı öğrenilir?",
        ),
        choices=(Text("Two, one for each anchor", "İki, her çapaya biri"), Text("One", "Bir"), Text("None", "Hiçbiri")),
        right=1,
        why=Text(
            "Both ask for the wide anchor, and it has one vector. The tall one stays empty.",
            "İkisi de geniş çapayı ister, onun ise tek vektörü vardır. Uzun çapa boş kalır.",
        ),
    ),
    try_it=(
        Text(
            "Drag the middle of C over a line of the grid: $n_C$ jumps.",
            "C'nin ortasını bir ızgara çizgisinden geçirin: $n_C$ sıçrar.",
        ),
        Text(
            "Choose three things in one cell: which one is dashed, and why?",
            "Bir hücrede üç nesneyi seçin: hangisi kesik çizgili, neden?",
        ),
        Text("Raise $S$ to 7: all three have a place again.", "$S$'yi 7 yapın: üçünün de yeniden yeri olur."),
    ),
    figures=(
        Figure(
            kind="boxes",
            title=Text("Things on a grid; dashed: no place left", "Izgarada nesneler; kesik çizgili: yer kalmadı"),
            options={
                "boxes": [
                    {
                        "name": Text(name, name),
                        "middle": [f"{side}{name}" for side, *_ in _SIDES],
                        "thing": f"z{name}",
                        "kept": f"k{name}",
                    }
                    for name in _NAMES
                ],
                "size": [1, 1],
                "cells": "S",
            },
        ),
    ),
    sheet=Sheet(
        givens=_givens(),
        lines=tuple(_lines()),
        starts=(
            _start(Text("a person before a car", "arabanın önünde bir insan")),
            _start(Text("three things in one cell", "bir hücrede üç nesne"), xC=0.45, yC=0.45),
            _start(Text("two cars in one cell", "bir hücrede iki araba"), xA=0.2, yA=0.6, xC=0.45, yC=0.45),
        ),
    ),
    formula=r"c = \lfloor S x \rfloor, \quad r = \lfloor S y \rfloor, \quad b_x = S x - c, \quad b_y = S y - r, \quad "
    r"b_h = S h, \quad b_w = S w",
    legend=(
        (
            "x, y, h, w",
            Text("middle, height and width in shares of the picture", "resmin oranı olarak orta, yükseklik, genişlik"),
        ),
        ("c, r", Text("column and row of the cell, from 0", "hücrenin sütunu ve satırı, 0'dan")),
        ("a, n", Text("anchor, and number of the place among all", "çapa ve tüm yerler içindeki numara")),
        ("K", Text("things that are learned", "öğrenilen nesneler")),
        (
            "N, M",
            Text(
                "numbers of the network with one vector a cell, and with two",
                "hücre başına bir ve iki vektörle ağın sayıları",
            ),
        ),
    ),
    code="import torch\nfrom derin.models import build\n\n"
    'network = build("yolo_grid", input_shape=(3, 96, 96), num_outputs=3, grid=3).eval()\n'
    "print(network.cells(torch.rand(1, 3, 96, 96)).shape)  # two anchors: 16 numbers for each of 3 × 3 cells\n",
    exercise=Exercise(
        text=Text(
            "A grid of $19 \\times 19$, five anchors, 80 classes: how many numbers does the network give?",
            "$19 \\times 19$'luk ızgara, beş çapa, 80 sınıf: ağ kaç sayı verir?",
        ),
        answer=153425,
        tolerance=0.5,
        hints=(
            Text("An anchor has $1 + 4 + 80$ numbers.", "Bir çapanın $1 + 4 + 80$ sayısı vardır."),
            Text("A cell has five times as many: 425.", "Bir hücrede bunun beş katı: 425."),
            Text("There are 361 cells.", "361 hücre vardır."),
        ),
        way=Text("$19 \\cdot 19 \\cdot 5 \\cdot 85 = 153425$.", "$19 \\cdot 19 \\cdot 5 \\cdot 85 = 153425$."),
    ),
    after=("non-max-suppression",),
)
