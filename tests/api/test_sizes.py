"""Pictures that are smaller than a registered network takes are enlarged, and that is said."""

from __future__ import annotations

import numpy as np
import pytest

import derin
from derin.api.prepare import prepare
from derin.core.errors import DerinWarning, ShapeError


def test_pictures_below_the_smallest_input_are_brought_to_the_papers_size() -> None:
    with pytest.warns(DerinWarning, match=r"lenet5_1998 takes pictures of at least .* these have 8 × 8"):
        prepared = prepare("digits", model="lenet5_1998", epochs=1)
    assert prepared.preparation.input_shape == (1, 32, 32)
    batch = next(prepared.train_source.batches(0))
    assert tuple(batch["input"].shape[1:]) == (1, 32, 32)


def test_a_size_that_was_asked_for_is_never_changed() -> None:
    with pytest.raises(ShapeError, match="lenet5_1998"):
        prepare("digits", model="lenet5_1998", size=8, epochs=1)


def test_pictures_that_are_large_enough_keep_their_size() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (30, 20, 20, 3), dtype=np.uint8)
    data = derin.load((pictures, np.arange(30) % 3))
    assert prepare(data, model="resnet20", epochs=1).preparation.input_shape == (3, 20, 20)
