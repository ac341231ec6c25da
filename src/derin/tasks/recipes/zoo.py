"""Recipes of the published architectures, trained from fresh weights: by what keeps their gradients in hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from derin.data.pictures.fitting import BOXES_SIZE, MASKS_SIZE
from derin.tasks.recipes.facts import Facts, Recipe, budget, light_augmentation, smoothing

# Deep networks learn slowly at first: fewer passes than these leave them near chance.
_FEWEST_EPOCHS = 10
_TRANSFORMER_EPOCHS = 30
# Each picture is many examples, its pixels.
_MAP_EPOCHS, _MOST_MAP_EPOCHS, _MAP_UPDATES = 30, 80, 1_400
_SMALLEST_ON_TRUNK = 32  # pixels
# Of networks of boxes, whose scores are learned after their boxes.
_SMALLEST_WITH_BOXES = 64  # pixels
_BOX_EPOCHS, _BOX_UPDATES = 150, 2_000
_POINT_EPOCHS, _POINT_UPDATES = 60, 750
_POINTS_SIZE = 128


def residual(facts: Facts) -> Recipe:
    """Residual networks, and the same nets without shortcuts, which are compared with them under equal settings."""
    settings = {"optimizer": "nesterov", "learning_rate": 0.1, "weight_decay": 5e-4, "schedule": "one-cycle"}
    return _recipe(
        facts,
        settings,
        "SGD with momentum, weight decay 5e-4, flips and padded crops are the published recipe (He et al. 2016).",
        augmentation=_flips_and_crops(facts),
    )


def small_residual(facts: Facts) -> Recipe:
    """The CIFAR forms of residual networks and of the same nets without shortcuts.

    Ten epochs on 40 000 pictures are some 3 000 updates, in which SGD is far from done: on 12 000 pictures in eight
    epochs ResNet-20 reached 0.71 by Nesterov's momentum and 0.775 by Muon. In wide networks, orthogonalizing would
    cost as much as the forward pass.
    """
    settings = {"optimizer": "muon", "learning_rate": 0.015, "momentum": 0.95, "weight_decay": 0.05}
    return _recipe(
        facts,
        settings | {"schedule": "one-cycle"},
        "Muon learns as much as SGD in fewer updates, and the matrices here are small (Jordan et al. 2024); flips and "
        "padded crops are the published recipe (He et al. 2016).",
        augmentation=_flips_and_crops(facts),
    )


def normalized(facts: Facts) -> Recipe:
    """Batch norm after each convolution: VGG and GoogLeNet in that form, DenseNet, Inception v3."""
    settings = {"optimizer": "nesterov", "learning_rate": 0.05, "weight_decay": 1e-4, "schedule": "one-cycle"}
    return _recipe(facts, settings, "Batch norm bears a high rate; decay 1e-4 is DenseNet's (Huang et al. 2017).")


def depthwise(facts: Facts) -> Recipe:
    """MobileNet v1 and v2: few weights, each of which sees much."""
    settings = {"optimizer": "nesterov", "learning_rate": 0.05, "weight_decay": 4e-5, "schedule": "one-cycle"}
    return _recipe(facts, settings, "Depthwise filters have few weights and need little decay (Howard et al. 2017).")


def unnormalized(facts: Facts) -> Recipe:
    """Deep networks without batch norm: AlexNet, VGG, SqueezeNet, GoogLeNet as published, FaceNet NN1."""
    settings = {"optimizer": "adamw", "learning_rate": 3e-4, "weight_decay": 0.01, "schedule": "one-cycle"}
    return _recipe(
        facts,
        settings | {"clip_norm": 1.0},
        "Without norms the size of gradients is not kept from layer to layer: Adam scales each weight's, the rate is "
        "low, and clipping takes the few steps that would undo the rest.",
    )


def swish(facts: Facts) -> Recipe:
    """EfficientNet-B0: batch norm, depthwise filters, squeeze and excitation."""
    settings = {"optimizer": "adamw", "learning_rate": 2e-3, "weight_decay": 0.02, "schedule": "one-cycle"}
    return _recipe(
        facts,
        settings,
        "Adaptive steps stand for the paper's RMSProp, whose rate of 0.256 belongs to batches of 4 096 (Tan, Le 2019).",
    )


def transformer(facts: Facts) -> Recipe:
    """Vision transformer and ConvNeXt: layer norm, wide layers, little built-in knowledge of pictures."""
    settings = {"optimizer": "adamw", "learning_rate": 5e-4, "weight_decay": 0.05, "schedule": "cosine", "warmup": 0.1}
    recipe = _recipe(
        facts,
        settings | {"clip_norm": 1.0},
        "Layer norm and attention diverge at full rate from fresh weights: AdamW with warm-up, decay 0.05 and a cosine "
        "is how they were trained (Touvron et al. 2021; Liu et al. 2022).",
        fewest_epochs=_TRANSFORMER_EPOCHS,
    )
    return recipe


def embedding(facts: Facts) -> Recipe:
    """Networks for faces, whose outputs are vectors of length 1."""
    settings = {"optimizer": "nesterov", "learning_rate": 0.05, "weight_decay": 5e-4, "schedule": "one-cycle"}
    return _recipe(
        facts,
        settings | {"clip_norm": 5.0},
        "SGD with momentum and decay 5e-4 is the published recipe (Chen et al. 2018); faces are mirrored, not turned.",
        augmentation="flip" if facts.mirrored and facts.picture_size is not None else "",
    )


def unet(facts: Facts) -> Recipe:
    """U-Net, whose outputs are maps."""
    light = ["flip"] * facts.mirrored + ["zoom=0.2", "shift=0.1"]
    return _maps(facts, light, {"width": 16, "batch_norm": True})


def unet_trunk(facts: Facts) -> Recipe:
    """U-Net on a trunk, which colors of other light must not surprise."""
    light = ["flip"] * facts.mirrored + ["zoom=0.3", "shift=0.1", "brightness=0.2", "contrast=0.2", "saturation=0.2"]
    sides = [max(side or MASKS_SIZE, _SMALLEST_ON_TRUNK) for side in facts.picture_size or (0, 0)]
    found = _maps(facts, light, {})
    averaged = {"learning_rate": 5e-3, "schedule": "cosine", "warmup": 0.05, "ema_decay": 0.99}
    return replace(
        found,
        settings={**found.settings, **averaged},
        inputs={**found.inputs, "size": tuple(sides)},
        # The way up is new and has norms, and learns fast; a trunk whose norms are folded into its weights falls silent
        # in its last stages where it learns as fast.
        trunk_lr=0.02,
    )


def _maps(facts: Facts, augmentation: list[str], model_options: dict[str, Any]) -> Recipe:
    """Networks that name a class for every pixel."""
    settings = {"optimizer": "adamw", "learning_rate": 2e-3, "weight_decay": 0.01, "schedule": "one-cycle"}
    recipe = _recipe(
        facts,
        settings | {"clip_norm": 1.0},
        "Few pictures with many pixels each: adaptive steps, clipped.",
        augmentation="" if facts.picture_size is None else ",".join(augmentation),
    )
    enough = min(_MOST_MAP_EPOCHS, _MAP_UPDATES // -(-facts.num_train // 8))
    batches = {"batch_size": 8, "epochs": max(enough, min(recipe.settings["epochs"], _MAP_EPOCHS))}
    return replace(
        recipe,
        settings={**recipe.settings, **batches},
        label_smoothing=0.0,
        # Every pixel is to be classified, also those beside the middle.
        inputs={"fit": "pad"},
        model_options=model_options,
    )


def detection(facts: Facts) -> Recipe:
    """YOLO: few pictures with many things each."""
    settings = {"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 0.02, "schedule": "cosine", "warmup": 0.05}
    light = ["flip"] * facts.mirrored + ["zoom=0.3", "shift=0.1", "brightness=0.2", "contrast=0.2", "saturation=0.3"]
    recipe = _recipe(
        facts,
        settings | {"clip_norm": 10.0, "ema_decay": 0.99},
        "Boxes and scores of a network that looks once: adaptive steps, warmed up and clipped, and averaged weights, "
        "which are steadier from epoch to epoch.",
        augmentation="" if facts.picture_size is None else ",".join(light),
    )
    batches = {"batch_size": 8, "epochs": max(12, min(_BOX_EPOCHS, _BOX_UPDATES // -(-facts.num_train // 8)))}
    # Every thing is to be found, also those beside the middle, and none is to change its shape.
    longest = max(facts.picture_size or (0, 0)) or BOXES_SIZE
    inputs = {"fit": "pad", "size": min(max(longest, _SMALLEST_WITH_BOXES), BOXES_SIZE)}
    return replace(recipe, settings={**recipe.settings, **batches}, label_smoothing=0.0, inputs=inputs)


def landmarks(facts: Facts) -> Recipe:
    """Networks of points: few pictures, in which a thing lies anywhere, turned and in any light."""
    settings = {"optimizer": "adamw", "learning_rate": 2e-3, "weight_decay": 0.02, "schedule": "one-cycle"}
    turned = ["flip"] * facts.mirrored + ["rotate=15", "zoom=0.15", "shift=0.05", "brightness=0.3", "contrast=0.3"]
    recipe = _recipe(
        facts,
        settings | {"clip_norm": 10.0, "ema_decay": 0.99},
        "Places in pictures: adaptive steps, clipped, and averaged weights, which are steadier from epoch to epoch; "
        "what turns a picture turns its points.",
        augmentation="" if facts.picture_size is None else ",".join(turned),
    )
    batches = {"batch_size": 8, "epochs": max(12, min(_POINT_EPOCHS, _POINT_UPDATES // -(-facts.num_train // 8)))}
    # Every point is to be found, also those beside the middle, and no thing is to change its shape.
    inputs = {"fit": "pad", "size": _POINTS_SIZE}
    return replace(recipe, settings={**recipe.settings, **batches}, label_smoothing=0.0, inputs=inputs)


def _flips_and_crops(facts: Facts) -> str:
    """The augmentation of the paper: mirror images, and crops of padded pictures where they are small."""
    if facts.picture_size is None:
        return ""
    padding = 4 if 0 < max(facts.picture_size) <= 40 else 0
    return ",".join(["flip"] * facts.mirrored + [f"crop_padding={padding}"] * bool(padding))


def _recipe(
    facts: Facts,
    settings: dict[str, Any],
    reason: str,
    *,
    augmentation: str | None = None,
    fewest_epochs: int = _FEWEST_EPOCHS,
) -> Recipe:
    """The settings with batch size, epochs, augmentation and smoothing as the data want them."""
    sizes, words = budget(facts.num_train)
    sizes["epochs"] = max(sizes["epochs"], fewest_epochs)
    return Recipe(
        settings=sizes | settings,
        augmentation=light_augmentation(facts) if augmentation is None else augmentation,
        label_smoothing=smoothing(facts),
        reasons=(words, reason),
    )
