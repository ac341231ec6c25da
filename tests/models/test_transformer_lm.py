"""The Transformer language model: looks back only, and generates by its cache what one pass over the text gives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from derin.core.errors import ShapeError, UsageError
from derin.models import build, from_spec
from derin.models.language_model import LanguageModel

VOCABULARY, WINDOW, STEPS = 23, 7, 31


def network(dtype: torch.dtype = torch.float64, **options: object) -> LanguageModel:
    settings = {"dim": 12, "num_heads": 3, "num_layers": 2, "window": WINDOW, **options}
    model = build("transformer_lm", input_shape=(9,), num_outputs=VOCABULARY, vocabulary=VOCABULARY, seed=1, **settings)
    assert isinstance(model, LanguageModel)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():  # weights as large as those of a trained network
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return model.to(dtype).eval()


def texts(num_steps: int = STEPS) -> Tensor:
    return torch.randint(1, VOCABULARY, (2, num_steps), generator=torch.Generator().manual_seed(3))


def in_pieces(model: LanguageModel, tokens: Tensor, sizes: list[int]) -> Tensor:
    state, pieces = model.init_state(len(tokens)), []
    for piece in tokens.split(sizes, dim=1):
        logits, state = model.step(piece, state)
        pieces.append(logits)
    return torch.cat(pieces, dim=1)


@pytest.mark.parametrize("sizes", [[1] * 31, [5, 1, 1, 10, 1, 13], [7, 24], [20, *[1] * 11]])
@pytest.mark.parametrize("positions", ["rotary", "sinusoidal"])
def test_steps_equal_one_pass_in_double_precision_also_past_the_window(positions: str, sizes: list[int]) -> None:
    model = network(positions=positions)
    torch.testing.assert_close(in_pieces(model, texts(), sizes), model(texts())[0])


def test_steps_equal_one_pass_to_four_digits_in_single_precision() -> None:
    model = network(torch.float32)
    torch.testing.assert_close(in_pieces(model, texts(), [1] * STEPS), model(texts())[0], atol=1e-4, rtol=0)


def test_greedy_text_is_the_same_token_by_token_with_and_without_the_cache() -> None:
    model = network()
    text = texts(4)
    logits, state = model.step(text, model.init_state(2))
    cached, uncached = [], text
    for _ in range(4 * WINDOW):
        cached.append(logits[:, -1:].argmax(2))
        logits, state = model.step(cached[-1], state)
        uncached = torch.cat([uncached, model(uncached)[0][:, -1:].argmax(2)], dim=1)
    assert torch.equal(torch.cat(cached, dim=1), uncached[:, 4:])


def test_no_token_sees_what_comes_later() -> None:
    model, tokens = network(), texts()
    changed = tokens.clone()
    changed[:, 20:] = 1
    torch.testing.assert_close(model(changed)[0][:, :20], model(tokens)[0][:, :20])


def test_past_the_window_the_oldest_tokens_are_forgotten_layer_by_layer() -> None:
    model, tokens = network(), texts()
    changed = tokens.clone()
    changed[:, 0] = (changed[:, 0] + 1) % VOCABULARY
    moved = (model(changed)[0] - model(tokens)[0]).abs().amax((0, 2))
    reach = 1 + 2 * (WINDOW - 1)  # two layers, each handing on over one window
    assert (moved[:reach] > 0).all()
    assert not moved[reach:].any()


def test_memory_of_a_growing_text_stays_that_of_the_window() -> None:
    model = network()
    _, state = model.step(texts(5), model.init_state(2))
    for token in texts(60).split(1, dim=1):
        _, state = model.step(token, state)
    assert state.num_tokens == 65
    assert all(cache._keys.shape[2] == WINDOW for cache in state.caches)


def test_selected_texts_go_on_as_they_would_have() -> None:
    model, rows = network(), torch.tensor([1, 0, 1])
    _, state = model.step(texts(9), model.init_state(2))
    following = torch.tensor([[4], [5], [6]])
    found, _ = model.step(following, model.select(state, rows))
    expected, _ = model(torch.cat([texts(9)[rows], following], dim=1))
    torch.testing.assert_close(found, expected[:, -1:])


def test_learned_positions_end_with_the_window() -> None:
    model = network(positions="learned")
    torch.testing.assert_close(in_pieces(model, texts(WINDOW), [3, 1, 3]), model(texts(WINDOW))[0])
    with pytest.raises(ShapeError, match="7 places"):
        model(texts(WINDOW + 1))


def test_tied_weights_are_one_matrix_also_after_loading() -> None:
    model = network(tied=True)
    again = from_spec(model.spec, device="meta")
    again.load_state_dict(model.state_dict(), assign=True)
    torch.testing.assert_close(again.eval()(texts())[0], model(texts())[0])
    with pytest.raises(UsageError, match="tied"):
        build("transformer_lm", input_shape=(9,), num_outputs=5, vocabulary=VOCABULARY, tied=True)


def test_a_state_is_refused_in_training_and_so_are_numbers_that_are_no_tokens() -> None:
    model = network()
    with pytest.raises(UsageError, match="carries no state"):
        model(texts(), ())
    with pytest.raises(ShapeError, match="reads tokens"):
        model(torch.zeros(2, 5))


@pytest.mark.parametrize("tied", [False, True])
def test_embeddings_are_as_large_as_the_sinusoidal_waves_that_are_added(tied: bool) -> None:
    """Section 3.4 of the paper: embeddings that begin with a length of 1, times √dim."""
    options = {"vocabulary": 500, "dim": 64, "num_heads": 4, "num_layers": 1, "positions": "sinusoidal", "tied": tied}
    model = build("transformer_lm", input_shape=(9,), num_outputs=500, seed=0, **options)
    assert isinstance(model, LanguageModel)
    tokens, seen = torch.randint(1, 500, (3, 40), generator=torch.Generator().manual_seed(3)), []
    model.blocks[0].register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    model(tokens)
    places, waves = torch.arange(40.0)[:, None], torch.zeros(40, 64)
    waves[:, 0::2] = (places / 10_000 ** (torch.arange(0, 64, 2) / 64)).sin()
    waves[:, 1::2] = (places / 10_000 ** (torch.arange(0, 64, 2) / 64)).cos()
    words = seen[0] - waves
    torch.testing.assert_close(words, 8 * model.embedding(tokens), rtol=1e-4, atol=1e-4)
    assert words.square().mean().sqrt().item() == pytest.approx(1.0, rel=0.05)
    assert waves.square().mean().sqrt().item() == pytest.approx(0.5**0.5, rel=0.01)


def test_a_description_of_before_embeddings_were_scaled_computes_as_it_did() -> None:
    model = network(torch.float32, positions="sinusoidal", scale_embedding=False)
    spec = {**model.spec, "options": {k: v for k, v in model.spec["options"].items() if k != "scale_embedding"}}
    again = from_spec(spec).eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(texts())[0], model(texts())[0])
    scaled = network(torch.float32, positions="sinusoidal")
    assert not torch.allclose(scaled(texts())[0], model(texts())[0], atol=1e-2)
    assert from_spec(scaled.spec).spec["options"]["scale_embedding"] is True


@pytest.mark.parametrize("positions", ["rotary", "sinusoidal"])
def test_the_order_of_what_was_read_counts(positions: str) -> None:
    """One block that knew no places would give the last token the same answer whatever the order of those before."""
    model = network(num_layers=1, positions=positions)
    logits = model(torch.tensor([[4, 9, 15, 6], [15, 4, 9, 6]]))[0][:, -1]
    assert (logits[0] - logits[1]).abs().max() > 1e-3
