"""The command line keeps its promises: documents on stdout, sentences on stderr, exit codes, no network."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from derin.cli.main import app


def derin(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    path = tmp_path_factory.mktemp("runs") / "digits"
    result = derin("train", "digits", "--epochs", 2, "--plan", "plain", "--threads", 1, "--out", path, "--json")
    assert result.exit_code == 0, result.output
    return path, json.loads(result.stdout)


@pytest.fixture
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening an internet socket is an error; local sockets stay."""
    real = socket.socket

    class Local(real):  # type: ignore[misc, valid-type]
        def __init__(self, family: int = -1, *args: object, **kwargs: object) -> None:
            assert family not in (-1, socket.AF_INET, socket.AF_INET6), "an internet socket was opened"
            super().__init__(family, *args, **kwargs)

    monkeypatch.setattr(socket, "socket", Local)


def test_train_prints_the_promised_document(run: tuple[Path, dict]) -> None:
    path, document = run
    assert {"run", "model", "task", "epochs", "seconds", "plan", "metrics"} <= set(document)
    assert document["run"] == str(path)
    assert document["epochs"] == 2
    assert set(document["metrics"]) == {"train", "val", "test"}
    for values in document["metrics"].values():
        assert {"accuracy", "loss"} <= set(values)
        assert all(isinstance(v, float) for v in values.values())
    assert document["metrics"] == json.loads((path / "run.json").read_text())["metrics"]
    assert (path / "report.html").exists()


def test_eval_prints_the_promised_document(run: tuple[Path, dict]) -> None:
    path, document = run
    found = json.loads(derin("eval", path, "digits", "--json").stdout)
    assert set(found) == {"metrics", "num_examples", "split", "trained_on", "notes"}
    assert found["metrics"]["accuracy"] == document["metrics"]["test"]["accuracy"]


def test_predict_prints_the_promised_document(run: tuple[Path, dict], tmp_path: Path) -> None:
    pictures = [tmp_path / f"{name}.png" for name in ("one", "two")]
    for number, picture in enumerate(pictures):
        Image.fromarray(np.full((8, 8), 40 * number, dtype=np.uint8)).save(picture)
    found = json.loads(derin("predict", run[0], *pictures, "--json").stdout)
    assert [answer["input"] for answer in found] == [str(p) for p in pictures]
    for answer in found:
        assert set(answer) == {"input", "label", "probability", "top"}
        assert answer["top"][0] == [answer["label"], answer["probability"]]
        assert 0 < answer["probability"] <= 1


def test_predict_writes_a_table_for_a_folder_and_passes_over_what_is_no_picture(
    run: tuple[Path, dict], tmp_path: Path
) -> None:
    for name in ("b.png", "a.png"):
        Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "c.png").write_bytes(b"no picture")
    out = tmp_path / "predictions.csv"
    result = derin("predict", run[0], tmp_path, "--out", out)
    assert result.exit_code == 0, result.output
    assert "c.png" in result.output
    lines = out.read_text().splitlines()
    assert lines[0] == ",".join(["input", "label", "probability", *(f"p({digit})" for digit in range(10))])
    assert [line.split(",")[0] for line in lines[1:]] == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


def test_summary_prints_the_promised_document() -> None:
    found = json.loads(derin("summary", "lenet5", "--input", "1x32x32", "--json").stdout)
    assert set(found) >= {"layers", "parameters", "multiply_adds"}
    assert found["parameters"] == 61_706 == sum(row["parameters"] for row in found["layers"])
    assert set(found["layers"][0]) >= {"name", "output_shape", "parameters", "multiply_adds"}


def test_data_prints_schema_and_report() -> None:
    found = json.loads(derin("data", "iris", "--json").stdout)
    assert {"schema", "report"} <= set(found)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("train", "digitss"), 1, "digits"),
        (("train", "digits", "--model", "resnet19"), 2, "resnet18"),
        (("train", "digits", "--optimizer", "adamm"), 2, "adam"),
        (("train", "digits", "--epochs", "-1"), 2, "epochs"),
        (("train",), 2, "data"),
        (("train", "digits", "--resume"), 2, "--out"),
        (("eval", "nowhere"), 2, "nowhere"),
        (("predict", "nowhere", "x.png"), 2, "nowhere"),
        (("summary", "lenet6"), 2, "lenet5"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_stdout_empty(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = derin(*arguments, "--json")
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    sentence = result.stderr.strip()
    assert "\n" not in sentence
    assert words in sentence
    assert not list(tmp_path.rglob("run.json"))
    assert not [p for p in tmp_path.rglob("*") if p.is_dir() and p.name != "runs"]


def test_unreadable_picture_that_was_named_is_an_error(run: tuple[Path, dict], tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0broken")
    result = derin("predict", run[0], broken)
    assert result.exit_code == 1
    assert "broken.jpg" in result.stderr


@pytest.mark.usefixtures("no_internet")
def test_training_measuring_predicting_and_reporting_open_no_internet_socket(tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert derin("train", "iris", "--epochs", 2, "--plan", "plain", "--out", path).exit_code == 0
    assert derin("eval", path).exit_code == 0
    (tmp_path / "rows.csv").write_text(
        "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5.1,3.5,1.4,0.2\n"
    )
    assert derin("predict", path, tmp_path / "rows.csv").exit_code == 0
    assert derin("report", path).exit_code == 0


def test_help_of_every_command_has_an_example() -> None:
    for command in app.registered_commands:
        assert command.name is not None
        assert "Example:" in derin(command.name, "--help").stdout, command.name


def test_version_is_printed() -> None:
    assert derin("--version").stdout.startswith("derin ")


def test_command_runs_as_a_module() -> None:
    result = subprocess.run([sys.executable, "-m", "derin", "--help"], capture_output=True, text=True, check=True)
    assert "train" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("embed", "neighbours", "nowhere", "word"),
        ("explain", "grad-cam", "nowhere", "x.png"),
        ("weights", "fetch", "nothing"),
    ],
)
def test_errors_name_the_whole_command(arguments: tuple[str, ...]) -> None:
    result = derin(*arguments)
    assert result.exit_code != 0
    assert result.stderr.startswith(f"derin {arguments[0]} {arguments[1]}: ")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["summary", "lenet5", "--json"]])
def test_an_output_that_takes_no_more_is_a_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "derin", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert (
        done.stderr == "derin: what is printed cannot be written (No space left on device); send it to another place.\n"
    )
