"""Occlusion equals hiding every place by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explain.networks import pictures, residual

from derin.core.errors import UsageError
from derin.explain.occlusion import occlusion


@pytest.mark.parametrize(("patch", "stride"), [(3, 2), (4, 3), (1, 1), (8, 5)])
def test_every_pixel_has_the_mean_fall_of_the_patches_that_hid_it(patch: int, stride: int) -> None:
    network, x, fill = residual(), pictures(2), 0.7
    found = occlusion(network, x, target=3, patch=patch, stride=stride, fill=fill)
    tops = sorted({min(top, 8 - patch) for top in range(0, 8, stride)})
    lefts = sorted({min(left, 10 - patch) for left in range(0, 10, stride)})
    assert (list(found.tops), list(found.lefts)) == (tops, lefts)
    for example in range(2):
        falls: dict[tuple[int, int], list[float]] = {}
        for top in tops:
            for left in lefts:
                hidden = x[example : example + 1].clone()
                hidden[:, :, top : top + patch, left : left + patch] = fill
                with torch.no_grad():
                    fall = (network(x[example : example + 1]) - network(hidden))[0, 3].item()
                for row in range(top, top + patch):
                    for column in range(left, left + patch):
                        falls.setdefault((row, column), []).append(fall)
        for (row, column), values in falls.items():
            assert found.values[example, row, column] == pytest.approx(np.mean(values), abs=1e-5)
        assert len(falls) == 80


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    occlusion(residual(), pictures(1), patch=2, stride=1, on_step=lambda done, total: told.append((done, total)))
    assert told[-1] == (63, 63)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


@pytest.mark.parametrize(("patch", "stride"), [(9, 1), (0, 1), (3, 4), (3, 0)])
def test_patches_that_do_not_fit_or_leave_pixels_out_are_refused(patch: int, stride: int) -> None:
    with pytest.raises(UsageError, match="must be 1 to"):
        occlusion(residual(), pictures(1), patch=patch, stride=stride)
