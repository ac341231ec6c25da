"""Filter patterns: the ascent finds what is known to excite a unit, alike for a seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explain.networks import residual
from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.explain.filters import filter_patterns
from derin.explain.fourier import picture, random_spectrum


def test_a_picture_is_the_sum_of_its_waves() -> None:
    height, width = 5, 8
    spectrum = random_spectrum(1, 1, (height, width), seed=3)
    found = picture(spectrum, (height, width))[0, 0].double().numpy()
    parts = spectrum[0, 0, ..., 0].double().numpy() + 1j * spectrum[0, 0, ..., 1].double().numpy()
    known = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            for down in range(height):
                for right in range(width // 2 + 1):
                    signed = down if down <= height // 2 else down - height
                    frequency = max(np.hypot(signed / height, right / width), 1 / 8)
                    turn = 2 * np.pi * (down * row / height + right * column / width)
                    # All waves but the first and the last to the right stand for their mirror image as well; of these
                    # two only the real part over both halves counts.
                    if right in (0, width // 2):
                        mirror = parts[-down % height, right].conj()
                        value = (parts[down, right] + mirror) / 2 * np.exp(1j * turn)
                    else:
                        value = 2 * parts[down, right] * np.exp(1j * turn)
                    known[row, column] += (value / (4 * frequency)).real
    known = 1 / (1 + np.exp(-known / np.sqrt(height * width)))
    np.testing.assert_allclose(found, known, atol=1e-6)


def test_the_pattern_of_a_unit_that_compares_with_a_picture_is_that_picture() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(16 * 18, 2, bias=False))
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(18.0), indexing="ij")
    wanted = torch.stack([torch.sin(rows / 2.5), torch.cos(columns / 3 + rows / 4)])
    with torch.no_grad():
        network[1].weight.copy_(wanted.flatten(1))
    found = filter_patterns(network, "1", [1, 0], input_shape=(1, 16, 18), steps=150, jitter=0)
    for pattern, unit in zip(found.pictures, found.units):
        clear = wanted[unit].abs().numpy() > 0.2
        assert ((pattern[..., 0] > 0.5) == (wanted[unit].numpy() > 0))[clear].mean() > 0.9
    assert (found.after > found.before + 10).all()


def test_a_seed_gives_the_same_pattern_and_another_seed_another() -> None:
    def paint(seed: int, units: list[int]) -> np.ndarray:
        return filter_patterns(residual(), "stem", units, input_shape=(3, 8, 10), steps=6, seed=seed).pictures

    first = paint(4, [2, 5])
    assert first.shape == (2, 8, 10, 3)
    assert first.min() >= 0
    assert first.max() <= 1
    np.testing.assert_array_equal(first, paint(4, [2, 5]))
    assert np.abs(first - paint(5, [2, 5])).max() > 0.001


def test_pictures_that_are_large_enough_are_turned_and_the_answer_rises() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(inplace=True))
    found = filter_patterns(network, "0", [0, 3], input_shape=(3, 48, 50), steps=30)
    assert (found.after > found.before).all()


def test_the_preparation_stands_between_picture_and_network() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.ones_(network[0].weight)
    found = filter_patterns(network, "0", [0], input_shape=(1, 6, 6), normalize=lambda p: 5 - p, steps=60)
    assert found.pictures.mean() < 0.35  # a dark picture gives the largest answer
    assert found.after[0] == pytest.approx(5 - found.pictures.mean(), abs=1e-5)


def test_units_and_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(UsageError, match="from 0 to 6; got 7"):
        filter_patterns(residual(), "stem", [0, 7], input_shape=(3, 8, 10))
    with pytest.raises(UsageError, match="0 units"):
        filter_patterns(residual(), "stem", [], input_shape=(3, 8, 10))
    with pytest.raises(ShapeError, match="'1' gives something else"):
        filter_patterns(nn.Sequential(nn.Flatten(0), nn.Identity()), "1", [0, 1], input_shape=(1, 4, 4), steps=1)
