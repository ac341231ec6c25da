"""The lessons that are pages, by name, in course order."""

from __future__ import annotations

from derin.core.registry import Registry
from derin.lessons.course.form import CourseLesson

_ROOM = "derin.lessons.course."
COURSE: Registry[CourseLesson] = Registry(
    "lesson of the course",
    {
        "one-neuron": _ROOM + "one_neuron:LESSON",
        "xor": _ROOM + "xor:LESSON",
        "linear-regression": _ROOM + "linear_regression:LESSON",
        "logistic-loss": _ROOM + "logistic_loss:LESSON",
        "activations": _ROOM + "activations:LESSON",
        "backpropagation": _ROOM + "backpropagation:LESSON",
        "zero-initialization": _ROOM + "zero_initialization:LESSON",
        "signal-over-depth": _ROOM + "signal_over_depth:LESSON",
        "softmax": _ROOM + "softmax:LESSON",
        "gradient-descent": _ROOM + "gradient_descent:LESSON",
        "mini-batches": _ROOM + "mini_batches:LESSON",
        "moving-average": _ROOM + "moving_average:LESSON",
        "optimizers": _ROOM + "optimizers:LESSON",
        "learning-rate-decay": _ROOM + "learning_rate_decay:LESSON",
        "l1-l2": _ROOM + "l1_l2:LESSON",
        "dropout": _ROOM + "dropout:LESSON",
        "early-stopping": _ROOM + "early_stopping:LESSON",
        "batch-norm": _ROOM + "batch_norm:LESSON",
        "convolution": _ROOM + "convolution:LESSON",
        "padding": _ROOM + "padding:LESSON",
        "pooling": _ROOM + "pooling:LESSON",
        "receptive-field": _ROOM + "receptive_field:LESSON",
        "residual": _ROOM + "residual:LESSON",
        "localization": _ROOM + "localization:LESSON",
        "sliding-window": _ROOM + "sliding_window:LESSON",
        "boxes": _ROOM + "boxes:LESSON",
        "grid": _ROOM + "grid:LESSON",
        "non-max-suppression": _ROOM + "non_max_suppression:LESSON",
        "style-cost": _ROOM + "style_cost:LESSON",
        "flow-matching": _ROOM + "flow_matching:LESSON",
        "embeddings": _ROOM + "embeddings:LESSON",
        "lstm": _ROOM + "lstm:LESSON",
        "gru": _ROOM + "gru:LESSON",
        "attention": _ROOM + "attention:LESSON",
        "beam-search": _ROOM + "beam_search:LESSON",
        "bias-variance": _ROOM + "bias_variance:LESSON",
    },
)


def page_of(name: str) -> str | None:
    """The page that shows all that a printed lesson of this name showed, if there is one."""
    return next((page for page in COURSE if name in COURSE[page].covers), None)
