"""What learning to compare wants otherwise than telling known classes apart, whatever the network."""

from __future__ import annotations

from dataclasses import replace

from derin.data.samplers.by_class import LEAST_BATCHES
from derin.tasks.recipes.facts import Facts, Recipe

COMPARING = "embedding"
_BATCH = 64  # 16 classes with 4 examples each: 48 same and 960 different pairs for the anchors to choose from
_LARGE_BATCH = 128
# (training examples up to, updates): few people are soon known by heart, and what is learned then holds for them alone.
_UPDATES: tuple[tuple[float, int], ...] = ((500, 200), (10_000, 600), (float("inf"), 1_000))

_LIGHT = "brightness=0.2,contrast=0.2"  # what is the same in another light must stay near
# Beside the moves of whole classes (`tasks.class_augmentation`), which are larger. Gray pictures are as often on white
# as on black: over the edge comes the nearest pixel.
_GRAY = "rotate=10,zoom=0.1,shear=0.1,shift=0.05,fill=edge"


def for_comparing(recipe: Recipe, facts: Facts) -> Recipe:
    """The recipe of a network for batches of pairs."""
    updates = next(number for most, number in _UPDATES if facts.num_train <= most)
    batch_size = _BATCH if updates < _UPDATES[-1][1] else _LARGE_BATCH
    per_epoch = max(LEAST_BATCHES, facts.num_train // batch_size)
    epochs = -(-updates // per_epoch)
    settings = {**recipe.settings, "batch_size": batch_size, "epochs": epochs}
    if "learning_rate" in settings:
        settings["learning_rate"] /= 2
    augmentation = _GRAY if facts.picture_size is not None and facts.channels == 1 else recipe.augmentation
    if facts.picture_size is not None and "brightness" not in augmentation:
        augmentation = ",".join(filter(None, [augmentation, _LIGHT]))
    return replace(
        recipe,
        settings=settings,
        augmentation=augmentation,
        label_smoothing=0.0,
        # The middle of a face says less than all of it, and windows drawn anywhere would be of different parts.
        inputs={"fit": "squeeze", **recipe.inputs} if facts.picture_size is not None else recipe.inputs,
        model_options={name: value for name, value in recipe.model_options.items() if name != "dropout"},
        reasons=(
            "Hard triplets are noisy, which half of the usual rate bears; dropout would part what should be near.",
            f"Hard pairs are found among many: {epochs} epochs of {per_epoch} batches of {batch_size}.",
        ),
    )
