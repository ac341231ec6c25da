r"""One step of an optimizer, written out: every intermediate array with the formula that made it, in NumPy float64.

θ is a parameter, g its gradient, η the learning rate, λ the weight decay, t the number of the step. The rules are those
of `derin.train.optimizers`, written a second time and without torch, so that either can be checked against the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derin.core.errors import ShapeError, UnknownNameError, UsageError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class UpdateSettings:
    """The constants of an update; each optimizer reads those that its equations name.

    Args:
        learning_rate: η.
        weight_decay: λ; decoupled in ``adamw`` (θ ← θ − ηλθ), elsewhere the L2 penalty g ← g + λθ.
        momentum: μ of ``momentum`` and ``nesterov``.
        dampening: d of ``momentum``: the gradient enters with 1 − d, except at the first step.
        alpha: α of ``rmsprop``.
        betas: β₁ and β₂ of ``adam`` and ``adamw``.
        eps: ε of ``rmsprop``, ``adam`` and ``adamw``.

    Raises:
        UsageError: a constant is out of its range.
    """

    learning_rate: float = 0.01
    weight_decay: float = 0.0
    momentum: float = 0.9
    dampening: float = 0.0
    alpha: float = 0.99
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        for name in ("learning_rate", "weight_decay", "momentum", "eps"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{name} of a traced update must be a number of at least 0; got {value}.")
        for name, value in (("alpha", self.alpha), ("betas", self.betas[0]), ("betas", self.betas[1])):
            if not 0 <= value < 1:
                raise UsageError(f"{name} of a traced update must be at least 0 and below 1; got {value}.")


@dataclass(frozen=True, kw_only=True)
class Part:
    """An array of an update: its name, its symbol and its formula in LaTeX, and its numbers.

    What is given rather than computed, θ and g themselves, has an empty formula.
    """

    name: str
    symbol: str
    formula: str
    value: Array


@dataclass(frozen=True, kw_only=True)
class Update:
    """A step of an optimizer on one parameter.

    Args:
        optimizer: its name, as in `derin.train.optimizers.OPTIMIZERS`.
        name: of the parameter in its model or graph; empty where there is none.
        settings: the constants.
        parts: what was given and what was computed, in order; the last one is ``new_parameter``.
        state: what the next step starts from.
    """

    optimizer: str
    name: str
    settings: UpdateSettings
    parts: tuple[Part, ...]
    state: Mapping[str, Any]

    def __getitem__(self, name: str) -> Array:
        """The numbers of a part, such as ``update["new_parameter"]``."""
        for part in self.parts:
            if part.name == name:
                return part.value
        raise UnknownNameError("part of this update", name, [part.name for part in self.parts])

    @property
    def new_parameter(self) -> Array:
        """The parameter after the step."""
        return self.parts[-1].value


def trace_update(
    optimizer: str,
    parameter: ArrayLike,
    gradient: ArrayLike,
    state: Mapping[str, Any] | None = None,
    settings: UpdateSettings | None = None,
    *,
    name: str = "",
) -> Update:
    """One step of an optimizer, with every array in between.

    Args:
        optimizer: ``sgd``, ``momentum``, ``nesterov``, ``rmsprop``, ``adam`` or ``adamw``.
        parameter: θ, of any shape.
        gradient: g, of the same shape.
        state: of the step before (``update.state``); None for the first step.
        settings: the constants; None takes those of `UpdateSettings`.
        name: of the parameter in its model or graph, for the record.

    Raises:
        UnknownNameError: no such optimizer can be traced.
        ShapeError: the gradient has another shape than the parameter.

    Example:
        >>> update = trace_update("adam", [0.5], [0.2], settings=UpdateSettings(learning_rate=0.1))
        >>> [part.name for part in update.parts][2:]
        ['mean', 'square', 'corrected_mean', 'corrected_square', 'new_parameter']
        >>> update["corrected_mean"].round(6).tolist(), update.new_parameter.round(6).tolist()
        ([0.2], [0.4])
    """
    if optimizer not in _RULES:
        raise UnknownNameError("optimizer that can be traced", optimizer, _RULES)
    theta, g = np.array(parameter, dtype=np.float64), np.array(gradient, dtype=np.float64)
    if theta.shape != g.shape:
        raise ShapeError(
            f"{name or 'A parameter'} has shape {theta.shape}; its gradient must have it too, not {g.shape}."
        )
    step = _Step(theta=theta, gradient=g, before=state or {}, settings=settings or UpdateSettings())
    step.record("parameter", r"\theta", "", theta)
    step.record("gradient", "g", "", g)
    after = _RULES[optimizer](step)
    return Update(optimizer=optimizer, name=name, settings=step.settings, parts=tuple(step.parts), state=after)


@dataclass(kw_only=True)
class _Step:
    """What a rule reads, and the record that it leaves."""

    theta: Array
    gradient: Array
    before: Mapping[str, Any]
    settings: UpdateSettings
    parts: list[Part] = field(default_factory=list)

    def record(self, name: str, symbol: str, formula: str, value: Array) -> Array:
        self.parts.append(Part(name=name, symbol=symbol, formula=formula, value=value))
        return value

    def before_or_zero(self, name: str) -> Array:
        return np.asarray(self.before.get(name, np.zeros_like(self.theta)))

    def with_penalty(self) -> Array:
        """The gradient, with that of the L2 penalty λ‖θ‖²/2 where there is one."""
        decay = self.settings.weight_decay
        if not decay:
            return self.gradient
        return self.record(
            "penalized_gradient", "g", r"g \leftarrow g + \lambda \theta", self.gradient + decay * self.theta
        )

    def finish(self, formula: str, value: Array) -> None:
        self.record("new_parameter", r"\theta", formula, value)


def _sgd(step: _Step) -> dict[str, Any]:
    g = step.with_penalty()
    step.finish(r"\theta \leftarrow \theta - \eta g", step.theta - step.settings.learning_rate * g)
    return {}


def _velocity(step: _Step, g: Array, dampening: float) -> Array:
    """v, which starts as the gradient itself."""
    if "velocity" not in step.before:
        return step.record("velocity", "v", r"v \leftarrow g", g.copy())
    formula = r"v \leftarrow \mu v + (1 - d) g" if dampening else r"v \leftarrow \mu v + g"
    return step.record("velocity", "v", formula, step.settings.momentum * step.before["velocity"] + (1 - dampening) * g)


def _momentum(step: _Step) -> dict[str, Any]:
    v = _velocity(step, step.with_penalty(), step.settings.dampening)
    step.finish(r"\theta \leftarrow \theta - \eta v", step.theta - step.settings.learning_rate * v)
    return {"velocity": v}


def _nesterov(step: _Step) -> dict[str, Any]:
    g = step.with_penalty()
    v = _velocity(step, g, 0.0)
    ahead = step.record("look_ahead", r"\tilde{g}", r"\tilde{g} = g + \mu v", g + step.settings.momentum * v)
    step.finish(r"\theta \leftarrow \theta - \eta \tilde{g}", step.theta - step.settings.learning_rate * ahead)
    return {"velocity": v}


def _rmsprop(step: _Step) -> dict[str, Any]:
    g, settings = step.with_penalty(), step.settings
    s = step.record(
        "square",
        "s",
        r"s \leftarrow \alpha s + (1 - \alpha) g^2",
        settings.alpha * step.before_or_zero("square") + (1 - settings.alpha) * g**2,
    )
    step.finish(
        r"\theta \leftarrow \theta - \eta \frac{g}{\sqrt{s} + \varepsilon}",
        step.theta - settings.learning_rate * g / (np.sqrt(s) + settings.eps),
    )
    return {"square": s}


def _adam(step: _Step) -> dict[str, Any]:
    return _adaptive(step, step.theta, step.with_penalty())


def _adamw(step: _Step) -> dict[str, Any]:
    theta, settings = step.theta, step.settings
    if settings.weight_decay:
        theta = step.record(
            "decayed_parameter",
            r"\theta",
            r"\theta \leftarrow (1 - \eta \lambda) \theta",
            (1 - settings.learning_rate * settings.weight_decay) * theta,
        )
    return _adaptive(step, theta, step.gradient)


def _adaptive(step: _Step, theta: Array, g: Array) -> dict[str, Any]:
    """Adam's step from θ along g: Kingma and Ba 2015, algorithm 1."""
    settings, t = step.settings, int(step.before.get("step", 0)) + 1
    first, second = settings.betas
    m = step.record(
        "mean", "m", r"m \leftarrow \beta_1 m + (1 - \beta_1) g", first * step.before_or_zero("mean") + (1 - first) * g
    )
    s = step.record(
        "square",
        "s",
        r"s \leftarrow \beta_2 s + (1 - \beta_2) g^2",
        second * step.before_or_zero("square") + (1 - second) * g**2,
    )
    m_hat = step.record(
        "corrected_mean", r"\hat{m}", rf"\hat{{m}} = \frac{{m}}{{1 - \beta_1^{{{t}}}}}", m / (1 - first**t)
    )
    s_hat = step.record(
        "corrected_square", r"\hat{s}", rf"\hat{{s}} = \frac{{s}}{{1 - \beta_2^{{{t}}}}}", s / (1 - second**t)
    )
    step.finish(
        r"\theta \leftarrow \theta - \eta \frac{\hat{m}}{\sqrt{\hat{s}} + \varepsilon}",
        theta - settings.learning_rate * m_hat / (np.sqrt(s_hat) + settings.eps),
    )
    return {"step": t, "mean": m, "square": s}


_RULES: dict[str, Callable[[_Step], dict[str, Any]]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
}
UPDATES = tuple(_RULES)
