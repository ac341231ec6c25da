"""Plans: their names, and how the fastest one that agrees is found."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from derin.core.errors import UnknownNameError, UsageError
from derin.train import plan as plan_module
from derin.train.plan import Plan, Trial, candidates, choose_plan


@pytest.mark.parametrize("text", ["fp32", "bf16,fused", "bf16,channels-last,fused,compiled"])
def test_a_plan_is_what_its_name_says_and_goes_through_json(text: str) -> None:
    plan = Plan.parse(text)
    assert str(plan) == text
    assert Plan.from_json(plan.to_json()) == plan


def test_unknown_parts_are_answered_with_near_matches() -> None:
    with pytest.raises(UnknownNameError, match="channels-last"):
        Plan.parse("bf16,chanels-last")
    with pytest.raises(UsageError, match="fuse"):
        Plan.from_json({"fuse": True})


def test_candidates_start_with_the_plain_plan_and_try_layouts_for_pictures_only() -> None:
    pictures, rows = nn.Conv2d(1, 2, 3), nn.Linear(3, 2)
    options = {"device_type": "cpu", "fused": True, "forbids": frozenset()}
    assert candidates(pictures, text="auto", **options)[0] == Plan()
    assert any(p.channels_last for p in candidates(pictures, text="auto", **options))
    assert not any(p.channels_last for p in candidates(rows, text="auto", **options))
    assert {p.precision for p in candidates(rows, text="auto:fp32", **options)} == {"fp32"}


def test_precision_that_a_task_forbids_is_never_tried() -> None:
    found = candidates(nn.Linear(3, 2), device_type="cpu", fused=True, forbids={"bf16"}, text="auto")
    assert {p.precision for p in found} == {"fp32"}
    with pytest.raises(UsageError, match="bf16"):
        candidates(nn.Linear(3, 2), device_type="cpu", fused=True, forbids={"bf16"}, text="auto:bf16")


def steps(seconds: dict[str, float], losses: dict[str, float], broken: str = "") -> Callable:
    def make_step(model: nn.Module, plan: Plan) -> Callable[[int], Tensor]:
        def run(index: int) -> Tensor:
            if str(plan) == broken:
                raise RuntimeError("out of memory\nwith details")
            time.sleep(seconds[str(plan)])
            with torch.no_grad():
                next(model.parameters()).add_(1.0)
            return torch.tensor(losses.get(str(plan), 2.0))

        return run

    return make_step


PLANS = [Plan.parse(text) for text in ("fp32", "fp32,fused", "bf16,fused")]
SECONDS = {"fp32": 0.03, "fp32,fused": 0.02, "bf16,fused": 0.002}


def test_the_fastest_is_taken_and_the_network_stays_as_it_was() -> None:
    model = nn.Linear(3, 2)
    before = model.weight.detach().clone()
    plan, trials = choose_plan(PLANS, model, steps(SECONDS, {}), synchronize=lambda: None)
    assert str(plan) == "bf16,fused"
    assert [str(t.plan) for t in trials] == list(SECONDS)
    assert torch.equal(model.weight, before)


def test_a_plan_whose_loss_differs_is_dropped_and_says_why() -> None:
    plan, trials = choose_plan(PLANS, nn.Linear(3, 2), steps(SECONDS, {"bf16,fused": 9.0}), synchronize=lambda: None)
    assert str(plan) == "fp32,fused"
    assert "differs" in trials[-1].dropped


@pytest.mark.parametrize(
    ("text", "reference", "off", "is_kept"),
    [
        # fp32 may differ by a hundredth, bf16 by a tenth of the first plan's loss.
        ("fp32,fused", 2.0, 0.019, True),
        ("fp32,fused", 2.0, 0.021, False),
        ("bf16,fused", 2.0, -0.19, True),
        ("bf16,fused", 2.0, -0.21, False),
        # A loss near 0 is judged as one of 0.1 would be.
        ("fp32,fused", 0.0, 0.0009, True),
        ("fp32,fused", 0.0, -0.0011, False),
        ("bf16,fused", -3.0, 0.29, True),
        ("bf16,fused", -3.0, 0.31, False),
        ("bf16,fused", 2.0, float("nan"), False),
    ],
)
def test_how_far_the_loss_of_a_plan_may_be_off(text: str, reference: float, off: float, is_kept: bool) -> None:
    quick = {"fp32": 0.004, text: 0.0}
    make = steps(quick, {"fp32": reference, text: reference + off})
    plan, trials = choose_plan([Plan(), Plan.parse(text)], nn.Linear(3, 2), make, synchronize=lambda: None)
    assert (not trials[1].dropped) == is_kept
    assert str(plan) == (text if is_kept else "fp32")


def test_a_plan_that_runs_out_of_memory_is_dropped() -> None:
    plan, trials = choose_plan(PLANS, nn.Linear(3, 2), steps(SECONDS, {}, "bf16,fused"), synchronize=lambda: None)
    assert str(plan) == "fp32,fused"
    assert trials[-1].dropped == "out of memory"


@pytest.mark.parametrize(
    ("kinds", "text", "fused", "expected"),
    [
        ("dense", "auto:fp32", True, "fp32|fp32,fused|fp32,fused,onednn"),
        ("dense", "auto:fp32", False, "fp32|fp32,onednn"),
        ("dense", "auto", True, "fp32|fp32,fused|bf16,fused"),
        ("dense", "auto:bf16", True, "bf16|bf16,fused"),
        ("pictures", "auto:fp32", True, "fp32|fp32,fused|fp32,channels-last,fused"),
        ("pictures dense", "auto:fp32", False, "fp32|fp32,channels-last|fp32,channels-last,onednn"),
        ("pictures", "auto", False, "fp32|fp32,channels-last|bf16|bf16,channels-last"),
    ],
)
def test_every_way_that_may_be_faster_is_tried_once(
    kinds: str, text: str, fused: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derin.core.onednn.has_onednn", lambda kind: True)
    parts = {"dense": nn.Linear(3, 2), "pictures": nn.Conv2d(1, 2, 3)}
    model = nn.Sequential(*(parts[kind] for kind in kinds.split()))
    found = candidates(model, device_type="cpu", fused=fused, forbids=(), text=text)
    assert "|".join(map(str, found)) == expected
    elsewhere = candidates(model, device_type="cuda", fused=fused, forbids=(), text=text)
    assert elsewhere == [plan for plan in found if not plan.onednn]


def test_a_trial_is_the_median_of_steps_after_three_until_their_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 0.0

        def perf_counter(self) -> float:
            return self.now

    clock, asked = Clock(), []
    monkeypatch.setattr(plan_module, "time", clock)

    def trial(seconds: list[float], plan: str = "fp32") -> Trial:
        asked.clear()

        def run(index: int) -> Tensor:
            clock.now += seconds[min(index, len(seconds) - 1)]
            asked.append(index)
            return torch.tensor(2.0 + index / 1000)

        return choose_plan([Plan.parse(plan)], nn.Linear(3, 2), lambda *_: run, synchronize=lambda: None)[1][0]

    found = trial([9.0, 9.0, 9.0, 0.3, 0.05, 0.2, 7.0])
    assert (found.seconds, asked) == (pytest.approx(0.2), [0, 1, 2, 3, 4, 5])  # 0.4 s are over after three steps
    assert found.loss == pytest.approx(2.002)  # of the last step before, for then all plans have done as many
    assert found.to_json() == {"plan": "fp32", "seconds": found.seconds, "loss": found.loss, "dropped": ""}
    assert trial([0.0, 0.0, 0.0, 2.0, 1.0]).seconds == pytest.approx(2.0)  # never one alone
    assert len(asked) == 5
    trial([1e-6])
    assert len(asked) == 3 + 60


@pytest.mark.parametrize(("text", "wanted"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_a_plan_calculates_in_its_precision(text: str, wanted: torch.dtype) -> None:
    with Plan.parse(text).autocast("cpu"):
        assert nn.Linear(2, 3)(torch.zeros(1, 2)).dtype == wanted


@pytest.mark.parametrize(
    ("seconds", "num_steps", "is_dropped"),
    [
        ([5.1, 1.0], 1, True),  # five times as long in its first step
        ([4.9, 1.0], 5, False),
        ([4.9, 2.6], 2, True),
        ([4.9, 1.0, 2.6], 3, True),
        ([4.9, 2.4], 5, False),
    ],
)
def test_a_plan_that_takes_far_longer_is_given_up_early(
    monkeypatch: pytest.MonkeyPatch, seconds: list[float], num_steps: int, is_dropped: bool
) -> None:
    now, asked = [0.0], []

    class Clock:
        def perf_counter(self) -> float:
            return now[0]

    monkeypatch.setattr(plan_module, "time", Clock())

    def make_step(model: nn.Module, plan: Plan) -> Callable[[int], Tensor]:
        def run(index: int) -> Tensor:
            now[0] += 1.0 if plan.precision == "fp32" else seconds[min(index, len(seconds) - 1)]
            if plan.precision == "bf16":
                asked.append(index)
            return torch.tensor(2.0)

        return run

    plan, (_, slow) = choose_plan([Plan(), Plan.parse("bf16")], nn.Linear(3, 2), make_step, synchronize=lambda: None)
    assert (len(asked), bool(slow.dropped)) == (num_steps, is_dropped)
    assert str(plan) == "fp32"
    assert not is_dropped or (slow.loss is None and "times as long" in slow.dropped)
