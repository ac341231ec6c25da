"""From rows of probabilities to predictions with names."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from derin.tasks.prediction import Class, Prediction

NUM_TOP = 5  # classes that a prediction lists


def ranked(probabilities: Tensor, classes: Sequence[str], num_top: int = NUM_TOP) -> list[tuple[Class, ...]]:
    """The most probable classes of each row, the most probable first.

    Shapes:
        ``(B, classes)`` → B tuples of ``min(num_top, classes)``.
    """
    # Stable, so that equal probabilities keep the order of the classes, as in argmax.
    order = probabilities.sort(dim=1, descending=True, stable=True)
    places = order.indices[:, :num_top].tolist()
    values = order.values[:, :num_top].tolist()
    return [tuple(Class(classes[i], p) for i, p in zip(*row)) for row in zip(places, values)]


def predictions(probabilities: Tensor, classes: Sequence[str], labels: Tensor | None = None) -> list[Prediction]:
    """One prediction for each row.

    Args:
        probabilities: of each class.
        classes: their names.
        labels: the class decided for, where that is not the most probable one.

    Shapes:
        probabilities ``(B, classes)``, labels ``(B,)``.
    """
    tops = ranked(probabilities, classes)
    if labels is None:
        return [Prediction(top[0].name, top[0].probability, top) for top in tops]
    chosen = probabilities.gather(1, labels[:, None])[:, 0].tolist()
    return [Prediction(classes[i], p, top) for i, p, top in zip(labels.tolist(), chosen, tops)]
