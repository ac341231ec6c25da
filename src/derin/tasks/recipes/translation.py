"""Recipes of the networks that translate."""

from __future__ import annotations

from derin.tasks.recipes.facts import Facts, Recipe

_SMOOTHING = 0.1


def recurrent(facts: Facts) -> Recipe:
    """Encoder and decoder of GRUs, with and without attention."""
    is_short = _mean_bytes(facts) < _SHORT_BYTES
    settings = {
        "batch_size": 64,
        "epochs": 10 if is_short else 20,
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "weight_decay": 0.01,
        "schedule": "one-cycle",
        "clip_norm": 1.0,
    }
    options = {"dropout": 0.1} if is_short else {"dropout": 0.3, "dim": 256, "units": 512}
    return Recipe(
        settings=settings,
        model_options=options,
        label_smoothing=0.0 if is_short else _SMOOTHING,
        reasons=(
            "Gradients through many steps are now and then very long; clipping keeps them from doing damage.",
            "Texts of a few letters need a small network; sentences a larger one, and much dropout to go with it.",
        ),
    )


def transformer(facts: Facts) -> Recipe:
    """The Transformer, which has no notion of order or nearness and learns them from pairs alone."""
    settings = {
        "batch_size": 64,
        "epochs": 20,
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "weight_decay": 0.01,
        "schedule": "one-cycle",
        "clip_norm": 1.0,
    }
    return Recipe(
        settings=settings,
        model_options={"dropout": 0.3},
        label_smoothing=_SMOOTHING,
        reasons=(
            "Some ten thousand pairs are learned by heart without dropout of 0.3 (Wu et al., ACL 2021, on Multi30k).",
            "A smoothed target raises BLEU although it costs likelihood (Vaswani et al. 2017, section 5.4).",
        ),
    )


_SHORT_BYTES = 40


def _mean_bytes(facts: Facts) -> float:
    """Of a source."""
    return facts.num_bytes / max(1, facts.num_train)
