"""Recipes for going on from published weights: what was learned is to be kept, so that all is gentler."""

from __future__ import annotations

from derin.data.table import Table
from derin.tasks.recipes.facts import Facts, Recipe, facts_of, light_augmentation, smoothing, with_notes

# Passes over cached features cost thousandths of a second, and the head is convex: enough of them to be done.
_HEAD_UPDATES = 3_000
# (training examples up to, batch size, rate): a few hundred examples make few updates, which have to be larger.
_HEAD: tuple[tuple[float, int, float], ...] = ((1_000, 16, 3e-3), (float("inf"), 64, 1e-3))
# (training examples up to, epochs) of passes through the whole network.
_EPOCHS: tuple[tuple[float, int], ...] = ((500, 8), (3_000, 5), (float("inf"), 4))


def finetuning_recipe(mode: str, table: Table | Facts) -> Recipe:
    """The settings for fine-tuning.

    Args:
        mode: ``"head"``, ``"full"``, ``"freeze"`` or ``"gradual"``.
        table: the data, or what is known about it.

    Example:
        >>> facts = Facts(num_train=2_000, picture_size=(0, 0), channels=3, mirrored=True)
        >>> finetuning_recipe("head", facts).settings["epochs"]
        93
        >>> finetuning_recipe("gradual", facts).augmentation
        'flip'
    """
    facts = facts_of(table) if isinstance(table, Table) else table
    return with_notes(_head(facts) if mode == "head" else _layers(facts, mode), facts)


def _head(facts: Facts) -> Recipe:
    batch_size, rate = next((size, rate) for most, size, rate in _HEAD if facts.num_train <= most)
    epochs = min(200, max(20, _HEAD_UPDATES // -(-facts.num_train // batch_size)))
    settings = {"optimizer": "adamw", "learning_rate": rate, "weight_decay": 0.1, "schedule": "one-cycle"}
    return Recipe(
        settings=settings | {"batch_size": batch_size, "epochs": epochs},
        label_smoothing=smoothing(facts),
        reasons=(f"One dense layer on features that are computed once: {epochs} epochs cost a few seconds.",),
    )


def _layers(facts: Facts, mode: str) -> Recipe:
    epochs = next(epochs for most, epochs in _EPOCHS if facts.num_train <= most)
    rate = 3e-4 if mode == "gradual" else 1e-4
    settings = {"optimizer": "adamw", "learning_rate": rate, "weight_decay": 0.05, "schedule": "one-cycle"}
    light = light_augmentation(facts).split(",")
    return Recipe(
        settings=settings | {"batch_size": 32, "epochs": epochs, "clip_norm": 1.0},
        # What distorts a picture teaches little to a network that has seen a million others, and each pass is dear.
        augmentation="flip" if "flip" in light else "",
        label_smoothing=smoothing(facts),
        reasons=(
            "A low rate and clipped steps keep what the weights know; deeper layers, which are more general, change "
            "less (Howard, Ruder 2018)."
            if mode == "gradual"
            else "A low rate and clipped steps keep what the weights know while the new output layer is still wrong.",
        ),
    )
