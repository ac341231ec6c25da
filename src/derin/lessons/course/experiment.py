"""The playground's network in Python, of Derin's own layers, losses and optimizers: the same numbers as on the page.

Data, first weights, order of the examples and dropout are functions of the seed (`derin.core.seeds`), in 64 bits, so
that page and program agree to the rounding of either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core.errors import UnknownNameError, UsageError
from derin.core.seeds import uniforms
from derin.core.storage import storage_errors
from derin.layers import Activation, BatchNorm, Dense
from derin.layers.initializers import DEVIATIONS
from derin.layers.layer import Layer
from derin.layers.options import require_range
from derin.lessons.numbers import Floats, Rows, read_rows
from derin.models.sequential import Sequential
from derin.tasks.losses import binary_cross_entropy, cross_entropy, regression_loss
from derin.train.optimizers.build import build_optimizer

Task = Literal["binary", "softmax", "mse"]
_NUM_CLASSES = 3  # of softmax
# From two numbers in [0, 1) and the place among all to x₁, x₂ and the answer.
Draw = Callable[[Floats, Floats, npt.NDArray[np.int64]], tuple[Floats, Floats, Floats]]


def _turn(share: Floats, radius: Floats) -> tuple[Floats, Floats]:
    return radius * np.sin(2 * math.pi * share), radius * np.cos(2 * math.pi * share)


def _even(place: npt.NDArray[np.int64]) -> Floats:
    """1 for every other place, 0 for the rest."""
    return (place % 2 == 0).astype(np.float64)


def _blobs(u: Floats, v: Floats, place: npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    across, up = _turn(u, 0.3 * np.sqrt(v))
    middle = np.where(_even(place), 0.45, -0.45)
    return middle + across, middle + up, _even(place)


def _wave(u: Floats, v: Floats, place: npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    a, b = 2 * u - 1, 2 * v - 1
    return a, b, np.sin(math.pi * a) * np.cos(math.pi * b / 2)


SETS: dict[str, tuple[Task, Draw]] = {
    "xor": ("binary", lambda u, v, place: (2 * u - 1, 2 * v - 1, ((2 * u - 1) * (2 * v - 1) < 0).astype(np.float64))),
    "circles": (
        "binary",
        lambda u, v, place: (
            *_turn(u, np.where(_even(place), 0.45 * np.sqrt(v), 0.65 + 0.3 * v)),
            _even(place),
        ),
    ),
    "spirals": (
        "binary",
        lambda u, v, place: (*_turn(1.25 * u + np.where(_even(place), 0, 0.5), 0.08 + 0.87 * u), _even(place)),
    ),
    "blobs": ("binary", _blobs),
    "pinwheel": (
        "softmax",
        lambda u, v, place: (*_turn(0.8 * u + place % 3 / 3, 0.08 + 0.87 * u), (place % 3).astype(np.float64)),
    ),
    "plane": ("mse", lambda u, v, place: (2 * u - 1, 2 * v - 1, 0.6 * (2 * u - 1) + 0.4 * (2 * v - 1))),
    "wave": ("mse", _wave),
}


def normals(seed: int, stream: str, rows: int, num: int) -> Floats:
    """Standard normal numbers as a function of their arguments, by Box and Muller.

    Shapes:
        → ``(rows, num)``.
    """
    pairs = uniforms(seed, stream, 0, np.arange(rows), 2 * num).astype(np.float64).reshape(rows, num, 2)
    drawn: Floats = np.sqrt(-2 * np.log(1 - pairs[..., 0])) * np.cos(2 * math.pi * pairs[..., 1])
    return drawn


def order(seed: int, stream: str, epoch: int, num: int) -> npt.NDArray[np.int64]:
    """An order of examples, by a number drawn for each."""
    return np.argsort(uniforms(seed, stream, epoch, np.arange(num), 1)[:, 0], kind="stable")


@dataclass(frozen=True, kw_only=True)
class ExperimentSettings:
    """What is chosen on the page.

    Args:
        data: a name of `SETS`, or a file of rows x₁, x₂ and the answer, such as the page's points.csv.
        points: such rows themselves, in place of `data`.
        task: ``binary`` for answers 0 and 1, ``softmax`` for 0, 1 and 2, ``mse`` for numbers; None finds it out from
            the answers.
        num: points of a named set.
        noise: deviation of what is added to their coordinates.
        test_share: share of the points that only measure.
        hidden: units of each hidden layer.
        activation: of the hidden layers.
        initializer: of all weights, a name of `DEVIATIONS`; biases begin at 0.
        optimizer: a name of `OPTIMIZERS`, with the settings that it has by itself.
        learning_rate: η.
        batch_size: examples of a step; what fills no batch waits for the next epoch.
        l1: weight of Σ|w|.
        weight_decay: λ of λ‖w‖²/2, decoupled in ``adamw``.
        dropout: share of each hidden layer's values that training sets to 0.
        batch_norm: before each activation.
        seed: of everything that is drawn.
    """

    data: str = "xor"
    points: Rows | None = None
    task: Task | None = None
    num: int = 200
    noise: float = 0.0
    test_share: float = 0.5
    hidden: tuple[int, ...] = (4, 2)
    activation: str = "tanh"
    initializer: str = "xavier"
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    batch_size: int = 10
    l1: float = 0.0
    weight_decay: float = 0.0
    dropout: float = 0.0
    batch_norm: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.initializer not in DEVIATIONS:
            raise UnknownNameError("initializer of an experiment", self.initializer, DEVIATIONS)
        for name, low, high in (
            ("num", 2, 10_000),
            ("noise", 0.0, 10.0),
            ("test_share", 0.0, 0.9),
            ("learning_rate", 0.0, 1e6),
            ("batch_size", 2 if self.batch_norm else 1, 10_000),
            ("dropout", 0.0, 0.9),
        ):
            require_range("experiment", name, getattr(self, name), low, high)


class Experiment:
    """A small network on points of the plane, trained step by step in 64 bits.

    Args:
        settings: fields of `ExperimentSettings`.

    Attributes:
        network: the layers, as `Sequential` has them; dropout is no layer of its own but drawn by the experiment.
        points: ``(N, 3)``: x₁, x₂ and the answer.
        train_rows: the places of what is learned from.
        test_rows: and of what only measures.
        step: how many have been done.

    Raises:
        UsageError: the points are no rows of three numbers.

    Example:
        >>> experiment = Experiment(data="xor", hidden=(4, 2), seed=1).train(100)
        >>> experiment.step, round(experiment.train_loss, 6), round(experiment.test_loss, 6)
        (100, 0.653488, 0.716104)
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = ExperimentSettings(**settings)
        self.points, self.task = _points(self.settings)
        num = len(self.points)
        # Halves are rounded up, as on the page.
        tested = min(num - 1, math.floor(num * self.settings.test_share + 0.5))
        mixed = order(self.settings.seed, "split", 0, num)
        self.test_rows, self.train_rows = mixed[:tested], mixed[tested:]
        self.step = 0
        self.network = self._built()
        self._optimizer = build_optimizer(
            self.settings.optimizer,
            self.network,
            learning_rate=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
            fused=False,
        )

    def _built(self) -> Sequential:
        chosen = self.settings
        layers: list[Layer] = []
        for units in chosen.hidden:
            layers.append(Dense(units, bias=not chosen.batch_norm))
            layers += [BatchNorm()] if chosen.batch_norm else []
            layers.append(Activation(chosen.activation))
        network = Sequential([*layers, Dense(_NUM_CLASSES if self.task == "softmax" else 1)], input_shape=(2,)).double()
        with torch.no_grad():
            for number, layer in enumerate(self._dense(network)):
                units, width = layer.weight.shape
                drawn = normals(chosen.seed, f"weights{number}", units, width)
                layer.weight.copy_(torch.from_numpy(drawn * DEVIATIONS[chosen.initializer](width, units)))
                if layer.bias is not None:
                    layer.bias.zero_()
        return network

    @staticmethod
    def _dense(network: nn.Module) -> list[nn.Linear]:
        return [layer for layer in network.children() if isinstance(layer, nn.Linear)]

    def train(self, steps: int) -> Self:
        """Does some more steps."""
        for _ in range(steps):
            self._advance()
        return self

    def _advance(self) -> None:
        rows = self.batch(self.step)
        self.network.train()
        self._optimizer.zero_grad()
        self._loss(self._forward(self.points[rows, :2], rows), rows).backward()
        if self.settings.l1:
            for layer in self._dense(self.network):
                assert layer.weight.grad is not None
                layer.weight.grad += self.settings.l1 * layer.weight.detach().sign()
        self._optimizer.step()
        self.step += 1

    def batch(self, step: int) -> npt.NDArray[np.int64]:
        """The places of the examples of a step."""
        size = min(self.settings.batch_size, len(self.train_rows))
        epoch, place = divmod(step, len(self.train_rows) // size)
        mixed = order(self.settings.seed, "order", epoch, len(self.train_rows))
        return self.train_rows[mixed[place * size : (place + 1) * size]]

    def _forward(self, inputs: Floats, rows: npt.NDArray[np.int64]) -> Tensor:
        values, dropped = torch.from_numpy(np.ascontiguousarray(inputs)), 0
        *hidden, output = self.network.children()
        rate = self.settings.dropout
        for layer in hidden:
            values = layer(values)
            if rate and self.network.training and not isinstance(layer, (nn.Linear, nn.BatchNorm1d)):
                drawn = uniforms(self.settings.seed, f"dropout{dropped}", self.step, rows, values.shape[1])
                values = values * torch.from_numpy((drawn >= rate) / (1 - rate))
                dropped += 1
        found: Tensor = output(values)
        return found

    def _loss(self, outputs: Tensor, rows: npt.NDArray[np.int64]) -> Tensor:
        answers = torch.from_numpy(self.points[rows, 2])
        if self.task == "binary":
            return binary_cross_entropy(outputs[:, 0], answers)[0]
        if self.task == "softmax":
            return cross_entropy(outputs, answers.long())[0]
        return regression_loss("mse", outputs[:, 0], answers)[0]

    @torch.no_grad()
    def _measured(self, rows: npt.NDArray[np.int64]) -> float:
        self.network.eval()
        return self._loss(self._forward(self.points[rows, :2], rows), rows).item() if len(rows) else math.nan

    @property
    def train_loss(self) -> float:
        """The mean loss of what is learned from, without dropout."""
        return self._measured(self.train_rows)

    @property
    def test_loss(self) -> float:
        """The mean loss of what only measures; NaN where there is none."""
        return self._measured(self.test_rows)

    @property
    def parameters(self) -> list[list[float]]:
        """All weights and biases in order, each as one list of numbers."""
        return [parameter.detach().flatten().tolist() for parameter in self.network.parameters()]

    @torch.no_grad()
    def predict(self, inputs: npt.ArrayLike) -> Floats:
        """The probability of 1 for points ``(N, 2)``, or the number where numbers are learned; ``(N,)``.

        Of three classes the probability of each, ``(N, 3)``.
        """
        self.network.eval()
        outputs = self._forward(np.asarray(inputs, dtype=np.float64), np.empty(0, dtype=np.int64))
        if self.task == "softmax":
            shares: Floats = outputs.softmax(dim=1).numpy()
            return shares
        found: Floats = (torch.sigmoid(outputs) if self.task == "binary" else outputs)[:, 0].numpy()
        return found


def _points(chosen: ExperimentSettings) -> tuple[Floats, Task]:
    """Rows of x₁, x₂ and the answer, and what is learned from them."""
    if chosen.points is None and chosen.data in SETS:
        task, draw = SETS[chosen.data]
        places = uniforms(chosen.seed, "points", 0, np.arange(chosen.num), 2).astype(np.float64)
        a, b, answers = draw(places[:, 0], places[:, 1], np.arange(chosen.num))
        shaken = chosen.noise * normals(chosen.seed, "noise", chosen.num, 2)
        return np.column_stack([np.column_stack([a, b]) + shaken, answers]), task
    if chosen.points is None and not Path(chosen.data).is_file():
        raise UnknownNameError("data of an experiment (or a file of rows)", chosen.data, SETS)
    points = np.array(chosen.points or _read_points(Path(chosen.data)), dtype=np.float64)
    if points.shape[1:] != (3,) or len(points) < 2:
        raise UsageError(
            f"An experiment needs two or more rows of x₁, x₂ and the answer; got {len(points)} of "
            f"{points.shape[-1]} numbers."
        )
    if chosen.task is not None:
        return points, chosen.task
    kinds: tuple[tuple[Task, tuple[int, ...]], ...] = (("binary", (0, 1)), ("softmax", (0, 1, 2)))
    return points, next((task for task, answers in kinds if np.isin(points[:, 2], answers).all()), "mse")


def _read_points(path: Path) -> Rows:
    """Rows of a file, below the names of its columns where it has them."""
    with storage_errors(f"The file {path}"):
        lines = path.read_text(encoding="utf-8").splitlines()
    return read_rows("\n".join(lines[1:] if lines and lines[0][:1].isalpha() else lines), where=str(path))
