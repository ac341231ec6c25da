"""The descent of the lessons is that of the optimizers, in view before every step and after the last."""

from __future__ import annotations

import pytest
import torch

from derin.core.errors import UnknownNameError, UsageError
from derin.lessons.descent import Place, descend


def bowl(place: Place) -> torch.Tensor:
    return (place.numbers**2).sum()


def test_plain_descent_shrinks_by_the_known_factor() -> None:
    place = Place([4.0, -3.0])
    seen = [
        (cost, place.tolist())
        for cost in descend(place, lambda: bowl(place), optimizer="sgd", learning_rate=0.1, num_steps=7)
    ]
    assert len(seen) == 8
    for step, (cost, (x, y)) in enumerate(seen):
        assert (x, y) == pytest.approx((4 * 0.8**step, -3 * 0.8**step))
        assert cost == pytest.approx(x * x + y * y)


def test_a_schedule_lowers_the_rate_step_by_step() -> None:
    place = Place([1.0])
    costs = descend(
        place,
        lambda: place.numbers.sum(),
        optimizer="sgd",
        learning_rate=1.0,
        num_steps=4,
        schedule="manual:0=1,2=0.25",
    )
    assert [place.tolist()[0] for _ in costs] == [1.0, 0.0, -1.0, -1.25, -1.5]


def test_a_descent_that_explodes_ends() -> None:
    place = Place([1.0])
    costs = list(descend(place, lambda: bowl(place), optimizer="sgd", learning_rate=1e5, num_steps=50))
    assert 1 <= len(costs) < 50


def test_nonsense_is_refused() -> None:
    place = Place([1.0])
    with pytest.raises(UnknownNameError, match="optimizer"):
        list(descend(place, lambda: bowl(place), optimizer="sdg", learning_rate=0.1, num_steps=1))
    with pytest.raises(UsageError, match="learning_rate"):
        list(descend(place, lambda: bowl(place), optimizer="sgd", learning_rate=-0.1, num_steps=1))
