"""Attention against torch's own modules, against einsum in float64, and with tokens that come one by one."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.layers.attention import (
    AdditiveAttention,
    CrossAttention,
    LuongAttention,
    MemoryAttention,
    SelfAttention,
    scaled_dot_product,
)
from derin.layers.positions import LearnedPositions, RotaryPositions, SinusoidalPositions, apply_rotary

BATCH, QUERIES, KEYS, DIM, HEADS = 2, 5, 7, 12, 3
MASK = torch.arange(KEYS) < torch.tensor([[4], [7]])


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def makers() -> dict[str, MemoryAttention]:
    torch.manual_seed(0)
    return {
        "additive": AdditiveAttention(DIM, 10, 9),
        "dot": LuongAttention("dot", DIM, DIM),
        "general": LuongAttention("general", DIM, 10),
        "concat": LuongAttention("concat", DIM, 10),
    }


def by_formula(kind: str, attention: Any, query: Tensor, state: Tensor) -> Tensor:
    """One score of the papers."""
    if kind == "dot":
        return query @ state
    if kind == "general":
        return query @ attention.matrix.weight @ state
    inner = attention.concat if kind == "concat" else attention
    joint = torch.cat([inner.query.weight, inner.memory.weight], dim=1)
    return inner.score.weight[0] @ torch.tanh(joint @ torch.cat([query, state]) + inner.query.bias)


@pytest.mark.parametrize("kind", ["additive", "dot", "general", "concat"])
def test_contexts_and_weights_equal_the_formulas(kind: str) -> None:
    attention = makers()[kind].double()
    queries, memory = random(BATCH, QUERIES, DIM), random(BATCH, KEYS, DIM if kind == "dot" else 10)
    context, weights = attention(queries, memory, MASK, with_weights=True)
    for row in range(BATCH):
        length = int(MASK[row].sum())
        for t in range(QUERIES):
            scores = [by_formula(kind, attention, queries[row, t], memory[row, s]) for s in range(length)]
            expected = torch.stack(scores).softmax(0)
            torch.testing.assert_close(weights[row, t, :length], expected)
            assert not weights[row, t, length:].any()
            torch.testing.assert_close(context[row, t], expected @ memory[row, :length])


@pytest.mark.parametrize("kind", ["additive", "dot", "general", "concat"])
def test_keys_computed_once_serve_every_query(kind: str) -> None:
    attention = makers()[kind].double()
    queries, memory = random(BATCH, QUERIES, DIM), random(BATCH, KEYS, DIM if kind == "dot" else 10)
    expected, nothing = attention(queries, memory, MASK)
    keys = attention.keys(memory)
    steps = [attention(queries[:, t : t + 1], memory, MASK, keys=keys)[0] for t in range(QUERIES)]
    torch.testing.assert_close(torch.cat(steps, dim=1), expected)
    assert nothing is None


def test_dot_refuses_sizes_that_cannot_be_multiplied() -> None:
    with pytest.raises(UsageError, match="general"):
        LuongAttention("dot", DIM, 10)


def test_scaled_dot_product_equals_torchs_with_and_without_weights() -> None:
    q, k, v = random(BATCH, HEADS, QUERIES, 4), random(BATCH, HEADS, KEYS, 4), random(BATCH, HEADS, KEYS, 4) * 2
    mask = MASK[:, None, None]
    expected = F.scaled_dot_product_attention(q, k, v, mask)
    torch.testing.assert_close(scaled_dot_product(q, k, v, mask)[0], expected)
    mixed, weights = scaled_dot_product(q, k, v, mask, with_weights=True)
    torch.testing.assert_close(mixed, expected)
    assert weights is not None
    torch.testing.assert_close(weights.sum(3), torch.ones(BATCH, HEADS, QUERIES, dtype=torch.float64))


@pytest.mark.parametrize(("mask", "causal"), [(None, False), (None, True), (MASK[:, None, None, :QUERIES], False)])
def test_in_bfloat16_the_parts_are_as_near_to_double_precision_as_the_fused_kernel(
    mask: Tensor | None, causal: bool
) -> None:
    exact = [random(BATCH, HEADS, QUERIES, 4 + i)[..., :4].requires_grad_() for i in range(3)]
    F.scaled_dot_product_attention(*exact, mask, is_causal=causal).square().sum().backward()
    narrow = [part.detach().bfloat16().requires_grad_() for part in exact]
    mixed, _ = scaled_dot_product(*narrow, mask, causal=causal)
    assert mixed.dtype == torch.bfloat16
    mixed.double().square().sum().backward()
    for part, expected in zip(narrow, exact, strict=True):
        assert (part.grad.double() - expected.grad).norm() < 0.03 * expected.grad.norm()


@pytest.mark.parametrize("causal", [False, True])
def test_self_attention_equals_torchs_module(causal: bool) -> None:
    torch.manual_seed(1)
    ours = SelfAttention(DIM, HEADS, causal=causal).double()
    theirs = nn.MultiheadAttention(DIM, HEADS, batch_first=True).double()
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.qkv.weight.data, ours.qkv.bias.data
    theirs.out_proj.weight.data, theirs.out_proj.bias.data = ours.project.weight.data, ours.project.bias.data
    x = random(BATCH, KEYS, DIM)
    forbidden = torch.ones(KEYS, KEYS, dtype=torch.bool).triu(1) if causal else None
    expected, expected_weights = theirs(
        x, x, x, key_padding_mask=~MASK, attn_mask=forbidden, average_attn_weights=False
    )
    y, weights = ours(x, MASK, with_weights=True)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(weights, expected_weights)
    torch.testing.assert_close(ours(x, MASK)[0], expected)


def test_cross_attention_equals_torchs_module() -> None:
    torch.manual_seed(2)
    ours = CrossAttention(DIM, HEADS, memory_size=10).double()
    theirs = nn.MultiheadAttention(DIM, HEADS, batch_first=True, kdim=10, vdim=10).double()
    keys, values = ours.key_value.weight.data.chunk(2)
    theirs.q_proj_weight.data, theirs.k_proj_weight.data, theirs.v_proj_weight.data = (
        ours.query.weight.data,
        keys,
        values,
    )
    theirs.in_proj_bias.data = torch.cat([ours.query.bias.data, ours.key_value.bias.data])
    theirs.out_proj.weight.data, theirs.out_proj.bias.data = ours.project.weight.data, ours.project.bias.data
    x, memory = random(BATCH, QUERIES, DIM), random(BATCH, KEYS, 10)
    expected, expected_weights = theirs(x, memory, memory, key_padding_mask=~MASK, average_attn_weights=False)
    y, weights = ours(x, ours.project_memory(memory), MASK, with_weights=True)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(weights, expected_weights)


def test_a_sequence_without_tokens_gives_finite_numbers_and_gradients() -> None:
    mask = MASK.clone()
    mask[0] = False
    x = random(BATCH, KEYS, DIM).requires_grad_()
    memory = random(BATCH, KEYS, 10)
    cross = CrossAttention(DIM, HEADS, memory_size=10).double()
    found = [
        SelfAttention(DIM, HEADS).double()(x, mask)[0],
        cross(x, cross.project_memory(memory), mask)[0],
        AdditiveAttention(DIM, 10, 9).double()(x, memory, mask)[0],
    ]
    assert all(part.isfinite().all() for part in found)
    sum(part.sum() for part in found).backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("sizes", [[1] * 9, [4, 1, 4], [1, 2, 1, 5], [9]])
def test_tokens_one_by_one_or_in_pieces_give_what_they_give_at_once(window: int | None, sizes: list[int]) -> None:
    torch.manual_seed(3)
    attention = SelfAttention(DIM, HEADS, causal=True, window=window).double()
    rotary = RotaryPositions(DIM // HEADS)
    x = random(BATCH, 9, DIM)
    expected, weights = attention(x, rotation=rotary(0, 9, dtype=x.dtype), with_weights=True)
    places = torch.arange(9)
    distance = places[:, None] - places
    allowed = (distance >= 0) & (distance < (window or 9))
    assert torch.equal(weights[0, 0] > 0, allowed)
    cache, first, pieces = attention.cache(BATCH), 0, []
    for size in sizes:
        piece = x[:, first : first + size]
        pieces.append(attention(piece, rotation=rotary(first, size, dtype=x.dtype), cache=cache)[0])
        first += size
    torch.testing.assert_close(torch.cat(pieces, dim=1), expected)
    assert cache.num_seen == 9


def test_a_cache_selected_by_rows_goes_on_as_those_rows() -> None:
    attention = SelfAttention(DIM, HEADS, causal=True).double()
    x, following = random(BATCH, 4, DIM), random(3, 1, DIM)
    rows = torch.tensor([1, 1, 0])
    cache = attention.cache(BATCH)
    attention(x, cache=cache)
    found, _ = attention(following, cache=cache.select(rows))
    expected, _ = attention(torch.cat([x[rows], following], dim=1))
    torch.testing.assert_close(found, expected[:, -1:])


def test_heads_must_divide_the_dimension_and_windows_need_a_causal_attention() -> None:
    with pytest.raises(UsageError, match="Take one of 1, 2, 3, 4, 6, 12"):
        SelfAttention(12, 5)
    with pytest.raises(UsageError, match="window"):
        SelfAttention(12, 3, window=4)


def test_sinusoidal_positions_equal_the_formula_from_any_place_on() -> None:
    found = SinusoidalPositions(6)(torch.zeros(1, 4, 6, dtype=torch.float64), first=70_001)[0]
    for place in range(4):
        for i in range(3):
            angle = torch.tensor((70_001 + place) / 10_000 ** (2 * i / 6), dtype=torch.float64)
            torch.testing.assert_close(found[place, 2 * i : 2 * i + 2], torch.stack([angle.sin(), angle.cos()]))


def test_learned_positions_end_where_their_table_ends() -> None:
    positions = LearnedPositions(6, DIM)
    x = torch.zeros(BATCH, 2, DIM)
    assert torch.equal(positions(x, first=4)[0], positions.table[4:])
    with pytest.raises(ShapeError, match="6 places"):
        positions(x, first=5)


def test_rotary_positions_turn_pairs_as_complex_numbers_and_their_gradient_turns_back() -> None:
    x = random(BATCH, HEADS, 5, 8).requires_grad_()
    cosines, sines = RotaryPositions(8)(2, 5, dtype=torch.float64)
    y = apply_rotary(x, cosines, sines)
    angles = torch.arange(2, 7, dtype=torch.float64)[:, None] / 10_000 ** (torch.arange(4, dtype=torch.float64) / 4)
    expected = torch.complex(x[..., :4], x[..., 4:]) * torch.polar(torch.ones_like(angles), angles)
    torch.testing.assert_close(y, torch.cat([expected.real, expected.imag], dim=3))
    assert torch.autograd.gradcheck(lambda t: apply_rotary(t, cosines, sines), (x,))


def test_odd_sizes_cannot_be_paired() -> None:
    for make in (RotaryPositions, SinusoidalPositions):
        with pytest.raises(UsageError, match="even"):
            make(5)


@pytest.mark.parametrize("path", ["fused", "with weights", "in parts"])
def test_dropout_leaves_out_shares_of_the_values_and_keeps_their_mean(path: str) -> None:
    """Of one value of 1 alone with weight 1, what is kept is 1 / (1 − p): the mean over many heads stays 1."""
    torch.manual_seed(6)
    dtype = torch.bfloat16 if path == "in parts" else torch.float32
    queries, keys, values = (
        torch.zeros(1, 4000, 2, 4, dtype=dtype),
        torch.zeros(1, 4000, 1, 4, dtype=dtype),
        torch.ones(1, 4000, 1, 4, dtype=dtype),
    )
    mixed, weights = scaled_dot_product(queries, keys, values, dropout=0.2, with_weights=path == "with weights")
    found = mixed[..., 0].float().flatten()
    assert set(found.tolist()) == {0.0, 1.25}
    assert found.mean().item() == pytest.approx(1.0, abs=5 * 0.5 / math.sqrt(8000))
    assert weights is None or bool((weights == 1).all())  # what is shown is not what was left out by chance


@pytest.mark.parametrize("kind", [SelfAttention, CrossAttention])
def test_attention_drops_nothing_in_evaluation(kind: type) -> None:
    torch.manual_seed(7)
    attention, x = kind(DIM, HEADS, dropout=0.5).eval(), torch.randn(2, QUERIES, DIM)
    rest = (attention.project_memory(x),) if kind is CrossAttention else ()
    first = attention(x, *rest)[0]
    assert torch.equal(first, attention(x, *rest)[0])
    attention.dropout = 0.0
    torch.testing.assert_close(attention.train()(x, *rest)[0], first)


@pytest.mark.parametrize("kind", [SelfAttention, CrossAttention])
def test_attention_drops_weights_in_training_as_its_formula_does(kind: type) -> None:
    torch.manual_seed(8)
    attention, x = kind(DIM, HEADS, dropout=0.5).train(), torch.randn(2, QUERIES, DIM)
    rest = (attention.project_memory(x),) if kind is CrossAttention else ()
    first, second = (attention(x, *rest)[0] for _ in range(2))
    assert not torch.equal(first, second)
    torch.manual_seed(9)
    torch.testing.assert_close(attention(x, *rest)[0], (torch.manual_seed(9), attention(x, *rest)[0])[1])
