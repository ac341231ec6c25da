"""One table of settings, from which Python, the command line and files of settings have their names."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import typer

import derin
from derin.api.arguments import SETTINGS, check_names, request_of
from derin.cli.main import app
from derin.core.errors import UnknownNameError, UsageError
from derin.core.files import read_json
from derin.train.config import TrainConfig

BY_NAME = {each.name: each for each in SETTINGS}


def test_python_the_command_line_and_the_table_have_the_same_names() -> None:
    parameters = inspect.signature(derin.fit).parameters
    assert {"data", *BY_NAME} == set(parameters)
    assert not [p for p in parameters.values() if p.kind is p.VAR_KEYWORD]
    command: Any = typer.main.get_command(app).commands["train"]  # type: ignore[attr-defined]
    options = {parameter.name: set(parameter.opts + parameter.secondary_opts) for parameter in command.params}
    assert {each.name: set("/".join(each.flags).split("/")) for each in SETTINGS if each.flags} == {
        name: flags for name, flags in options.items() if name in BY_NAME
    }
    helps = {parameter.name: parameter.help for parameter in command.params}
    assert all(helps[each.name] == each.help for each in SETTINGS if each.flags)
    for each in SETTINGS:
        word = f"{each.name}:" if f"{each.name}:" in str(derin.fit.__doc__) else each.name
        assert word in str(derin.fit.__doc__), each.name


@pytest.mark.parametrize(
    ("name", "meant"), [("epoch", "epochs"), ("learning_rat", "learning_rate"), ("optimiser", "optimizer")]
)
def test_an_unknown_argument_is_answered_with_near_matches(name: str, meant: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=meant):
        derin.fit("iris", out=tmp_path / "run", **{name: 1})
    with pytest.raises(UnknownNameError, match=meant):
        check_names({name: 1}, "--config x.json")
    assert not (tmp_path / "run").exists()


def test_functions_are_no_settings_of_a_file() -> None:
    check_names({"epochs": 1, "kinds": {}, "optimizer": "adam:eps=1e-7", "save_every_seconds": 1}, "x")
    for name in ("loss", "callbacks", "out"):
        with pytest.raises(UnknownNameError):
            check_names({name: 1}, "x")


def test_a_config_is_its_text_and_the_settings_of_the_run_that_it_names(tmp_path: Path) -> None:
    adam = derin.optimizers.Adam(lr=0.02, weight_decay=0.1, betas=(0.8, 0.99))
    step = derin.schedules.Step(every=2, factor=0.5)
    run = derin.fit(
        "iris", optimizer=adam, schedule=step, plan=derin.Plan(), epochs=2, out=tmp_path / "run", report=False
    )
    config = read_json(run.path / "run.json")["config"]
    assert config["optimizer"] == "adam:betas=0.8/0.99"
    assert (config["learning_rate"], config["weight_decay"]) == (0.02, 0.1)
    assert (config["schedule"], config["plan"]) == ("step:every=2,factor=0.5", "fp32")
    again = derin.fit(resume=True, out=run.path, extend=True, epochs=3, optimizer=adam, report=False)
    assert again.record["epochs"] == 3
    spelled = {"optimizer": "adam:betas=0.8/0.99", "learning_rate": 0.02, "weight_decay": 0.1, "plan": "plain"}
    by_name = derin.fit(
        "iris", schedule="step:every=2,factor=0.5", epochs=3, out=tmp_path / "b", report=False, **spelled
    )
    assert by_name.metrics["val"] == again.metrics["val"]


def test_what_is_said_twice_and_what_does_not_fit_is_refused() -> None:
    adam = derin.optimizers.Adam(lr=0.02)
    with pytest.raises(UsageError, match=r"learning_rate is said twice: 0\.02 .* 0\.1"):
        request_of({"optimizer": adam, "learning_rate": 0.1})
    assert request_of({"optimizer": adam, "learning_rate": 0.02})[1]["learning_rate"] == 0.02
    assert TrainConfig(optimizer=adam).learning_rate == 0.02
    for wrong in ({"betas": (0.9,)}, {"betas": 0.9}, {"eps": "small"}, {"amsgrad": 1}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            derin.optimizers.Adam(**wrong)
    with pytest.raises(UsageError, match="a function"):
        request_of({"loss": "mse"})


@pytest.mark.parametrize("name", derin.optimizers.__all__)
def test_every_config_of_an_optimizer_is_read_back_from_its_text(name: str) -> None:
    from derin.train.optimizers.build import optimizer_config

    kind = getattr(derin.optimizers, name)
    if name == "OptimizerConfig":
        return
    usual = kind.own_options()
    other = {
        o: not v if isinstance(v, bool) else tuple(x / 2 for x in v) if isinstance(v, tuple) else v + 1
        for o, v in usual.items()
    }
    for options in ({}, other):
        assert optimizer_config(str(kind(**options))) == kind(**options)


def test_a_process_of_torchrun_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="torchrun started 2 processes"):
        derin.fit("iris")
