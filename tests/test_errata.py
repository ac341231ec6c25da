"""docs/errata.md tells the truth: each of its numbers is computed anew, where possible by the product's own parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from derin.explain.trace.example_text import render_example_markdown
from derin.explain.trace.examples import work_3_3_3_3
from derin.models.building import build
from derin.models.summary import summarize

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "errata.md").read_text(encoding="utf-8")
ROWS = {
    cells[0]: cells
    for line in PAGE.splitlines()
    if re.match(r"\| 00\d-", line)
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
CALORIES = np.array([[56.0, 0.0, 4.4, 68.0], [1.2, 104.0, 52.0, 8.0], [1.8, 135.0, 99.0, 0.9]])


def alexnet() -> list[float]:
    """How many layers learn, how many of them are convolutions, and how many dense."""
    layers = summarize(build("alexnet", input_shape=(3, 63, 63), num_outputs=2, seed=0), (3, 63, 63)).layers
    kinds = [len(layer.output_shape) for layer in layers if layer.parameters]
    return [len(kinds), kinds.count(3), kinds.count(1)]


def gradient() -> list[float]:
    x, y, line = np.array([1.0, 2.0]), np.array([3.0, 5.0]), np.array([-1.0, 5.0])

    def error(m: float, b: float) -> float:
        return float(np.mean((m * x + b - y) ** 2))

    miss = line[0] * x + line[1] - y
    slope = np.array([2 * np.mean(miss * x), 2 * np.mean(miss)])
    return [error(*line), *slope, error(*(line + 0.1 * slope)), error(*(line - 0.1 * slope))]


def cost() -> list[float]:
    y, p = 1.0, 0.8
    printed = p * np.log(p) + (1 - p) * np.log(1 - p)
    return [printed, -(y * np.log(p) + (1 - y) * np.log(1 - p))]


def strided() -> list[float]:
    convolved = F.conv2d(torch.zeros(1, 1, 7, 7), torch.zeros(1, 1, 3, 3), stride=2)
    return [convolved.shape[-1], (7 + 2 * 0 - 3 + 1) // 2]


def pooled() -> list[float]:
    table = torch.tensor([[1.0, 3, 2, 1], [2, 8, 7, 4], [1, 3, 2, 3], [5, 6, 1, 2]])
    return F.max_pool2d(table[None, None], 2).flatten().tolist()


def lenet() -> dict[str, int]:
    network = build("lenet5", input_shape=(3, 32, 32), num_outputs=10, seed=0)
    layers = [layer for layer in summarize(network, (3, 32, 32)).layers if layer.parameters]
    return {"fc3": layers[2].parameters, "fc4": layers[3].parameters}


def inception() -> list[float]:
    places, weights = 28 * 28, torch.nn.Conv2d(192, 32, 5, bias=False).weight.numel()
    narrow = (
        torch.nn.Conv2d(192, 16, 1, bias=False).weight.numel() + torch.nn.Conv2d(16, 32, 5, bias=False).weight.numel()
    )
    return [weights, places * weights, places * narrow]


def depthwise() -> list[float]:
    full = torch.nn.Conv2d(3, 5, 3, bias=False).weight.numel()
    depth = torch.nn.Conv2d(3, 3, 3, groups=3, bias=False).weight.numel()
    point = torch.nn.Conv2d(3, 5, 1, bias=False).weight.numel()
    # The printed ones are these times the 4 × 4 places of the result.
    assert [16 * count for count in (full, depth, point, depth + point)] == [2160, 432, 240, 672]
    return [full, depth, point, depth + point, (depth + point) / full]


def transposed() -> list[float]:
    kernel, picture = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 2, 2)
    sizes = [F.conv_transpose2d(picture, kernel, stride=2, padding=1, output_padding=more).shape[-1] for more in (0, 1)]
    return [*sizes, 1]


def pair() -> list[float]:
    return [1 / (1 + np.exp(-sign * (0.9 - 0.2))) for sign in (1, -1)]


# For each row what is computed, and the numbers that its document gives.
CHECKS: dict[str, tuple[Callable[[], list[float]], list[float]]] = {
    "000-layers": (alexnet, []),
    "000-gradient": (gradient, [-1, 5]),
    "002-elephant": (lambda: [100 * 0.0042589349, 100 * 0.92546833, 100 * 0.070257246], [0.0042589349]),
    "003-cost": (cost, [1, 0.8]),
    "003-axis": (lambda: CALORIES.sum(axis=1).tolist(), []),
    "003-shapes": (lambda: list(torch.nn.Linear(3, 5).weight.shape), []),
    "003-average": (lambda: [1 / (1 - 0.99), 1 / (1 - 0.98)], [0.98]),
    "003-decay": (lambda: [0.2 / (1 + 1 * 2)], [0.2, 1, 2]),
    "003-scale": (lambda: [np.log10(0.0001)], [0.0001, 0]),
    "003-size": (strided, [7, 0, 3, 2]),
    "003-flat": (lambda: [torch.zeros(1, 40, 7, 7).flatten(1).shape[1]], [7, 40]),
    "003-pool": (pooled, [9]),
    "003-fc4": (lambda: [lenet()["fc4"]], [120, 84]),
    "003-inception": (inception, [16, 1]),
    "003-depthwise": (depthwise, [4]),
    "003-landmarks": (lambda: [2 * 64 + 1], [2, 64]),
    "003-transposed": (transposed, []),
    "003-triplets": (lambda: [2 * 1000], [2, 1000]),
    "003-pair": (pair, [1, 0, 0.9, 0.2]),
    "003-gram": (lambda: [np.zeros((3, 35)).dot(np.zeros((35, 3))).size], [5, 7, 3]),
    "003-rnn": (lambda: [np.hstack([np.zeros((100, 100)), np.zeros((100, 10_000))]).shape[1]], [100, 10_000]),
    "003-words": (lambda: [6 * 300, 4 * 300], [6, 300]),
    "004-lenet": (lambda: [lenet()["fc3"], 16 * 5 * 5], [120]),
    "004-vgg": (lambda: [torch.zeros(1, 512, 7, 7).flatten(1).shape[1], 4096], [7, 512]),
}


def numbers(text: str) -> list[tuple[float, int]]:
    """Each number outside of code, with how many decimals it has; a thousand may have a comma."""
    plain = re.sub(r"`[^`]*`", "", text).replace("−", "-")
    found = re.findall(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?", plain)
    return [(float(word.replace(",", "")), len(word.partition(".")[2])) for word in found]


def test_every_row_of_the_page_is_checked() -> None:
    assert set(ROWS) == set(CHECKS)


@pytest.mark.parametrize("row", sorted(CHECKS))
def test_the_numbers_of_a_row_are_computed_anew(row: str) -> None:
    _, _, printed, right, why = ROWS[row]
    compute, given = CHECKS[row]
    computed = compute()
    shown = numbers(right) + numbers(why)
    for value, decimals in shown:
        known = any(abs(value - other) <= 0.5000001 * 10**-decimals for other in computed)
        assert known or value in given, f"{value} of the row {row} is not computed"
    for other in computed:
        assert any(abs(value - other) <= 0.5000001 * 10**-decimals for value, decimals in shown), (row, other)
    assert printed != right


def test_what_was_wrong_is_not_right_after_all() -> None:
    """The first number that is right differs from every number that is printed in its place."""
    for row in ("003-average", "003-decay", "003-fc4", "003-landmarks", "003-words", "004-vgg", "003-triplets"):
        _, _, printed, right, _ = ROWS[row]
        assert numbers(right)[0][0] not in [value for value, _ in numbers(printed)], row


def test_the_worked_examples_table_is_the_one_that_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    table = render_example_markdown(work_3_3_3_3()).split("## Where the slides are wrong")[1].strip()
    assert PAGE.strip().endswith(table)
