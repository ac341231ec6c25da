"""Kernels on a picture, against SciPy's correlation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate

from derin.core.errors import DataError, ShapeError, UsageError
from derin.lessons.kernels import KERNELS, KernelsOptions, run
from derin.lessons.photograph import gray_picture


@pytest.fixture(autouse=True)
def _no_painting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DERIN_DATA", raising=False)


def test_every_kernel_gives_what_scipy_gives() -> None:
    found = run(KernelsOptions(side=21))
    picture, _ = gray_picture(None, 21)
    assert found.numbers["shape"] == [21, 28]
    means = {row["kernel"]: row["mean"] for row in found.numbers["kernels"]}
    assert set(means) == set(KERNELS)
    for name, (_, rows) in KERNELS.items():
        expected = correlate(picture, np.array(rows))[1:-1, 1:-1].mean()
        assert means[name] == pytest.approx(expected, abs=1e-12)


def test_the_half_bright_matrix_has_an_edge_of_30_and_the_half_dark_one_of_minus_30() -> None:
    found = run(KernelsOptions(side=8)).numbers
    assert found["half_bright"] == [[0, 30, 30, 0]] * 4
    assert found["half_dark"] == [[0, -30, -30, 0]] * 4


def test_a_kernel_of_ones_own_is_used_on_a_picture_of_ones_own(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 13), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "own.png")
    kernel = ((0.5, 2.0, -1.0), (0.0, 1.0, 3.0))
    found = run(KernelsOptions(kernel=kernel, image=str(tmp_path / "own.png")))
    terms = sum(kernel[u][v] * pixels[u : u + 8, v : v + 11].astype(float) / 255 for u in range(2) for v in range(3))
    assert found.numbers["picture"] == "own.png"
    assert found.numbers["kernels"] == [{"kernel": "own", "sum": 5.5, "mean": pytest.approx(terms.mean())}]


@pytest.mark.data
def test_the_painting_is_taken_where_it_is_at_hand(monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> None:
    monkeypatch.setenv("DERIN_DATA", str(data_folder))
    picture, name = gray_picture(None, 45)
    assert (name, min(picture.shape)) == ("wave.jpg", 45)


def test_what_is_no_picture_or_no_kernel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("seven")
    with pytest.raises(DataError, match=r"missing\.png"):
        run(KernelsOptions(image=str(tmp_path / "missing.png")))
    with pytest.raises(DataError, match="no picture"):
        run(KernelsOptions(image=str(tmp_path / "text.png")))
    with pytest.raises(UsageError, match="rows of one length"):
        KernelsOptions(kernel=((1, 2), (3,)))
    with pytest.raises(ShapeError, match="at least 9 values"):
        run(KernelsOptions(kernel=((1.0,),) * 9, side=8))
