"""What learning to compare wants otherwise than telling known classes apart, whatever the network."""

from __future__ import annotations

from dataclasses import replace

from derin.data.samplers.by_class import LEAST_BATCHES
from derin.tasks.recipes.facts import Facts, Recipe

COMPARING = "embedding"
_BATCH = 64  # 16 classes with 4 examples each: 48 same and 960 different pairs for the anchors to choose from
_LARGE_BATCH, _MANY = 128, 10_000
_UPDATES, _FEWEST_EPOCHS = 400, 4
_SIZE = 64  # pixels, which show a face, a letter or a product; larger maps cost more than they tell


def for_comparing(recipe: Recipe, facts: Facts, model_name: str) -> Recipe:
    """The recipe of a network for batches of pairs: larger ones, and as many updates as hard triplets need."""
    batch_size = _LARGE_BATCH if facts.num_train > _MANY else _BATCH
    per_epoch = max(LEAST_BATCHES, facts.num_train // batch_size)
    epochs = max(_FEWEST_EPOCHS, -(-_UPDATES // per_epoch))
    reason = f"Hard pairs are found among many: batches of {batch_size}, {epochs} epochs of {per_epoch}."
    return replace(
        recipe,
        settings={**recipe.settings, "batch_size": batch_size, "epochs": epochs},
        label_smoothing=0.0,
        size=_SIZE if model_name == "convnet" and facts.is_large else None,
        reasons=(*recipe.reasons[1:], reason),
    )
