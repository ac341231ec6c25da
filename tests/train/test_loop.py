"""The training loop against the same training written out, and what it keeps, measures and says."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.train.toy import Noted, Stopping, ToySource, config, network, rows, task
from torch import Tensor, nn

from derin.core.errors import DerinError, DivergenceError, UsageError
from derin.core.run import RunFolder
from derin.data.batch import Batch
from derin.train.budget import TimeBudget
from derin.train.callback import Callback
from derin.train.loop import TrainingState, _begin, train
from derin.train.planning import find_plan


def loss_of(model: nn.Module, columns: dict[str, Tensor]) -> float:
    """The mean cross-entropy in float64, the network in evaluation mode."""
    model = copy.deepcopy(model).double().eval()
    with torch.no_grad():
        return nn.functional.cross_entropy(model(columns["input"].double()), columns["target"]).item()


# The best epoch


def test_the_best_epochs_weights_are_in_place_when_it_is_told() -> None:
    """At a rate at which the loss goes up and down, so that the best epoch is not the last."""
    val, kept = rows(21, seed=1), {}
    model = network(nn.Tanh())

    def on_best(loop: Any, record: dict[str, Any]) -> None:
        kept.update(epoch=record["epoch"], weights=copy.deepcopy(loop.model))

    loop = train(
        model, task(), ToySource(rows(24), 4), config(epochs=9, learning_rate=1.5), validation=ToySource(val, 10),
        on_best=on_best,
    )  # fmt: skip
    accuracies = [record["val"]["accuracy"] for record in loop.history]
    losses = [record["val"]["loss"] for record in loop.history]
    best = max(range(9), key=lambda epoch: (accuracies[epoch], -losses[epoch]))
    assert best + 1 == kept["epoch"] == loop.tracker.best_epoch != 9
    assert len(set(losses)) == 9
    assert loss_of(kept["weights"], val) == pytest.approx(losses[best], rel=1e-5)
    assert loss_of(model, val) == pytest.approx(losses[-1], rel=1e-5)


def test_without_validation_the_last_state_is_the_best() -> None:
    told: list[int] = []
    source = ToySource(rows(9), 4)
    train(network(), task(), source, config(epochs=3), on_best=lambda loop, record: told.append(record["epoch"]))
    assert told == [1, 2, 3]


# Averages


def test_averages_are_measured_and_kept_and_taken_back_for_the_next_step() -> None:
    val, kept = rows(21, seed=1), []
    model, by_hand = network(), network()
    mean = [p.detach().clone() for p in by_hand.parameters()]
    source, updates = ToySource(rows(12), 4), 0
    expected = []
    for _ in range(2):
        for batch in source.batches(0):
            nn.functional.cross_entropy(by_hand(batch["input"]), batch["target"]).backward()
            decay = min(0.9, (1 + updates) / (10 + updates))
            updates += 1
            with torch.no_grad():
                for p, m in zip(by_hand.parameters(), mean):
                    p -= 0.5 * p.grad
                    p.grad = None
                    m.mul_(decay).add_(p, alpha=1 - decay)
        averaged = copy.deepcopy(by_hand)
        for p, m in zip(averaged.parameters(), mean):
            p.data.copy_(m)
        expected.append(averaged)
    loop = train(
        model, task(), source, config(epochs=2, learning_rate=0.5, ema_decay=0.9), validation=ToySource(val, 10),
        on_best=lambda loop, record: kept.append((record["epoch"], copy.deepcopy(loop.model))),
    )  # fmt: skip
    for epoch, record in enumerate(loop.history):
        assert record["val"]["loss"] == pytest.approx(loss_of(expected[epoch], val), rel=1e-5)
        assert record["val"]["loss"] != pytest.approx(loss_of(by_hand, val), rel=1e-3)
    for epoch, weights in kept:
        for ours, theirs in zip(weights.parameters(), expected[epoch - 1].parameters()):
            torch.testing.assert_close(ours, theirs)
    for ours, theirs in zip(model.parameters(), by_hand.parameters()):
        torch.testing.assert_close(ours, theirs)


# The running loss


@pytest.mark.parametrize("batch_size", [1, 4, 9, 40])
@pytest.mark.parametrize("weighting", ["none", "classes", "examples", "small"])
def test_the_running_loss_is_the_mean_over_the_epoch_whatever_the_batch_size(batch_size: int, weighting: str) -> None:
    weights = torch.rand(22, generator=torch.Generator().manual_seed(2)) * (1e-3 if weighting == "small" else 1)
    columns = rows(22, **({} if weighting in ("none", "classes") else {"weight": weights}))
    settings = {"class_weights": [1.0, 30.0, 0.1]} if weighting == "classes" else {}
    model = network()
    loop = train(model, task(**settings), ToySource(columns, batch_size), config(epochs=1, learning_rate=0.0))
    each = nn.functional.cross_entropy(model.double()(columns["input"].double()), columns["target"], reduction="none")
    share = {"none": torch.ones(22), "classes": torch.tensor([1.0, 30.0, 0.1])[columns["target"]]}.get(
        weighting, weights
    )
    expected = (each * share.double()).sum() / share.double().sum()
    assert loop.history[0]["running"]["loss"] == pytest.approx(expected.item(), rel=1e-5)


# Modes, seeds, rates


class Watched(nn.Module):
    """Notes in which mode it is called, and what dropout lets through."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout, self.modes, self.masks = nn.Dropout(0.5), [], []

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training)
        kept = self.dropout(torch.ones(64))
        if self.training:
            self.masks.append(tuple((kept > 0).tolist()))
        return x


def masks_of(seed: int) -> list[tuple[bool, ...]]:
    watched = Watched()
    model = network(watched)
    sources = {"validation": ToySource(rows(6), 3), "train_sample": ToySource(rows(5), 3)}
    train(model, task(), ToySource(rows(7), 3), config(epochs=2, seed=seed), **sources)
    # Three steps of training, two batches of each measured split; then the same again.
    assert watched.modes == ([True] * 3 + [False] * 4) * 2
    return watched.masks


def test_dropout_differs_by_step_epoch_and_seed_and_is_the_same_each_time_and_idle_in_measuring() -> None:
    first, other = masks_of(0), masks_of(1)
    assert len({*first, *other}) == 12
    assert masks_of(0) == first


def test_the_first_and_the_last_step_take_the_schedules_rates() -> None:
    noted = Noted()
    train(network(), task(), ToySource(rows(10), 4), config(epochs=4, learning_rate=0.3, schedule="linear"),
          callbacks=[noted])  # fmt: skip
    seen = [epoch * 10 + start for epoch in range(4) for start in (0, 4, 8)]
    assert noted.rates == pytest.approx([0.3 * (1 - done / 40) for done in seen])
    assert noted.rates[0] == 0.3
    assert noted.steps == list(range(1, 13))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_first_of_t_warm_up_steps_takes_a_t_th_of_the_rate(accumulate: int) -> None:
    noted = Noted()
    settings = {"learning_rate": 0.3, "warmup": 0.5, "accumulate": accumulate, "schedule": "constant"}
    train(network(), task(), ToySource(rows(16), 4), config(epochs=4, batch_size=4, **settings), callbacks=[noted])
    rates = noted.rates[accumulate - 1 :: accumulate]
    warm = 8 // accumulate
    assert rates == pytest.approx([0.3 * min((step + 1) / warm, 1) for step in range(16 // accumulate)])


# Going on


@pytest.mark.parametrize("after", [4, 7, 8])
def test_a_training_that_broke_off_ends_with_the_bits_and_lines_of_one_that_did_not(after: int, tmp_path: Path) -> None:
    weights = torch.rand(14, generator=torch.Generator().manual_seed(3))
    source = ToySource(rows(14, weight=weights), 4)  # four batches, and two updates of two
    val = ToySource(rows(9, seed=1), 5)
    settings = config(epochs=5, optimizer="adamw", learning_rate=0.1, schedule="one-cycle", accumulate=2,
                      ema_decay=0.9, save_every_seconds=0.0)  # fmt: skip
    whole, broken = network(nn.Dropout(0.3)), network(nn.Dropout(0.3))
    alone = train(whole, task(), source, settings, validation=val)
    folder = RunFolder.create(tmp_path / "run", name="toy")
    with pytest.raises(RuntimeError, match="broken off"):
        train(broken, task(), source, settings, validation=val, run=folder, callbacks=[Stopping(after)])
    resumed = network(nn.Dropout(0.3), seed=1)
    loop = train(resumed, task(), source, settings, validation=val, run=folder, resume=True)
    for ours, theirs in zip(resumed.parameters(), whole.parameters()):
        assert torch.equal(ours, theirs)
    times = ("seconds", "train_seconds")
    assert [{k: v for k, v in line.items() if k not in times} for line in folder.log_lines()] == [
        {k: v for k, v in line.items() if k not in times} for line in alone.history
    ]
    assert loop.tracker.to_json() == alone.tracker.to_json()


def test_patience_goes_on_counting_where_it_stood(tmp_path: Path) -> None:
    source, val = ToySource(rows(8), 4), ToySource(rows(9, seed=1), 5)
    settings = config(epochs=9, learning_rate=0.0, patience=3)  # no epoch is better than the first
    folder = RunFolder.create(tmp_path / "run", name="toy")
    with pytest.raises(RuntimeError, match="broken off"):
        train(network(), task(), source, settings, validation=val, run=folder, callbacks=[Stopping(7)])
    loop = train(network(), task(), source, settings, validation=val, run=folder, resume=True)
    assert (loop.stopped, loop.epoch, loop.tracker.best_epoch, loop.tracker.waited) == ("patience", 4, 1, 3)


# Time


class Clock:
    """Seconds that pass only where a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now


class Slow(Callback):
    """Every step takes so long."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.rates, self.shares = clock, seconds, [], []

    def on_step(self, loop: Any) -> None:
        self.clock.now += self.seconds
        self.rates.append(loop.learning_rate)
        self.shares.append(loop.progress)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("derin.train.loop.time", found)
    return found


def test_the_schedule_comes_down_in_the_time_that_is_given(clock: Clock) -> None:
    """Twenty of two thousand steps fit, and the rates are those of a line over these twenty."""
    slow = Slow(clock, 2.0)
    budget = TimeBudget(45.0, clock=clock.perf_counter)
    clock.now += 5.0  # reading the data
    settings = config(epochs=1000, learning_rate=0.5, schedule="linear")
    loop = train(network(), task(), ToySource(rows(8), 4), settings, callbacks=[slow], budget=budget)
    assert (loop.stopped, loop.step) == ("time", 20)
    assert slow.rates == pytest.approx([0.5 * (1 - step / 20) for step in range(20)])


@pytest.mark.parametrize(("seconds", "whole"), [(9.0, [True, True, False]), (9.0, [True, True])])
def test_an_epoch_says_whether_all_of_its_examples_were_seen(clock: Clock, seconds: float, whole: list[bool]) -> None:
    slow = Slow(clock, 2.0)  # two steps an epoch
    budget = TimeBudget(seconds, clock=clock.perf_counter)
    settings = config(epochs=3 if len(whole) == 3 else 2)
    loop = train(network(), task(), ToySource(rows(8), 4), settings, callbacks=[slow], budget=budget)
    assert [line["whole"] for line in loop.history] == whole


def test_a_run_that_ends_before_its_time_keeps_its_schedule(clock: Clock) -> None:
    slow = Slow(clock, 0.1)
    settings = config(epochs=4, learning_rate=0.5, schedule="linear")
    train(
        network(),
        task(),
        ToySource(rows(8), 4),
        settings,
        callbacks=[slow],
        budget=TimeBudget(60.0, clock=clock.perf_counter),
    )
    assert slow.rates == pytest.approx([0.5 * (1 - step / 8) for step in range(8)])


def test_time_is_kept_across_a_resume_and_so_is_the_progress_of_the_schedule(clock: Clock, tmp_path: Path) -> None:
    source = ToySource(rows(8), 4)
    settings = config(epochs=1000, learning_rate=0.5, schedule="linear", max_seconds=24.0)
    folder = RunFolder.create(tmp_path / "run", name="toy")

    def begin(**options: Any) -> tuple[Any, Slow]:
        slow = Slow(clock, 2.0)
        budget = TimeBudget(24.0, clock=clock.perf_counter)
        clock.now += 2.0  # reading the data, in each of the two processes
        callbacks = [slow, *options.pop("callbacks", ())]
        return train(
            network(), task(), source, settings, run=folder, budget=budget, callbacks=callbacks, **options
        ), slow

    with pytest.raises(RuntimeError, match="broken off"):
        begin(callbacks=[Stopping(5)])
    clock.now += 500.0  # nobody trained
    loop, slow = begin(resume=True)
    # Four steps were saved, 2 s of reading and 8 of steps; another 2 s of reading leave 12 s for six steps.
    assert (loop.stopped, loop.step) == ("time", 10)
    assert slow.shares == pytest.approx([(4 + step) / 10 for step in range(6)])
    assert slow.rates == pytest.approx([0.5 * (1 - share) for share in slow.shares])
    assert [line["progress"] for line in folder.log_lines()] == sorted(line["progress"] for line in folder.log_lines())


def test_a_run_that_was_given_more_time_comes_down_anew_over_what_is_left(clock: Clock, tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", name="toy")

    def go_on(seconds: float, **options: Any) -> tuple[Any, Slow]:
        slow, budget = Slow(clock, 1.0), TimeBudget(seconds, clock=clock.perf_counter)
        settings = config(epochs=1000, learning_rate=0.5, schedule="linear", max_seconds=seconds)
        loop = train(
            network(), task(), ToySource(rows(8), 4), settings, run=folder, budget=budget, callbacks=[slow], **options
        )
        return loop, slow

    first, slow = go_on(10.0)
    assert (first.stopped, first.step) == ("time", 10)
    assert slow.rates == pytest.approx([0.5 * (1 - step / 10) for step in range(10)])
    second, slow = go_on(40.0, resume=True)
    assert (second.stopped, second.step) == ("time", 40)
    assert slow.rates == pytest.approx([0.5 * (1 - step / 40) for step in range(10, 40)])


class SlowSource(ToySource):
    """Each batch takes some time to be measured."""

    def __init__(self, clock: Clock, num: int, seconds: float) -> None:
        super().__init__(rows(num), 5)
        self.clock, self.seconds, self.given = clock, seconds, 0

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        for batch in super().batches(epoch, from_step):
            self.clock.now += self.seconds
            self.given += len(batch)
            yield batch


def test_measuring_keeps_within_the_time_and_takes_the_same_examples_each_epoch(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("derin.train.evaluation.time", clock)
    asked: list[tuple[str, int]] = []

    def sample(split: str, num: int) -> SlowSource:
        asked.append((split, num))
        return SlowSource(clock, num, 1.0)

    budget = TimeBudget(100.0, clock=clock.perf_counter)
    slow, val = Slow(clock, 3.0), SlowSource(clock, 5000, 1.0)  # the whole split would take 1000 s
    loop = train(
        network(), task(), ToySource(rows(16), 4), config(epochs=1000), validation=val, callbacks=[slow],
        budget=budget, sample=sample, num_after=5000,
    )  # fmt: skip
    assert loop.stopped == "time"
    assert {split for split, _ in asked} == {"val"}
    assert len(asked) == 1 == len({num for _, num in asked})  # drawn once, then measured again and again
    assert val.given <= 10
    assert asked[0][1] <= 50  # a tenth of the time, at five examples a second
    assert budget.used <= 100 - 15  # something is left for what comes after training


def test_how_much_time_is_kept_for_measuring(clock: Clock) -> None:
    """Of 200 s: at most a fifth after training, a tenth between epochs; what comes after takes half as long again."""
    budget = TimeBudget(200.0, clock=clock.perf_counter)
    sources: dict[str, Any] = {"train": ToySource(rows(30), 4), "val": ToySource(rows(10), 4)}

    def loop(**changes: Any) -> TrainingState:
        found = _begin(network(), task(), sources["train"], config(), None, None, None, None, torch.device("cpu"))
        for name, value in {"budget": budget, **changes}.items():
            setattr(found, name, value)
        return found

    for changes, reserve in (
        ({"budget": TimeBudget(0), "sources": sources, "num_after": 5, "measure_seconds": 4.0}, 0.0),
        ({}, 0.0),
        ({"sources": sources}, 20.0),
        ({"num_after": 7}, 40.0),
        ({"sources": sources, "num_after": 7}, 60.0),
        ({"sources": sources, "measure_seconds": 4.0}, 4.0),
        ({"sources": sources, "measure_seconds": 4.0, "num_after": 20}, 4.0 + 1.5 * 4.0 * 20 / 40),
        ({"sources": sources, "measure_seconds": 4.0, "num_after": 20, "measured_examples": {"train": 5, "val": 99}},
         4.0 + 1.5 * 4.0 * 20 / 15),
        ({"sources": sources, "measure_seconds": 4.0, "num_after": 900}, 4.0 + 40.0),
        ({"measure_seconds": 4.0, "num_after": 2}, 4.0 + 12.0),
    ):  # fmt: skip
        assert loop(**changes).reserve == pytest.approx(reserve)
    # As long as the epoch's training: not below a hundredth, nor above a tenth of the time or half of what is left.
    assert [loop().measuring_seconds(took) for took in (0.5, 3.0, 50.0)] == [2.0, 3.0, 20.0]
    clock.now += 170.0
    assert loop().measuring_seconds(50.0) == 15.0
    assert loop(sources=sources, measure_seconds=4.0).time_share(64.0) == pytest.approx(64 / (200 - 106 - 4))
    assert loop(sources=sources, num_after=7).time_share(165.0) == 1.0  # what is kept has been touched
    assert loop(budget=TimeBudget(0)).time_share(64.0) == 0.0
    clock.now += 40.0
    assert loop().measuring_seconds(50.0) == 0.0
    assert loop().time_share(5.0) == 1.0  # reading alone took more than there was


# Several networks


class TwoNetworks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.generator = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 5))
        self.discriminator = nn.Sequential(nn.Linear(5, 6), nn.LeakyReLU(0.2), nn.Linear(6, 1))


class Adversaries:
    """A generator against a discriminator, each with an optimizer of its own."""

    name, monitor, maximize, forbids = "adversaries", "loss", False, frozenset()

    def __init__(self) -> None:
        self.state: dict[str, Tensor] = {}
        self.foreign: list[int] = []

    def networks(self, model: nn.Module) -> dict[str, nn.Module]:
        return {"discriminator": model.discriminator, "generator": model.generator}

    def update(self, step: Any, batch: Batch) -> dict[str, Tensor]:
        model = step.model
        of_discriminator, of_generator = losses(model, batch)
        step.minimize("discriminator", of_discriminator())
        self.foreign.append(sum(p.grad is not None for p in model.generator.parameters()))
        loss = of_generator()
        step.minimize("generator", loss, len(batch))
        self.foreign.append(sum(p.grad is not None for p in model.discriminator.parameters()))
        return {"loss": loss}


def losses(model: Any, batch: Batch) -> tuple[Any, Any]:
    noise = batch["input"][:, :3]
    bce = nn.functional.binary_cross_entropy_with_logits

    def of_discriminator() -> Tensor:
        real, made = model.discriminator(batch["input"]), model.discriminator(model.generator(noise))
        return bce(real, torch.ones_like(real)) + bce(made, torch.zeros_like(made))

    def of_generator() -> Tensor:
        made = model.discriminator(model.generator(noise))
        return bce(made, torch.ones_like(made))

    return of_discriminator, of_generator


def test_two_networks_learn_to_the_bit_as_in_a_plain_loop_of_pytorch() -> None:
    source = ToySource(rows(12), 3)
    ours, theirs = TwoNetworks(), TwoNetworks()
    adversaries = Adversaries()
    loop = train(ours, adversaries, source, config(epochs=3, optimizer="adam", learning_rate=0.05, ema_decay=0.9))  # type: ignore[arg-type]
    optimizers = [torch.optim.Adam(n.parameters(), lr=0.05) for n in (theirs.discriminator, theirs.generator)]
    for epoch in range(3):
        for batch in source.batches(epoch):
            for turn, optimizer in enumerate(optimizers):
                theirs.zero_grad()
                losses(theirs, batch)[turn]().backward()
                optimizer.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)
    assert adversaries.foreign == [0] * 24
    assert loop.average is not None
    assert loop.average.num_updates == 12


def test_two_networks_accumulate_each_by_its_own_weights() -> None:
    source = ToySource(rows(14), 3)  # the last batch, of two, is the last of a group of one
    ours, theirs = TwoNetworks(), TwoNetworks()
    settings = config(epochs=2, learning_rate=0.05, ema_decay=0.9, accumulate=2)
    loop = train(ours, Adversaries(), source, settings)  # type: ignore[arg-type]
    networks = (list(theirs.discriminator.parameters()), list(theirs.generator.parameters()))
    waiting: list[list[tuple[float, Any]]] = [[], []]
    for _ in range(2):
        for number, batch in enumerate(source.batches(0)):
            for turn, parameters in enumerate(networks):
                # The discriminator's batches count alike, the generator's by their examples.
                weight = 1.0 if turn == 0 else float(len(batch))
                waiting[turn].append((weight, torch.autograd.grad(losses(theirs, batch)[turn](), parameters)))
                if number % 2 or number == 4:
                    total = sum(w for w, _ in waiting[turn])
                    with torch.no_grad():
                        for place, p in enumerate(parameters):
                            p -= 0.05 * sum(w * g[place] for w, g in waiting[turn]) / total
                    waiting[turn].clear()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6)
    assert loop.average is not None
    assert loop.average.num_updates == loop.step == 6


def trained_by_hand(
    source: ToySource, settings: dict[str, dict[str, Any]], *, epochs: int, accumulate: int = 1
) -> TwoNetworks:
    """A plain loop of PyTorch: Adam for each network, its rate and its pace; only what is due is computed."""
    model = TwoNetworks()
    of = {"discriminator": model.discriminator, "generator": model.generator}
    optimizers = {
        name: torch.optim.Adam(network.parameters(), lr=settings[name]["lr"], betas=(0.5, 0.999))
        for name, network in of.items()
    }
    update = 0
    for epoch in range(epochs):
        batches = list(source.batches(epoch))
        for start in range(0, len(batches), accumulate):
            update += 1
            group = batches[start : start + accumulate]
            for number, batch in enumerate(group):
                for turn, (name, optimizer) in enumerate(optimizers.items()):
                    if update % settings[name]["every"]:
                        continue
                    parameters = list(of[name].parameters())
                    weight = 1.0 if turn == 0 else float(len(batch))
                    total = sum(1.0 if turn == 0 else float(len(b)) for b in group)
                    loss = losses(model, batch)[turn]()
                    found = torch.autograd.grad(loss if accumulate == 1 else loss * weight, parameters)
                    for p, gradient in zip(parameters, found):
                        p.grad = gradient if p.grad is None else p.grad + gradient
                    if number == len(group) - 1:
                        for p in parameters if accumulate > 1 else ():
                            p.grad /= total  # type: ignore[operator]
                        optimizer.step()
                        optimizer.zero_grad()
    return model


PACES = "discriminator.lr=0.5x;generator.every=2"


@pytest.mark.parametrize("accumulate", [1, 2])
def test_each_network_has_a_rate_and_a_pace_of_its_own_to_the_bit(accumulate: int) -> None:
    source, ours = ToySource(rows(14), 3), TwoNetworks()
    settings = config(
        epochs=3, optimizer="adam:betas=0.5/0.999", learning_rate=0.05, accumulate=accumulate, networks=PACES
    )
    train(ours, Adversaries(), source, settings)  # type: ignore[arg-type]
    by_hand = {"discriminator": {"lr": 0.025, "every": 1}, "generator": {"lr": 0.05, "every": 2}}
    theirs = trained_by_hand(source, by_hand, epochs=3, accumulate=accumulate)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_one_network_of_a_system_is_averaged_and_the_other_keeps_its_own_weights() -> None:
    seen: list[TwoNetworks] = []
    source, model = ToySource(rows(12), 3), TwoNetworks()
    settings = config(epochs=2, learning_rate=0.05, networks="generator.ema_decay=0.9")
    loop = train(model, Adversaries(), source, settings, on_best=lambda loop, _: seen.append(copy.deepcopy(loop.model)))  # type: ignore[arg-type]
    assert loop.average is not None
    assert {name.split(".")[0] for name in loop.average.tensors() if "/" in name} == {"weights/generator"}
    for kept, own in zip(seen[-1].discriminator.parameters(), model.discriminator.parameters()):
        assert torch.equal(kept, own)
    assert not any(torch.equal(a, b) for a, b in zip(seen[-1].generator.parameters(), model.generator.parameters()))


@pytest.mark.parametrize("after", [3, 4, 5, 8])
def test_two_networks_that_broke_off_end_with_the_bits_of_those_that_did_not(after: int, tmp_path: Path) -> None:
    source = ToySource(rows(14), 3)  # five batches, and three updates
    settings = config(
        epochs=4, optimizer="adam", learning_rate=0.05, schedule="one-cycle", accumulate=2, ema_decay=0.9,
        save_every_seconds=0.0, networks=PACES + ";discriminator.ema_decay=0",
    )  # fmt: skip
    whole, broken, resumed = TwoNetworks(), TwoNetworks(), TwoNetworks()
    kept: list[Any] = []
    alone = train(
        whole, Adversaries(), source, settings, on_best=lambda loop, _: kept.append(copy.deepcopy(loop.model))
    )  # type: ignore[arg-type]
    folder = RunFolder.create(tmp_path / "run", name="toy")
    with pytest.raises(RuntimeError, match="broken off"):
        train(broken, Adversaries(), source, settings, run=folder, callbacks=[Stopping(after)])  # type: ignore[arg-type]
    with torch.no_grad():
        for p in resumed.parameters():
            p.fill_(7.0)
    loop = train(  # type: ignore[arg-type]
        resumed, Adversaries(), source, settings, run=folder, resume=True,
        on_best=lambda loop, _: kept.append(copy.deepcopy(loop.model)),
    )  # fmt: skip
    for model, other in ((resumed, whole), (kept[-1], kept[3])):
        for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
            assert torch.equal(mine, theirs)
    assert [line["running"] for line in loop.history] == [line["running"] for line in alone.history]


class Sampling(Adversaries):
    """Without anything by which epochs could be compared."""

    monitor, running = None, ("of_generator",)

    def __init__(self) -> None:
        super().__init__()
        self.sampled: list[tuple[int, Path]] = []

    def update(self, step: Any, batch: Batch) -> dict[str, Tensor]:
        found = super().update(step, batch)
        return {**found, "of_generator": 2 * found["loss"]}

    def make_samples(self, model: nn.Module, epoch: int, folder: Path) -> None:
        self.sampled.append((epoch, folder))


def test_without_a_measurement_to_compare_the_last_state_is_kept_and_samples_are_made(tmp_path: Path) -> None:
    sampling, told = Sampling(), []
    folder = RunFolder.create(tmp_path / "run", name="toy")
    source = ToySource(rows(12), 3)
    loop = train(
        TwoNetworks(), sampling, source, config(epochs=3), run=folder, validation=ToySource(rows(9), 3),
        on_best=lambda loop, record: told.append(record["epoch"]),
    )  # fmt: skip
    assert told == [1, 2, 3]
    assert sampling.sampled == [(epoch, folder.path) for epoch in (1, 2, 3)]
    assert loop.tracker.best_epoch is None
    for line in folder.log_lines():
        assert not {"best", "val", "train"} & set(line)
        assert line["running"]["of_generator"] == pytest.approx(2 * line["running"]["loss"])
    with pytest.raises(UsageError, match="nothing stops early; got patience=2"):
        train(TwoNetworks(), Sampling(), source, config(patience=2))


def test_timing_plans_of_a_system_leaves_weights_generators_and_what_the_task_carries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("derin.train.planning.MIN_STEPS_FOR_TRIALS", 0)
    monkeypatch.setattr("derin.train.planning.MIN_OPERATIONS_FOR_TRIALS", 0)
    model, adversaries = TwoNetworks(), Adversaries()
    before = copy.deepcopy(model.state_dict())
    adversaries.state["kept"] = torch.ones(2)
    torch.manual_seed(5)
    drawn = torch.get_rng_state()
    _, trials = find_plan(
        model, adversaries, ToySource(rows(12), 3), config(plan="auto", optimizer="adam"), torch.device("cpu")  # type: ignore[arg-type]
    )  # fmt: skip
    assert len(trials) > 1
    assert adversaries.foreign  # it was the task's own update that was timed
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert list(adversaries.state) == ["kept"]


def test_the_network_of_a_system_that_diverges_is_named() -> None:
    model = TwoNetworks()
    with torch.no_grad():
        model.generator[2].weight.fill_(float("inf"))
    with pytest.raises(DivergenceError, match=r"the weight of layer 'generator\.2' \(Linear\) is not finite"):
        train(model, Adversaries(), ToySource(rows(12), 3), config(epochs=1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("critic.lr=0.5x", "critic"),
        ("generator.rate=2", "rate"),
        ("generator.every=0", "whole number of updates"),
        ("generator.lr=fast", "a factor of the run's rate"),
        ("generator.ema_decay=1", "from 0 to below 1"),
        ("generator=2", "NETWORK.SETTING=VALUE"),
        ("generator.optimizer=adam:betas", "NAME=VALUE"),
        ("generator.optimizer=adamm", "adamm"),
    ],
)
def test_settings_of_networks_that_cannot_be_are_refused_in_a_sentence(text: str, message: str) -> None:
    with pytest.raises(DerinError, match=message):
        train(TwoNetworks(), Adversaries(), ToySource(rows(12), 3), config(networks=text))  # type: ignore[arg-type]


# Listeners


def test_listeners_are_told_of_the_start_once_before_the_first_step_and_of_the_end_whatever_happens() -> None:
    told: list[str] = []

    class Listener(Callback):
        def on_start(self, loop: Any) -> None:
            told.append(f"start {loop.step}")

        def on_step(self, loop: Any) -> None:
            told.append(f"step {loop.step}")
            if loop.step == 3:
                raise RuntimeError("broken off")

        def on_stop(self, loop: Any) -> None:
            told.append("stop")

    with pytest.raises(RuntimeError, match="broken off"):
        train(network(), task(), ToySource(rows(8), 4), config(epochs=2), callbacks=[Listener()])
    assert told == ["start 0", "step 1", "step 2", "step 3", "stop"]


def test_a_run_begins_anew_unless_told_to_go_on(tmp_path: Path) -> None:
    for resume, wanted in (({}, [1, 2]), ({}, [1, 2]), ({"resume": True}, [])):
        noted = Noted()
        source, folder = ToySource(rows(8), 4), RunFolder(tmp_path)
        train(network(), task(), source, config(epochs=1), run=folder, callbacks=[noted], **resume)
        assert noted.steps == wanted


def test_training_takes_the_threads_that_were_asked_for() -> None:
    seen: list[int] = []

    class Counting(Callback):
        def on_step(self, loop: Any) -> None:
            seen.append(torch.get_num_threads())

    for number in (1, 2):
        train(network(), task(), ToySource(rows(4), 4), config(epochs=1, threads=number), callbacks=[Counting()])
    assert seen == [1, 2]
