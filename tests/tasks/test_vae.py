"""The terms of a variational autoencoder's bound against other formulas in float64, and a run from data to pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import derin
from derin.core.errors import DerinError, RefusedFileError, UsageError
from derin.data.batch import Batch
from derin.models.building import build
from derin.tasks.registry import task_from_json
from derin.tasks.vae import VAE, kl_nats, reconstruction_nats

SMALL: dict[str, Any] = {"task": "vae", "epochs": 2, "threads": 1, "model_options": {"latent": 2, "hidden": (32,)}}


def test_the_divergence_is_that_of_two_normal_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = (torch.randn(4, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    ours = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(ours, torch.distributions.Normal(torch.zeros(4, 3).double(), 1.0))
    assert torch.allclose(kl_nats(mean, log_variance), expected, rtol=1e-12, atol=1e-12)


def test_reconstructions_are_the_likelihoods_of_their_distributions() -> None:
    generator = torch.Generator().manual_seed(1)
    levels = torch.randint(0, 256, (5, 1, 3, 4), generator=generator)
    levels[0, 0, 0, :2] = torch.tensor([0, 255])
    x = levels.float() / 127.5 - 1
    uniform = torch.rand(5, 1, 3, 4, generator=generator)
    logits = torch.randn(5, 12, generator=generator)
    drawn = (uniform.double() < levels.double() / 255).double().flatten(1)
    p = 1 / (1 + (-logits.double()).exp())
    expected = -(drawn * p.log() + (1 - drawn) * (1 - p).log()).sum(dim=1)
    # float32 sums of 12 terms of size one
    assert torch.allclose(reconstruction_nats(logits, x, uniform).double(), expected, rtol=1e-5)

    mean, log_scale = torch.randn(5, 12, generator=generator) / 2, torch.randn(5, 12, generator=generator) - 1
    scale = log_scale.double().exp()

    def below(bound: torch.Tensor) -> torch.Tensor:
        return torch.special.expit((bound - mean.double()) / scale)

    # All 256 levels of a pixel add up to one, so that these are probabilities of levels and no densities.
    every = torch.arange(256, dtype=torch.float64)[:, None, None] / 127.5 - 1
    edges = (every - 1 / 255, every + 1 / 255)
    table = below(edges[1]).where(every < 0.999, torch.ones(1).double()) - below(edges[0]).where(
        every > -0.999, torch.zeros(1).double()
    )
    assert torch.allclose(table.sum(dim=0), torch.ones(5, 12).double())
    expected = -table.gather(0, levels.flatten(1)[None]).squeeze(0).log().sum(dim=1)
    found = reconstruction_nats(torch.cat([mean, log_scale], dim=1), x, uniform)
    # float32: the levels of x are rounded by 6e-8, a thousandth of the narrowest scale's share of a level.
    assert torch.allclose(found.double(), expected, rtol=1e-3)
    with pytest.raises(UsageError, match="mean and log-scale"):
        reconstruction_nats(logits[:, :5], x, uniform)


@pytest.mark.parametrize(("channels", "layers"), [(1, "dense"), (1, "conv"), (3, "auto")])
def test_the_loss_weighs_the_divergence_and_every_network_makes_pictures(channels: int, layers: str) -> None:
    model = build("vae", input_shape=(channels, 8, 8), num_outputs=1, seed=0, latent=3, width=4, layers=layers)
    x = torch.rand(6, channels, 8, 8, generator=torch.Generator().manual_seed(2)) * 2 - 1
    batch = Batch({"input": x}, torch.arange(6))
    model.eval()
    losses = []
    for beta in (0.0, 1.0, 4.0):
        with torch.random.fork_rng():
            torch.manual_seed(5)
            found = VAE("p", beta=beta).loss(model, batch)
            losses.append({name: value.item() for name, value in found.items()})
    kl = losses[0]["kl_nats"]
    assert kl > 0
    assert losses[0]["loss"] == pytest.approx(losses[0]["reconstruction_nats"])
    assert losses[2]["loss"] - losses[0]["loss"] == pytest.approx(4 * kl, abs=1e-3)  # a difference of hundreds
    task = VAE("p")
    assert task.make_pictures(model, 5).shape == (5, 8, 8, channels)
    whole, metrics = task.metrics(), task.metrics()
    with torch.inference_mode():
        whole.update(task.predict(model, batch), batch)
        for part in ([0, 1], [2], [3, 4, 5]):
            rows = torch.tensor(part)
            some = Batch({"input": x[rows]}, rows)
            metrics.update(task.predict(model, some), some)
    assert metrics.compute() == pytest.approx(whole.compute(), rel=1e-5)
    measured = whole.compute()
    assert measured["bits_per_pixel"] == pytest.approx(measured["bound_nats"] / (64 * channels) / math.log(2))


def test_a_run_keeps_both_terms_and_its_bundle_rebuilds_walks_and_maps(tmp_path: Path) -> None:
    run = derin.fit("digits", out=tmp_path / "run", **SMALL)
    assert {"loss", "reconstruction_nats", "kl_nats"} == set(run.history[0]["running"])
    assert run.metrics["test"]["bound_nats"] < 64 * math.log(2)  # of a network that tosses coins
    page = run.report.read_text()
    assert page.count("data:image/png;base64,") >= 4
    assert "data:image/gif;base64," in page
    model = derin.open(run.path)
    assert model.evaluate("digits", split="val").metrics == pytest.approx(run.metrics["val"], rel=1e-4)
    pictures = [np.asarray(model.make_pictures(1, seed=seed).pixels[0]) for seed in (3, 4)]
    rebuilt = model.make_pictures(sources=pictures[:1])
    assert np.array_equal(rebuilt.pixels[0], pictures[0])
    walk = model.make_pictures(5, sources=pictures)
    assert walk.pixels.shape == (5, 8, 8, 1)
    # The ends of the walk are the pictures rebuilt.
    assert np.abs(walk.pixels[0].astype(int) - rebuilt.pixels[1]).max() <= 1
    with Image.open(run.path / "latent_grid.png") as sheet:
        assert sheet.width > 16 * 8
    with pytest.raises(UsageError, match="one picture, or two"):
        model.make_pictures(sources=pictures * 2)


def test_a_resumed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    settings = {**SMALL, "report": False, "plan": "plain"}
    alone = derin.fit("digits", out=tmp_path / "alone", **settings)

    class Stop(derin.Callback):
        def on_epoch_end(self, loop: Any, record: dict[str, Any]) -> None:
            loop.interrupt()

    derin.fit("digits", out=tmp_path / "halves", callbacks=[Stop()], **settings)
    halves = derin.fit("digits", out=tmp_path / "halves", resume=True, **settings)
    weights = [(run.path / "model/model.safetensors").read_bytes() for run in (alone, halves)]
    assert weights[0] == weights[1]
    assert [line["running"] for line in alone.history] == [line["running"] for line in halves.history]


def test_cards_and_settings_that_do_not_fit_are_refused() -> None:
    card = json.loads(json.dumps(VAE("photo", beta=2.0).to_json()))
    assert task_from_json(card) == VAE("photo", beta=2.0)
    with pytest.raises(RefusedFileError):
        task_from_json({**card, "beta": -1.0})
    with pytest.raises(DerinError, match="latent"):
        build("vae", input_shape=(1, 8, 8), num_outputs=1, latent=0)
