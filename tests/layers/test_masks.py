"""Masks and lengths against plain loops over the tokens."""

from __future__ import annotations

import pytest
import torch

from derin.core.errors import ShapeError
from derin.layers.masks import PADDING, causal_mask, lengths_of, mask_of_lengths, padding_mask, require_tokens

TOKENS = torch.tensor([[4, 7, 0, 0, 0], [5, 6, 9, 8, 4], [0, 0, 0, 0, 0]])


def test_lengths_end_at_the_last_token() -> None:
    assert lengths_of(TOKENS).tolist() == [2, 5, 0]
    assert lengths_of(torch.tensor([[5, 0, 6, 0]])).tolist() == [3]
    assert lengths_of(torch.zeros(2, 0, dtype=torch.int64)).tolist() == [0, 0]


def test_masks_of_tokens_and_of_their_lengths_agree() -> None:
    expected = [[token != PADDING for token in row] for row in TOKENS.tolist()]
    assert padding_mask(TOKENS).tolist() == expected
    assert mask_of_lengths(lengths_of(TOKENS), 5).tolist() == expected


def test_the_last_query_sees_all_keys_and_each_one_before_it_one_less() -> None:
    mask = causal_mask(3, 5)
    assert mask.tolist() == [[key <= query + 2 for key in range(5)] for query in range(3)]


@pytest.mark.parametrize("wrong", [torch.zeros(5), torch.zeros(2, 5), torch.zeros(2, 5, 3, dtype=torch.int64)])
def test_what_is_no_batch_of_tokens_is_refused(wrong: torch.Tensor) -> None:
    with pytest.raises(ShapeError, match="net reads whole numbers"):
        require_tokens("net", wrong)
