"""Generative adversarial networks: a generator makes pictures, a discriminator learns to tell them from real ones.

Sources: I. Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, arXiv:1406.2661 (both losses); label
    smoothing of real pictures alone: T. Salimans et al., "Improved techniques for training GANs", NeurIPS 2016,
    arXiv:1606.03498, section 3.4; hinge: J. H. Lim, J. C. Ye, "Geometric GAN", 2017, arXiv:1705.02894; R1: L. Mescheder
    et al., "Which training methods for GANs do actually converge?", ICML 2018, arXiv:1801.04406; relativistic: A.
    Jolicoeur-Martineau, ICLR 2019, arXiv:1807.00734, with R1: N. Huang et al., "The GAN is dead; long live the GAN!",
    NeurIPS 2024, arXiv:2501.05441.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import RefusedFileError, UsageError
from derin.data.batch import Batch
from derin.data.table import Table
from derin.layers.options import require_range
from derin.tasks.card import NAMES, checked
from derin.tasks.picture_maker import PictureMaker, uniform_rows
from derin.tasks.supervised import built_from_card
from derin.tasks.system import SystemTask
from derin.train.protocol import Losses, Outputs, Step

_NOISES = ("normal", "uniform")
_LOSSES = ("non-saturating", "saturating", "hinge", "relativistic")


class GAN(PictureMaker, SystemTask):
    """A generator G against a discriminator D, whose logit is high for real pictures x and low for G(z).

    The discriminator's loss is the mean of −ln σ(D(x)) and −ln(1 − σ(D(G(z)))), the generator's −ln σ(D(G(z))), whose
    gradient does not vanish while the discriminator is sure (``"non-saturating"``); at ln 2 = 0.693 in both, the
    discriminator tosses a coin. First the discriminator learns, then the generator from what it is now.

    Args:
        column: of the pictures.
        label_smoothing: a real picture's target is 1 − s; that of a made one stays 0.
        label_noise: share of the real pictures that are called made ones.
        noise: what pictures are made from: ``"normal"`` numbers, or ``"uniform"`` ones from −1 to 1.
        loss: ``"saturating"`` is ln(1 − σ(D(G(z)))) for the generator; ``"hinge"`` has the mean of max(0, 1 − D(x))
            and max(0, 1 + D(G(z))) for the discriminator, −D(G(z)) for the generator; ``"relativistic"`` compares
            pairs: −ln σ(D(x) − D(G(z))), and with the signs turned round for the generator.
        r1: the weight γ of the penalty γ/2 ‖∇ₓ D(x)‖² at real pictures; 0 has none.

    Example:
        >>> from derin.models.building import build
        >>> task = GAN("picture")
        >>> system = build("dcgan", input_shape=(1, 8, 8), num_outputs=1, seed=0, width=4, latent=5)
        >>> batch = Batch({"input": torch.zeros(3, 1, 8, 8)}, torch.arange(3))
        >>> round(task.loss(system, batch)["loss"].item(), 1)
        1.4
    """

    name = "gan"
    maximize = False
    forbids = frozenset({"bf16"})  # which of two networks is ahead is a small difference
    options = frozenset({"label_smoothing", "label_noise", "noise", "loss", "r1"})
    network_names = ("discriminator", "generator")
    running = ("discriminator_loss", "generator_loss", "discriminator_accuracy")

    def __init__(
        self,
        column: str,
        *,
        label_smoothing: float = 0.0,
        label_noise: float = 0.0,
        noise: str = "normal",
        loss: str = "non-saturating",
        r1: float = 0.0,
    ) -> None:
        super().__init__([column])
        require_range("gan", "label_smoothing", label_smoothing, 0.0, 0.5)
        require_range("gan", "label_noise", label_noise, 0.0, 0.5)
        require_range("gan", "r1", r1, 0.0, 1e6)
        for option, value, known in (("noise", noise, _NOISES), ("loss", loss, _LOSSES)):
            if value not in known:
                raise UsageError(f"The option {option!r} of gan must be one of {', '.join(known)}; got {value!r}.")
        self.label_smoothing, self.label_noise = float(label_smoothing), float(label_noise)
        self.noise, self.kind_of_loss, self.r1 = noise, loss, float(r1)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "label_smoothing": self.label_smoothing,
            "label_noise": self.label_noise,
            "noise": self.noise,
            "loss": self.kind_of_loss,
            "r1": self.r1,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        forms = {"columns": NAMES, "label_smoothing": float, "label_noise": float, "noise": str, "loss": str}
        # Cards of before the penalty have none.
        found = checked(cls.name, {"r1": 0.0, **data}, {**forms, "r1": float})
        columns = found.pop("columns")
        if len(columns) != 1:
            raise RefusedFileError(f"The card's gan task must have one column of pictures; got {', '.join(columns)}.")
        return built_from_card(lambda **fields: cls(columns[0], **fields), cls.name, found)

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "dcgan"

    @property
    def num_outputs(self) -> int:
        return 1

    def update(self, step: Step, batch: Batch) -> Losses:
        networks = self.networks(step.model)
        discriminator, generator = (networks[name] for name in self.network_names)
        real = batch[self.input]
        num = len(real)
        generator_learns = step.is_due("generator")
        with step.autocast():
            z = self._draw(num, latent_size(generator), real.device)
            with torch.set_grad_enabled(generator_learns and torch.is_grad_enabled()):
                made = generator(z)
            penalized = self.r1 > 0 and torch.is_grad_enabled() and step.is_due("discriminator")
            x = real.detach().requires_grad_() if penalized else real
            on_real, on_made = discriminator(x), discriminator(made.detach())
            of_discriminator = self._discriminator_loss(on_real, on_made)
            if penalized:
                of_discriminator = of_discriminator + self.r1 / 2 * squared_slope(on_real, x)
        step.minimize("discriminator", of_discriminator, num)
        with step.autocast(), torch.set_grad_enabled(generator_learns and torch.is_grad_enabled()):
            on_real_now = None
            if self.kind_of_loss == "relativistic":
                with torch.no_grad():
                    on_real_now = discriminator(real)
            of_generator = self._generator_loss(discriminator(made), on_real_now)
        step.minimize("generator", of_generator, num)
        if self.kind_of_loss == "relativistic":  # whose logits mean nothing but by their differences
            right = (on_real.detach() > on_made.detach()).float().mean()
        else:
            right = ((on_real.detach() > 0).float().mean() + (on_made.detach() < 0).float().mean()) / 2
        return {
            "loss": of_discriminator.detach() + of_generator.detach(),
            "discriminator_loss": of_discriminator,
            "generator_loss": of_generator,
            "discriminator_accuracy": right,
        }

    def _discriminator_loss(self, on_real: Tensor, on_made: Tensor) -> Tensor:
        if self.kind_of_loss == "hinge":
            return (F.relu(1 - on_real).mean() + F.relu(1 + on_made).mean()) / 2
        if self.kind_of_loss == "relativistic":
            return F.softplus(on_made - on_real).mean()
        targets = torch.full_like(on_real, 1 - self.label_smoothing)
        if self.label_noise:
            targets = targets.where(torch.rand_like(on_real) >= self.label_noise, torch.zeros_like(on_real))
        of_made = F.binary_cross_entropy_with_logits(on_made, torch.zeros_like(on_made))
        return (F.binary_cross_entropy_with_logits(on_real, targets) + of_made) / 2

    def _generator_loss(self, on_made: Tensor, on_real: Tensor | None) -> Tensor:
        if on_real is not None:
            return F.softplus(on_real - on_made).mean()
        if self.kind_of_loss == "hinge":
            return -on_made.mean()
        if self.kind_of_loss == "saturating":
            return -F.binary_cross_entropy_with_logits(on_made, torch.zeros_like(on_made))
        return F.binary_cross_entropy_with_logits(on_made, torch.ones_like(on_made))

    def _draw(self, num: int, latent: int, device: torch.device) -> Tensor:
        """Noise of torch's generator, which the loop seeds before each step."""
        if self.noise == "uniform":
            return torch.rand(num, latent, device=device) * 2 - 1
        return torch.randn(num, latent, device=device)

    def latent_of(self, rows: npt.ArrayLike, latent: int, *, seed: int = 0) -> Tensor:
        if self.noise == "uniform":
            return uniform_rows(rows, latent, seed) * 2 - 1
        return super().latent_of(rows, latent, seed=seed)

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """What the discriminator says of the pictures and of as many made ones.

        Shapes:
            ``on_real`` and ``on_made``: ``(B, 1)`` logits.
        """
        networks = self.networks(model)
        discriminator, generator = (networks[name] for name in self.network_names)
        z = self.latent_of(batch.rows.numpy(), latent_size(generator)).to(batch[self.input].device)
        return {"on_real": discriminator(batch[self.input]), "on_made": discriminator(generator(z))}

    def metrics(self) -> AdversaryMetrics:
        return AdversaryMetrics()

    def draw_pictures(self, model: nn.Module, rows: npt.NDArray[np.int64], seed: int) -> Tensor:
        generator = self.networks(model)["generator"]
        z = self.latent_of(rows, latent_size(generator), seed=seed)
        made: Tensor = generator(z.to(next(generator.parameters()).device))
        return made


def squared_slope(on_real: Tensor, x: Tensor) -> Tensor:
    """The mean of ‖∇ₓ D(x)‖² over the pictures of a batch, with a graph of its own, to be minimized.

    Shapes:
        logits ``(B, 1)`` of pictures ``(B, channels, height, width)`` that require a gradient → ``()``.

    Example:
        >>> x = torch.ones(2, 1, 1, 3, requires_grad=True)
        >>> squared_slope(2 * x.flatten(1).sum(dim=1, keepdim=True), x).item()
        12.0
    """
    (slope,) = torch.autograd.grad(on_real.sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(dim=1).mean()


class AdversaryMetrics:
    """How often a discriminator is right, and what both networks lose by it; sums stay on the device.

    Example:
        >>> metrics = AdversaryMetrics()
        >>> metrics.update({"on_real": torch.tensor([[0.0], [2.0]]), "on_made": torch.tensor([[-1.0], [-1.0]])}, None)
        >>> measured = metrics.compute()
        >>> measured["accuracy_on_real"], measured["accuracy_on_made"], round(measured["generator_loss"], 2)
        (0.5, 1.0, 1.31)
    """

    def __init__(self) -> None:
        self._sums: Tensor | None = None
        self._num = 0

    def update(self, outputs: Outputs, batch: Batch | None) -> None:
        on_real, on_made = outputs["on_real"].float(), outputs["on_made"].float()
        parts = ((on_real > 0).float(), (on_made < 0).float(), F.softplus(-on_real), F.softplus(on_made))
        sums = torch.stack([part.sum() for part in (*parts, F.softplus(-on_made))])
        sums = sums if sums.device.type == "mps" else sums.double()
        self._sums = sums if self._sums is None else self._sums + sums
        self._num += len(on_real)

    def compute(self) -> dict[str, Any]:
        names = ("accuracy_on_real", "accuracy_on_made", "discriminator_loss", "generator_loss")
        if self._sums is None:
            return dict.fromkeys(("discriminator_accuracy", *names), float("nan"))
        real, made, of_real, of_made, of_generator = (self._sums / self._num).tolist()
        values = (real, made, (of_real + of_made) / 2, of_generator)
        return {"discriminator_accuracy": (real + made) / 2, **dict(zip(names, values, strict=True))}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """None: what is uncertain here is the training, not the choice of pictures."""
        return {}


def latent_size(generator: nn.Module) -> int:
    """How many numbers of noise a generator reads."""
    shape = getattr(generator, "input_shape", None)
    if shape is None or len(shape) != 1:
        raise UsageError(
            f"A generator reads a vector of noise and says how long in its attribute input_shape, such as (100,); "
            f"got {shape!r}."
        )
    return int(shape[0])
