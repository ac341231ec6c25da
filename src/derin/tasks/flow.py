"""Flow matching: a network learns with which velocity noise becomes a picture; who follows it makes pictures.

Sources: Y. Lipman, R. T. Q. Chen, H. Ben-Hamu, M. Nickel, M. Le, "Flow matching for generative modeling", ICLR 2023,
    arXiv:2210.02747; X. Liu, C. Gong, Q. Liu, "Flow straight and fast: Learning to generate and transfer data with
    rectified flow", ICLR 2023, arXiv:2209.03003 (straight ways); conditions left out in training: J. Ho, T. Salimans,
    "Classifier-free diffusion guidance", arXiv:2207.12598; times near the middle more often: P. Esser et al., "Scaling
    rectified flow transformers for high-resolution image synthesis", ICML 2024, arXiv:2403.03206, section 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core import seeds
from derin.core.errors import DataError, RefusedFileError, UnknownNameError, UsageError
from derin.core.fields import Listed
from derin.core.global_generator import global_generator
from derin.data.batch import Batch, Source
from derin.data.preparation import Preparation
from derin.data.schema import Column, Kind
from derin.data.table import Ragged, Rows, Table
from derin.data.text.casing import to_lower
from derin.data.text.vocabulary import BOS, PAD, UNK, Vocabulary
from derin.data.text.words import split_words
from derin.layers.options import require_range
from derin.models.flow_unet import MOST_TOKENS
from derin.tasks.card import NAMES, checked
from derin.tasks.flow_sampling import follow, guided
from derin.tasks.made_pictures import WAY, save_way
from derin.tasks.picture_maker import NUM_SAMPLES, PictureMaker, picture_column, to_pixels
from derin.tasks.supervised import built_from_card
from derin.tasks.targets import class_numbers
from derin.train.evaluation import evaluating
from derin.train.protocol import Losses, Outputs

Pixels = npt.NDArray[np.uint8]

CONDITIONS = ("none", "class", "text")
GUIDANCE = {"none": 1.0, "class": 1.0, "text": 3.0}
STEPS, METHOD = 10, "heun"
_TIMES = ("middle", "uniform")
_CONDITION = "condition"  # the column of a batch


class Flow(PictureMaker):
    """A network v that learns E‖v(x_t, t, c) − (x₁ − x₀)‖², where x_t = (1 − t) x₀ + t x₁ lies on the straight way.

    x₀ is noise of N(0, 1), x₁ a picture, t a time from 0 to 1 and c what the picture shows: nothing, a class or a text.
    The velocity that is best is the mean over all ways through a place, and following it from noise makes a picture.
    For a share of the examples c is left out, so that one network knows both velocities that guidance needs.

    Args:
        column: of the pictures.
        told: the column of what they show; None where nothing is told.
        condition: ``"none"``, ``"class"`` or ``"text"``.
        classes: names of the classes.
        words: that descriptions are made of.
        shown: descriptions that the samples after each epoch have.
        drop_condition: share of the examples whose condition is left out in training.
        times: ``"middle"``, the logistic function of N(0, 1), or ``"uniform"``.

    Example:
        >>> from derin.models.building import build
        >>> task = Flow("picture")
        >>> network = build("flow_unet", input_shape=(1, 8, 8), num_outputs=1, seed=0, width=8)
        >>> batch = Batch({"input": torch.zeros(3, 1, 8, 8)}, torch.arange(3))
        >>> task.loss(network, batch)["loss"].shape
        torch.Size([])
    """

    name = "flow"
    _shape: tuple[int, ...]
    _channels = 1
    monitor = None
    maximize = False
    options = frozenset({"condition", "drop_condition", "times"})

    def __init__(
        self,
        column: str,
        told: str | None = None,
        *,
        condition: str = "none",
        classes: Sequence[str] = (),
        words: Sequence[str] = (),
        shown: Sequence[str] = (),
        drop_condition: float = 0.1,
        times: str = "middle",
    ) -> None:
        super().__init__([column] if told is None else [column, told])
        require_range("flow", "drop_condition", drop_condition, 0.0, 0.9)
        for option, value, known in (("condition", condition, CONDITIONS), ("times", times, _TIMES)):
            if value not in known:
                raise UsageError(f"The option {option!r} of flow must be one of {', '.join(known)}; got {value!r}.")
        if (told is None) != (condition == "none") or bool(classes) != (condition == "class"):
            raise UsageError(
                f"The condition {condition!r} of flow does not go with the column {told!r} and its classes."
            )
        self.told, self.condition = told, condition
        self.classes, self.words, self.shown = tuple(classes), tuple(words), tuple(shown)
        self.drop_condition, self.times = float(drop_condition), times

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        picture = picture_column(table, rows)
        given = dict(options)
        told = _told(table, given.pop("condition", None))
        if told is None:
            return cls(picture, **given)
        if told.kind is Kind.TEXT:
            words = sorted({word for text in _texts(table, told, rows) for word in _words(text)})
            held_out = next((table.splits[name] for name in ("val", "test") if len(table.splits.get(name, ()))), rows)
            shown = tuple(dict.fromkeys(_texts(table, told, held_out[: 4 * NUM_SAMPLES])))[:NUM_SAMPLES]
            return cls(picture, told.name, condition="text", words=words, shown=shown, **given)
        return cls(picture, told.name, condition="class", classes=told.classes or (), **given)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "condition": self.condition,
            "classes": list(self.classes),
            "words": list(self.words),
            "shown": list(self.shown),
            "drop_condition": self.drop_condition,
            "times": self.times,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        names = Listed(str)
        forms = {"columns": NAMES, "condition": str, "classes": names, "words": names, "shown": names}
        found = checked(cls.name, data, {**forms, "drop_condition": float, "times": str})
        columns = found.pop("columns")
        if len(columns) > 2:
            raise RefusedFileError(f"The card's flow task must have one or two columns; got {', '.join(columns)}.")
        task = built_from_card(lambda **fields: cls(*columns, **fields), cls.name, found)
        try:
            _ = task.vocabulary
        except DataError as error:
            raise RefusedFileError(f"The card's flow task has words that are refused: {error}") from None
        return task

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "flow_unet"

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Of the words of descriptions."""
        return Vocabulary.from_tokens(self.words)

    @property
    def num_outputs(self) -> int:
        return self._channels

    def bind(self, preparation: Preparation) -> None:
        super().bind(preparation)
        self._shape = tuple(preparation.input_shape)
        self._channels = self._shape[0]

    def network_options(self, model: str) -> dict[str, Any]:
        if model != "flow_unet" or self.condition == "none":
            return {}
        num = 1 + len(self.classes) if self.condition == "class" else len(self.vocabulary)
        return {"condition": self.condition, "num_conditions": num}

    def batch_columns(self, table: Table) -> dict[str, Any]:
        if self.told is None or all(column.name != self.told for column in table.schema):
            return {}
        column = table.schema[self.told]
        if self.condition == "class":
            return {_CONDITION: class_numbers(table, column, self.classes) + 1}  # 0 where it is missing
        return {_CONDITION: self.tokens(_texts(table, column, np.arange(len(table))))}

    def tokens(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """The numbers of the words of descriptions, a beginning before them, padded at the right.

        Shapes:
            ``(len(texts), T)``.
        """
        rows = [[BOS, *self.vocabulary.encode(_words(text)).tolist()][:MOST_TOKENS] for text in texts]
        found = np.full((len(rows), max(map(len, rows))), PAD, dtype=np.int64)
        for place, row in enumerate(rows):
            found[place, : len(row)] = row
        return found

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        x = batch[self.input]
        t = (
            torch.randn(len(x), device=x.device).sigmoid()
            if self.times == "middle"
            else torch.rand(len(x), device=x.device)
        )
        noise = torch.randn_like(x)
        condition = batch.columns.get(_CONDITION)
        if condition is not None:
            condition = self._left_out(condition, torch.rand(len(x), device=x.device) < self.drop_condition)
        return {"loss": self._errors(model, x, noise, t, condition).mean()}

    def check_batch(self, model: nn.Module, batch: Batch) -> None:
        with global_generator(next(model.parameters()).device):  # a loss draws noise
            super().check_batch(model, batch)

    def _left_out(self, condition: Tensor, left_out: Tensor) -> Tensor:
        """The conditions, of some rows that which tells nothing."""
        return torch.where(left_out if condition.ndim == 1 else left_out[:, None], self._nothing(condition), condition)

    def _nothing(self, condition: Tensor) -> Tensor:
        """As `condition`, telling nothing: no class, or a description that ends where it begins."""
        nothing = torch.zeros_like(condition)
        if condition.ndim == 2:
            nothing[:, 0] = BOS
        return nothing

    def _errors(self, model: nn.Module, x: Tensor, noise: Tensor, t: Tensor, condition: Tensor | None) -> Tensor:
        """The mean squared error of the velocity of each example, ``(B,)``."""
        at = t.to(x.dtype)[:, None, None, None]
        velocity = self._velocity(model, (1 - at) * noise + at * x, t, condition)
        return (velocity.float() - (x - noise).float()).square().mean((1, 2, 3))

    def _velocity(self, model: nn.Module, x: Tensor, t: Tensor, condition: Tensor | None) -> Tensor:
        velocity: Tensor = model(x, t) if condition is None else model(x, t, condition)
        if velocity.shape != x.shape:
            raise UsageError(
                f"A network of --task flow must give a velocity for every pixel, {tuple(x.shape[1:])} for each "
                f"example; got {tuple(velocity.shape[1:])}. Take --model flow_unet."
            )
        return velocity

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """How far the velocity is off, at times and from noise that are a function of the row.

        Shapes:
            ``velocity_error`` ``(B,)``.
        """
        x, rows = batch[self.input], batch.rows.numpy()
        noise = self.noise_of(rows, tuple(x.shape[1:])).to(x.device)
        t = torch.from_numpy(seeds.uniforms(0, "flow-time", 0, rows, 1))[:, 0].to(x.device)
        return {"velocity_error": self._errors(model, x, noise, t, batch.columns.get(_CONDITION))}

    def noise_of(self, rows: npt.ArrayLike, shape: tuple[int, ...], *, seed: int = 0) -> Tensor:
        """Numbers of N(0, 1) as a function of seed and row alone, by which pictures can be made again."""
        return self.latent_of(rows, math.prod(shape), seed=seed).reshape(-1, *shape)

    def metrics(self) -> FlowMetrics:
        return FlowMetrics()

    def conditions(self, num: int, *, label: str | None = None, text: str | None = None) -> Tensor | None:
        """What pictures that are to be made are told: one class or text, or where none is named all in turn.

        Raises:
            UnknownNameError: no such class.
            UsageError: words that no description in training had, or a condition of another kind.

        Example:
            >>> Flow("picture", "kind", condition="class", classes=["cat", "dog"]).conditions(3).tolist()
            [1, 2, 1]
        """
        for given, kind, option in ((label, "class", "--class"), (text, "text", "--text")):
            if given is not None and self.condition != kind:
                learned = {"none": "nothing", "class": "classes", "text": "descriptions"}[self.condition]
                raise UsageError(f"This flow was told {learned} in training, so that {option} says nothing to it.")
        if self.condition == "none":
            return None
        if self.condition == "class":
            if label is not None and label not in self.classes:
                raise UnknownNameError("class", label, self.classes)
            numbers = (
                torch.arange(num) % len(self.classes)
                if label is None
                else torch.full((num,), self.classes.index(label))
            )
            return numbers + 1
        if text is not None:
            self.check_words(text)
        tokens = torch.from_numpy(self.tokens(self.shown if text is None else [text]))
        return tokens[torch.arange(num) % len(tokens)]

    def check_words(self, text: str) -> None:
        """Refuses a description with words that none in training had, or with none at all.

        Raises:
            UsageError: it is so.
        """
        words = _words(text)
        unknown = [word for word, number in zip(words, self.vocabulary.encode(words)) if number == UNK]
        if unknown or not words or len(words) >= MOST_TOKENS:
            got = ", ".join(map(repr, unknown)) if unknown else f"{len(words)} words"
            listed = ", ".join(self.words[:_MOST_LISTED]) + (", …" if len(self.words) > _MOST_LISTED else "")
            raise UsageError(
                f"A description must have 1 to {MOST_TOKENS - 1} words that descriptions in training had; got {got}. "
                f"Use such as {self.shown[0] if self.shown else listed!r}; known words: {listed}."
            )

    def way(
        self,
        model: nn.Module,
        rows: npt.ArrayLike,
        condition: Tensor | None,
        *,
        seed: int = 0,
        steps: int = STEPS,
        guidance: float | None = None,
        method: str = METHOD,
    ) -> Iterator[Tensor]:
        """The states from noise to pictures, in evaluation mode and without gradients.

        Args:
            model: the network.
            rows: which noise.
            condition: as `conditions` gives it.
            seed: of the noise.
            steps: N.
            guidance: g; 1 leaves the condition as it was learned.
            method: ``"euler"`` or ``"heun"``.

        Shapes:
            N + 1 times ``(B, C, H, W)``.
        """
        strength = GUIDANCE[self.condition] if guidance is None else guidance
        require_range("flow", "guidance", strength, 0.0, 100.0)
        device = next(model.parameters()).device
        told = None if condition is None else condition.to(device)
        nothing = None if told is None else self._nothing(told)

        def field(x: Tensor, t: float) -> Tensor:
            times = torch.full((len(x),), t, device=x.device)
            if told is None or nothing is None or strength == 1.0:
                return self._velocity(model, x, times, told)
            both = self._velocity(model, torch.cat((x, x)), torch.cat((times, times)), torch.cat((nothing, told)))
            return guided(both[: len(x)], both[len(x) :], strength)

        states = follow(field, self.noise_of(rows, self._shape, seed=seed).to(device), steps, method)
        while True:
            # Modes are put back before whoever asked goes on.
            with evaluating(model), torch.inference_mode():
                state = next(states, None)
            if state is None:
                return
            yield state

    def make_pictures(
        self,
        model: nn.Module,
        num: int,
        *,
        seed: int = 0,
        batch_size: int = 256,
        label: str | None = None,
        text: str | None = None,
        **how: Any,
    ) -> Pixels:
        """New pictures; the same seed makes the same ones.

        Args:
            model: the network.
            num: how many.
            seed: of the noise.
            batch_size: pictures that are made together.
            label: the class that they show; all in turn where none is named.
            text: what they show.
            how: steps, guidance and method of `way`.

        Shapes:
            ``(num, height, width, channels)`` uint8.
        """
        condition = self.conditions(num, label=label, text=text)
        made = []
        for start in range(0, num, batch_size):
            rows = np.arange(start, min(start + batch_size, num))
            made.append(to_pixels(self._drawn(model, rows, condition, seed=seed, **how)))
        return np.concatenate(made)

    def draw_pictures(self, model: nn.Module, rows: npt.NDArray[np.int64], seed: int) -> Tensor:
        """As where nobody wishes anything: all classes or descriptions in turn."""
        return self._drawn(model, rows, self.conditions(int(rows.max()) + 1), seed=seed)

    def _drawn(self, model: nn.Module, rows: npt.NDArray[np.int64], condition: Tensor | None, **how: Any) -> Tensor:
        """Pictures, each told what stands at its row of `condition`."""
        *_, last = self.way(model, rows, None if condition is None else condition[torch.from_numpy(rows)], **how)
        return last

    def frames(
        self, model: nn.Module, num: int, *, label: str | None = None, text: str | None = None, **how: Any
    ) -> list[Pixels]:
        """The way of some pictures: of each step all of them."""
        condition = self.conditions(num, label=label, text=text)
        return [to_pixels(state) for state in self.way(model, np.arange(num), condition, **how)]

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """What any maker of pictures finds, and the way from noise as a moving picture."""
        found = super().final_analysis(network, preparation, table, source, folder)
        save_way(folder / WAY, self.frames(network, NUM_SAMPLES))
        told = self.shown if self.condition == "text" else self.classes
        names = [told[place % len(told)] for place in range(NUM_SAMPLES)] if told else []
        return {**found, "way": {"file": WAY, "told": names}}


class FlowMetrics:
    """The mean squared error of the velocity.

    Example:
        >>> metrics = FlowMetrics()
        >>> metrics.update({"velocity_error": torch.tensor([1.0, 2.0])}, None)
        >>> metrics.compute()
        {'loss': 1.5}
    """

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._num = 0

    def update(self, outputs: Outputs, batch: Batch | None) -> None:
        errors = outputs["velocity_error"]
        total = errors.sum() if errors.device.type == "mps" else errors.double().sum()
        self._sum = total if self._sum is None else self._sum + total
        self._num += len(errors)

    def compute(self) -> dict[str, Any]:
        return {"loss": float("nan") if self._sum is None else float(self._sum) / self._num}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """None: at a random time the error is large however good the network is."""
        return {}


def _told(table: Table, condition: str | None) -> Column | None:
    """The column that says what the pictures show, of the kind that is asked for; the first of either where none is."""
    kinds = {"class": (Kind.CATEGORY,), "text": (Kind.TEXT,), "none": (), None: (Kind.TEXT, Kind.CATEGORY)}
    if condition not in kinds:
        raise UsageError(f"The option 'condition' of flow must be one of {', '.join(CONDITIONS)}; got {condition!r}.")
    fitting = [c for c in table.targets if c.kind in kinds[condition] and (c.kind is Kind.TEXT or c.shape == ())]
    if fitting:
        return fitting[0]
    if condition in ("class", "text"):
        raise DataError(
            f"Table {table.name!r}: condition={condition} needs a target column of "
            f"{'classes' if condition == 'class' else 'texts'}; there is none. Name one with --target, or take "
            "condition=none."
        )
    return None


def _texts(table: Table, column: Column, rows: Rows) -> list[str]:
    data = table[column.name]
    if not isinstance(data, Ragged) or column.kind is not Kind.TEXT:
        raise DataError(f"Table {table.name!r}: {column.name!r} must hold texts; it holds {column.kind.value}.")
    return data.texts(rows)


def _words(text: str) -> list[str]:
    return split_words(to_lower(text))


_MOST_LISTED = 24
