"""Recipes of the language models."""

from __future__ import annotations

from typing import Any

from derin.tasks.recipes.facts import Facts, Recipe

# Tokens per stream and batch: so far gradients reach back. On 4.4 million characters, 1,200 updates of an LSTM came to
# 1.37 nats with 64 as with 128 tokens, at half the cost: what is older is carried in the state.
_WINDOW = 64
# About so many updates bring the loss close to where it stays, of a short text and of a longer one.
_UPDATES, _UPDATES_OF_LONG = 6_500, 16_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 30
# Bytes of text below which a small network holds what there is, and below which a larger one learns it by heart.
_TINY_TEXT, _SHORT_TEXT = 500_000, 2_500_000


def recurrent(facts: Facts) -> Recipe:
    """Stacked LSTM layers that carry their state from window to window."""
    is_short = facts.num_bytes < _SHORT_TEXT
    settings, reason = _budget(facts, _WINDOW)
    settings |= {"learning_rate": 2e-3 if is_short else 3e-3, "weight_decay": 0.1 if is_short else 0.01}
    options: dict[str, Any] = {"dropout": 0.1}
    if facts.num_bytes < _TINY_TEXT:
        options = {"hidden": 256, "dropout": 0.3}
    elif is_short:
        options = {"dropout": 0.5, "input_dropout": 0.1}
    return Recipe(
        settings=settings,
        model_options=options,
        inputs={"window": _WINDOW},
        reasons=(
            reason,
            "Gradients through many steps may explode: their norm is kept below 1 (Pascanu, Mikolov and Bengio 2013).",
            "A short text is learned by heart without dropout (Zaremba, Sutskever and Vinyals 2014).",
        ),
    )


def fixed_window(facts: Facts) -> Recipe:
    """Bengio's model of a few tokens before."""
    settings, reason = _budget(facts, _WINDOW)
    settings |= {"learning_rate": 3e-3, "weight_decay": 0.01}
    return Recipe(settings=settings, inputs={"window": _WINDOW}, reasons=(reason,))


def transformer(facts: Facts) -> Recipe:
    """A decoder-only Transformer, which carries nothing from window to window."""
    settings, reason = _budget(facts, 2 * _WINDOW)
    settings |= {"learning_rate": 2e-3, "weight_decay": 0.1, "warmup": 0.05}
    return Recipe(
        settings=settings,
        model_options={"dropout": 0.2 if facts.num_bytes < _SHORT_TEXT else 0.1},
        inputs={"window": 2 * _WINDOW, "context": _WINDOW},
        reasons=(
            reason,
            "It sees no further back than its window; each measured window begins with tokens that are only seen.",
        ),
    )


def _budget(facts: Facts, window: int) -> tuple[dict[str, Any], str]:
    """Streams, passes and optimizer that all share. The tokens are not known yet: they are counted as bytes.

    Windows of twice the length cost twice as much, so that half as many updates are made of them.
    """
    num_streams = 16 if facts.num_bytes < _TINY_TEXT else 32
    updates = max(1, facts.num_bytes // (num_streams * window))
    wanted = (_UPDATES if facts.num_bytes < _SHORT_TEXT else _UPDATES_OF_LONG) * _WINDOW / window
    epochs = min(max(round(wanted / updates), _FEWEST_EPOCHS), _MOST_EPOCHS)
    settings = {
        "batch_size": num_streams,
        "epochs": epochs,
        "optimizer": "adamw",
        "schedule": "cosine",
        "warmup": 0.02,
        "clip_norm": 1.0,
    }
    return settings, f"{facts.num_bytes:,} bytes of text: {epochs} passes of {num_streams} parallel streams."
