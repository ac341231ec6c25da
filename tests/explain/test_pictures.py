"""Drawings say what they show, mend nothing, and end in a file or in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derin.core.errors import StorageError, UsageError
from derin.explain.deconvnet import Projection
from derin.explain.filters import Patterns
from derin.explain.heat_map import HeatMap
from derin.explain.pictures import Shown, heat_sheet, in_squares, pattern_sheet, projection_sheet, relative, save


def shown(num: int, channels: int = 3) -> list[Shown]:
    pixels = np.random.default_rng(0).integers(0, 256, (num, 9, 12, channels), dtype=np.uint8)
    return [Shown(one, f"{place}_$x$.png", f"owl {place}", f"for owl {place}") for place, one in enumerate(pixels)]


def texts(figure: object) -> str:
    import matplotlib.text

    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))  # type: ignore[attr-defined]


@pytest.mark.parametrize(("num", "channels", "signed"), [(1, 1, True), (3, 3, False)])
def test_a_heat_sheet_names_every_picture_and_is_written(num: int, channels: int, signed: bool, tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(num, 9, 12)).astype(np.float32)
    heat = HeatMap(values=values if signed else abs(values), scores=np.zeros(num, np.float32), signed=signed, layer="c")
    figure = heat_sheet(shown(num, channels), heat, "Grad-CAM")
    written = texts(figure)
    for place in range(num):
        assert f"owl {place}" in written
        assert f"{place}_$x$.png" in written
    save(figure, tmp_path / "heat.png")
    with Image.open(tmp_path / "heat.png") as picture:
        assert min(picture.size) > 400


def test_the_place_of_the_largest_value_has_the_strongest_color() -> None:
    values = np.zeros((1, 9, 12), np.float32)
    values[0, 2:5, 7:10] = 4.0
    gray = [Shown(np.full((9, 12, 1), 128, np.uint8), "gray", "")]
    figure = heat_sheet(gray, HeatMap(values=values, scores=np.zeros(1, np.float32), signed=False), "")
    drawn = np.asarray(figure.axes[1].images[0].get_array())
    assert drawn[3, 8].sum() > drawn[7, 2].sum() + 0.5
    np.testing.assert_array_equal(drawn[:2].reshape(-1, 3), np.broadcast_to(drawn[0, 0], (24, 3)))


def test_squares_keep_the_sum() -> None:
    values = np.random.default_rng(2).normal(size=(113, 170)).astype(np.float32)
    summed, side = in_squares(values)
    assert side == 2
    assert summed[4, 6] == pytest.approx(values[4:6, 6:8].sum(), abs=1e-5)
    assert summed[112, 169] == pytest.approx(values[112, 168:].sum(), abs=1e-5)
    assert in_squares(values[:28, :28])[1] == 1


def test_relative_values_bear_an_empty_map_and_one_wild_pixel() -> None:
    assert not relative(np.zeros((5, 6), np.float32)).any()
    wild = np.ones((100, 100), np.float32)
    wild[3, 4] = 1e6
    assert relative(wild)[50, 50] == pytest.approx(1.0)
    single = np.zeros((100, 100), np.float32)
    single[3, 4] = -2
    assert relative(single)[3, 4] == -1


def test_patterns_and_projections_are_captioned() -> None:
    patterns = Patterns("conv", (3, 17), np.zeros((2, 8, 8, 1), np.float32), np.float32([-1, 0]), np.float32([2, 1234]))
    written = texts(pattern_sheet(patterns, "Patterns"))
    assert "unit 17" in written
    assert "answer 0 → 1,234" in written
    classes = [f"class {place}" for place in range(18)]
    assert "class 3" in texts(pattern_sheet(patterns, "Patterns", classes))
    projection = Projection(5, 1, (2, 3), 6.25, (0, 2, 4, 5), np.ones((3, 9, 12), np.float32))
    figure = projection_sheet(shown(2), [projection], "Deconvnet")
    assert "unit 5" in texts(figure)
    assert "answer 6.25" in texts(figure)
    assert figure.axes[0].images[0].get_array().shape == (4, 4, 3)


def test_files_that_cannot_be_written_are_told_in_a_sentence(tmp_path: Path) -> None:
    figure = heat_sheet(
        shown(1), HeatMap(values=np.zeros((1, 9, 12), np.float32), scores=np.zeros(1), signed=False), ""
    )
    with pytest.raises(UsageError, match=r"\.png"):
        save(figure, tmp_path / "heat.wav")
    with pytest.raises(StorageError, match="needs a folder that exists"):
        save(figure, tmp_path / "nowhere" / "heat.png")
