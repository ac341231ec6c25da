from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from derin.cli.console import cli_errors
from derin.cli.main import app as main_app
from derin.cli.summary import summary
from derin.models.registry import MODELS

app = typer.Typer()
app.command()(cli_errors(summary))


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80", "TERM": "dumb"})


def test_json_is_the_promised_document() -> None:
    result = invoke("lenet5", "--input", "1x28x28", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert set(document) == {"layers", "parameters", "multiply_adds"}
    assert document["parameters"] == 61_706
    assert document["multiply_adds"] == 416_520
    first = document["layers"][0]
    assert (first["name"], first["output_shape"], first["parameters"], first["multiply_adds"]) == (
        "c1",
        [6, 28, 28],
        156,
        117_600,
    )


def test_without_input_the_papers_sizes_are_taken() -> None:
    assert json.loads(invoke("resnet18", "--json").stdout)["parameters"] == 11_689_512


def test_classes_and_options_change_the_network() -> None:
    document = json.loads(invoke("mlp", "--input", "5", "--classes", "3", "--option", "hidden=[7]", "--json").stdout)
    assert document["parameters"] == 5 * 7 + 7 + 7 * 3 + 3


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "convnet", "mlp"])
def test_the_table_fits_80_columns_and_ends_with_totals_and_paper(name: str) -> None:
    result = invoke(name)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("Total") for line in lines)
    assert "Paper:" in result.stdout
    assert "…" not in result.stdout


def test_large_pictures_cost_no_memory() -> None:
    document = json.loads(invoke("resnet18", "--input", "3x100000x100000", "--json").stdout)
    assert document["layers"][0]["output_shape"] == [64, 50_000, 50_000]


def save_card(folder: Path, model: dict[str, Any]) -> None:
    import torch

    from derin.core.bundle import save_bundle

    save_bundle(folder, tensors={"weight": torch.zeros(2)}, card={"model": model}, ties={}, layout={})


def test_a_run_or_bundle_shows_the_network_it_holds(tmp_path: Path) -> None:
    from derin.models.building import describe

    save_card(tmp_path / "run" / "model", describe("mlp", input_shape=(5,), num_outputs=3, hidden=(7,)))
    for folder in (tmp_path / "run", tmp_path / "run" / "model"):
        assert json.loads(invoke(str(folder), "--json").stdout)["parameters"] == 66


def test_a_written_down_network_is_shown_as_well(tmp_path: Path) -> None:
    from derin.layers import Dense
    from derin.models.sequential import Sequential

    save_card(tmp_path / "bundle", Sequential([Dense(7, activation="relu"), Dense(3)], input_shape=(5,)).to_json())
    result = invoke(str(tmp_path / "bundle"))
    assert "dense_1_relu" in result.stdout
    assert "Total" in result.stdout


def test_a_registered_name_wins_over_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlp").mkdir()
    monkeypatch.chdir(tmp_path)
    assert invoke("mlp").exit_code == 0
    assert invoke("./mlp").exit_code != 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["lenet"], 2, "did you mean 'lenet5'"),
        (["lenet5", "--input", "28-28"], 2, "1x28x28"),
        (["lenet5", "--input", "28x28"], 1, "input_shape=(channels, height, width)"),
        (["resnet18", "--input", "1x8x8"], 1, "at least 1×16×16"),
        (["mlp", "--option", "hidden"], 2, "name=value"),
        (["mlp", "--option", "hiden=[3]"], 2, "did you mean 'hidden'"),
        (["mlp", "--classes", "0"], 1, "whole numbers from 1"),
    ],
)
def test_wrong_use_is_answered_in_one_sentence(arguments: list[str], code: int, message: str) -> None:
    result = invoke(*arguments, "--json")
    assert result.exit_code == code
    assert result.stdout == ""
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_sizes_of_a_saved_network_cannot_be_changed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    result = invoke(str(tmp_path / "run"), "--input", "5")
    assert result.exit_code == 2
    assert "leave --input, --classes and --option out" in result.stderr


def test_a_network_of_the_users_own_is_refused_with_the_way_out(tmp_path: Path) -> None:
    save_card(tmp_path / "bundle", {"name": None, "class": "MyNet", "structure": "x"})
    result = invoke(str(tmp_path / "bundle"))
    assert result.exit_code == 2
    assert "MyNet" in result.stderr
    assert "summarize" in result.stderr


def test_models_lists_the_registry_with_the_counts_of_summary() -> None:
    rows = {row["name"]: row for row in json.loads(CliRunner().invoke(main_app, ["models", "--json"]).stdout)}
    assert set(rows) == set(MODELS)
    assert rows["resnet18"]["parameters"] == 11_689_512
    assert rows["lenet5"]["parameters"] == 61_706
    assert rows["resnet20"]["weights"] == [{"name": "resnet20_cifar10", "license": "BSD 2-clause"}]
    assert [w["name"] for w in rows["resnet18"]["weights"]] == ["resnet18_imagenet"]
    assert rows["lenet5"]["weights"] == []
