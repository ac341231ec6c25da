"""Batch normalization: its algebra, training against evaluation, covariate shift, and noise against batch size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from derin.api.prepared import Prepared
from derin.core.seeds import generator
from derin.layers import BatchNorm, Dense
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, GRAY, INK, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.training import prepare_plainly, train_plainly

_BATCH = (1.0, 2.0, 3.0, 6.0)  # worked by hand: μ = 3, σ² = 3.5
_SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
_DRAWS = 400  # batches of each size


@dataclass(frozen=True, kw_only=True)
class BatchNormOptions:
    """Options of the lesson.

    Args:
        bias: of the layer before; the norm takes it away again.
        shift: how much brighter every pixel of the digits becomes at test time, of 255.
        epochs: of training on digits.
        seed: of weights, order and batches.
    """

    bias: float = 7.0
    shift: int = 100
    epochs: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("batch-norm", "bias", self.bias, -1e6, 1e6)
        require_range("batch-norm", "shift", self.shift, 0, 255)
        require_range("batch-norm", "epochs", self.epochs, 1, 1_000)


def run(options: BatchNormOptions) -> Outcome:
    """A batch by hand, the idle bias, both forms of the layer, its noise, and brighter digits."""
    algebra = by_hand()
    idle = bias_difference(options)
    noise = [{"batch_size": size, "spread": spread_of_means(size, options.seed)} for size in _SIZES]
    shifted = brighter_digits(options)
    lines = [
        Text(
            "Batch 1, 2, 3, 6: μ = {mean:.4g}, σ² = {variance:.4g}, normalized {normalized}",
            "Yığın 1, 2, 3, 6: μ = {mean:.4g}, σ² = {variance:.4g}, normalleştirilmiş {normalized}",
        ).fill(
            mean=algebra["mean"],
            variance=algebra["variance"],
            normalized=", ".join(Text("{x:.3f}", "{x:.3f}").fill(x=x) for x in algebra["normalized"]),
        ),
        Text(
            "Running mean after this batch {mean:.4g} = 0.9 · 0 + 0.1 · 3; with it, evaluation makes {answer:.3f} of "
            "3, training made {trained:.3f} of it",
            "Bu yığından sonra kayan ortalama {mean:.4g} = 0,9 · 0 + 0,1 · 3; onunla değerlendirme 3'ten {answer:.3f} "
            "yapar, eğitim {trained:.3f} yapmıştı",
        ).fill(mean=algebra["running_mean"], answer=algebra["evaluated"][2], trained=algebra["normalized"][2]),
        Text(
            "A bias of {bias:g} in the layer before changes the output by {difference:.1e}: it needs none.",
            "Önceki katmandaki {bias:g} değerinde bir bias çıktıyı {difference:.1e} değiştirir: ona gerek yoktur.",
        ).fill(bias=options.bias, difference=idle),
        Text(
            "Spread of the batch mean: B = {few}: {first:.3f}, B = {many}: {last:.3f}, as 1/√B",
            "Yığın ortalamasının yayılımı: B = {few}: {first:.3f}, B = {many}: {last:.3f}, 1/√B gibi",
        ).fill(few=_SIZES[0], first=noise[0]["spread"], many=_SIZES[-1], last=noise[-1]["spread"]),
        Text(
            "Digits {accuracy:.1%} right; brighter ones {running:.1%} with the running averages of training, "
            "{batch:.1%} with the statistics of their own batch",
            "Rakamların {accuracy:.1%}'(s)i doğru; daha parlaklarının eğitimin kayan ortalamalarıyla "
            "{running:.1%}'(s)i, kendi yığınlarının istatistikleriyle {batch:.1%}'(s)i",
        ).fill(**shifted),
    ]
    numbers = {"algebra": algebra, "bias_difference": idle, "noise": noise, "covariate_shift": shifted}
    return Outcome(numbers=numbers, lines=tuple(lines), pictures={"noise.png": draw(noise, shifted)})


def norm(num_features: int, momentum: float = 0.1) -> nn.BatchNorm1d:
    """The product's layer over some features, in float64."""
    built = BatchNorm(momentum=momentum).build((num_features,)).double()
    assert isinstance(built, nn.BatchNorm1d)
    return built


def by_hand() -> dict[str, Any]:
    """The layer on one feature of four examples, in training and then in evaluation."""
    layer = norm(1)
    batch = torch.tensor(_BATCH, dtype=torch.float64)[:, None]
    with torch.no_grad():
        trained, evaluated = layer.train()(batch), layer.eval()(batch)
    return {
        "batch": list(_BATCH),
        "mean": float(batch.mean()),
        "variance": float(batch.var(correction=0)),
        # Rounding leaves −1e-17 of the mean itself; adding 0 makes −0 plain.
        "normalized": [round(value, 12) + 0.0 for value in trained[:, 0].tolist()],
        "running_mean": float(layer.get_buffer("running_mean").item()),
        "running_variance": float(layer.get_buffer("running_var").item()),
        "evaluated": evaluated[:, 0].tolist(),
    }


@torch.no_grad()
def bias_difference(options: BatchNormOptions) -> float:
    """The largest difference that a bias before the norm makes behind it, in training."""
    random = generator(options.seed, "batch-norm")
    inputs = torch.from_numpy(random.standard_normal((37, 5)))
    dense, behind = Dense(3).build((5,)).double(), norm(3).train()
    assert isinstance(dense, nn.Linear)
    outputs = []
    for bias in (0.0, options.bias):
        nn.init.constant_(dense.bias, bias)
        outputs.append(behind(dense(inputs)))
    return float((outputs[0] - outputs[1]).abs().max())


def spread_of_means(batch_size: int, seed: int) -> float:
    """The standard deviation of μ over batches of standard normal numbers, read from the layer's running mean."""
    values = generator(seed, f"noise-{batch_size}").standard_normal((_DRAWS, batch_size, 1))
    # With momentum 1 the running mean is that of the latest batch.
    layer = norm(1, momentum=1.0).train()
    means = []
    with torch.no_grad():
        for batch in torch.from_numpy(values):
            layer(batch)
            means.append(float(layer.get_buffer("running_mean").item()))
    return float(np.std(means))


def brighter_digits(options: BatchNormOptions) -> dict[str, float]:
    """Accuracy on validation digits, and on the same digits made brighter, with either kind of statistics."""
    prepared = prepare_plainly(
        "digits",
        model="mlp",
        model_options={"hidden": (64,), "batch_norm": True},
        epochs=options.epochs,
        learning_rate=0.01,
        seed=options.seed,
    )
    train_plainly(prepared)
    network = prepared.model
    table = prepared.table
    rows = table.splits["val"]
    pictures = prepared.encoded["input"].gather(rows).float()
    labels = torch.from_numpy(np.ascontiguousarray(prepared.targets[prepared.task.target]))[torch.from_numpy(rows)]
    brighter = (pictures + options.shift).clamp(max=255)
    found = {
        "accuracy": accuracy(prepared, network.eval(), pictures, labels),
        "running": accuracy(prepared, network.eval(), brighter, labels),
        # Batch statistics of the new pictures; the network has no dropout that training would switch on.
        "batch": accuracy(prepared, network.train(), brighter, labels),
    }
    network.eval()
    return found


@torch.no_grad()
def accuracy(prepared: Prepared, network: nn.Module, pictures: Tensor, labels: Tensor) -> float:
    """The share of pictures whose class is answered."""
    answers = network(prepared.preparation.to_model_input(pictures)).argmax(dim=1)
    return float((answers == labels).double().mean())


def draw(noise: list[dict[str, float]], shifted: dict[str, float]) -> bytes:
    """The noise of the batch mean over the batch size, and the accuracies."""
    figure = new_figure(9.0, 3.2)
    left, right = figure.subplots(1, 2)
    sizes = np.array([row["batch_size"] for row in noise])
    measured = str(Text("measured", "ölçülen"))
    left.loglog(sizes, [row["spread"] for row in noise], "o", color=BLUE, label=measured)
    left.loglog(sizes, 1 / np.sqrt(sizes), color=INK, linewidth=0.8, linestyle=":", label="$1/\\sqrt{B}$")
    title = Text("Noise of the batch mean", "Yığın ortalamasının gürültüsü")
    style(left, title=str(title), x_label=str(Text("batch size B", "yığın boyu B")))
    left.yaxis.set_minor_formatter("")
    legend(left, loc="upper right")
    names = (
        Text("as in\ntraining", "eğitimdeki\ngibi"),
        Text("brighter,\nrunning averages", "daha parlak,\nkayan ortalama"),
        Text("brighter,\nown batch", "daha parlak,\nkendi yığını"),
    )
    values = [100 * shifted[key] for key in ("accuracy", "running", "batch")]
    bars = right.bar([str(name) for name in names], values, color=[GRAY, ORANGE, BLUE], width=0.6)
    right.bar_label(bars, [Text("{v:.0%}", "{v:.0%}").fill(v=v / 100) for v in values], fontsize=9, color=INK)
    right.set_ylim(0, 112)
    style(right, title=str(Text("Digits right, %", "Doğru rakamlar, %")))
    return png(figure)


LESSON = Lesson(
    name="batch-norm",
    rows=("C7",),
    title=Text("Batch normalization", "Yığın normalleştirme"),
    about=Text(
        "In training each feature is normalized by mean and variance of the batch at hand, then scaled by γ and "
        "shifted by β, which are learned; a bias in the layer before would be subtracted with the mean. In evaluation "
        "running averages take their place, so that an answer does not depend on its neighbors. Batch statistics "
        "tremble by 1/√B, which regularizes a little. When the inputs shift (a network trained on black cats meets "
        "colored ones), the averages of training no longer fit; normalizing with the new batch mends part of it.",
        "Eğitimde her öznitelik, eldeki yığının ortalaması ve varyansıyla normalleştirilir, sonra öğrenilen γ ile "
        "ölçeklenip β ile kaydırılır; önceki katmandaki bias, ortalamayla birlikte çıkarılmış olur. Değerlendirmede "
        "kayan ortalamalar kullanılır; böylece yanıt komşularına bağlı kalmaz. Yığın istatistikleri 1/√B kadar titrer, "
        "bu da biraz düzenlileştirir. Girdiler kayınca (siyah kedilerle eğitilen ağ renklileriyle karşılaşınca) "
        "eğitimin ortalamaları uymaz; yeni yığınla normalleştirmek bunun bir bölümünü düzeltir.",
    ),
    formula=r"\hat z = \frac{z - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}}, \quad y = \gamma \hat z + \beta, \qquad "
    r"\frac{(z + b) - (\mu_B + b)}{\sqrt{\sigma_B^2 + \epsilon}} = \hat z",
    run=run,
    options=BatchNormOptions,
)
