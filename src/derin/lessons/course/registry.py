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
        "backpropagation": _ROOM + "backpropagation:LESSON",
        "softmax": _ROOM + "softmax:LESSON",
        "gradient-descent": _ROOM + "gradient_descent:LESSON",
        "optimizers": _ROOM + "optimizers:LESSON",
        "batch-norm": _ROOM + "batch_norm:LESSON",
    },
)
