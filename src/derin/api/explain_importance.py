"""Which columns of a table a saved network depends on, and how its answers follow the most important ones."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from derin.api.examples import examples_for
from derin.api.explanation import Explanation, title_of
from derin.core.errors import UsageError
from derin.core.messages import translate
from derin.core.printable import printable
from derin.core.seeds import permutation
from derin.data.batch import Batch
from derin.data.cells.raw_column import TableColumn
from derin.data.columns import INPUT
from derin.data.display import displayed
from derin.data.schema import Kind
from derin.data.table import Dense, Table
from derin.explain.importance import ColumnImportance, partial_dependence, permutation_importance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from derin.api.model import Model

_INK, _BLUE, _GRAY = "#1a1f2b", "#1f6feb", "#c3c9d4"
_ARRAYS_AT_ONCE = 256  # examples in one pass through the network
_LONGEST, _MOST_DRAWN, _MOST_TICKS, _LABEL_WIDTH = 40, 30, 6, 44


def explain_importance(
    model: Model,
    data: Any = None,
    *,
    split: str | None = None,
    target: str | None = None,
    num: int | None = 5_000,
    repeats: int = 10,
    curves: int = 4,
    points: int = 20,
    individual: int = 30,
    seed: int = 0,
) -> Explanation:
    """How much worse a network on a table gets when one column is shuffled, and how its answers follow its values.

    Columns are those of the data: the features that were made of one (classes, parts of a date, whether it is missing)
    change together. Of arrays by name each is shuffled as a whole, and has no curve.

    Args:
        data: whatever `derin.load` takes, with the answers; None takes the data of the training.
        split: None takes the validation rows of the training's data; of other data its test split, or all rows.
        target: the column with the answers, where it cannot be found out.
        num: at most so many examples, drawn by the seed.
        repeats: shuffles of each column.
        curves: so many of the most important columns get a curve.
        points: at most so many values on a curve: the commonest classes, or quantiles of numbers and dates.
        individual: so many rows, drawn by the seed, have curves of their own beside the mean.
        seed: of the draw and the shuffles.

    Raises:
        UsageError: the network reads neither a table nor arrays by name, or answers with neither one class nor one
            number.
        DataError: the data cannot be read, or lack the answers.
    """
    task: Any = model.task
    of_classes = bool(task.classes)
    of_arrays = model.preparation.medium == "arrays"
    if not (of_arrays or model.preparation.reads_table_cells):
        raise UsageError(
            "Importance is of the columns of a table, or of arrays by name; "
            f"{model.path} reads {model.preparation.described_inputs}."
        )
    if not task.has_single_answer:
        raise UsageError(f"A network that gives one class or one number is required; its task is {task.name!r}.")
    if repeats < 1 or points < 2 or min(curves, individual) < 0:
        raise UsageError(
            "repeats must be at least 1, points at least 2, curves and individual at least 0; "
            f"got {repeats}, {points}, {curves} and {individual}."
        )
    given = (model.card.get("data") or {}).get("source") if data is None else data
    if given is None:
        raise UsageError(f"The model {model.path} does not say where its data lie; name the data.")
    # What is learned by looking at the network may change it: the rows of the test are left for the last measurement.
    split = "val" if data is None and split is None else split
    examples = examples_for(model, given, split=split, target=target, num=num, seed=seed)
    inputs: Any = model.preparation.inputs  # type: ignore[attr-defined]
    groups: list[tuple[str, np.ndarray, Any]]
    if of_arrays:
        encoded = model.preparation.encode_table(examples.table)
        # Of each input the number of the row that stands for it, which is what is shuffled.
        features = np.repeat(examples.rows[:, None], len(inputs), axis=1)
        groups = [(name, np.array([place]), None) for place, name in enumerate(inputs)]
    else:
        features = inputs[INPUT].encode(examples.table).values[examples.rows]
        groups = _groups(inputs[INPUT])
    truths = task.single_truths(examples.table)[examples.rows]
    device = next(model.network.parameters()).device

    def gathered(changed: np.ndarray) -> dict[str, torch.Tensor]:
        if not of_arrays:
            return {task.input: torch.from_numpy(changed)}
        columns = {name: encoded[name].gather(changed[:, place]) for place, name in enumerate(inputs)}
        return columns if len(columns) > 1 else {task.input: next(iter(columns.values()))}

    def predicted(changed: np.ndarray) -> dict[str, torch.Tensor]:
        # Rows of a table are small, and go through the network together.
        parts, size = [], _ARRAYS_AT_ONCE if of_arrays else len(changed)
        for start in range(0, len(changed), size):
            some = changed[start : start + size]
            rows = model.preparation.finished({name: v.to(device) for name, v in gathered(some).items()})
            with torch.inference_mode():
                parts.append(task.predict(model.network, Batch(rows, torch.arange(len(some)))))
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def errors(changed: np.ndarray) -> np.ndarray:
        answers = task.single_answers(predicted(changed)).numpy(force=True)
        return np.asarray(answers != truths, dtype=np.float64) if of_classes else np.square(answers - truths)

    def outputs(changed: np.ndarray) -> np.ndarray:
        key = "probabilities" if of_classes else "value"
        return predicted(changed)[key].numpy(force=True).astype(np.float64).reshape(len(changed), -1)

    found = permutation_importance(
        errors, features, [(n, p) for n, p, _ in groups], repeats=repeats, root=not of_classes, seed=seed
    )
    by_name = {name: (places, encoder) for name, places, encoder in groups}
    drawn = []
    shown = np.sort(permutation(seed, "individual curves", 0, len(features))[:individual])
    for column in found[: 0 if of_arrays else curves]:
        places, encoder = by_name[column.name]
        rows = _grid_rows(examples.table, encoder.name, column.name, examples.rows, points)
        if len(rows) < 2:
            continue
        raw = examples.table.schema[encoder.name]
        first = next(p for n, p, _ in groups if by_name[n][1] is encoder)[0]
        values = Dense(examples.table.columns[encoder.name].take(rows))
        encoded = np.zeros((len(rows), len(encoder.feature_names)), dtype=np.float32)
        encoder.encode(TableColumn(raw, values), encoded)
        means, own = partial_dependence(outputs, features, places, encoded[:, places - first], shown)
        names = displayed(examples.table, encoder.name, rows, max_length=_LONGEST)
        if raw.shape:
            place = int(column.name[len(encoder.name) + 1 : -1])
            names = [f"{v:.4g}" for v in np.asarray(values.values).reshape(len(rows), -1)[:, place]]
        numbers = np.asarray(values.values, dtype=np.float64) if raw.kind is Kind.NUMBER and not raw.shape else None
        curve: dict[str, Any] = {
            "column": column.name,
            "values": names,
            "numbers": numbers,
            "means": means,
            "individual": own,
        }
        drawn.append(curve)
    metric = "accuracy" if of_classes else "rmse"
    before = errors(features).mean()
    document = {
        "metric": metric,
        "value": float(1 - before if of_classes else math.sqrt(before)),
        "split": examples.split,
        "num_examples": len(examples.rows),
        "repeats": repeats,
        "columns": [{"name": c.name, "importance": c.value, "interval": list(c.interval)} for c in found],
        "classes": list(task.classes) if of_classes else None,
        "curves": [
            {"column": c["column"], "values": c["values"]} | {n: c[n].tolist() for n in ("means", "individual")}
            for c in drawn
        ],
    }
    title = title_of(model, translate("explain.importance"))
    labels = list(task.classes) if of_classes else [task.columns[0]]
    return Explanation(
        method="importance", found=found, document=document, draw=lambda: _draw(title, document, found, drawn, labels)
    )


def rows_used(document: dict[str, Any]) -> str:
    """On how many rows it was measured, and of which split."""
    count, split = document["num_examples"], translate(f"split.{document['split']}")
    return translate("explain.importance_rows", count=count, split=split, repeats=document["repeats"])


def _groups(codec: Any) -> list[tuple[str, np.ndarray, Any]]:
    """Name, places of its features and encoder of each column; each number of an array is a column."""
    groups, start = [], 0
    for encoder in codec.encoders:
        names = encoder.feature_names
        places = np.arange(start, start + len(names))
        start += len(names)
        if getattr(encoder, "shape", ()):
            num = len(encoder.means)
            flags = {place: num + n for n, place in enumerate(encoder.missing)}
            for n in range(num):
                own = [n, *([flags[n]] if n in flags else [])]
                groups.append((names[n], places[own], encoder))
        else:
            groups.append((encoder.name, places, encoder))
    return groups


def _grid_rows(table: Table, raw: str, name: str, rows: np.ndarray, points: int) -> np.ndarray:
    """Rows whose values stand for all that a column has: the commonest classes, or quantiles of numbers and dates."""
    column = table.schema[raw]
    values = np.asarray(table.columns[raw].take(rows))
    if column.shape:
        values = values.reshape(len(values), -1)[:, int(name[len(raw) + 1 : -1])]
    there = np.flatnonzero(values >= 0 if column.kind is Kind.CATEGORY else ~np.isnan(values.astype(np.float64)))
    distinct, first, counts = np.unique(values[there], return_index=True, return_counts=True)
    if len(distinct) > points and column.kind is Kind.CATEGORY:
        first = first[np.sort(np.argsort(-counts, kind="stable")[:points])]
    elif len(distinct) > points:
        order = np.argsort(values[there], kind="stable")
        first = order[np.linspace(0, len(order) - 1, points).round().astype(np.int64)]
        first = first[np.unique(values[there][first], return_index=True)[1]]
    return np.asarray(rows[there[first]])


def _draw(
    title: str, document: dict[str, Any], found: list[ColumnImportance], drawn: list[dict[str, Any]], labels: list[str]
) -> Figure:
    """Bars with their intervals, and a panel for each curve."""
    from matplotlib.figure import Figure

    shown = found[:_MOST_DRAWN][::-1]
    lines = max(1, math.ceil(len(drawn) / 2))
    height = max(0.28 * len(shown) + 1.4, 2.4 * lines)
    figure = Figure(figsize=(11 if drawn else 6, height), dpi=110, facecolor="white")
    figure.set_layout_engine("constrained")
    parts: Any = figure.subfigures(1, 2, width_ratios=(1, 1.4)) if drawn else (figure, None)
    left, right = parts
    axes = left.subplots()
    values = np.array([column.value for column in shown])
    low, high = np.array([column.interval for column in shown]).T
    # A mean of a resample may lie beside its value by rounding.
    spread = np.stack([np.maximum(values - low, 0), np.maximum(high - values, 0)])
    axes.barh(range(len(shown)), values, xerr=spread, color=_BLUE, ecolor=_INK, capsize=2)
    axes.set_yticks(range(len(shown)), [printable(column.name)[:_LONGEST] for column in shown], fontsize=8)
    about = [translate(f"explain.importance_{document['metric']}"), rows_used(document)]
    axes.set_xlabel("\n".join(textwrap.fill(line, _LABEL_WIDTH) for line in about), fontsize=8)
    axes.set_title(title, fontsize=10, loc="left", color=_INK)
    if right is None:
        return figure
    sentences = [translate("explain.importance_curves")]
    if len(labels) <= 2 and len(drawn[0]["individual"]):
        sentences.append(translate("explain.importance_individual", number=len(drawn[0]["individual"])))
    right.supxlabel(textwrap.fill(" ".join(sentences), 2 * _LABEL_WIDTH), fontsize=8)
    panels = right.subplots(lines, min(2, len(drawn)), squeeze=False).reshape(-1)
    for panel, curve in zip(panels, drawn):
        numbers = curve["numbers"]
        x = np.arange(len(curve["values"])) if numbers is None else numbers
        first = 1 if len(labels) == 2 else 0
        if len(labels) <= 2:  # of more the curves of single rows would hide the means
            panel.plot(x, curve["individual"][:, :, first].T, color=_GRAY, linewidth=0.6)
        for mean, label in zip(curve["means"].T[first:], labels[first:]):
            name = f"p({label})" if document["classes"] else label
            color = _BLUE if len(labels) <= 2 else None
            panel.plot(x, mean, marker="o", markersize=3, color=color, label=printable(name)[:_LONGEST])
        if numbers is not None and len(numbers) <= _MOST_TICKS:
            panel.set_xticks(numbers)
        if numbers is None:
            ticks = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_TICKS)).round().astype(int))
            panel.set_xticks(ticks, [printable(curve["values"][t])[:12] for t in ticks], fontsize=7)
        panel.set_title(printable(curve["column"])[:_LONGEST], fontsize=9, color=_INK)
        panel.tick_params(labelsize=7)
    if len(labels) <= 10:
        panels[0].legend(fontsize=7, frameon=False)
    for panel in panels[len(drawn) :]:
        panel.set_visible(False)
    return figure
