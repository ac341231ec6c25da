"""Broadcasting: a table divided by its column sums, products of many axes, and the trap of a missing axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from derin.core.errors import ShapeError, UsageError
from derin.core.messages import format_number
from derin.lessons.drawing import INK, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats, Rows
from derin.tasks.losses import regression_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Calories from carbohydrates, protein and fat in 100 g.
FOODS = (Text("apple", "elma"), Text("beef", "sığır"), Text("eggs", "yumurta"), Text("potato", "patates"))
SOURCES = (Text("carbs", "karb."), Text("protein", "protein"), Text("fat", "yağ"))
CALORIES = ((56.0, 0.0, 4.4, 68.0), (1.2, 104.0, 52.0, 8.0), (1.8, 135.0, 99.0, 0.9))


@dataclass(frozen=True, kw_only=True)
class BroadcastingOptions:
    """Options of the lesson.

    Args:
        points: rows of a table of your own instead of the calories; no column may have the sum 0.
    """

    points: Rows | None = None

    def __post_init__(self) -> None:
        if self.points and not all(np.sum(self.points, axis=0)):
            raise UsageError("broadcasting.points: a column has the sum 0, of which nothing is a share; change it.")


def run(options: BroadcastingOptions) -> Outcome:
    """Percentages of a table without a loop, shapes of products, and what a loss says of a missing axis."""
    table = np.array(options.points or CALORIES)
    rows, columns = table.shape
    totals = table.sum(axis=0)  # (columns,)
    shares = 100 * table / totals.reshape(1, columns)  # (rows, columns) / (1, columns)
    row_names = [str(name) for name in SOURCES] if options.points is None else [str(i + 1) for i in range(rows)]
    column_names = [str(name) for name in FOODS] if options.points is None else [str(i + 1) for i in range(columns)]

    lines = [" " * 9 + "".join(f"{name:>10}" for name in column_names)]
    lines += [
        f"{name:<9}" + "".join(f"{format_number(v / 100, '.1%'):>10}" for v in row)
        for name, row in zip(row_names, shares.tolist())
    ]
    lines.append(f"{table.shape} / {(1, columns)} → {shares.shape}")
    products = shapes_of_products()
    lines += [f"{tuple(row['left'])} · {tuple(row['right'])} → {tuple(row['result'])}" for row in products]
    trap = missing_axis()
    lines.append(
        Text(
            "right answers (5, 1) against targets (5,): NumPy pairs all with all, shape {s}, MSE {m:.2f} and not 0",
            "(5,) hedeflere (5, 1) doğru yanıt: NumPy hepsini hepsiyle eşler, biçim {s}, MSE 0 değil {m:.2f}",
        ).fill(s=tuple(trap["silent_shape"]), m=trap["silent_mse"])
    )
    lines.append(f"Derin: {trap['refused']}")
    return Outcome(
        numbers={"totals": totals.tolist(), "percentages": shares.tolist(), "products": products, "missing_axis": trap},
        lines=tuple(lines),
        pictures={"table.png": draw(table, totals, shares, row_names, column_names)},
    )


def shapes_of_products() -> list[dict[str, list[int]]]:
    """What shapes come out when arrays of several axes are multiplied."""
    a, b, c, d, e = 2, 3, 4, 5, 6
    left = torch.zeros(a, b, c, d)
    return [
        {"left": list(left.shape), "right": list(right.shape), "result": list((left @ right).shape)}
        for right in (torch.zeros(d), torch.zeros(d, e))
    ]


def missing_axis() -> dict[str, Any]:
    """Answers ``(5, 1)`` that are all right, compared with targets ``(5,)`` by NumPy and by a loss of Derin."""
    targets = np.arange(5.0)
    answers = targets[:, None]
    silent = (answers - targets) ** 2
    try:
        regression_loss("mse", torch.from_numpy(answers), torch.from_numpy(targets))
    except ShapeError as error:
        refused = str(error)
    return {"silent_shape": list(silent.shape), "silent_mse": float(silent.mean()), "refused": refused}


def draw(table: Floats, totals: Floats, shares: Floats, row_names: list[str], column_names: list[str]) -> bytes:
    """The table, its column sums, and the shares."""
    rows, columns = table.shape
    figure = new_figure(min(14.0, 3.4 + 1.55 * columns), 0.9 + 0.42 * (rows + 2))
    left, right = figure.subplots(1, 2)
    with_sums = np.vstack([table, totals])
    cells(left, with_sums, [*row_names, "Σ"], column_names, "{:.4g}", 1.35 * table.max())
    left.axhline(rows - 0.5, color=INK, linewidth=1.4)
    cells(right, shares, row_names, column_names, "{:.1f} %", 135.0)
    style(left, title=str(Text("A and its column sums", "A ve sütun toplamları")), grid=False)
    style(right, title=str(Text("100 · A / sums", "100 · A / toplamlar")), grid=False)
    return png(figure)


def cells(axes: Axes, values: Floats, rows: list[str], columns: list[str], form: str, largest: float) -> None:
    """A table whose cells are the darker the larger they are."""
    axes.imshow(np.abs(values), cmap="Blues", vmin=0, vmax=max(largest, 1e-12), aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        dark = abs(value) > 0.6 * largest
        axes.text(j, i, form.format(value), ha="center", va="center", fontsize=8, color="white" if dark else INK)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)


LESSON = Lesson(
    name="broadcasting",
    rows=("A12",),
    title=Text("Broadcasting and shapes", "Broadcasting ve biçimler"),
    about=Text(
        "An axis of length 1 is repeated to fit: the (3, 4) table of calories is divided by its (1, 4) sums in one "
        "expression. The same rule has a trap: (5, 1) against (5,) becomes (5, 5), every answer is compared with every "
        "target, and the loss is wrong without a word. Derin's losses refuse it.",
        "Uzunluğu 1 olan eksen, uyana dek yinelenir: (3, 4) kalori tablosu (1, 4) toplamlarına tek bir ifadeyle "
        "bölünür. Aynı kuralın bir tuzağı vardır: (5, 1) ile (5,) yan yana gelince (5, 5) olur, her yanıt her hedefle "
        "karşılaştırılır ve kayıp sessizce yanlış çıkar. Derin'in kayıpları bunu geri çevirir.",
    ),
    formula=r"P_{ij} = 100\,\frac{A_{ij}}{\sum_k A_{kj}}, \qquad (a,b,c,d)\cdot(d,) \to (a,b,c), \qquad "
    r"(a,b,c,d)\cdot(d,e) \to (a,b,c,e)",
    run=run,
    options=BroadcastingOptions,
)
