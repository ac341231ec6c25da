"""A saved network in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.core.errors import UsageError
from derin.data.batch import Batch

if TYPE_CHECKING:
    from torch import nn

    from derin.core.bundle import Bundle
    from derin.data.preparation import Preparation


class Model:
    """A trained network with its preparation and task: from what a person has to names and probabilities.

    Attributes:
        card: what the bundle says about itself.
        network: the `torch.nn.Module`, in eval mode.
        task: decodes outputs.
        preparation: from raw input to the network's input.
    """

    def __init__(self, network: nn.Module, task: Any, preparation: Preparation, bundle: Bundle) -> None:
        self.network, self.task, self.preparation = network, task, preparation
        self.card, self.path = bundle.card, bundle.path

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Class names, or None for a regression."""
        return self.task.classes or None

    def predict(self, inputs: Any, *, batch_size: int = 256) -> Any:
        """What the network says about one input or many.

        Args:
            inputs: a path, a picture, an array, a row (dict or data frame row), or a list, array or data frame of them.
            batch_size: inputs per forward pass.

        Returns:
            for one input a `Prediction`, which reads like the list of its classes, best first (for a regression a
            `Value`); for many a list of these.

        Raises:
            DataError: an input that cannot be read.
            ShapeError: an array of a size or type that does not fit.
        """
        answers = self.predictions(inputs, batch_size=batch_size)
        return answers[0] if len(answers) == 1 and self._is_single(inputs) else answers

    def predictions(self, inputs: Any, *, batch_size: int = 256) -> list[Any]:
        """As `predict`, as a list of `Prediction` whatever came."""
        import torch

        rows = torch.from_numpy(np.ascontiguousarray(self.preparation.read(inputs)))
        device = next(self.network.parameters()).device
        found: list[Any] = []
        for start in range(0, len(rows), batch_size):
            part = rows[start : start + batch_size]
            batch = Batch({self.task.input: self.preparation.finish(part.to(device))}, torch.arange(len(part)))
            with torch.inference_mode():
                found += self.task.decode(self.task.predict(self.network, batch))
        return found

    def evaluate(self, data: Any, *, split: str | None = None, target: str | None = None) -> tuple[dict[str, Any], int]:
        """The task's metrics on data with known answers.

        Args:
            data: whatever `derin.load` takes.
            split: ``"train"``, ``"val"``, ``"test"`` or ``"all"``; None takes the test split of the data that the
                network was trained on or that comes with one, and all rows otherwise.
            target: the column with the answers, where it cannot be found out.

        Returns:
            metrics by name, and how many examples they were measured on.
        """
        from derin.data.load import load
        from derin.data.source import TableSource
        from derin.data.table import Table
        from derin.train.evaluation import evaluate

        table = data if isinstance(data, Table) else load(data, target=target, seed=self._seed, size=self._size)
        if split is None:
            known = table.fingerprint() == self.card.get("data", {}).get("fingerprint")
            split = "test" if "test" in table.splits and (known or "test" in table.given_splits) else "all"
        if split != "all" and split not in table.splits:
            raise UsageError(f"The data {table.name!r} has no split {split!r}; it has: {', '.join(table.splits)}, all.")
        # Rows without an answer belong to no split.
        rows = np.sort(np.concatenate(list(table.splits.values()))) if split == "all" else table.splits[split]
        targets = {self.task.target: self.task.targets(table)}
        weights = self.task.weights(table)
        if weights is not None:
            targets[self.task.weight] = weights
        source = TableSource(
            self.preparation.host(table), self.preparation, targets, rows, input_name=self.task.input, batch_size=256
        )
        return evaluate(self.network, self.task, source), len(rows)

    def __repr__(self) -> str:
        name = self.card["model"].get("name") or self.card["model"].get("class")
        return f"Model({str(self.path)!r}, model={name!r}, task={self.task.name!r})"

    @property
    def _seed(self) -> int:
        return int(self.card.get("training", {}).get("seed", 0))

    @property
    def _size(self) -> int | None:
        """Pictures are read at the size of training, so that the cache of training serves again."""
        size = self.card.get("data", {}).get("size")
        return size if isinstance(size, int) else None

    def _is_single(self, inputs: Any) -> bool:
        if isinstance(inputs, list | tuple):
            # A row of numbers is one example; a list of anything else is a list of examples.
            return self.preparation.kind == "features" and all(isinstance(i, int | float) for i in inputs)
        num_axes = getattr(inputs, "ndim", None)
        if self.preparation.kind == "picture":
            return num_axes is None or num_axes <= 3
        return isinstance(inputs, dict) or num_axes == 1


def open(path: str | Path, model: nn.Module | None = None, *, device: str = "cpu") -> Model:
    """A saved network, ready to use. Reading a bundle never runs code.

    Args:
        path: a run, or a bundle.
        model: the network with fresh weights, where the bundle was saved from a class of your own.
        device: where predictions are computed.

    Raises:
        RefusedFileError: the bundle is damaged, hostile, or of a newer Derin.
        UsageError: there is no bundle, or it needs `model`.
    """
    from derin.api.bundles import load_model

    network, task, preparation, bundle = load_model(Path(path), model)
    return Model(network.to(device), task, preparation, bundle)
