"""A network with vectors for its categories, from file to answers elsewhere; ONNX Runtime and NumPy are the oracles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

import derin
from derin.api.explain_importance import explain_importance
from derin.api.model import Model
from derin.cli.main import app
from derin.core.errors import UnknownNameError

SHOPS = [f"shop {n}" for n in range(12)]


def cells(num: int, seed: int) -> list[list[str]]:
    """Rows of town, shop, size and kind: the kind goes by the shop."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(num):
        shop = int(random.integers(0, 12))
        name = "" if i % 17 == 0 else f"one of a kind {i}" if i % 23 == 0 else SHOPS[shop]
        rows.append([("Van", "Rize")[i % 2], name, f"{random.normal():.3f}", "odd" if shop % 2 else "even"])
    return rows


def write(path: Path, rows: list[list[str]]) -> Path:
    path.write_text("\n".join(map(",".join, [["town", "shop", "size", "kind"], *rows])) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("shops")
    run = derin.fit(
        write(folder / "shops.csv", cells(300, 0)),
        target="kind",
        kinds={"shop": "category"},
        inputs={"embeddings": 10},
        model_options={"hidden": [8]},
        learning_rate=0.03,
        epochs=12,
        plan="plain",
        threads=1,
        report=False,
        compare=False,
        out=folder / "run",
    )
    return derin.open(run.path)


def test_the_network_learns_vectors_and_the_card_says_so(model: Model) -> None:
    spec: Any = model.network.spec
    town, shop, _ = model.preparation.input.encoders  # type: ignore[attr-defined]
    assert (town.dim, shop.dim, len(shop.classes)) == (None, 6, 12)
    assert spec["options"]["embeddings"] == [[2, 14, 6]]
    found, _ = model.evaluate(model.card["data"]["source"], split="test")
    assert found["accuracy"] > 0.8  # shops of no name of their own cannot be told
    vectors: Any = model.network.get_parameter("categories.tables.0.weight")
    assert vectors[:2].any(dim=1).all()  # shops of a single row, and those that are missing, taught theirs


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Values of:derin.core.errors.DerinWarning")
def test_every_way_out_gives_the_answers_of_predict(model: Model, tmp_path: Path) -> None:
    rows = [row[:3] for row in cells(40, 1)] + [["Van", "never seen", "0.5"]]
    named = [dict(zip(("town", "shop", "size"), row)) for row in rows]
    expected = np.array([list(answer.probabilities.values()) for answer in model.predict(named)])
    model.export(tmp_path / "raw.onnx", with_preparation=True)
    session = onnxruntime.InferenceSession(tmp_path / "raw.onnx", providers=["CPUExecutionProvider"])
    feeds = {name: np.array([row[name] for row in named], dtype=object) for name in ("town", "shop")}
    feeds["size"] = np.array([float(row["size"]) for row in named])
    np.testing.assert_allclose(session.run(["probabilities"], feeds)[0], expected, atol=1e-5)
    model.warm_up(41)  # which records it without its preparation
    warm = np.array([list(answer.probabilities.values()) for answer in model.predict(named)])
    np.testing.assert_allclose(warm, expected, atol=1e-5)


def test_it_can_be_looked_into(model: Model) -> None:
    found = explain_importance(model, split="all", repeats=2, curves=1).to_json()
    assert found["columns"][0]["name"] == "shop"
    assert {name for name in found["curves"][0]["values"] if name.startswith("shop")} <= set(SHOPS)
    row = json.dumps({"town": "Van", "shop": "shop 3", "size": 0.5})
    done = CliRunner().invoke(app, ["trace", str(model.path), "--input", row, "--target", "odd", "--json"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["summary", str(model.path), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["parameters"] == sum(p.numel() for p in model.network.parameters())


def test_random_inputs_have_places_where_vectors_are_looked_up(model: Model) -> None:
    drawn = model.preparation.random_inputs(500, torch.Generator().manual_seed(0))
    assert sorted(drawn[:, 2].unique().tolist()) == list(range(14))


def test_a_network_without_tables_of_vectors_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "shops.csv", cells(60, 0))
    with pytest.raises(UnknownNameError, match="embeddings"):
        derin.fit(path, target="kind", kinds={"shop": "category"}, model="linear", inputs={"embeddings": 3}, epochs=1)
