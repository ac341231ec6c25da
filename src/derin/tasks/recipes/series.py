"""Recipes of the networks that forecast."""

from __future__ import annotations

from derin.tasks.recipes.facts import Facts, Recipe

# (training steps up to, batch size, epochs, learning rate): windows overlap, so that a long series needs few passes.
_BUDGET: tuple[tuple[float, int, int, float], ...] = (
    (300, 16, 100, 3e-3),
    (3_000, 64, 30, 1e-3),
    (20_000, 64, 6, 1e-3),
    (float("inf"), 128, 4, 1e-3),
)


def _settings(facts: Facts) -> tuple[dict[str, object], str]:
    batch_size, epochs, rate = next(tuple(row[1:]) for row in _BUDGET if facts.num_train <= row[0])
    settings = {"batch_size": batch_size, "epochs": epochs, "learning_rate": rate, "schedule": "one-cycle"}
    reason = f"{facts.num_train} training steps: windows overlap, so that {epochs} epochs of {batch_size} are enough."
    return settings | {"optimizer": "adamw"}, reason


def dense(facts: Facts) -> Recipe:
    """The linear path with a dense network beside it."""
    settings, reason = _settings(facts)
    why = "A short series is learned by heart without strong dropout and decay of the weights."
    return Recipe(settings=settings | {"weight_decay": 0.1}, reasons=(reason, why))


def linear(facts: Facts) -> Recipe:
    """A linear forecast."""
    settings, reason = _settings(facts)
    return Recipe(settings=settings | {"weight_decay": 0.01}, reasons=(reason,))


def recurrent(facts: Facts) -> Recipe:
    """LSTM, GRU and temporal convolution, which read every variable at once."""
    settings, reason = _settings(facts)
    why = "Clipping keeps the first steps of a network that is unrolled in time."
    return Recipe(settings=settings | {"weight_decay": 0.01, "clip_norm": 1.0}, reasons=(reason, why))
