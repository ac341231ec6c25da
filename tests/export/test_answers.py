"""What ONNX Runtime gives beside what `predict` says, for every task and every form of input that is exported."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import derin
from derin.api.bundles import model_entry
from derin.api.model import Model
from derin.core.bundle import Bundle
from derin.core.errors import UsageError
from derin.data.cells.encoders import CategoryEncoder, DateEncoder, NumberEncoder
from derin.data.columns import ColumnsPreparation
from derin.data.features import FeaturesCodec
from derin.data.pictures.codec import PictureCodec
from derin.data.series.calendar import Frequency
from derin.data.series.preparation import SeriesPreparation, Variable
from derin.layers import Dense, Flatten
from derin.models import build
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification
from derin.tasks.forecasting import Forecasting
from derin.tasks.multilabel import MultiLabel
from derin.tasks.multitask import MultiTask
from derin.tasks.prediction import Answers, Labels, Prediction, Value
from derin.tasks.regression import Regression

pytestmark = pytest.mark.usefixtures("onnx_is_read_once")

RGB, TABLE, NUMBERS = (
    ColumnsPreparation({"input": codec})
    for codec in (
        PictureCodec(
            column="picture", size=(9, 11), channels=3, mean=(0.3, 0.5, 0.6), std=(0.2, 0.25, 0.3), rule="resize"
        ),
        FeaturesCodec(
            (
                NumberEncoder("height", (), (170.0,), (9.0,), missing=(0,)),
                CategoryEncoder("town", ("Izmir", "Van", "3"), missing=True),
                # A name that the graph itself has, one of an output, and a date.
                NumberEncoder("output", (), (1e9,), (1e-2,)),
                DateEncoder("day", "day", ("month", "weekday", "hour"), 2001.5, 4.0, missing=True),
                CategoryEncoder("kind", ("a", "b"), other=True),
                CategoryEncoder("street", ("Elm", "7"), other=True, missing=True, dim=3),
                NumberEncoder("constant", (), (4.0,), (0.0,)),
                NumberEncoder(
                    "spectrum", (2, 3), (0.0, 1.0, 2.0, 3.0, 4.0, 5.0), (1.0, 2.0, 1.0, 2.0, 1.0, 0.0), missing=(4,)
                ),
            )
        ),
        FeaturesCodec(tuple(NumberEncoder(name, (), (3.0,), (2.0,)) for name in ("a", "b"))),
    )
)
CLASSES = Classification(columns=["kind"], classes=["cat", "dog", "owl"], temperature=1.7)
TASKS: list[Any] = [
    CLASSES,
    Binary(columns=["kind"], classes=["cat", "dog"], temperature=0.6, threshold=0.62),
    MultiLabel(columns=["kind"], classes=["cat", "dog", "owl"], temperature=2.0, thresholds=[0.3, 0.5, 0.7]),
    Regression(columns=["weight"], mean=[1.7e9], std=[3.0], unit="s"),
    Regression(columns=["weight", "length"], mean=[40.0, -5.0], std=[3.0, 0.1]),
    MultiTask([CLASSES, Regression(columns=["weight"], mean=[40.0], std=[3.0])]),
]


def model_of(task: Any, preparation: Any, network: nn.Module | None = None) -> Model:
    """A model as `derin.open` gives it, with fresh weights of some size, so that answers differ."""
    task.bind(preparation)
    if network is None:
        size = math.prod(preparation.input_shape)
        network = nn.Sequential(
            nn.Flatten(), build("linear", input_shape=(size,), num_outputs=task.num_outputs, seed=1)
        )
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    card = {"model": model_entry(network), "task": task.to_json(), "preparation": preparation.to_json()}
    return Model(network.eval(), task, preparation, Bundle(Path("model"), card, {}, {}, {}, {}))


@dataclass(frozen=True)
class Written:
    """A file, run: outputs by name, and what it says of itself."""

    outputs: dict[str, np.ndarray[Any, Any]]
    names: list[str]
    said: dict[str, Any]


def run_file(model: Model, path: Path, feeds: dict[str, np.ndarray[Any, Any]], **how: Any) -> Written:
    document = model.export(path, **how)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [i.name for i in session.get_inputs()] == [i["name"] for i in document["inputs"]]
    names = [o.name for o in session.get_outputs()]
    assert names == [o["name"] for o in document["outputs"]]
    said = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert (document["input"], document["output"]) == (document["inputs"][0], document["outputs"][0])
    return Written(dict(zip(names, session.run(None, feeds), strict=True)), names, said)


def require_same(outputs: dict[str, np.ndarray[Any, Any]], answers: list[Any], classes: Any, prefix: str = "") -> None:
    """The outputs of a file beside what `predict` said of the same examples."""
    for row, answer in enumerate(answers):
        if isinstance(answer, Answers):
            for column, part in answer.columns.items():
                of_part = classes[column]
                require_same({k: v[row : row + 1] for k, v in outputs.items()}, [part], of_part, f"{column}/")
        elif isinstance(answer, Value):
            values = np.atleast_1d(outputs[f"{prefix}value"][row])
            assert values.tolist() == pytest.approx(np.atleast_1d(answer.value).tolist(), rel=1e-9, abs=1e-3)
        else:
            probabilities = outputs[f"{prefix}probabilities"][row]
            found = dict(zip(classes, probabilities.tolist(), strict=True))
            assert found == pytest.approx({c.name: c.probability for c in answer}, abs=1e-5)
            if isinstance(answer, Prediction):
                assert classes[outputs[f"{prefix}label"][row]] == answer.label
            else:
                assert isinstance(answer, Labels)
                assert tuple(np.array(classes)[outputs[f"{prefix}labels"][row]]) == answer.labels


def classes_of(task: Any) -> Any:
    return {c: p.classes for c, p in task.parts.items()} if isinstance(task, MultiTask) else task.classes


@pytest.mark.parametrize(
    ("task", "preparation"),
    [(task, RGB if task.name == "multilabel" else NUMBERS) for task in TASKS],
    ids=lambda part: getattr(part, "name", part.kind if hasattr(part, "kind") else ""),
)
def test_a_file_gives_the_answers_of_predict(task: Any, preparation: Any, tmp_path: Path) -> None:
    model = model_of(task, preparation)
    generator = np.random.default_rng(0)
    if preparation is RGB:
        raw = list(generator.integers(0, 256, (6, 9, 11, 3), dtype=np.uint8))
        inputs = preparation.to_model_input(torch.from_numpy(np.stack(raw))).numpy()
    else:
        raw = generator.normal(3, 2, (6, 2))
        inputs = ((raw - 3) / 2).astype(np.float32)
    found = run_file(model, tmp_path / "m.onnx", {"input": np.ascontiguousarray(inputs)})
    assert (found.names[0], found.said["prepared"]) == ("output", "no")
    require_same(found.outputs, model.predictions(raw), classes_of(task))
    # Whoever computes answers from the network's own output finds what is needed beside it.
    if task.name == "regression":
        mean, std = (np.array(json.loads(found.said[name])) for name in ("target_mean", "target_std"))
        values = found.outputs["output"].astype(np.float64) * std + mean
        np.testing.assert_allclose(values, found.outputs["value"].reshape(values.shape), rtol=1e-12)
    elif task.name in ("binary", "multilabel"):
        values = 1 / (1 + np.exp(-found.outputs["output"] / json.loads(found.said["temperature"])))
        np.testing.assert_allclose(values, found.outputs["probabilities"][:, -values.shape[1] :], atol=1e-6)
        chosen = values >= np.array(json.loads(found.said.get("threshold", found.said.get("thresholds", ""))))
        decided = found.outputs["label"][:, None] if task.name == "binary" else found.outputs["labels"]
        assert (chosen == decided).all()


ROWS = [
    {
        "height": 181.5,
        "town": "Van",
        "output": 1e9 + 0.013,
        "day": "1999-12-31 23:10",
        "kind": "b",
        "street": "Elm",
        "constant": 4,
    },
    {"height": None, "town": "NA", "output": 1e9 - 0.02, "day": None, "kind": "zebra", "street": None, "constant": 9},
    {
        "height": 1e3,
        "town": "Ankara",
        "output": 1e9,
        "day": "2000-02-29",
        "kind": "a",
        "street": "Oak",
        "constant": None,
    },
    {"height": 160, "town": "3", "output": 1e9, "day": "1967-03-01 05:00", "kind": "a", "street": "7.0", "constant": 4},
]
SPECTRA = np.array([[[0.0, 1, 2], [3, 4, 5]], [[1, 1, 1], [1, np.nan, 1]], [[-9, 3, 2], [0, 0, 0]], [[5, 4, 3]] * 2])


# A town that training did not have, and a gap where it had none.
@pytest.mark.filterwarnings("ignore:Values of:derin.core.errors.DerinWarning")
@pytest.mark.filterwarnings("ignore:'constant' is missing:derin.core.errors.DerinWarning")
def test_a_table_goes_into_the_file_as_it_stands_in_its_columns(tmp_path: Path) -> None:
    task = TASKS[5]
    model = model_of(task, TABLE)
    rows = [row | {"spectrum": spectrum} for row, spectrum in zip(ROWS, SPECTRA, strict=True)]
    seconds = [np.nan if row["day"] is None else float(np.datetime64(row["day"], "s").astype(int)) for row in ROWS]
    number = {
        name: np.array([row[name] for row in ROWS], dtype=np.float64) for name in ("height", "output", "constant")
    }
    text = {name: np.array([row[name] for row in ROWS], dtype=object) for name in ("town", "kind", "street")}
    feeds = {**number, **text, "day": np.array(seconds), "spectrum": SPECTRA}
    feeds["input/output"] = feeds.pop("output")  # the network's own output has this name already
    text["street"][1] = ""
    found = run_file(model, tmp_path / "m.onnx", feeds, with_preparation=True)
    require_same(found.outputs, model.predictions(rows), classes_of(task))
    text["town"][1] = ""  # missing, as an empty field is
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    again = dict(zip(found.names, session.run(None, feeds), strict=True))
    require_same(again, model.predictions(rows), classes_of(task))
    told = {one["name"]: one for one in json.loads(found.said["inputs"])}
    assert [one["column"] for one in told.values()] == list(TABLE.columns)
    assert (told["town"]["type"], told["day"]["type"], told["spectrum"]["shape"]) == (
        "string",
        "float64",
        ["batch", 2, 3],
    )


def test_pixels_go_into_the_file_as_pictures_hold_them(tmp_path: Path) -> None:
    preparation = RGB  # gray ones are those of the digits in tests/export/test_onnx.py
    layers = [Flatten(), Dense(5, activation="relu"), Dense(3)]
    network = derin.Sequential(layers, input_shape=preparation.input_shape)
    model = model_of(CLASSES, preparation, network)
    pixels = np.random.default_rng(1).integers(
        0, 256, (3, *preparation.input.size, preparation.input.channels), dtype=np.uint8
    )
    found = run_file(model, tmp_path / "m.onnx", {"input": pixels}, with_preparation=True)
    assert found.names == ["probabilities", "label", "output"]
    require_same(found.outputs, model.predictions(list(pixels)), CLASSES.classes)


def test_a_graph_of_ones_own_is_exported_too(tmp_path: Path) -> None:
    x = derin.Input((2,))
    model = model_of(CLASSES, NUMBERS, derin.Graph(x, Dense(3)(Dense(4)(x) + Dense(4, activation="tanh")(x))))
    raw = np.random.default_rng(1).normal(3, 2, (4, 2))
    found = run_file(model, tmp_path / "m.onnx", {"a": raw[:, 0], "b": raw[:, 1]}, with_preparation=True)
    require_same(found.outputs, model.predictions(raw), CLASSES.classes)


def series(*, classes: tuple[str, ...] | None = None) -> SeriesPreparation:
    return SeriesPreparation(
        variables=(
            Variable(name="load", mean=500.0, std=20.0),
            Variable(name="heat", mean=3.0, std=2.0, classes=classes),
        ),
        num_targets=1,
        context_length=6,
        horizon=2,
        season=1,
        scales=(1.0,),
        frequency=Frequency(unit="row", count=1),
        group=None,
    )


@pytest.mark.parametrize("half_widths", [None, [[1.0], [1.5]]], ids=["values", "intervals"])
def test_steps_of_a_series_become_forecasts_in_their_unit(half_widths: Any, tmp_path: Path) -> None:
    model = model_of(Forecasting(columns=["load"], half_widths=half_widths), series())
    steps = np.random.default_rng(3).normal([500, 3], [20, 2], (3, 6, 2))
    steps[1, 0], steps[2, 2:5, 0] = np.nan, np.nan
    found = run_file(model, tmp_path / "m.onnx", {"input": steps}, with_preparation=True)
    for row, answer in enumerate(model.predictions(steps)):
        np.testing.assert_allclose(found.outputs["value"][row], answer.values, rtol=1e-6)
        if half_widths is not None:
            np.testing.assert_allclose(found.outputs["low"][row], answer.low, rtol=1e-6)
            np.testing.assert_allclose(found.outputs["high"][row], answer.high, rtol=1e-6)
    assert json.loads(found.said["target_std"]) == [20.0]


def test_what_cannot_be_exported_is_refused_in_a_sentence(tmp_path: Path) -> None:
    task = Forecasting(columns=["load"])
    model = model_of(task, series(classes=("low", "high")), nn.Flatten())
    with pytest.raises(UsageError, match="known in advance cannot be exported"):
        model.export(tmp_path / "m.onnx", with_preparation=True)

    class Reader:
        input_kind, medium = "text", "texts"

    model.preparation = Reader()  # type: ignore[assignment]
    with pytest.raises(UsageError, match=r"reads text\. Export its weights as safetensors"):
        model.export(tmp_path / "m.onnx")
    model.preparation, model.task = NUMBERS, type("Other", (), {"name": "other"})()
    with pytest.raises(UsageError, match="answers of the task 'other'"):
        model.export(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
