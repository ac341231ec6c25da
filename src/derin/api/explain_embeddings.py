"""The examples of a table as a saved network sees them, on one interactive page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from derin.api.examples import Examples, examples_for
from derin.core.errors import UsageError
from derin.core.messages import format_number, translate
from derin.data.columns import INPUT
from derin.explain.embedding_page import EmbeddingPage
from derin.explain.embeddings import FEWEST, Projection, layer_activations, project
from derin.tasks.prediction import Answer, Labels, Prediction, Value
from derin.train.evaluation import predict_batches

if TYPE_CHECKING:
    from derin.api.model import Model

_MOST_COLUMNS = 12  # of a table's values, shown with an example
_LARGEST_ERRORS = 0.05  # share of the examples that count as mistakes where numbers are predicted


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """Where the examples lie, and the page that shows them.

    Args:
        projection: the points.
        layer: whose activations they are.
        num_units: numbers that the layer gives for an example.
        rows: of the table, one for each point.
        page: what is known of each example.
    """

    projection: Projection
    layer: str
    num_units: int
    rows: npt.NDArray[np.int64]
    page: EmbeddingPage

    def save(self, path: str | Path) -> None:
        """Writes the page."""
        self.page.save(path)

    def to_json(self) -> dict[str, Any]:
        page = self.page
        return {
            "method": self.projection.method,
            "layer": self.layer,
            "units": self.num_units,
            "explained": list(self.projection.explained),
            "num_examples": len(self.rows),
            "num_mistakes": None if page.truth is None else int(page.wrong.sum()),
            "points": [
                {"input": name, "row": int(row), "place": [float(value) for value in point]}
                for name, row, point in zip(page.names, self.rows, self.projection.points)
            ],
        }


def explain_embeddings(
    model: Model,
    data: Any,
    *,
    layer: str | None = None,
    method: str = "pca",
    dim: int = 2,
    split: str | None = None,
    target: str | None = None,
    num: int | None = None,
    seed: int = 0,
    pictures: bool = True,
) -> Embedding:
    """What a layer makes of the examples of a table, in two or three dimensions.

    Args:
        data: whatever `derin.load` takes.
        layer: its name; None takes what goes into the last dense layer.
        method: ``"pca"``, ``"tsne"`` or ``"umap"``.
        dim: 2 or 3.
        split: None takes the test split where there is one that is large enough, else all rows.
        target: the column with the answers, where it cannot be found out.
        num: at most so many examples, drawn by the seed.
        seed: of the draw, and of t-SNE and UMAP.
        pictures: whether the page holds small copies of the pictures.

    Raises:
        UsageError: the network reads several inputs.
    """
    if len(model.preparation.input_names) > 1:
        raise UsageError(
            f"An embedding needs a network with one input; {model.path} reads {model.preparation.described_inputs}."
        )
    examples = examples_for(model, data, split=split, target=target, num=num, seed=seed, answers=False, fewest=FEWEST)
    inputs = (batch[model.task.input] for batch in examples.source.batches(0))
    name, values = layer_activations(model.network, inputs, layer)
    projection = project(values, method=method, dim=dim, seed=seed)
    entry = model.card["model"]
    shown = translate("embedding.before", layer=name) if layer is None else name
    facts = translate(
        "embedding.facts",
        method=translate(f"embedding.{method}"),
        layer=shown,
        units=values.shape[1],
        count=len(values),
        data=examples.table.name,
    )
    is_picture = model.preparation.medium in ("pictures", "sounds")
    columns = () if is_picture else tuple(model.preparation.columns[:_MOST_COLUMNS])
    page = EmbeddingPage(
        title=translate("embedding.title", model=entry.get("name") or entry.get("class")),
        subtitle=facts,
        points=projection.points,
        axes=_axes(projection, dim),
        names=examples.names,
        pictures=model.preparation.pictures(model.preparation.encode_table(examples.table)[INPUT].gather(examples.rows))
        if is_picture and pictures
        else None,
        columns=columns,
        rows=examples.words(columns) if columns else None,
        **_answers(model, examples),
    )
    return Embedding(projection=projection, layer=name, num_units=values.shape[1], rows=examples.rows, page=page)


def _axes(projection: Projection, dim: int) -> list[str]:
    if projection.explained:
        return [f"{place + 1}: {format_number(share, '.0%')}" for place, share in enumerate(projection.explained)]
    return [str(place + 1) for place in range(dim)]


def _answers(model: Model, examples: Examples) -> dict[str, Any]:
    """What the network answers and what is true, in the form of `EmbeddingPage`."""
    task = model.task
    answers: list[Answer] = []
    truths: list[str] = []
    true_numbers: list[torch.Tensor] = []
    for outputs, batch in predict_batches(model.network, task, examples.source):
        answers += task.decode(outputs)
        if examples.answered:
            truths += task.truths(batch[task.target])
            true_numbers.append(batch[task.target].cpu())
    if isinstance(answers[0], Value):
        return _numbers(task, answers, true_numbers)
    words = [_label(answer) for answer in answers]
    # Several labels at once are a class of their own here, the most frequent first.
    groups = list(task.classes) if isinstance(answers[0], Prediction) else _by_frequency([*truths, *words])
    place = {name: number for number, name in enumerate(groups)}
    confident = [answer.probability for answer in answers if isinstance(answer, Prediction)]
    return {
        "groups": groups,
        "truth": np.array([place[name] for name in truths]) if truths else None,
        "predicted": np.array([place[name] for name in words]),
        "wrong": np.array([a != b for a, b in zip(truths or words, words, strict=True)]),
        "confidence": np.array(confident, np.float32) if confident else None,
    }


def _numbers(task: Any, answers: list[Answer], true_numbers: list[torch.Tensor]) -> dict[str, Any]:
    """Of several predicted numbers the first is shown."""
    predicted = np.array([np.ravel(answer.value)[0] for answer in answers if isinstance(answer, Value)], np.float32)
    if not true_numbers:
        return {"groups": None, "truth": None, "predicted": predicted, "wrong": np.zeros(len(predicted), bool)}
    truth = np.asarray(task.in_units(torch.cat(true_numbers).numpy()), np.float32).reshape(len(predicted), -1)[:, 0]
    errors = np.abs(predicted - truth)
    wrong = errors > np.quantile(errors, 1 - _LARGEST_ERRORS)
    return {"groups": None, "truth": truth, "predicted": predicted, "wrong": wrong}


def _label(answer: Answer) -> str:
    if isinstance(answer, Prediction):
        return answer.label
    if isinstance(answer, Labels):
        return ", ".join(answer.labels)
    raise UsageError("An embedding shows the answers of one task; this network has several columns of them.")


def _by_frequency(words: list[str]) -> list[str]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts, key=lambda word: (-counts[word], word))
