"""Recipes of the small networks, and of a network that nothing is known of."""

from __future__ import annotations

from typing import Any

from derin.data.cells.encoders import MOST_CLASSES
from derin.tasks.recipes.facts import Facts, Recipe, budget, light_augmentation, smoothing

# A photograph has more to learn by heart than a sign: below this many, half of what reaches the output is dropped.
_FEW_PHOTOGRAPHS = 15_000
_DROPOUT = 0.3
# Photographs that are augmented are new ones at each pass, and bear more passes.
_PHOTOGRAPH_EPOCHS = 40
# Of a generator and a discriminator on small pictures: about a minute on two cores for the smallest.
_DCGAN_UPDATES = 5_000
# Of a flow: four epochs of the 28×28 digits, in about a quarter of an hour of two cores.
_FLOW_UPDATES = 3_300
_VAE_UPDATES = 12_000
_SMALL_PICTURE = 16  # pixels, below which narrow networks are enough


def convnet(facts: Facts) -> Recipe:
    """The default for pictures."""
    settings, reason = budget(facts.num_train)
    settings |= {"optimizer": "adamw", "learning_rate": 4e-3, "weight_decay": 0.02, "schedule": "one-cycle"}
    reasons = [
        reason,
        "One cycle with batch norm bears a high rate and ends low, which short training needs (Smith 2018).",
        "Small moves of a picture do not change what it shows.",
    ]
    options: dict[str, Any] = {}
    if facts.is_sounds:
        # On spoken digits, masks of a fifth with a third of the weights left 0.93 of the test right within 15 epochs,
        # less than a linear model of the MFCC.
        reasons[-1] = "Sounds are learned as they are; time shifts, noise and masks are there to be asked for."
    if facts.is_large and facts.num_train <= _FEW_PHOTOGRAPHS:
        settings["epochs"] = max(settings["epochs"], _PHOTOGRAPH_EPOCHS)
        options = {"dropout": _DROPOUT}
        reasons.append("Few photographs are learned by heart without dropout and augmentation (Chollet 2017).")
    return Recipe(
        settings=settings,
        augmentation=light_augmentation(facts),
        label_smoothing=smoothing(facts),
        model_options=options,
        reasons=tuple(reasons),
    )


def lenet(facts: Facts) -> Recipe:
    """LeNet-5 with a dense output."""
    settings, reason = budget(facts.num_train)
    settings |= {"optimizer": "adamw", "learning_rate": 2e-3, "schedule": "one-cycle"}
    return Recipe(settings=settings, augmentation=light_augmentation(facts), reasons=(reason,))


def lenet_1998(facts: Facts) -> Recipe:
    """LeNet-5 as published, whose outputs are distances to fixed codes."""
    settings, reason = budget(facts.num_train)
    settings |= {"optimizer": "adamw", "learning_rate": 1e-3, "schedule": "one-cycle", "clip_norm": 5.0}
    return Recipe(
        settings=settings,
        augmentation=light_augmentation(facts),
        reasons=(reason, "Squared distances to 84 fixed values are large at first; clipping keeps the first steps."),
    )


def mlp(facts: Facts) -> Recipe:
    """Dense layers. Categories of more classes than one-hot features take become vectors.

    Beside one-hot features of the 50 commonest, vectors from 51 classes on took the RMSE on val of the ratings of
    MovieLens from 0.99 to 0.87; from 11 on they were no better on the census (benchmarks/table_embeddings.py).
    """
    settings, reason = budget(facts.num_train)
    settings |= {"optimizer": "adamw", "learning_rate": 1e-3, "schedule": "one-cycle"}
    if facts.num_train <= 3_000:
        settings["weight_decay"] = 0.1
        reason += " So few examples are learned by heart without a strong decay of the weights."
    return Recipe(settings=settings, inputs={"embeddings": MOST_CLASSES + 1}, reasons=(reason,))


def linear(facts: Facts) -> Recipe:
    """One dense layer."""
    settings, reason = budget(facts.num_train)
    settings |= {"optimizer": "adamw", "learning_rate": 1e-2, "weight_decay": 0.0, "schedule": "one-cycle"}
    return Recipe(
        settings=settings, reasons=(reason, "A convex loss bears a high rate, and few weights need no decay.")
    )


def own_network(facts: Facts) -> Recipe:
    """A network of the user's own."""
    settings, reason = budget(facts.num_train)
    return Recipe(settings=settings, reasons=(reason, "Nothing is known of this network: the careful defaults stand."))


def dcgan(facts: Facts) -> Recipe:
    """A generator against a discriminator. Adversaries want many updates, and neither may run ahead of the other."""
    settings, _ = budget(facts.num_train)
    per_epoch = -(-facts.num_train // settings["batch_size"])
    settings["epochs"] = -(-_DCGAN_UPDATES // max(per_epoch, 1))
    settings |= {"optimizer": "adam:betas=0.5/0.999", "learning_rate": 5e-4, "weight_decay": 0.0}
    # Adversaries circle around each other: on the 8×8 digits, what an averaged generator makes is nearer to real ones.
    settings["networks"] = "generator.ema_decay=0.99"
    side = max(facts.picture_size or (0, 0))
    return Recipe(
        settings=settings | {"schedule": "constant"},
        label_smoothing=0.1,
        model_options={"width": 32, "latent": 32} if 0 < side <= _SMALL_PICTURE else {},
        inputs={"normalize": "symmetric"},
        reasons=(
            f"{settings['epochs']} epochs of {per_epoch} batches: two adversaries need some {_DCGAN_UPDATES} updates.",
            "Adam with β₁ = 0.5 keeps two adversaries from swinging (Radford et al. 2016).",
        ),
    )


def flow_unet(facts: Facts) -> Recipe:
    """A velocity field: its loss is noisy whatever it knows, so that an average of the weights makes the pictures."""
    batch_size = 64
    per_epoch = -(-facts.num_train // batch_size)
    epochs = -(-_FLOW_UPDATES // max(per_epoch, 1))
    settings: dict[str, Any] = {"batch_size": batch_size, "epochs": epochs, "optimizer": "adamw", "weight_decay": 0.0}
    settings |= {"learning_rate": 2e-3, "schedule": "one-cycle", "ema_decay": 0.995, "clip_norm": 1.0}
    side = max(facts.picture_size or (0, 0))
    return Recipe(
        settings=settings,
        model_options={"width": 32, "patch": 1} if 0 < side <= _SMALL_PICTURE else {},
        inputs={"normalize": "symmetric"},
        reasons=(
            f"{epochs} epochs of {per_epoch} batches give {epochs * per_epoch} updates, each from new noise and times.",
            "An average of the weights makes better pictures than the last ones, whose loss is noisy (Ho et al. 2020).",
        ),
    )


def vae(facts: Facts) -> Recipe:
    """An encoder and a decoder. The noise in the code keeps them from learning by heart for long."""
    settings, _ = budget(facts.num_train)
    per_epoch = -(-facts.num_train // settings["batch_size"])
    settings["epochs"] = -(-_VAE_UPDATES // max(per_epoch, 1))
    settings |= {"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 0.0, "schedule": "cosine"}
    return Recipe(
        settings=settings,
        inputs={"normalize": "symmetric"},
        reasons=(
            f"{settings['epochs']} epochs of {per_epoch} batches: some {_VAE_UPDATES} updates, while the bound falls.",
        ),
    )
