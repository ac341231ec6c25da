"""Networks from one sequence to another; the oracles are themselves in another order: cached against whole, alone
against in a batch, in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from derin.core.errors import ShapeError
from derin.models import build
from derin.models.translator import Translator

NAMES = ["seq2seq_gru", "seq2seq_attention", "transformer"]
OPTIONS = {
    "seq2seq_gru": {"units": 14, "dim": 10, "num_layers": 2},
    "seq2seq_attention": {"units": 14, "dim": 10, "num_layers": 2},
    "transformer": {"dim": 12, "num_heads": 3, "hidden": 20, "num_encoder_layers": 2, "num_decoder_layers": 3},
}
SOURCE = torch.tensor([[5, 9, 7, 4, 3], [8, 6, 3, 0, 0], [4, 3, 0, 0, 0]])
TARGET = torch.tensor([[2, 5, 6, 7], [2, 9, 9, 0], [2, 4, 0, 0]])


def network(name: str, **options: object) -> Translator:
    model = build(name, input_shape=(5,), num_outputs=11, seed=3, vocabulary=10, **{**OPTIONS[name], **options})
    assert isinstance(model, Translator)
    return model.double().eval()


def stepped(model: Translator, source: Tensor, target: Tensor) -> Tensor:
    """Logits of every place, one token at a time."""
    state = model.start(model.encode(source))
    found = []
    for place in range(target.shape[1]):
        logits, state = model.step(target[:, place], state)
        found.append(logits)
    return torch.stack(found, 1)


@pytest.mark.parametrize("name", NAMES)
def test_decoding_step_by_step_gives_what_one_pass_gives(name: str) -> None:
    model = network(name)
    with torch.inference_mode():
        torch.testing.assert_close(stepped(model, SOURCE, TARGET), model(SOURCE, TARGET), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_gets_the_same_alone_and_beside_longer_ones(name: str) -> None:
    model = network(name)
    with torch.inference_mode():
        together = model(SOURCE, TARGET)
        alone = model(SOURCE[1:2, :3], TARGET[1:2, :3])
    torch.testing.assert_close(together[1:2, :3], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_no_place_sees_a_later_token(name: str) -> None:
    model = network(name)
    other = TARGET.clone()
    other[0, 2] = 10
    with torch.inference_mode():
        before, after = model(SOURCE, TARGET), model(SOURCE, other)
    assert torch.equal(before[0, :2], after[0, :2])
    assert not torch.equal(before[0, 2], after[0, 2])


@pytest.mark.parametrize("name", NAMES)
def test_selected_rows_go_on_as_they_would_have(name: str) -> None:
    model = network(name)
    rows = torch.tensor([2, 0, 0])
    with torch.inference_mode():
        _, state = model.step(TARGET[:, 0], model.start(model.encode(SOURCE)))
        chosen, _ = model.step(TARGET[rows, 1], state.select(rows))
    torch.testing.assert_close(chosen, stepped(model, SOURCE, TARGET)[rows, 1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["seq2seq_attention", "transformer"])
def test_weights_of_attention_are_shares_and_leave_out_the_padding(name: str) -> None:
    with torch.inference_mode():
        weights = network(name).alignment(SOURCE, TARGET)
    assert weights is not None
    assert weights.shape == (3, 4, 5)
    torch.testing.assert_close(weights.sum(2), torch.ones(3, 4, dtype=torch.float64))
    assert not weights[1, :, 3:].any()


def test_a_network_without_attention_has_no_alignment() -> None:
    assert network("seq2seq_gru").alignment(SOURCE, TARGET) is None


def test_luong_attention_is_the_written_formula() -> None:
    """α = softmax(hᵀ W a) over the places that hold a token."""
    model = network("seq2seq_attention", num_layers=1)
    with torch.inference_mode():
        memory = model.encode(SOURCE)
        places, keys, mask = memory[1], memory[2], memory[3]
        hidden, _ = model._decode(TARGET, memory, model._first(memory))  # type: ignore[operator]
        scores = torch.einsum("btu,bsu->bts", hidden, keys).masked_fill(~mask[:, None], -torch.inf)
        torch.testing.assert_close(model.alignment(SOURCE, TARGET), scores.softmax(2))
        torch.testing.assert_close(keys, places @ model.attention.matrix.weight.T)  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("name", NAMES)
def test_one_vocabulary_is_one_embedding_and_the_output_is_its_transpose(name: str) -> None:
    model = build(name, input_shape=(5,), num_outputs=11, vocabulary=11, shared=True, **OPTIONS[name])
    assert model.source_embedding is model.target_embedding
    assert dict(model.named_parameters(remove_duplicate=False))["output.weight"] is model.get_parameter(
        "target_embedding.weight"
    )
    with pytest.raises(ShapeError, match="vocabulary=10 and num_outputs=11"):
        build(name, input_shape=(5,), num_outputs=11, vocabulary=10, shared=True, **OPTIONS[name])


@pytest.mark.parametrize("name", NAMES)
def test_wrong_tokens_are_refused_in_one_sentence(name: str) -> None:
    model = network(name)
    with pytest.raises(ShapeError, match="reads tokens"):
        model(SOURCE.float(), TARGET)
    with pytest.raises(ShapeError, match="3 sources and 2 targets"):
        model(SOURCE, TARGET[:2])


def test_a_transformers_embeddings_are_scaled_by_the_root_of_their_size_beside_the_positions() -> None:
    """Vaswani et al., 3.4: at one place two tokens differ by √d times what their vectors differ, in both halves."""
    net = build("transformer", input_shape=(5,), num_outputs=11, seed=1, vocabulary=13, dim=36).eval()
    seen: list[torch.Tensor] = []
    for block in (net.encoder[0], net.decoder[0]):
        block.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    source, target = torch.tensor([[4, 7, 9], [8, 7, 9]]), torch.tensor([[6, 3], [6, 10]])
    with torch.no_grad():
        net(source, target)
        for x, embedding, (a, b), place in (
            (seen[0], net.source_embedding, (4, 8), 0),
            (seen[1], net.target_embedding, (3, 10), 1),
        ):
            expected = 6 * (embedding.weight[a] - embedding.weight[b])
            torch.testing.assert_close(x[0, place] - x[1, place], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("num_layers", [1, 3])
def test_a_source_is_told_by_what_both_directions_of_the_highest_layer_read_last(num_layers: int) -> None:
    model = network("seq2seq_gru", num_layers=num_layers)
    with torch.inference_mode():
        places, whole = model._read(SOURCE)  # type: ignore[attr-defined]
    half = places.shape[2] // 2
    for row, length in enumerate((5, 3, 2)):  # forward it has read to the end, backward to the beginning
        expected = torch.cat([places[row, length - 1, :half], places[row, 0, half:]])
        torch.testing.assert_close(whole[row], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["seq2seq_gru", "transformer"])
def test_what_fills_up_a_target_is_never_learnt(name: str) -> None:
    model = network(name, shared=False) if name == "transformer" else network(name)
    model(SOURCE, TARGET).square().sum().backward()
    tables = [part.weight for part in model.modules() if isinstance(part, torch.nn.Embedding)]
    assert len(tables) == 2
    for table in tables:
        assert table.grad is not None
        assert table.grad[0].abs().max() == 0 < table.grad[4].abs().max()
