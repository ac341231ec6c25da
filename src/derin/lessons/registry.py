"""The lessons by name, in course order."""

from __future__ import annotations

from derin.core.registry import Registry
from derin.lessons.lesson import Lesson

_ROOM = "derin.lessons."
LESSONS: Registry[Lesson] = Registry(
    "lesson",
    {
        # A: one neuron to a deep network
        "linear-regression": _ROOM + "linear_regression:LESSON",
        "logistic-regression": _ROOM + "logistic_regression:LESSON",
        "backpropagation": _ROOM + "backpropagation:LESSON",
        "parity": _ROOM + "parity:LESSON",
        "activations": _ROOM + "activations:LESSON",
        "linear-collapse": _ROOM + "linear_collapse:LESSON",
        "losses": _ROOM + "losses:LESSON",
        "broadcasting": _ROOM + "broadcasting:LESSON",
        "quadratic": _ROOM + "quadratic:LESSON",
        # B: optimization
        "mini-batches": _ROOM + "mini_batches:LESSON",
        "moving-average": _ROOM + "moving_average:LESSON",
        "learning-rate-decay": _ROOM + "learning_rate_decay:LESSON",
        "one-parameter": _ROOM + "one_parameter:LESSON",
        "optimizer-paths": _ROOM + "optimizer_paths:LESSON",
        "gradient-clipping": _ROOM + "gradient_clipping:LESSON",
        # C: regularization and normalization
        "l1-l2": _ROOM + "l1_l2:LESSON",
        "dropout": _ROOM + "dropout:LESSON",
        "augmentation": _ROOM + "augmentation:LESSON",
        "input-normalization": _ROOM + "input_normalization:LESSON",
        "batch-norm": _ROOM + "batch_norm:LESSON",
        "label-smoothing": _ROOM + "label_smoothing:LESSON",
        # D: convolution by hand
        "kernels": _ROOM + "kernels:LESSON",
        "padding": _ROOM + "padding:LESSON",
        "pooling": _ROOM + "pooling:LESSON",
        "convolution-steps": _ROOM + "convolution_steps:LESSON",
        "convolution-backward": _ROOM + "convolution_backward:LESSON",
        "volumes": _ROOM + "volumes:LESSON",
        "separable": _ROOM + "separable:LESSON",
        "transposed-convolution": _ROOM + "transposed_convolution:LESSON",
        "sliding-window": _ROOM + "sliding_window:LESSON",
        # K: sequences
        "backpropagation-through-time": _ROOM + "backpropagation_through_time:LESSON",
        "long-range-agreement": _ROOM + "long_range_agreement:LESSON",
    },
)
