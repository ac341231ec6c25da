"""A generator against a discriminator, against the same training written out in PyTorch."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.train.toy import ToySource, config
from torch import Tensor, nn

from derin.core.errors import DerinError, RefusedFileError, UsageError
from derin.core.seeds import step_seeds
from derin.data.batch import Batch
from derin.models.building import build
from derin.tasks.gan import GAN, AdversaryMetrics, squared_slope
from derin.tasks.made_pictures import overview, save_strip
from derin.tasks.registry import task_from_json
from derin.train.loop import train

LATENT = 5


def system() -> Any:
    return build("dcgan", input_shape=(1, 8, 8), num_outputs=1, seed=0, width=4, latent=LATENT)


def pictures(num: int = 14) -> dict[str, Tensor]:
    return {"input": torch.rand(num, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1}


def by_hand(source: ToySource, *, epochs: int, accumulate: int, smoothing: float) -> Any:
    """Goodfellow et al. 2014, algorithm 1, in the plainest PyTorch; noise as the loop seeds it."""
    model = system().train()
    nets = (model.discriminator, model.generator)
    optimizers = [torch.optim.Adam(net.parameters(), lr=0.01, betas=(0.5, 0.999)) for net in nets]
    seeds: Iterator[int] = iter(step_seeds(0, "dropout", 0, epochs * source.num_batches))
    for epoch in range(epochs):
        batches = list(source.batches(epoch))
        for start in range(0, len(batches), accumulate):
            group = batches[start : start + accumulate]
            total = sum(len(batch) for batch in group)
            for number, batch in enumerate(group):
                torch.manual_seed(next(seeds))
                x = batch["input"]
                z = torch.randn(len(x), LATENT)
                for turn, optimizer in enumerate(optimizers):
                    if turn == 0:
                        real, made = model.discriminator(x), model.generator(z)
                        on_made = model.discriminator(made.detach())
                        loss = (
                            F.binary_cross_entropy_with_logits(real, torch.full_like(real, 1 - smoothing))
                            + F.binary_cross_entropy_with_logits(on_made, torch.zeros_like(on_made))
                        ) / 2
                    else:
                        answer = model.discriminator(made)
                        loss = F.binary_cross_entropy_with_logits(answer, torch.ones_like(answer))
                    kept = list(nets[turn].parameters())
                    gradients = torch.autograd.grad(loss * len(x) if accumulate > 1 else loss, kept, retain_graph=True)
                    for p, gradient in zip(kept, gradients, strict=True):
                        p.grad = gradient if p.grad is None else p.grad + gradient
                    if number == len(group) - 1:
                        for p in kept if accumulate > 1 else ():
                            p.grad /= float(total)  # type: ignore[operator]
                        optimizer.step()
                        optimizer.zero_grad()
    return model


@pytest.mark.parametrize(("accumulate", "smoothing"), [(1, 0.0), (1, 0.1), (2, 0.1)])
def test_both_networks_learn_to_the_bit_as_in_a_plain_loop(accumulate: int, smoothing: float) -> None:
    source, ours = ToySource(pictures(), 4), system()
    settings = config(
        epochs=3, optimizer="adam:betas=0.5/0.999", learning_rate=0.01, accumulate=accumulate, batch_size=4
    )
    with torch.random.fork_rng():
        loop = train(ours, GAN("picture", label_smoothing=smoothing), source, settings)
        theirs = by_hand(source, epochs=3, accumulate=accumulate, smoothing=smoothing)
    mine, other = ours.state_dict(), theirs.state_dict()
    assert [name for name in mine if not torch.equal(mine[name], other[name])] == []  # running statistics too
    running = loop.history[-1]["running"]
    assert running["loss"] == pytest.approx(running["discriminator_loss"] + running["generator_loss"], rel=1e-5)


class Fixed(nn.Module):
    """Gives what it was told, whatever comes."""

    def __init__(self, values: list[float], input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values).view(-1, 1))
        self.input_shape, self.calls = input_shape, 0


class Judge(Fixed):
    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.values[:2] if self.calls % 3 == 1 else self.values[2:]


class Maker(Fixed):
    def forward(self, z: Tensor) -> Tensor:
        return torch.zeros(len(z), 1, 8, 8) + self.values.sum()


class Told:
    """Notes what is minimized."""

    def __init__(self, model: nn.Module, due: bool = True) -> None:
        self.model, self.index, self.lr, self.losses, self.due = model, 0, 0.0, {}, due

    def autocast(self) -> Any:
        return torch.enable_grad()

    def is_due(self, name: str) -> bool:
        return self.due

    def minimize(self, name: str, loss: Tensor, weight: Any = 1.0) -> None:
        self.losses[name] = loss.item()


@pytest.mark.parametrize("loss", ["non-saturating", "saturating"])
def test_the_losses_are_those_of_the_papers(loss: str) -> None:
    from derin.models.system import System

    real, made, smoothing = (2.0, -0.5), (-1.0, 0.3), 0.2
    model = System({"discriminator": Judge([*real, *made], (1, 8, 8)), "generator": Maker([0.0], (3,))})
    step: Any = Told(model)
    task = GAN("picture", label_smoothing=smoothing, loss=loss)
    found = task.update(step, Batch({"input": torch.zeros(2, 1, 8, 8)}, torch.arange(2)))

    def ln_sigmoid(x: float) -> float:
        return -math.log(1 + math.exp(-x))

    of_real = -sum((1 - smoothing) * ln_sigmoid(x) + smoothing * ln_sigmoid(-x) for x in real) / 2
    of_made = -sum(ln_sigmoid(-x) for x in made) / 2
    other = -sum(ln_sigmoid(x) for x in made) / 2 if loss == "non-saturating" else sum(ln_sigmoid(-x) for x in made) / 2
    assert step.losses == pytest.approx({"discriminator": (of_real + of_made) / 2, "generator": other}, rel=1e-5)
    assert found["discriminator_accuracy"].item() == 0.5


@pytest.mark.parametrize("loss", ["hinge", "relativistic"])
def test_todays_losses_are_those_of_their_papers(loss: str) -> None:
    real, made = (torch.tensor([[2.0], [-0.5]]), torch.tensor([[-1.0], [0.3]]))
    task = GAN("picture", loss=loss)
    pairs = list(zip((2.0, -0.5), (-1.0, 0.3), strict=True))
    if loss == "hinge":
        discriminator = (sum(max(0, 1 - x) + max(0, 1 + y) for x, y in pairs) / 2) / 2
        generator = -sum(y for _, y in pairs) / 2
    else:
        discriminator = sum(math.log(1 + math.exp(y - x)) for x, y in pairs) / 2
        generator = sum(math.log(1 + math.exp(x - y)) for x, y in pairs) / 2
    now = real if loss == "relativistic" else None
    assert task._discriminator_loss(real, made).item() == pytest.approx(discriminator, rel=1e-6)
    assert task._generator_loss(made, now).item() == pytest.approx(generator, rel=1e-6)
    model = system()
    loop = train(model, GAN("picture", loss=loss, r1=1.0), ToySource(pictures(), 4), config(epochs=1))
    assert math.isfinite(loop.history[0]["running"]["discriminator_loss"])


def test_the_penalty_is_the_squared_slope_of_each_picture_by_differences() -> None:
    torch.manual_seed(0)
    judge = build("dcgan_discriminator", input_shape=(1, 8, 8), num_outputs=1, seed=0, width=4, batch_norm=False)
    judge = judge.double().eval()
    with torch.no_grad():
        for parameter in judge.parameters():
            parameter.mul_(20)  # slopes of size one
    x = (torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(4)) * 2 - 1).double()
    expected, step = 0.0, 1e-6
    for row in range(3):
        for place in range(64):
            near = torch.zeros(64, dtype=torch.float64)
            near[place] = step
            ends = [judge(x[row : row + 1] + sign * near.view(1, 1, 8, 8)).item() for sign in (1, -1)]
            expected += ((ends[0] - ends[1]) / (2 * step)) ** 2 / 3
    inputs = x.clone().requires_grad_()
    found = squared_slope(judge(inputs), inputs)
    assert found.item() == pytest.approx(expected, rel=1e-5)
    found.backward()
    assert all(p.grad is not None for name, p in judge.named_parameters() if name.endswith("weight"))


def test_noise_in_the_labels_calls_so_many_real_pictures_made_ones() -> None:
    task = GAN("picture", label_noise=0.25)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        # Of logits of 20 each wrong label costs 20 and each right one nothing.
        loss = task._discriminator_loss(torch.full((4000, 1), 20.0), torch.full((4000, 1), -20.0))
    assert loss.item() * 2 / 20 == pytest.approx(0.25, abs=5 * math.sqrt(0.25 * 0.75 / 4000))


def test_a_generator_that_is_not_due_gets_no_gradient_and_its_loss_is_told() -> None:
    model = system()
    settings = config(epochs=1, learning_rate=0.01, networks="generator.every=100")
    before = copy.deepcopy(model.generator.state_dict())
    loop = train(model, GAN("picture"), ToySource(pictures(), 4), settings)
    assert all(torch.equal(p, before[name]) for name, p in model.generator.named_parameters())
    assert 0 < loop.history[0]["running"]["generator_loss"] < 10


@pytest.mark.parametrize(("noise", "low", "high"), [("normal", -math.inf, math.inf), ("uniform", -1.0, 1.0)])
def test_noise_by_row_is_that_of_its_distribution_and_of_no_batch(noise: str, low: float, high: float) -> None:
    task = GAN("picture", noise=noise)
    z = task.latent_of(np.arange(2000), 5)
    assert torch.equal(z[700:720], task.latent_of(np.arange(700, 720), 5))
    assert not torch.equal(z, task.latent_of(np.arange(2000), 5, seed=1))
    deviation = 1.0 if noise == "normal" else 1 / math.sqrt(3)
    assert z.mean().item() == pytest.approx(0, abs=5 * deviation / 100)
    assert z.std().item() == pytest.approx(deviation, abs=5 * deviation / math.sqrt(20_000))
    assert low <= z.min() <= z.max() <= high
    assert z.isfinite().all()


def test_measurements_do_not_depend_on_batches_and_agree_with_counts() -> None:
    generator = torch.Generator().manual_seed(3)
    real, made = (torch.randn(9, 1, generator=generator) for _ in range(2))
    found = []
    for size in (9, 4, 1):
        metrics = AdversaryMetrics()
        for start in range(0, 9, size):
            metrics.update({"on_real": real[start : start + size], "on_made": made[start : start + size]}, None)
        found.append(metrics.compute())
    assert found[1] == pytest.approx(found[0])
    assert found[2] == pytest.approx(found[0])
    assert found[0]["accuracy_on_real"] == pytest.approx(np.mean(real.numpy() > 0))
    assert found[0]["accuracy_on_made"] == pytest.approx(np.mean(made.numpy() < 0))
    share = 1 / (1 + np.exp(-made.numpy().astype(np.float64)))
    assert found[0]["generator_loss"] == pytest.approx(-np.log(share).mean(), rel=1e-5)
    assert math.isnan(AdversaryMetrics().compute()["discriminator_accuracy"])


def test_the_same_seed_makes_the_same_pictures_whatever_the_batch_and_mode() -> None:
    task, model = GAN("picture"), system().train()
    first = task.make_pictures(model, 7)
    assert first.shape == (7, 8, 8, 1)
    assert first.dtype == np.uint8
    assert model.generator.training
    # Products of another size may round to the neighbouring byte.
    assert np.abs(first.astype(int) - task.make_pictures(model.eval(), 7, batch_size=2)).max() <= 1
    assert not np.array_equal(first, task.make_pictures(model, 7, seed=1))


def test_samples_on_the_sheet_are_the_pixels_that_were_made(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    made = {epoch: generator.integers(0, 256, (3, 8, 8, 1), dtype=np.uint8) for epoch in range(1, 12)}
    for epoch, strip in made.items():
        save_strip(tmp_path, epoch, strip)
    sheet, epochs = overview(tmp_path, 3)
    assert (epochs[0], epochs[-1]) == (1, 11)
    assert len(epochs) <= 8
    pixels = np.asarray(sheet)[..., 0]
    last = made[11][2, :, :, 0]
    # Pictures of 8 pixels are enlarged sevenfold in squares of 56; margins are 16, the caption below has 26.
    right, below = pixels.shape[1] - 16, pixels.shape[0] - 16 - 18
    assert np.array_equal(pixels[below - 56 + 3 : below : 7, right - 56 + 3 : right : 7], last)


def test_card_gives_the_same_task_again_and_odd_ones_are_refused() -> None:
    task = GAN("photo", label_smoothing=0.1, label_noise=0.05, noise="uniform", loss="saturating")
    card = json.loads(json.dumps(task.to_json()))
    assert task_from_json(card) == task
    for name, value in (("noise", "gamma"), ("label_noise", 3.0), ("columns", ["a", "b"]), ("loss", 1)):
        with pytest.raises(RefusedFileError):
            task_from_json({**card, name: value})


def test_what_is_no_system_of_two_is_refused() -> None:
    with pytest.raises(UsageError, match="a system of discriminator and generator; got Linear"):
        GAN("picture").networks(nn.Linear(2, 2))
    for wrong in (
        {"label_smoothing": 0.7},
        {"label_noise": -0.1},
        {"noise": "gamma"},
        {"loss": "wasserstein"},
        {"r1": -1.0},
    ):
        with pytest.raises(DerinError):
            GAN("picture", **wrong)  # type: ignore[arg-type]
