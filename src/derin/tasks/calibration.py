"""Temperature scaling: makes probabilities mean what they say, without changing any answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from derin.core.errors import DataError, ShapeError, UsageError
from derin.tasks.class_task import ClassTask
from derin.tasks.metrics.reliability import Reliability
from derin.tasks.supervised import SupervisedTask

Floats = npt.NDArray[np.float64]

LOWEST, HIGHEST = 0.05, 20.0  # a network without a mistake would ask for 0, one that knows nothing for infinity
_MOST_STEPS = 60
_VALUES_AT_ONCE = 1_000_000
_ENOUGH = 1e-10  # change of log temperature at which the search ends


@dataclass(frozen=True, kw_only=True)
class CalibrationReport:
    """What fitting a temperature brought, measured on the examples that it was fitted on.

    Args:
        temperature: by which logits are divided from now on, all earlier calibration included.
        applied: whether it was kept; it is not where it brings less than chance would.
        num_examples: that it was fitted on.
        nll_before: mean negative log-likelihood, in nats.
        nll_after: the same with the fitted temperature.
        ece_before: expected calibration error.
        ece_after: the same with the fitted temperature.
    """

    temperature: float
    applied: bool
    num_examples: int
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def calibrate(task: SupervisedTask, logits: Tensor, targets: Tensor) -> CalibrationReport:
    """Fits the temperature T of softmax(z / T), or σ(z / T), that makes the true answers most likely.

    The task keeps it only where it lowers the total negative log-likelihood by more than 1, as one free number must
    (Akaike); elsewhere the task stays as it is.

    Args:
        task: whose `temperature` is set.
        logits: of the validation split, as `predict` gives them; the training split is too well known.
        targets: the truth, as in a batch.

    Shapes:
        logits ``(N, classes)`` with targets ``(N,)`` int64, or both ``(N,)`` or ``(N, labels)`` for yes-or-no answers.

    Raises:
        UsageError: the task has no probabilities.
        DataError: there are no examples, or a logit is not finite.

    Example:
        >>> from derin.tasks.classification import Classification
        >>> task = Classification(columns=["kind"], classes=["cat", "dog"])
        >>> boasting = torch.tensor([[9.0, 0.0]] * 20)
        >>> report = calibrate(task, boasting, torch.tensor([0, 0, 0, 1] * 5))
        >>> report.applied, round(task.temperature, 2), round(report.ece_after, 4)
        (True, 8.19, 0.0)

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.
    """
    if not isinstance(task, ClassTask):
        raise UsageError(f"Only tasks that give probabilities can be calibrated; got the task {task.name!r}.")
    scores = logits.detach().cpu().numpy()
    truth = targets.detach().cpu().numpy()
    if not len(scores) or not np.isfinite(scores).all():
        raise DataError(f"Calibration needs examples with finite logits; got {len(scores)} examples.")
    if len(truth) != len(scores) or (not task.is_softmax and truth.shape != scores.shape):
        raise ShapeError(
            f"Calibration needs one target for each logit; got logits={scores.shape}, targets={truth.shape}."
        )
    likelihood: _Likelihood = _Softmax(scores, truth) if task.is_softmax else _Sigmoid(scores.astype(np.float64), truth)
    factor = fitted_temperature(likelihood)
    before, after = likelihood.nll(1.0), likelihood.nll(1 / factor)
    applied = bool((before - after) * likelihood.num_answers > 1)
    temperature = float(np.clip(task.temperature * factor, LOWEST, HIGHEST))
    if applied:
        task.temperature = temperature
    return CalibrationReport(
        temperature=temperature,
        applied=applied,
        num_examples=len(scores),
        nll_before=before,
        nll_after=after,
        ece_before=likelihood.ece(1.0),
        ece_after=likelihood.ece(1 / factor),
    )


class _Likelihood:
    """The negative log-likelihood of the answers as a function of β = 1/T, in which it is convex."""

    num_answers: int

    def nll(self, beta: float) -> float:
        raise NotImplementedError

    def derivatives(self, beta: float) -> tuple[float, float]:
        """First and second derivative of `nll`."""
        raise NotImplementedError

    def ece(self, beta: float) -> float:
        raise NotImplementedError


class _Softmax(_Likelihood):
    """nll(β) = mean of log Σ exp(βz) − βz_y; nll' = mean of E[z] − z_y; nll'' = mean of Var[z]."""

    def __init__(self, logits: npt.NDArray[np.floating[Any]], truth: npt.NDArray[np.int64]) -> None:
        self._logits, self._truth = logits, truth
        self.num_answers = len(truth)

    def _parts(self) -> Iterator[tuple[Floats, npt.NDArray[np.int64]]]:
        """Logits and truth of some examples after others: in float64 all of them may take more memory than there is."""
        size = max(1, _VALUES_AT_ONCE // self._logits.shape[1])
        for start in range(0, len(self._truth), size):
            part = self._logits[start : start + size].astype(np.float64)
            # Only differences count, and these cannot overflow.
            yield part - part.max(axis=1, keepdims=True), self._truth[start : start + size]

    def nll(self, beta: float) -> float:
        total = 0.0
        for logits, truth in self._parts():
            total += (np.log(np.exp(beta * logits).sum(axis=1)) - beta * logits[np.arange(len(truth)), truth]).sum()
        return float(total / self.num_answers)

    def derivatives(self, beta: float) -> tuple[float, float]:
        first = second = 0.0
        for logits, truth in self._parts():
            probabilities = _softmax(beta * logits)
            mean = (probabilities * logits).sum(axis=1)
            first += (mean - logits[np.arange(len(truth)), truth]).sum()
            second += ((probabilities * logits**2).sum(axis=1) - mean**2).sum()
        return float(first / self.num_answers), float(second / self.num_answers)

    def ece(self, beta: float) -> float:
        reliability = Reliability()
        for logits, truth in self._parts():
            probabilities = _softmax(beta * logits)
            right = probabilities.argmax(axis=1) == truth
            reliability.add(torch.from_numpy(probabilities.max(axis=1)), torch.from_numpy(right))
        return reliability.error()


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits)
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


class _Sigmoid(_Likelihood):
    """nll(β) = mean of log(1 + exp(−βs)) with s = ±z, positive where the logit is on the side of the truth."""

    def __init__(self, logits: Floats, truth: npt.NDArray[np.float32]) -> None:
        yes = truth.reshape(-1) >= 0.5
        self._signed = np.where(yes, 1.0, -1.0) * logits.reshape(-1)
        self._right = (logits.reshape(-1) >= 0) == yes  # a logit of 0 says yes
        self.num_answers = self._signed.size

    def _wrong(self, beta: float) -> Floats:
        """The probability given to the wrong answer."""
        result: Floats = np.exp(-np.logaddexp(0.0, beta * self._signed))
        return result

    def nll(self, beta: float) -> float:
        return float(np.logaddexp(0.0, -beta * self._signed).mean())

    def derivatives(self, beta: float) -> tuple[float, float]:
        wrong = self._wrong(beta)
        return float((-wrong * self._signed).mean()), float((wrong * (1 - wrong) * self._signed**2).mean())

    def ece(self, beta: float) -> float:
        wrong = self._wrong(beta)
        return _ece(np.maximum(wrong, 1 - wrong), self._right)


def fitted_temperature(likelihood: _Likelihood) -> float:
    """The best temperature between `LOWEST` and `HIGHEST`, by Newton's method, else by bisection."""
    low, high, beta = 1 / HIGHEST, 1 / LOWEST, 1.0
    if likelihood.derivatives(low)[0] >= 0:
        return HIGHEST
    if likelihood.derivatives(high)[0] <= 0:
        return LOWEST
    for _ in range(_MOST_STEPS):
        slope, curvature = likelihood.derivatives(beta)
        low, high = (low, beta) if slope > 0 else (beta, high)
        following = beta - slope / curvature if curvature > 0 else math.inf
        if not low < following < high:
            following = math.sqrt(low * high)
        if abs(math.log(following / beta)) < _ENOUGH:
            break
        beta = following
    return 1 / following


def _ece(confidence: Floats, right: npt.NDArray[np.bool_]) -> float:
    reliability = Reliability()
    reliability.add(torch.from_numpy(confidence), torch.from_numpy(right))
    return reliability.error()
