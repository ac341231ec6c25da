"""Adversarial examples: pictures changed by less than the eye notices, so that a network goes wrong.

Sizes are in pixels of 0..1, whatever the normalization of the network's input: ε = 8/255 lets every pixel move by eight
of its 255 steps, and what comes out is a picture that can exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from derin.core.errors import UnknownNameError, UsageError
from derin.core.seeds import uniforms
from derin.data.batch import Batch
from derin.train.evaluation import evaluating

if TYPE_CHECKING:
    from derin.data.preparation import Preparation

METHODS = ("fgsm", "pgd")
# From a network's input to what shall grow, one number for each example: ``(B, C, H, W)`` → ``(B,)``.
Loss = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class PixelScale:
    """How a network's input is made of pixels: x = (pixel − mean) / std for each channel, pixels in 0..1.

    Args:
        mean: of each channel.
        std: of each channel.

    Example:
        >>> scale = PixelScale(mean=(0.5,), std=(0.25,))
        >>> low, high = scale.around(torch.tensor([[[[-2.0, 0.0]]]]), epsilon=0.125)
        >>> low.tolist(), high.tolist()
        ([[[[-2.0, -0.5]]]], [[[[-1.5, 0.5]]]])
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, preparation: Preparation) -> PixelScale:
        """The scale of a network that reads pictures.

        Raises:
            UsageError: it reads something else.
        """
        if not preparation.reads_pictures:
            raise UsageError(
                f"Adversarial examples are changed pictures; this network reads {preparation.input_kind}. "
                "Use one that reads pictures."
            )
        codec: Any = preparation.input  # type: ignore[attr-defined]
        return cls(mean=codec.mean, std=codec.std)

    def unit(self, like: Tensor) -> Tensor:
        """What one whole pixel range, 0 to 1, is in the network's input; ``(C, 1, 1)``."""
        return self._channels(like, [1 / std for std in self.std])

    def around(self, x: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
        """The least and the largest input within ε of x that is still a picture."""
        radius = epsilon * self.unit(x)
        black = self._channels(x, [-mean / std for mean, std in zip(self.mean, self.std)])
        white = self._channels(x, [(1 - mean) / std for mean, std in zip(self.mean, self.std)])
        return torch.maximum(x - radius, black), torch.minimum(x + radius, white)

    def pixels(self, x: Tensor) -> Tensor:
        """The pixels of a network's input, in 0..1."""
        return x * self._channels(x, self.std) + self._channels(x, self.mean)

    @staticmethod
    def _channels(like: Tensor, values: Any) -> Tensor:
        return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None, None]


def fgsm(
    loss: Loss, x: Tensor, *, epsilon: float, scale: PixelScale, start: Tensor | None = None, reach: float = 1.0
) -> Tensor:
    """The fast gradient sign method: x + ε · sign(∂loss/∂x), within the pictures.

    Args:
        loss: what shall grow. Only the direction of its gradient counts.
        x: the network's input.
        epsilon: most that a pixel changes, of a range 0..1.
        scale: of the input.
        start: where the gradient is taken, within ε of x; None is x itself.
        reach: length of the step in ε; from a random start 1.25 is best (Wong et al.).

    Shapes:
        x ``(B, C, H, W)`` → the same.

    Example:
        >>> weight = torch.tensor([[[3.0, -2.0]]])
        >>> pixels = PixelScale(mean=(0.0,), std=(1.0,))
        >>> x = torch.tensor([[[[0.5, 0.75]]]])
        >>> fgsm(lambda x: (x * weight).sum((1, 2, 3)), x, epsilon=0.25, scale=pixels)
        tensor([[[[0.7500, 0.5000]]]])

    Source: I. Goodfellow, J. Shlens, C. Szegedy, "Explaining and harnessing adversarial examples", ICLR 2015,
    arXiv:1412.6572, section 4; with a start and a reach: E. Wong, L. Rice, J. Z. Kolter, "Fast is better than free",
    ICLR 2020, arXiv:2001.03994, algorithm 3.
    """
    low, high = scale.around(x, epsilon)
    begun = x if start is None else start
    gradient, _ = _gradient(loss, begun)
    return _bounded(begun + reach * epsilon * scale.unit(x) * gradient.sign(), low, high)


def pgd(
    loss: Loss,
    x: Tensor,
    *,
    epsilon: float,
    scale: PixelScale,
    num_steps: int = 10,
    step_size: float | None = None,
    start: Tensor | None = None,
) -> Tensor:
    """Projected gradient descent: many small steps of `fgsm`, each brought back to within ε of x.

    Of the points on the way, each example gives the one with the largest loss.

    Args:
        loss: what shall grow.
        x: the network's input.
        epsilon: most that a pixel changes, of a range 0..1.
        scale: of the input.
        num_steps: how many.
        step_size: of a pixel, of a range 0..1; None is 2.5 ε / num_steps, with which every corner is within reach.
        start: within ε of x; None is x itself.

    Shapes:
        x ``(B, C, H, W)`` → the same.

    Source: A. Madry et al., "Towards deep learning models resistant to adversarial attacks", ICLR 2018,
    arXiv:1706.06083, section 2.1, which starts at a random point (`random_start`). Differs: the strongest point is
    kept, theirs is the last one.
    """
    if num_steps < 1:
        raise UsageError(f"PGD takes at least one step; got num_steps={num_steps}.")
    low, high = scale.around(x, epsilon)
    length = (2.5 * epsilon / num_steps if step_size is None else step_size) * scale.unit(x)
    point = x if start is None else start
    strongest, largest = point, torch.full((len(x),), -math.inf, device=x.device)
    for _ in range(num_steps):
        gradient, values = _gradient(loss, point)
        strongest, largest = _stronger(strongest, largest, point, values)
        point = _bounded(point + length * gradient.sign(), low, high)
    with torch.no_grad():
        return _stronger(strongest, largest, point, loss(point.clone()))[0]


def random_start(x: Tensor, *, epsilon: float, scale: PixelScale, shares: Tensor | None = None) -> Tensor:
    """A point drawn evenly from the ball of radius ε around x, brought back to where pictures are.

    Args:
        x: the network's input.
        epsilon: the radius, of a pixel's range 0..1.
        scale: of the input.
        shares: even numbers from 0 to 1 that place it in the ball; None takes those of the device's own generator.

    Shapes:
        x and shares ``(B, C, H, W)`` → the same.
    """
    low, high = scale.around(x, epsilon)
    drawn = torch.rand_like(x) if shares is None else shares
    return _bounded(x + (2 * drawn - 1) * (epsilon * scale.unit(x)), low, high)


def attack(
    network: nn.Module,
    task: Any,
    batch: Batch,
    *,
    method: str,
    epsilon: float,
    scale: PixelScale,
    target: int | None = None,
    num_steps: int = 10,
    seed: int = 0,
) -> Tensor:
    """The adversarial examples of a batch for a network and its task.

    FGSM starts from the pictures themselves, PGD from a random point within ε of each, as in their papers; the point is
    a function of the seed and of the picture's row, whatever the batch.

    Args:
        network: which is attacked, in evaluation mode.
        task: gives the loss of each example.
        batch: with the true answers.
        method: ``"fgsm"`` or ``"pgd"``.
        epsilon: most that a pixel changes, of a range 0..1; with 0 the pictures stay as they are.
        scale: of the input.
        target: a class that the network shall see; None leads it away from the truth.
        num_steps: of PGD.
        seed: of PGD's start.

    Raises:
        UnknownNameError: there is no such method.
    """
    if method not in METHODS:
        raise UnknownNameError("attack", method, METHODS)
    x, truth = batch[task.input], batch[task.target]
    if epsilon == 0:
        return x
    wanted = truth if target is None else torch.full_like(truth, target)
    sign = 1 if target is None else -1

    def loss(given: Tensor) -> Tensor:
        outputs = task.predict(network, Batch({**batch.columns, task.input: given}, batch.rows))
        losses: Tensor = task.example_losses(outputs, wanted)
        return sign * losses

    with evaluating(network), torch.inference_mode(False), torch.enable_grad():
        x = x.clone() if x.is_inference() else x
        if method == "fgsm":
            return fgsm(loss, x, epsilon=epsilon, scale=scale)
        drawn = uniforms(seed, "attack", 0, batch.rows.numpy(), x[0].numel())
        shares = torch.from_numpy(drawn).view(x.shape).to(x)
        start = random_start(x, epsilon=epsilon, scale=scale, shares=shares)
        return pgd(loss, x, epsilon=epsilon, scale=scale, num_steps=num_steps, start=start)


def read_epsilon(text: str | float) -> float:
    """ε as people write it, a fraction or a number.

    Raises:
        UsageError: it is no share of the pixel range.

    Example:
        >>> read_epsilon("8/255") == 8 / 255, read_epsilon("0.03")
        (True, 0.03)
    """
    above, slash, below = str(text).partition("/")
    try:
        epsilon = float(above) / (float(below) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        epsilon = math.nan
    if not 0 <= epsilon <= 1:
        raise UsageError(f"ε is a share of the pixel range from 0 to 1, such as 8/255; got {text!r}.")
    return epsilon


def _gradient(loss: Loss, point: Tensor) -> tuple[Tensor, Tensor]:
    """∂Σloss/∂x and the losses; the weights get no gradients."""
    leaf = point.detach().requires_grad_()
    # A copy, since a first layer may work in place.
    values = loss(leaf.clone())
    (gradient,) = torch.autograd.grad(values.sum(), leaf)
    return gradient, values.detach()


def _bounded(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return torch.minimum(torch.maximum(x, low), high)


def _stronger(kept: Tensor, largest: Tensor, point: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """For each example the point with the larger loss."""
    better = values > largest
    return torch.where(better[:, None, None, None], point, kept), torch.where(better, values, largest)
