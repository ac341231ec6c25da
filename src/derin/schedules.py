"""Schedules of the learning rate as configs: ``derin.fit(…, schedule=derin.schedules.OneCycle(pct=0.3))``.

Example:
    >>> import derin
    >>> str(derin.schedules.Step(every=10, factor=0.5))
    'step:factor=0.5'
"""

from derin.train.schedules import (
    Constant,
    Cosine,
    Curve,
    Exponential,
    Inverse,
    InverseSqrt,
    Linear,
    Manual,
    OneCycle,
    Step,
)

__all__ = [
    "Constant",
    "Cosine",
    "Curve",
    "Exponential",
    "Inverse",
    "InverseSqrt",
    "Linear",
    "Manual",
    "OneCycle",
    "Step",
]
