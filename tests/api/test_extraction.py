"""Features that are computed once: they are what the network computes, and are computed again when anything changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from derin.api import extraction
from derin.api.extraction import extract, head_to_train
from derin.core.errors import ShapeError
from derin.data.augment import Augmentation
from derin.data.columns import ColumnsPreparation
from derin.data.extracted import ExtractedFeatures
from derin.data.pictures.codec import PictureCodec
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table
from derin.models import build

NUM, SIDE = 23, 12


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))


def table(seed: int = 0) -> Table:
    generator = np.random.default_rng(seed)
    schema = Schema(
        (
            Column(name="x", kind=Kind.PICTURE, role=Role.INPUT, shape=(SIDE, SIDE, 3)),
            Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b")),
        )
    )
    columns = {
        "x": Dense(generator.integers(0, 255, size=(NUM, SIDE, SIDE, 3), dtype=np.uint8)),
        "y": Dense(np.arange(NUM) % 2),
    }
    splits = {"train": np.arange(2, 15), "val": np.arange(15, NUM)}
    return Table(name="some pictures", schema=schema, columns=columns, splits=splits)


CODEC = PictureCodec(
    column="x", size=(SIDE, SIDE), channels=3, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), rule="resize"
)
PREPARATION = ColumnsPreparation({"input": CODEC})


def network() -> torch.nn.Module:
    options = {"widths": [6, 7], "depths": [1, 1]}
    return build("convnet", input_shape=(3, SIDE, SIDE), num_outputs=4, seed=1, **options).eval()


def extracted(of: Table, **options: Any) -> ExtractedFeatures:
    settings = {"augmentation": None, "seed": 0, "threads": 0, "weights_sha256": "1" * 64} | options
    return extract(network(), "output", of, PREPARATION.encode_table(of), PREPARATION, **settings)


def test_features_are_what_the_output_layer_gets() -> None:
    data, net = table(), network()
    features = extracted(data)
    rows = np.arange(2, NUM)
    pictures = CODEC.to_model_input(CODEC.encode(data).gather(rows))
    with torch.inference_mode():
        torch.testing.assert_close(net.output(features.gather(rows)), net(pictures), rtol=1e-4, atol=1e-5)


def test_what_is_known_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = extracted(table())
    monkeypatch.setattr(extraction, "_compute", lambda *_: pytest.fail("computed again"))
    again = extracted(table())
    assert np.array_equal(first.plain, again.plain)


@pytest.mark.parametrize(
    "change", [{"weights_sha256": "2" * 64}, {"augmentation": Augmentation.parse("flip")}, {"data": table(seed=1)}]
)
def test_anything_that_changes_features_computes_them_anew(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    extracted(table())
    monkeypatch.setattr(extraction, "_compute", lambda *_: (_ for _ in ()).throw(RuntimeError("computed anew")))
    data = change.pop("data", table())
    with pytest.raises(RuntimeError, match="computed anew"):
        extracted(data, **change)


def test_a_damaged_file_of_the_cache_is_computed_anew(tmp_path: Path) -> None:
    first = extracted(table())
    (file,) = (tmp_path / "cache").rglob("features.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    assert np.array_equal(extracted(table()).plain, first.plain)


def test_views_are_of_training_rows_and_differ_from_the_picture() -> None:
    features = extracted(table(), augmentation=Augmentation.parse("flip=1"))
    rows = np.arange(2, 15)
    assert features.views.shape[:2] == (extraction.NUM_VIEWS, len(rows))
    mirrored = replace(table(), columns={**table().columns, "x": Dense(table()["x"].values[:, :, ::-1].copy())})
    np.testing.assert_allclose(features.views[0], extracted(mirrored).plain[rows], rtol=1e-4, atol=1e-5)
    # Measuring takes the picture itself, training any of the five.
    uniforms = np.stack([np.linspace(0, 0.999, len(rows)), np.zeros(len(rows))], axis=1)
    drawn = features.gather(rows, uniforms).numpy()
    assert np.array_equal(drawn[-1], features.plain[rows[-1]])
    assert np.array_equal(drawn[0], features.views[0, 0])
    assert np.array_equal(features.gather(rows).numpy(), features.plain[rows])


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ShapeError, match="views"):
        ExtractedFeatures(np.zeros((5, 3), np.float32), np.zeros((2, 4, 3), np.float32), np.arange(3))


@pytest.mark.parametrize(
    ("name", "side", "head"),
    [("convnet", 12, "output"), ("squeezenet1_0", 40, None), ("mobilefacenet", 112, None), ("unet", 48, None)],
)
def test_only_a_layer_that_gives_the_outputs_themselves_can_learn_alone(name: str, side: int, head: str | None) -> None:
    net = build(name, input_shape=(3, side, side), num_outputs=5, seed=0).eval()
    assert head_to_train(net, ("output",), torch.randn(2, 3, side, side)) == head
