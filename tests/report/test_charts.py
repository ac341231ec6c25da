"""Charts: ticks are round, points stand where their values say."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derin.report.charts import (
    Axis,
    Dot,
    Scale,
    Series,
    Strand,
    dot_chart,
    heat_map,
    histogram,
    line_chart,
    log_ticks,
    nice_ticks,
    parallel_chart,
)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_round_equally_spaced_and_inside(low: float, span: float) -> None:
    high = low + span
    ticks = nice_ticks(low, high)
    # Ticks are computed in float64, which near 1e6 steps by 1e-10.
    room = span * 1e-6 + 4 * math.ulp(max(abs(low), abs(high)))
    assert 1 <= len(ticks) <= 7 or not high > low
    assert all(low - room <= tick <= high + room for tick in ticks)
    if len(ticks) > 1:
        step = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
        mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
        assert min(abs(mantissa - m) for m in (1, 2, 5, 10)) < 1e-3


@given(st.floats(1e-6, 1e3), st.floats(1.5, 1e9))
def test_logarithmic_ticks_lie_inside_and_are_few(low: float, ratio: float) -> None:
    ticks = log_ticks(low, low * ratio)
    assert len(ticks) <= 7
    assert all(low <= tick <= low * ratio for tick in ticks)


def test_a_scale_takes_its_ends_to_its_ends() -> None:
    linear, logarithmic = Scale(2, 6, 10, 110), Scale(0.01, 100, 200, 0, logarithmic=True)
    assert [linear(v) for v in (2, 3, 6)] == [10, 35, 110]
    assert [logarithmic(v) for v in (0.01, 1, 100)] == pytest.approx([200, 100, 0])


def test_a_line_goes_through_its_points_and_each_says_its_value() -> None:
    chart = line_chart(
        [Series("validation", "val", [(1, 0.5), (2, 0.25), (3, 0.75)]), Series("nothing", "train", [])],
        title="loss",
        x_label="epoch",
        format_number=lambda v: f"{v:.2f}",
        spell_tick=str,
        hover=lambda x, name, value: f"{name} {x:g}: {value}",
        mark=(2, "best"),
    )
    path = re.search(r'<path d="([^"]+)" class="line val"', chart)
    assert path
    points = [tuple(map(float, pair)) for pair in re.findall(r"[ML]([\d.]+) ([\d.]+)", path[1])]
    (x1, y1), (x2, y2), (x3, y3) = points
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.11)  # one decimal is written
    assert y2 - y1 == pytest.approx((y1 - y3), abs=0.11)  # 0.25 lies as far below 0.5 as 0.75 above
    assert "<title>validation 2: 0.25</title>" in chart
    assert "nothing" not in chart


def test_a_loss_that_falls_far_is_drawn_on_a_logarithmic_scale() -> None:
    def heights(values: list[float]) -> list[float]:
        points = list(enumerate(values, start=1))
        chart = line_chart(
            [Series("a", "val", points)],
            title="loss",
            x_label="epoch",
            format_number=str,
            spell_tick=str,
            hover=lambda *parts: "",
            from_zero=True,
        )
        return [float(y) for y in re.findall(r'cy="([\d.]+)"', chart)]

    far = heights([1.0, 0.1, 0.01])
    assert far[1] - far[0] == pytest.approx(far[2] - far[1], abs=0.1)
    near = heights([1.0, 0.5, 0.25])
    assert near[1] - near[0] == pytest.approx(2 * (near[2] - near[1]), abs=0.1)


def test_a_constant_line_and_a_single_point_can_be_drawn() -> None:
    for points in ([(1, 0.3), (2, 0.3)], [(4, 0.0)]):
        chart = line_chart(
            [Series("a", "val", points)],
            title="t",
            x_label="x",
            format_number=str,
            spell_tick=str,
            hover=lambda *parts: "",
        )
        assert "nan" not in chart


def test_a_matrix_colors_cells_by_their_share_of_the_row() -> None:
    drawn = heat_map(
        [[3, 1], [0, 0]], ["a", "b"], true="true", predicted="predicted", hover=lambda t, p, n, s: f"{t}{p} {n} {s:.2f}"
    )
    shades = {
        title: style
        for style, title in re.findall(r"<rect[^>]*?(?:fill-opacity:([\d.]+)\")?></rect>.*?<title>(.*?)</title>", drawn)
    }
    assert shades == {"aa 3 0.75": "0.88", "ab 1 0.25": "0.54", "ba 0 0.00": "", "bb 0 0.00": ""}  # 0.08 + 0.92 √share


def test_a_histogram_counts_every_value_once() -> None:
    values = [0.0, 0.1, 0.1, 5.0, -3.0]
    drawn = histogram(
        values, title="t", format_number=lambda v: f"{v:.1f}", hover=lambda low, high, count: f"n={count}"
    )
    assert sum(map(int, re.findall(r"n=(\d+)", drawn))) == len(values)


def test_names_of_levels_that_would_cover_each_other_share_a_line() -> None:
    levels = [(0.983, "neighbors"), (0.955, "linear"), (0.103, "majority")]
    drawn = dot_chart(
        [Dot(0.0, 0.9, "val", "trial 0")], title="t", x_label="x", spell_x=str, spell_y=str, levels=levels
    )
    assert "neighbors, linear<" in str(drawn)
    assert ">majority<" in str(drawn)
    assert str(drawn).count('class="mark"') == 3


def test_a_line_across_axes_crosses_each_at_its_value_and_breaks_where_it_has_none() -> None:
    axes = [
        Axis("rate", 0.001, 0.1, lambda v: f"{v:g}", logarithmic=True),
        Axis("kind", 0, 2, str, ("a", "b", "c")),
        Axis("result", 0.5, 0.9, lambda v: f"{v:g}"),
    ]
    strands = [Strand([0.001, 2, 0.9], "val", "best"), Strand([0.01, 1, 0.7], "train", "middle")]
    chart = parallel_chart(axes, [*strands, Strand([None, 0, 0.5], "train", "unknown", 0.25)], title="all")
    paths = [re.findall(r"([ML])([\d.]+) ([\d.]+)", path) for path in re.findall(r'<path d="([^"]+)"', chart)]
    (low, top, high), (middle, *others), (first, last) = [[(c, float(x), float(y)) for c, x, y in p] for p in paths]
    assert top[2] == high[2] < middle[2] < low[2]  # up is more
    # The middle of 0.001 and 0.1 by logarithms, of three names and of 0.5 and 0.9; one decimal is written.
    assert all(y == pytest.approx((low[2] + top[2]) / 2, abs=0.11) for _, _, y in (middle, *others))
    assert [first[0], last[0]] == ["M", "L"]
    assert (first[1], first[2]) == (top[1], low[2])
    assert "stroke-opacity:0.25" in chart
    assert "<title>middle</title>" in chart
