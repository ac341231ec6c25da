"""Variational autoencoders: pictures from a code whose distribution is known, by a bound of their likelihood.

Sources: D. P. Kingma, M. Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114 (the bound, its noise
    outside of the networks, the KL divergence in appendix B); β: I. Higgins et al., ICLR 2017; binary values drawn anew
    at each step: Y. Burda et al., ICLR 2016, arXiv:1509.00519; the logistic distribution over 256 levels: T. Salimans
    et al., "PixelCNN++", ICLR 2017, arXiv:1701.05517, section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core import seeds
from derin.core.errors import RefusedFileError, UsageError
from derin.core.files import open_atomically
from derin.core.global_generator import global_generator
from derin.data.batch import Batch, Source
from derin.data.preparation import Preparation
from derin.data.table import Table
from derin.layers.options import require_range
from derin.models.system import require_networks
from derin.tasks.card import NAMES, checked
from derin.tasks.made_pictures import LATENT_GRID, REBUILT, grid, nearest_sheet
from derin.tasks.picture_maker import PictureMaker, Pixels, to_pixels, true_pixels
from derin.tasks.supervised import built_from_card
from derin.train.evaluation import evaluating
from derin.train.protocol import Losses, Outputs

_ACTIVE = 0.01  # nats of a number of the code, below which it says nothing
_NUM_REBUILT = 12
_GRID_SIDE = 16
_SMALLEST_LOG_SCALE = -7.0  # of the logistic distribution: less than a level of 256


class VAE(PictureMaker):
    """An encoder gives mean μ and log-variance ln σ² of a code z, a decoder what a picture x of it is like.

    The loss of a picture is −E[ln p(x | z)] + β KL(N(μ, σ²) ‖ N(0, 1)), z = μ + σ ε with ε ~ N(0, 1); for β = 1 it
    bounds −ln p(x) from above (the metric ``bound_nats``, whatever β). Of binary likelihood x is drawn anew at each
    step: a value is 1 with the probability that its brightness says. In measurements both draws are functions of the
    row.

    Args:
        column: of the pictures.
        beta: the weight of the KL divergence.

    Example:
        >>> from derin.models.building import build
        >>> task = VAE("picture")
        >>> system = build("vae", input_shape=(1, 8, 8), num_outputs=1, seed=0, latent=3, hidden=(9,))
        >>> losses = task.loss(system, Batch({"input": torch.zeros(3, 1, 8, 8)}, torch.arange(3)))
        >>> 0.5 < losses["loss"].item() / 64 < 1  # near ln 2 for each pixel, before anything is learned
        True
    """

    name = "vae"
    monitor = "bound_nats"
    maximize = False
    forbids = frozenset({"bf16"})  # bounds are compared by a tenth of a nat among hundreds
    options = frozenset({"beta"})
    running = ("reconstruction_nats", "kl_nats")

    def __init__(self, column: str, *, beta: float = 1.0) -> None:
        super().__init__([column])
        require_range("vae", "beta", beta, 0.0, 1000.0)
        self.beta = float(beta)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "columns": list(self.columns), "beta": self.beta}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        found = checked(cls.name, data, {"columns": NAMES, "beta": float})
        columns = found.pop("columns")
        if len(columns) != 1:
            raise RefusedFileError(f"The card's vae task must have one column of pictures; got {', '.join(columns)}.")
        return built_from_card(lambda **fields: cls(columns[0], **fields), cls.name, found)

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "vae"

    @property
    def num_outputs(self) -> int:
        return 1

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Drawn by torch's generator, which the loop seeds before each step."""
        x = batch[self.input]
        mean, log_variance = self.encode(model, x)
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        rebuilt = reconstruction_nats(self._decoder(model)(z), x, torch.rand_like(x)).mean()
        kl = kl_nats(mean, log_variance).sum(dim=1).mean()
        return {"loss": rebuilt + self.beta * kl, "reconstruction_nats": rebuilt, "kl_nats": kl}

    def check_batch(self, model: nn.Module, batch: Batch) -> None:
        self._decoder(model)
        with global_generator(next(model.parameters()).device):
            super().check_batch(model, batch)

    def encode(self, model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the code, ``(B, latent)`` each."""
        mean, log_variance = require_networks(model, "encoder", "decoder")["encoder"](x).float().chunk(2, dim=1)
        return mean, log_variance

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """The two terms of the bound for each picture.

        Shapes:
            ``reconstruction`` ``(B,)`` and ``kl`` ``(B, latent)``, nats; ``mean`` ``(B, latent)``.
        """
        x, rows = batch[self.input], batch.rows.numpy()
        mean, log_variance = self.encode(model, x)
        z = mean + (log_variance / 2).exp() * self.latent_of(rows, mean.shape[1]).to(mean)
        uniform = torch.from_numpy(seeds.uniforms(0, "binarize", 0, rows, x[0].numel())).view_as(x.cpu()).to(x.device)
        return {
            "reconstruction": reconstruction_nats(self._decoder(model)(z), x, uniform),
            "kl": kl_nats(mean, log_variance),
            "mean": mean,
        }

    def metrics(self) -> BoundMetrics:
        return BoundMetrics(self.beta, self.input)

    def draw_pictures(self, model: nn.Module, rows: npt.NDArray[np.int64], seed: int) -> Tensor:
        return self.decode_codes(model, self.latent_of(rows, self._latent(model), seed=seed))

    def decode_codes(self, model: nn.Module, codes: Tensor) -> Tensor:
        """The expected picture of each code, in −1..1, ``(B, latent)`` → ``(B, channels, height, width)``."""
        device = next(model.parameters()).device
        shape = require_networks(model, "encoder", "decoder")["encoder"].input_shape
        output = self._decoder(model)(codes.to(device)).float().flatten(1)
        num = math.prod(shape)  # type: ignore[arg-type]
        means = torch.tanh(output / 2) if output.shape[1] == num else output[:, :num].clamp(-1, 1)
        return means.reshape(-1, *shape)  # type: ignore[misc]

    def rebuild(self, model: nn.Module, pictures: Tensor) -> Tensor:
        """Pictures as the decoder makes them of the means of their codes; both in −1..1."""
        with evaluating(model), torch.inference_mode():
            return self.decode_codes(model, self.encode(model, pictures)[0])

    def walk(self, model: nn.Module, first: Tensor, last: Tensor, num: int) -> Tensor:
        """Pictures of the codes on the line from one picture's code to another's.

        Shapes:
            two pictures ``(channels, height, width)`` → ``(num, channels, height, width)``.
        """
        with evaluating(model), torch.inference_mode():
            begin, end = self.encode(model, torch.stack([first, last]))[0]
            shares = torch.linspace(0, 1, num, device=begin.device)[:, None]
            return self.decode_codes(model, begin + shares * (end - begin))

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """Beside what all makers of pictures have: pictures rebuilt of their codes; of two numbers the map."""
        found = super().final_analysis(network, preparation, table, source, folder)
        split = next((name for name in ("test", "val") if name in table.splits), "train")
        true = true_pixels(preparation, table, split, _NUM_REBUILT)
        device = next(network.parameters()).device
        x = preparation.to_model_input(torch.from_numpy(true).to(device))
        if self.keeps_pictures:
            with open_atomically(folder / REBUILT) as file:
                nearest_sheet(true, to_pixels(self.rebuild(network, x))).save(file, format="PNG")
            found["rebuilt"] = {"file": REBUILT, "num": len(true), "split": split}
        if self._latent(network) == 2:
            with open_atomically(folder / LATENT_GRID) as file:
                grid(self.map_of_two(network), _GRID_SIDE).save(file, format="PNG")
            found["latent_grid"] = {"file": LATENT_GRID, "side": _GRID_SIDE}
        return found

    def map_of_two(self, model: nn.Module, side: int = _GRID_SIDE) -> Pixels:
        """Pictures of a grid of codes of two numbers, at equal shares of the normal distribution.

        Shapes:
            ``(side², height, width, channels)``, line by line; the first number grows to the right, the second upwards.

        Raises:
            UsageError: a code has another length.
        """
        if (latent := self._latent(model)) != 2:
            raise UsageError(f"A map shows codes of 2 numbers (--option latent=2); this network has {latent}.")
        places = torch.special.ndtri((torch.arange(side) + 0.5) / side)
        codes = torch.stack([places.repeat(side), places.flip(0).repeat_interleave(side)], dim=1)
        with evaluating(model), torch.inference_mode():
            return to_pixels(self.decode_codes(model, codes))

    def _decoder(self, model: nn.Module) -> nn.Module:
        return require_networks(model, "encoder", "decoder")["decoder"]

    def _latent(self, model: nn.Module) -> int:
        shape: Any = self._decoder(model).input_shape
        return int(shape[0])


def kl_nats(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)) = (μ² + σ² − ln σ² − 1) / 2 of each number, in nats.

    Example:
        >>> kl_nats(torch.tensor([0.0, 2.0]), torch.zeros(2)).tolist()
        [0.0, 2.0]
    """
    return (mean.square() + log_variance.exp() - log_variance - 1) / 2


def reconstruction_nats(output: Tensor, x: Tensor, uniform: Tensor) -> Tensor:
    """−ln p(x | z) of each picture, in nats.

    Args:
        output: of the decoder: a logit for each value of the picture, or means and behind them log-scales.
        x: pictures of −1 to 1.
        uniform: numbers of 0 to 1 by which values become 0 or 1 where the likelihood is binary.

    Shapes:
        ``(B, …)`` of as many or twice as many values as ``x`` has, and ``(B, channels, height, width)`` → ``(B,)``.

    Raises:
        UsageError: the decoder gives another number of values.
    """
    values, output = x.float().flatten(1), output.float().flatten(1)
    num = values.shape[1]
    if output.shape[1] == num:
        drawn = (uniform.flatten(1) < (values + 1) / 2).float()
        return F.binary_cross_entropy_with_logits(output, drawn, reduction="none").sum(dim=1)
    if output.shape[1] != 2 * num:
        raise UsageError(
            f"The decoder of a VAE gives a logit for each of {num} values of a picture, or mean and log-scale; got "
            f"{output.shape[1]} values."
        )
    mean, log_scale = output[:, :num], output[:, num:].clamp(min=_SMALLEST_LOG_SCALE)
    return -_logistic_log_prob(values, mean, log_scale).sum(dim=1)


def _logistic_log_prob(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """ln(σ((x + 1/255 − μ)/s) − σ((x − 1/255 − μ)/s)); the outermost levels reach to infinity."""
    above, below = ((x - mean + half) * (-log_scale).exp() for half in (1 / 255, -1 / 255))
    # σ(a) − σ(b) = σ(a) σ(−b) (1 − e^(b − a)), of which no factor is a difference of like numbers.
    between = F.logsigmoid(above) + F.logsigmoid(-below) + torch.log(-torch.expm1(below - above))
    lowest, highest = x < -0.999, x > 0.999
    return torch.where(lowest, F.logsigmoid(above), torch.where(highest, F.logsigmoid(-below), between))


class BoundMetrics:
    """The two terms of the bound over many pictures; sums are kept in double precision.

    Args:
        beta: the weight of the KL divergence in the loss.
        input: the name of the pictures in a batch.
    """

    def __init__(self, beta: float, input: str) -> None:
        self._beta, self._input = beta, input
        self._reconstruction, self._num, self._num_values = 0.0, 0, 0
        self._kl = torch.zeros(0, dtype=torch.float64)

    def update(self, outputs: Outputs, batch: Batch) -> None:
        kl = outputs["kl"].double().sum(dim=0).cpu()
        self._kl = kl if not self._num else self._kl + kl
        self._reconstruction += float(outputs["reconstruction"].double().sum())
        self._num += len(outputs["kl"])
        self._num_values = batch[self._input][0].numel()

    def compute(self) -> dict[str, Any]:
        if not self._num:
            names = ("loss", "bound_nats", "reconstruction_nats", "kl_nats", "bits_per_pixel")
            return dict.fromkeys(names, float("nan"))
        each = self._kl / self._num
        reconstruction, kl = self._reconstruction / self._num, float(each.sum())
        return {
            "loss": reconstruction + self._beta * kl,
            "bound_nats": reconstruction + kl,
            "reconstruction_nats": reconstruction,
            "kl_nats": kl,
            "bits_per_pixel": (reconstruction + kl) / (self._num_values * math.log(2)),
            "active_latents": float((each > _ACTIVE).sum()),
        }

    def intervals(self) -> dict[str, tuple[float, float]]:
        """None: the differences of pictures say little of the bound."""
        return {}
