"""The recipe of the tagger."""

from __future__ import annotations

from derin.tasks.recipes.facts import Facts, Recipe

# (training sentences up to, sentences in a batch, epochs): 1 500 updates for a hundred sentences, 5 000 for many. Eight
# epochs of 18 000 Turkish sentences end where the loss of the validation split has stopped falling.
_BUDGET: tuple[tuple[float, int, int], ...] = (
    (100, 4, 60),
    (1_000, 8, 30),
    (5_000, 16, 15),
    (float("inf"), 32, 8),
)


def bilstm_crf(facts: Facts) -> Recipe:
    """BiLSTM-CRF over words and characters."""
    batch_size, epochs = next((size, epochs) for most, size, epochs in _BUDGET if facts.num_train <= most)
    return Recipe(
        settings={
            "batch_size": batch_size,
            "epochs": epochs,
            "optimizer": "adamw",
            "learning_rate": 2e-3,
            "weight_decay": 0.01,
            "schedule": "one-cycle",
            "clip_norm": 5.0,
            "ema_decay": 0.999,
        },
        reasons=(
            f"{facts.num_train} training sentences: batches of {batch_size} and {epochs} epochs give "
            f"{-(-facts.num_train // batch_size) * epochs} updates.",
            "One cycle ends low, which a few passes over the sentences need.",
            "Averaged weights find more of the names that training did not hold.",
        ),
    )
