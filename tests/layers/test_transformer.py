"""Blocks against torch's own encoder and decoder layers, and decoding step by step against all at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from derin.layers.attention import SelfAttention
from derin.layers.transformer import DecoderBlock, EncoderBlock, FeedForward, initialize_blocks

BATCH, STEPS, MEMORY, DIM, HEADS, HIDDEN = 2, 5, 7, 12, 3, 31
MASK = torch.arange(MEMORY) < torch.tensor([[4], [7]])


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def copy_self_attention(ours: SelfAttention, theirs: nn.MultiheadAttention) -> None:
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.qkv.weight.data, ours.qkv.bias.data
    theirs.out_proj.load_state_dict(ours.project.state_dict())


def copy_dense(ours: FeedForward, theirs: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer) -> None:
    theirs.linear1.load_state_dict(ours.widen.state_dict())
    theirs.linear2.load_state_dict(ours.narrow.state_dict())


def test_the_encoder_block_equals_torchs_with_norms_first() -> None:
    torch.manual_seed(1)
    ours = EncoderBlock(DIM, HEADS, HIDDEN).double()
    theirs = nn.TransformerEncoderLayer(
        DIM, HEADS, HIDDEN, dropout=0.0, activation="gelu", norm_first=True, batch_first=True, dtype=torch.float64
    )
    copy_self_attention(ours.attention, theirs.self_attn)
    copy_dense(ours.dense, theirs)
    x = random(BATCH, MEMORY, DIM)
    found, expected = ours(x, MASK), theirs(x, src_key_padding_mask=~MASK)
    torch.testing.assert_close(found[MASK], expected[MASK])


def test_the_decoder_block_equals_torchs_with_norms_first() -> None:
    torch.manual_seed(2)
    ours = DecoderBlock(DIM, HEADS, HIDDEN).double()
    theirs = nn.TransformerDecoderLayer(
        DIM, HEADS, HIDDEN, dropout=0.0, activation="gelu", norm_first=True, batch_first=True, dtype=torch.float64
    )
    copy_self_attention(ours.attention, theirs.self_attn)
    cross = ours.cross_attention
    theirs.multihead_attn.in_proj_weight.data = torch.cat([cross.query.weight.data, cross.key_value.weight.data])
    theirs.multihead_attn.in_proj_bias.data = torch.cat([cross.query.bias.data, cross.key_value.bias.data])
    theirs.multihead_attn.out_proj.load_state_dict(cross.project.state_dict())
    copy_dense(ours.dense, theirs)
    x, memory = random(BATCH, STEPS, DIM), random(BATCH, MEMORY, DIM)
    causal = torch.ones(STEPS, STEPS, dtype=torch.bool).triu(1)
    expected = theirs(x, memory, tgt_mask=causal, memory_key_padding_mask=~MASK)
    found, nothing = ours(x, ours.project_memory(memory), MASK)
    torch.testing.assert_close(found, expected)
    assert nothing is None


def test_decoding_step_by_step_equals_decoding_at_once() -> None:
    torch.manual_seed(3)
    block = DecoderBlock(DIM, HEADS, HIDDEN, memory_size=10).double()
    x, memory = random(BATCH, STEPS, DIM), block.project_memory(random(BATCH, MEMORY, 10))
    expected, expected_weights = block(x, memory, MASK, with_weights=True)
    cache, steps, weights = block.cache(BATCH), [], []
    for t in range(STEPS):
        step, weight = block(x[:, t : t + 1], memory, MASK, cache=cache, with_weights=True)
        steps.append(step)
        weights.append(weight)
    torch.testing.assert_close(torch.cat(steps, dim=1), expected)
    torch.testing.assert_close(torch.cat(weights, dim=2), expected_weights)


def test_padding_of_a_causal_block_at_the_right_reaches_no_token() -> None:
    block = EncoderBlock(DIM, HEADS, HIDDEN, causal=True).double()
    x = random(BATCH, STEPS, DIM)
    changed = x.clone()
    changed[:, 3:] = 1e3
    torch.testing.assert_close(block(changed)[:, :3], block(x)[:, :3])


def test_dropout_acts_in_training_alone_and_leaves_the_sum_through_the_network() -> None:
    torch.manual_seed(4)
    block = EncoderBlock(DIM, HEADS, HIDDEN, 0.9)
    x = random(BATCH, STEPS, DIM).float()
    assert not torch.equal(block(x), block(x))
    # Nine numbers of ten lose both sublayers with probability 0.81 and stay as they came.
    assert (block(x) == x).float().mean().item() == pytest.approx(0.81, abs=0.15)
    assert torch.equal(block.eval()(x), block(x))


def test_what_is_added_begins_smaller_in_a_deep_network() -> None:
    torch.manual_seed(5)
    blocks = nn.Sequential(*(EncoderBlock(60, 3, 250) for _ in range(2)))
    initialize_blocks(blocks, 16)
    block = blocks[1]
    assert isinstance(block, EncoderBlock)
    assert block.dense.widen.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert block.dense.narrow.weight.std().item() == pytest.approx(0.005, rel=0.05)
    assert block.attention.project.weight.std().item() == pytest.approx(0.005, rel=0.05)
    assert not block.dense.widen.bias.any()


def test_a_block_goes_on_step_by_step_in_the_precision_that_was_asked_for() -> None:
    block = EncoderBlock(DIM, HEADS, HIDDEN, causal=True).double().eval()
    x = random(BATCH, STEPS, DIM)
    cache = block.cache(BATCH, dtype=torch.float64)
    steps = [block(x[:, step : step + 1], cache=cache) for step in range(STEPS)]
    # In float32 keys and values would be off by some 1e-7.
    torch.testing.assert_close(torch.cat(steps, 1), block(x), rtol=0, atol=1e-12)
