"""Recipes of networks that give back what a picture has lost: many small windows of few pictures."""

from __future__ import annotations

from dataclasses import replace

from derin.tasks.recipes import zoo
from derin.tasks.recipes.facts import Facts, Recipe

TASK = "restore"
_EPOCHS = 12
_ADAM = {"optimizer": "adam", "weight_decay": 0.0, "schedule": "one-cycle", "batch_size": 16, "epochs": _EPOCHS}


def edsr(facts: Facts) -> Recipe:
    """Super-resolution: windows of 64 pixels, of which the network reads half or a quarter."""
    return _windows(facts, 64, {"learning_rate": 2e-3, "ema_decay": 0.99}, "Adam, as published (Lim et al. 2017)")


def unet(facts: Facts) -> Recipe:
    """U-Net, whose outputs are maps of classes, or pictures where these are restored."""
    if facts.task != TASK:
        return zoo.unet(facts)
    found = _windows(facts, 64, {"learning_rate": 2e-3, "clip_norm": 1.0, "ema_decay": 0.99}, "Adam, clipped")
    return replace(found, model_options={"width": 24, "depth": 3})


def _windows(facts: Facts, side: int, settings: dict[str, float], reason: str) -> Recipe:
    smallest = min(facts.picture_size or (0, 0))
    size = min(side, smallest) if smallest else side
    return Recipe(
        settings=_ADAM | settings,
        augmentation="flip" if facts.mirrored and facts.picture_size is not None else "",
        inputs={"fit": "window", "size": size, "normalize": "none"},
        reasons=(
            f"{reason}; an epoch is about a hundred batches of windows of {size} pixels, drawn anew, and weights are "
            "averaged.",
        ),
    )
