"""Names of tasks, and tasks rebuilt from a card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from derin.core.errors import RefusedFileError
from derin.core.registry import Registry
from derin.data.schema import Kind

if TYPE_CHECKING:
    from derin.tasks.base import BaseTask

TASKS: Registry[type[BaseTask]] = Registry(
    "task",
    {
        "classification": "derin.tasks.classification:Classification",
        "binary": "derin.tasks.binary:Binary",
        "multilabel": "derin.tasks.multilabel:MultiLabel",
        "regression": "derin.tasks.regression:Regression",
        "multitask": "derin.tasks.multitask:MultiTask",
        "lm": "derin.tasks.language_modelling:LanguageModelling",
        "tagging": "derin.tasks.tagging:Tagging",
        "translation": "derin.tasks.translation:Translation",
        "word-vectors": "derin.tasks.word_vectors:WordVectorTask",
        "glove": "derin.tasks.glove:GloveTask",
        "segmentation": "derin.tasks.segmentation:Segmentation",
        "detection": "derin.tasks.detection:Detection",
        "localization": "derin.tasks.localization:Localization",
        "landmarks": "derin.tasks.landmarks:Landmarks",
        "forecasting": "derin.tasks.forecasting:Forecasting",
        "embedding": "derin.tasks.embedding:Embedding",
        "own": "derin.tasks.own:OwnTask",
        "gan": "derin.tasks.gan:GAN",
        "flow": "derin.tasks.flow:Flow",
        "vae": "derin.tasks.vae:VAE",
        "restore": "derin.tasks.restoration:Restoration",
    },
)

# The task that one target column asks for by its kind. Of categories, `tasks/inference.py` looks at the classes.
TASK_OF_KIND = {
    Kind.NUMBER: "regression",
    Kind.TAGS: "tagging",
    Kind.TEXT: "translation",
    Kind.MASK: "segmentation",
    Kind.BOXES: "detection",
    Kind.POINTS: "landmarks",
}


def task_from_json(data: Mapping[str, Any]) -> BaseTask:
    """The task that `to_json` described.

    Args:
        data: the task's part of a card. Nothing in it is believed before it is checked.

    Raises:
        RefusedFileError: the task is unknown, or a field is missing, unknown, of the wrong type or out of range.

    Example:
        >>> task = task_from_json({"name": "classification", "columns": ["kind"], "weight_column": None,
        ...     "classes": ["cat", "dog", "owl"], "class_weights": None, "label_smoothing": 0.1, "temperature": 1.0})
        >>> task.num_outputs, task.label_smoothing
        (3, 0.1)
    """
    name = data.get("name") if isinstance(data, Mapping) else None
    if not isinstance(name, str) or name not in TASKS:
        raise RefusedFileError(
            f"The card's task must name one of {', '.join(TASKS)}; got {name!r}. Use the Derin that wrote the file."
        )
    return TASKS[name].from_json(data)
