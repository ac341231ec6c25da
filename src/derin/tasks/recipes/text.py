"""Recipes of the networks that classify texts, trained from fresh weights."""

from __future__ import annotations

from typing import Any

from derin.tasks.recipes.facts import Facts, Recipe

# (training texts up to, passes): a sum of scores is learned in few, and fewer texts need more.
_BAG_PASSES = ((3_000, 8), (20_000, 5), (100_000, 3), (float("inf"), 2))
_WORD_PASSES = ((1_000, 30), (20_000, 8), (100_000, 4), (float("inf"), 2))
_BATCH = 32
_MANY = 20_000
_LARGE_BATCH = 128


def bag(facts: Facts) -> Recipe:
    """The default for texts: a sum over hashed n-grams.

    Adam's steps do not depend on how often an n-gram occurs, so that rare ones are learned within the few passes in
    which a table that begins at zero is far from learning the texts by heart.
    """
    return _recipe(
        facts,
        _BAG_PASSES,
        {"learning_rate": 0.02, "weight_decay": 0.0, "schedule": "linear"},
        "n-grams that begin with nothing to say bear a high rate that falls from the start.",
        inputs={"tokenizer": "ngrams"},
    )


def average(facts: Facts) -> Recipe:
    """The mean of word vectors."""
    return _recipe(
        facts,
        _WORD_PASSES,
        {"learning_rate": 5e-3, "weight_decay": 0.01, "schedule": "one-cycle"},
        "A shallow network bears a high rate.",
        inputs={"tokenizer": "words"},
    )


def convolutional(facts: Facts) -> Recipe:
    """Filters over the words."""
    return _recipe(
        facts,
        _WORD_PASSES,
        {"learning_rate": 2e-3, "weight_decay": 0.05, "schedule": "one-cycle"},
        "Dropout of the largest answers keeps filters from learning few texts by heart (Kim 2014).",
        inputs={"tokenizer": "words"},
    )


def recurrent(facts: Facts) -> Recipe:
    """LSTM and GRU over the words; of long texts the first words tell most of what is to be told."""
    return _recipe(
        facts,
        _WORD_PASSES,
        {"learning_rate": 2e-3, "weight_decay": 0.05, "schedule": "one-cycle", "clip_norm": 1.0},
        "Gradients through many steps grow now and then: clipping takes those steps (Pascanu et al. 2013).",
        inputs={"tokenizer": "words", "max_length": 400},
    )


def _recipe(
    facts: Facts,
    passes: tuple[tuple[float, int], ...],
    settings: dict[str, Any],
    reason: str,
    *,
    inputs: dict[str, Any],
) -> Recipe:
    """The settings with batch size and passes by the number of texts."""
    epochs = next(epochs for most, epochs in passes if facts.num_train <= most)
    batch_size = _BATCH if facts.num_train <= _MANY else _LARGE_BATCH
    updates = -(-facts.num_train // batch_size) * epochs
    return Recipe(
        settings={"optimizer": "adamw", "batch_size": batch_size, "epochs": epochs, **settings},
        inputs=inputs,
        reasons=(
            f"{facts.num_train} training texts: batches of {batch_size} and {epochs} epochs give {updates} updates.",
            reason,
        ),
    )
