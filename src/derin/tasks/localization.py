"""Localization: whether one thing is in a picture, what it is and where."""

from __future__ import annotations

from derin.data.table import Table
from derin.tasks.detection import Detection


class Localization(Detection):
    """A detection of one thing in each picture, by the course's loss: of several the largest is learned.

    Args:
        columns: the column of boxes.
        classes: the names of the classes.
        class_weights: how much each class counts in the loss, or None.
        thresholds: as `Detection` has them.

    Example:
        >>> task = Localization(columns=["boxes"], classes=["car", "sign", "person"])
        >>> task.name, task.monitor, task.trunk_model
        ('localization', 'map', 'localizer')
    """

    name = "localization"
    trunk_model = "localizer"

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "localizer"
