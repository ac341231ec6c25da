"""Early stopping: the validation error turns while the training error still falls."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from derin.api.prepared import Prepared
from derin.core.seeds import generator
from derin.data.batch import Batch
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, GRAY, INK, ORANGE, RED, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.training import prepare_plainly, train_plainly
from derin.train.loop import TrainingState

# The points of the curve are drawn evenly from this side to that.
_LOW, _HIGH = -1.0, 1.0


@dataclass(frozen=True, kw_only=True)
class StoppingOptions:
    """Options of the lesson.

    Args:
        num_points: how many noisy points of a curve there are; three fifths are trained on.
        noise: standard deviation of their answers.
        hidden: units of each of two hidden layers.
        epochs: at most.
        patience: epochs without a better validation error after which training stops.
        learning_rate: of Adam.
        seed: of points, weights and order.
    """

    num_points: int = 50
    noise: float = 0.5
    hidden: int = 200
    epochs: int = 200
    patience: int = 40
    learning_rate: float = 0.01
    seed: int = 4

    def __post_init__(self) -> None:
        require_range("early-stopping", "num_points", self.num_points, 10, 10_000)
        require_range("early-stopping", "noise", self.noise, 0.0, 100.0)
        require_range("early-stopping", "hidden", self.hidden, 1, 10_000)
        require_range("early-stopping", "epochs", self.epochs, 2, 100_000)
        require_range("early-stopping", "patience", self.patience, 1, 100_000)


def curve(x: np.ndarray) -> np.ndarray:
    """What the points would be without noise."""
    return np.sin(math.pi * x)


def run(options: StoppingOptions) -> Outcome:
    """Trains to the end and with patience, and compares the networks on points without noise."""
    random = generator(options.seed, "early-stopping")
    inputs = random.uniform(_LOW, _HIGH, options.num_points)
    answers = curve(inputs) + options.noise * random.standard_normal(options.num_points)
    prepared = prepared_for(inputs, answers, replace(options, patience=options.epochs))
    keeper = Keeper()
    whole = train_plainly(prepared, on_best=keeper.keep)
    stopped = train_plainly(prepared_for(inputs, answers, options))

    history = whole.history
    best_epoch = keeper.epoch
    at_best, at_end = history[best_epoch - 1], history[-1]
    along = np.linspace(_LOW, _HIGH, 201)
    fits = {"best": answer(prepared, keeper.network, along), "end": answer(prepared, prepared.model, along)}
    errors = {name: float(np.sqrt(np.mean((fit - curve(along)) ** 2))) for name, fit in fits.items()}
    numbers = {
        "best_epoch": best_epoch,
        "epochs": len(history),
        "stopped_at": stopped.epoch,
        "stopped_why": stopped.stopped,
        "stopped_best_epoch": stopped.tracker.best_epoch,
        "val": {"best": at_best["val"]["rmse"], "end": at_end["val"]["rmse"]},
        "train": {"best": at_best["train"]["rmse"], "end": at_end["train"]["rmse"]},
        "distance_from_curve": errors,
    }
    told = Text(
        "epoch {epoch:>4}: error on training points {train:.3f}, on validation points {val:.3f}; "
        "distance from the true curve {distance:.3f}",
        "epok {epoch:>4}: eğitim noktalarında hata {train:.3f}, doğrulama noktalarında {val:.3f}; "
        "gerçek eğriye uzaklık {distance:.3f}",
    )
    lines = [
        told.fill(epoch=epoch, train=record["train"]["rmse"], val=record["val"]["rmse"], distance=errors[name])
        for name, epoch, record in (("best", best_epoch, at_best), ("end", len(history), at_end))
    ]
    patience = Text(
        "With patience {patience} training stops after epoch {epoch} and keeps the network of epoch {best}.",
        "Sabır {patience} ile eğitim {epoch}. epoktan sonra durur ve {best}. epoktaki ağı saklar.",
    )
    lines.append(patience.fill(patience=options.patience, epoch=stopped.epoch, best=stopped.tracker.best_epoch))
    picture = draw(history, best_epoch, stopped.epoch, (inputs, answers), along, fits)
    return Outcome(numbers=numbers, lines=tuple(lines), pictures={"curves.png": picture})


class Keeper:
    """A copy of the network whenever it is the best so far, with the number of its epoch."""

    def __init__(self) -> None:
        self.network, self.epoch = nn.Module(), 0

    def keep(self, loop: TrainingState, record: dict[str, Any]) -> None:
        self.network, self.epoch = copy.deepcopy(loop.model), int(record["epoch"])


def prepared_for(inputs: np.ndarray, answers: np.ndarray, options: StoppingOptions) -> Prepared:
    """A network with far more weights than there are points."""
    return prepare_plainly(
        (inputs[:, None], answers),
        model="mlp",
        model_options={"hidden": (options.hidden, options.hidden)},
        optimizer="adam",
        schedule="constant",
        weight_decay=0.0,
        batch_size=16,
        learning_rate=options.learning_rate,
        epochs=options.epochs,
        patience=options.patience,
        seed=options.seed,
    )


@torch.no_grad()
def answer(prepared: Prepared, network: nn.Module, inputs: np.ndarray) -> np.ndarray:
    """What a network says at places of the curve, through preparation and task as in any prediction."""
    ready = prepared.preparation.to_model_input(torch.tensor(inputs[:, None], dtype=torch.float32))
    batch = Batch({prepared.task.input: ready}, rows=torch.arange(len(inputs)))
    values: np.ndarray = prepared.task.predict(network.eval(), batch)["value"].double().numpy()
    return values


def draw(
    history: list[dict[str, Any]],
    best_epoch: int,
    stop_epoch: int,
    points: tuple[np.ndarray, np.ndarray],
    along: np.ndarray,
    fits: dict[str, np.ndarray],
) -> bytes:
    """Both errors over the epochs, and the curve that the network draws at its best and at the end."""
    figure = new_figure(9.0, 3.4)
    left, right = figure.subplots(1, 2)
    epochs = range(1, len(history) + 1)
    for split, color, name in (
        ("train", BLUE, Text("training", "eğitim")),
        ("val", ORANGE, Text("validation", "doğrulama")),
    ):
        left.plot(epochs, [record[split]["rmse"] for record in history], color=color, label=str(name))
    for epoch, line, name in (
        (best_epoch, "--", Text("best", "en iyi")),
        (stop_epoch, ":", Text("patience ends", "sabır biter")),
    ):
        left.axvline(epoch, color=INK, linewidth=0.9, linestyle=line, label=str(name))
    # The first epochs are far above all others and teach nothing here.
    left.set_ylim(0, 2.4 * history[best_epoch - 1]["val"]["rmse"])
    style(left, title=str(Text("Error (RMSE)", "Hata (RMSE)")), x_label=str(Text("epoch", "epok")))
    legend(left, loc="upper right", ncols=2)

    right.plot(*points, "o", color=GRAY, markersize=4, label=str(Text("points", "noktalar")))
    right.plot(along, curve(along), color=INK, linewidth=0.9, linestyle=":", label=str(Text("truth", "gerçek")))
    right.plot(along, fits["best"], color=BLUE, label=str(Text("best epoch", "en iyi epok")))
    right.plot(along, fits["end"], color=RED, label=str(Text("last epoch", "son epok")))
    low, high = points[1].min(), points[1].max()
    right.set_ylim(low - 0.1, high + 0.45 * (high - low))
    style(right, title=str(Text("What the network learned", "Ağın öğrendiği")), x_label="x")
    legend(right, loc="upper right", ncols=2)
    return png(figure)


LESSON = Lesson(
    name="early-stopping",
    rows=("C4",),
    title=Text("Early stopping", "Erken durdurma"),
    about=Text(
        "A network with many more weights than there are points first learns the curve and then the noise: the error "
        "on training points falls on, that on validation points turns. The network of the best epoch is kept, and "
        "training stops after so many epochs without a better one. It costs one knob for two things, fitting and not "
        "over-fitting, which is why L2 is often tried beside it.",
        "Noktalardan çok daha fazla ağırlığı olan bir ağ önce eğriyi, sonra gürültüyü öğrenir: eğitim noktalarındaki "
        "hata düşmeyi sürdürür, doğrulama noktalarındaki geri döner. En iyi epoktaki ağ saklanır ve daha iyisi "
        "gelmeden şu kadar epok geçince eğitim durur. Tek düğme iki işi, uydurmayı ve aşırı uydurmamayı birlikte "
        "ayarlar; bu yüzden yanında çoğu kez L2 de denenir.",
    ),
    formula=r"t^{*} = \arg\min_t J_{\text{val}}(w_t), \qquad \text{stop at the first } t \ge t^{*} + \text{patience}",
    run=run,
    options=StoppingOptions,
)
