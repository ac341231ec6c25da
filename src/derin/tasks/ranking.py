"""From rows of probabilities to predictions with names."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from derin.tasks.prediction import Class, Prediction, Probabilities

NUM_TOP = 5  # classes that a prediction lists, unless asked for others


def ranked(probabilities: Tensor, classes: Sequence[str]) -> list[tuple[tuple[Class, ...], Probabilities]]:
    """The most probable classes of each row, the most probable first, and the probabilities of all.

    Shapes:
        ``(B, classes)`` → B pairs of ``min(NUM_TOP, classes)`` classes and of all.
    """
    # Stable, so that equal probabilities keep the order of the classes, as in argmax.
    order = probabilities.sort(dim=1, descending=True, stable=True)
    places = order.indices[:, :NUM_TOP].tolist()
    values = order.values[:, :NUM_TOP].tolist()
    by_name = {name: place for place, name in enumerate(classes)}
    return [
        (tuple(Class(classes[i], p) for i, p in zip(*row)), Probabilities(by_name, of_all))
        for *row, of_all in zip(places, values, probabilities.numpy(force=True))
    ]


def predictions(probabilities: Tensor, classes: Sequence[str], labels: Tensor | None = None) -> list[Prediction]:
    """One prediction for each row.

    Args:
        probabilities: of each class.
        classes: their names.
        labels: the class decided for, where that is not the most probable one.

    Shapes:
        probabilities ``(B, classes)``, labels ``(B,)``.
    """
    found = ranked(probabilities, classes)
    if labels is None:
        return [Prediction(top[0].name, top[0].probability, top, of_all) for top, of_all in found]
    chosen = probabilities.gather(1, labels[:, None])[:, 0].tolist()
    return [Prediction(classes[i], p, *each) for i, p, each in zip(labels.tolist(), chosen, found)]
