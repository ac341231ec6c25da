"""Schedules against torch's own and against the course's numbers."""

import math

import pytest
import torch
from torch.optim import lr_scheduler

from derin.core.errors import UnknownNameError, UsageError
from derin.train.schedules import SCHEDULES, build_schedule

# Both sides are a handful of double operations; torch's chained forms multiply step by step.
TOLERANCE = {"rel": 1e-9, "abs": 1e-15}
EPOCHS, PER_EPOCH, BATCH = 7, 35, 5
STEPS = EPOCHS * PER_EPOCH // BATCH


def rates(text, *, learning_rate=0.2, epochs=EPOCHS, per_epoch=PER_EPOCH, batch=BATCH, warmup=0.0, time=None):
    schedule = build_schedule(
        text,
        learning_rate=learning_rate,
        total_examples=epochs * per_epoch,
        examples_per_epoch=per_epoch,
        warmup=warmup,
        examples_per_step=batch,
    )
    # `time` gives the share of the time that is used when a share of the examples was seen.
    total = epochs * per_epoch
    return [schedule(seen, time(seen / total) if time else 0.0) for seen in range(0, total + 1, batch)]


def torch_rates(make, num, learning_rate=0.2):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=learning_rate)
    scheduler = make(optimizer)
    found = []
    for _ in range(num):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_cosine_is_torchs_cosine_annealing():
    wanted = torch_rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS), STEPS + 1)
    assert rates("cosine") == pytest.approx(wanted, **TOLERANCE)


def test_cosine_ends_at_the_share_asked_for():
    wanted = torch_rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS, eta_min=0.02), STEPS + 1)
    assert rates("cosine:end=0.1") == pytest.approx(wanted, **TOLERANCE)


def test_linear_is_torchs_polynomial_of_power_one():
    wanted = torch_rates(lambda o: lr_scheduler.PolynomialLR(o, total_iters=STEPS), STEPS + 1)
    assert rates("linear") == pytest.approx(wanted, **TOLERANCE)


@pytest.mark.parametrize(("text", "anneal"), [("one-cycle", "cos"), ("one-cycle:anneal=linear", "linear")])
def test_one_cycle_is_torchs(text, anneal):
    # torch turns at pct·total − 1 and ends at total − 1; this total and share put both where ours are.
    total = STEPS + 1
    wanted = torch_rates(
        lambda o: lr_scheduler.OneCycleLR(
            o,
            0.2,
            total_steps=total,
            pct_start=(0.25 * STEPS + 1) / total,
            anneal_strategy=anneal,
            cycle_momentum=False,
        ),
        STEPS,
    )
    assert rates(text)[:-1] == pytest.approx(wanted, **TOLERANCE)
    assert rates(text)[-1] == pytest.approx(0.2 / 25 / 1e4)


@pytest.mark.parametrize(
    ("text", "make"),
    [
        ("constant", lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
        ("exponential:base=0.9", lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
        ("step:every=2,factor=0.5", lambda o: lr_scheduler.StepLR(o, 2, 0.5)),
        ("inverse:k=0.5", lambda o: lr_scheduler.LambdaLR(o, lambda e: 1 / (1 + 0.5 * e))),
        ("inverse-sqrt:k=0.8", lambda o: lr_scheduler.LambdaLR(o, lambda e: 0.8 / math.sqrt(e + 1))),
    ],
)
def test_schedules_by_epoch_change_when_an_epoch_is_complete(text, make):
    by_epoch = torch_rates(make, EPOCHS + 1)
    wanted = [by_epoch[seen // PER_EPOCH] for seen in range(0, EPOCHS * PER_EPOCH + 1, BATCH)]
    assert rates(text) == pytest.approx(wanted, **TOLERANCE)


def test_inverse_gives_the_courses_table():
    found = rates("inverse", epochs=5, per_epoch=1, batch=1)[:5]
    assert [round(rate, 3) for rate in found] == [0.2, 0.1, 0.067, 0.05, 0.04]


def test_exponential_gives_the_courses_formula():
    assert rates("exponential", epochs=3, per_epoch=1, batch=1) == pytest.approx([0.2, 0.19, 0.1805, 0.171475])


def test_manual_takes_the_latest_point_reached():
    found = rates("manual:1=0.1,3=0.01,4.5=0.001", epochs=6, per_epoch=2, batch=1)
    assert found == [0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.001]


def test_batch_size_changes_no_curve():
    assert rates("one-cycle", batch=35) == rates("one-cycle", batch=1)[::35]


def test_an_epoch_that_floats_cannot_divide_is_complete_in_time():
    per_epoch = 49  # k·49/49 is whole, but k·(1/49) rounds below it for several k
    schedule = build_schedule(
        "step:every=1,factor=0.5", learning_rate=1.0, total_examples=9_800, examples_per_epoch=per_epoch
    )
    assert [schedule(k * per_epoch) for k in range(50)] == [0.5**k for k in range(50)]


@pytest.mark.parametrize(("batch", "rising"), [(10, [0.5, 1]), (5, [0.25, 0.5, 0.75, 1])])
def test_the_first_of_t_warm_up_steps_takes_a_t_th_of_the_rate_and_the_curve_follows(batch, rising):
    found = rates("linear", learning_rate=1.0, epochs=10, per_epoch=10, batch=batch, warmup=0.2)
    falling = [1 - (seen - 20) / 80 for seen in range(20, 101, batch)]
    assert found == pytest.approx(rising + falling)


@pytest.mark.parametrize("text", ["linear", "cosine:end=0.1", "one-cycle"])
def test_where_time_is_short_the_whole_curve_is_run_in_the_time_there_is(text):
    # Half of the examples take all of the time.
    fast = rates(text, epochs=10, per_epoch=10, batch=10, time=lambda share: min(2 * share, 1.0))
    assert fast[:6] == pytest.approx(rates(text, epochs=5, per_epoch=10, batch=10))
    assert fast[6:] == [fast[5]] * 5
    # Where there is time enough it changes nothing.
    assert rates(text, time=lambda share: 0.9 * share) == rates(text)


def test_warm_up_and_what_is_counted_in_epochs_under_short_time():
    found = rates(
        "constant", learning_rate=1.0, epochs=10, per_epoch=10, batch=10, warmup=0.4, time=lambda s: min(2 * s, 1)
    )
    assert found == pytest.approx([0.25, 0.75, 1, *[1] * 8])
    assert rates("step:every=2,factor=0.5", time=lambda share: min(5 * share, 1)) == rates("step:every=2,factor=0.5")


def test_warm_up_scales_schedules_by_epoch():
    found = rates("inverse", learning_rate=1.0, epochs=4, per_epoch=10, batch=5, warmup=0.5)
    assert found == pytest.approx([0.25, 0.5, 0.75 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 4, 1 / 4, 1 / 5])


def test_training_beyond_its_end_keeps_the_last_rate():
    schedule = build_schedule("cosine:end=0.5", learning_rate=1.0, total_examples=10, examples_per_epoch=5)
    assert schedule(11) == schedule(10) == 0.5


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_states_its_equation_and_its_settings(name):
    assert SCHEDULES[name].__doc__.strip().startswith("α")
    text = "manual:0=0.1" if name == "manual" else name
    assert all(rate >= 0 and math.isfinite(rate) for rate in rates(text))


@pytest.mark.parametrize(
    ("text", "meant"),
    [("cosin", "'cosine'"), ("step:evry=3", "'every'"), ("one-cycle:start=3", "'start_div'")],
)
def test_an_unknown_name_or_option_is_answered_with_what_was_meant(text, meant):
    with pytest.raises(UnknownNameError, match=meant):
        rates(text)


@pytest.mark.parametrize(
    "text",
    [
        "step:every=0",
        "step:every=x",
        "step:every",
        "step:every=2,every=3",
        "exponential:base=1.5",
        "inverse:k=-1",
        "inverse-sqrt:k=0",
        "linear:end=2",
        "cosine:end=nan",
        "one-cycle:pct=1",
        "one-cycle:anneal=wavy",
        "manual",
        "manual:3=0.1,1=0.2",
        "manual:0=-1",
    ],
)
def test_values_out_of_range_are_refused(text):
    with pytest.raises(UsageError):
        rates(text)


def test_one_cycle_with_a_second_warm_up_is_refused_with_the_remedy():
    with pytest.raises(UsageError, match=r"one-cycle:pct=0\.1"):
        rates("one-cycle", warmup=0.1)


def test_the_ends_of_what_a_schedule_is_given():
    sizes = {"total_examples": 1, "examples_per_epoch": 1}
    for settings in ({"learning_rate": 0.0}, {"learning_rate": 1.0, "warmup": 1.0}):
        build_schedule("constant", **sizes, **settings)
    for wrong in (
        *({"learning_rate": rate} for rate in (-1e-9, math.inf, math.nan)),
        *({"learning_rate": 1.0, "warmup": share} for share in (-0.1, 1.1, math.nan)),
        *({"learning_rate": 1.0, name: 0} for name in sizes),
    ):
        with pytest.raises(UsageError):
            build_schedule("constant", **{**sizes, **wrong})


def test_a_warm_up_is_refused_by_the_schedule_that_rises_by_itself_and_by_no_other():
    """One-cycle is the only one whose own formula begins below the rate given."""
    assert [name for name in SCHEDULES if SCHEDULES[name].warms_up] == ["one-cycle"]
