"""What a cache remembers, against a plain list of all tokens."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from derin.layers.key_value_cache import KeyValueCache


def tokens(first: int, num: int) -> Tensor:
    """Keys of two texts whose numbers tell which token they are of, ``(2, 1, num, 1)``; values are their negatives."""
    numbers = torch.arange(first, first + num, dtype=torch.float32)
    return torch.stack([numbers, numbers + 0.5])[:, None, :, None]


@pytest.mark.parametrize("window", [None, 1, 3, 8])
@pytest.mark.parametrize("steps", [[1] * 20, [5, 1, 1, 4, 1], [2, 7, 1, 1, 1, 1, 3], [1, 1, 1, 12, 1, 2], [9, 9, 1]])
def test_each_token_sees_those_before_it_within_the_window(steps: list[int], window: int | None) -> None:
    cache = KeyValueCache(torch.empty(2, 1, 0, 1), torch.empty(2, 1, 0, 1), window=window)
    seen = 0
    for num in steps:
        new = tokens(seen, num)
        keys, values, allowed = cache.extend(new, -new)
        seen += num
        assert cache.num_seen == seen
        assert torch.equal(values, -keys)
        assert torch.equal(keys[1], keys[0] + 0.5)
        assert keys.shape[2] <= (seen if window is None else min(seen, window + (num if num > 1 else 0)))
        for place in range(num):
            last = seen - num + place
            looked = keys[0, 0, :, 0] if allowed is None else keys[0, 0, allowed[place], 0]
            expected = range(0 if window is None else max(0, last - window + 1), last + 1)
            assert sorted(looked.tolist()) == list(expected)


def test_chosen_texts_go_on_by_themselves() -> None:
    cache = KeyValueCache(torch.empty(2, 1, 0, 1), torch.empty(2, 1, 0, 1), window=3)
    for start in range(4):
        cache.extend(tokens(start, 1), -tokens(start, 1))
    chosen = cache.select(torch.tensor([1, 1, 0]))
    assert (chosen.num_seen, chosen.window) == (4, 3)
    new = torch.tensor([40.0, 50.0, 60.0]).view(3, 1, 1, 1)
    keys, values, _ = chosen.extend(new, -new)
    assert [sorted(row) for row in keys[:, 0, :, 0].tolist()] == [[2.5, 3.5, 40], [2.5, 3.5, 50], [2, 3, 60]]
    assert torch.equal(values, -keys)
    kept, _, _ = cache.extend(tokens(4, 1), -tokens(4, 1))  # the first texts know nothing of it
    assert sorted(kept[0, 0, :, 0].tolist()) == [2, 3, 4]


def test_room_is_made_for_twice_as_many_and_never_for_more_than_the_window() -> None:
    for window, sizes in ((None, {64, 128, 256}), (100, {64, 100}), (5, {5})):
        cache = KeyValueCache(torch.empty(1, 1, 0, 1), torch.empty(1, 1, 0, 1), window=window)
        found = set()
        for _ in range(130):
            cache.extend(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1))
            found.add(cache._keys.shape[2])
        assert found == sizes


def test_new_tokens_are_kept_in_the_precision_of_the_old_ones() -> None:
    cache = KeyValueCache(torch.zeros(1, 1, 2, 1), torch.zeros(1, 1, 2, 1))
    keys, values, allowed = cache.extend(torch.ones(1, 1, 2, 1).half(), torch.ones(1, 1, 2, 1).half())
    assert keys.dtype == values.dtype == torch.float32
    assert allowed is not None
    assert allowed.tolist() == [[True, True, True, False], [True] * 4]
