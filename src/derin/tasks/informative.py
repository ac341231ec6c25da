"""The examples from which a person learns most about a network: the worst, the confidently wrong, the unsure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from derin.tasks.prediction import Answer, Answers, Labels, Prediction, Value
from derin.tasks.supervised import SupervisedTask
from derin.train.protocol import Outputs

_REASONS = ("loss", "confident", "unsure")
_NEAR = 0.5  # lead of the best answer over the next, in probability; with more nobody would call it unsure


class InformativeExamples:
    """At most `num` examples for each reason, the strongest first, found batch by batch.

    The reasons are ``"loss"`` (the highest loss), ``"confident"`` (wrong, with the highest probability) and
    ``"unsure"`` (the smallest lead of the best answer, below a half). Numbers have only the first. Of what a network
    gave, no more is kept than for the examples that are chosen so far: of a split with many classes all of it would
    take more memory than the data.

    Args:
        task: that decodes.
        num: examples for each reason.
    """

    def __init__(self, task: SupervisedTask, num: int) -> None:
        self._task, self._num = task, num
        self._chosen: dict[str, _Chosen] = {}
        self._num_seen = 0

    def add(self, outputs: Outputs, targets: Tensor) -> None:
        """One batch of what `predict` gave, and the truth, as in a batch.

        Shapes:
            outputs ``(B, …)``, targets ``(B,)`` or ``(B, …)``.
        """
        losses = self._task.example_losses(outputs, targets).double().cpu().numpy()
        everything = np.arange(len(losses))
        found = {"loss": (-losses, everything)}
        if "probabilities" in outputs:
            certainty = self._task.certainty(outputs, targets)  # type: ignore[attr-defined]
            confidence, lead, right = (part.cpu().numpy() for part in certainty)
            found["confident"] = (-confidence, np.flatnonzero(~right))
            found["unsure"] = (lead, np.flatnonzero(lead < _NEAR))
        for reason, (scores, rows) in found.items():
            # Equal ones stay in their order, and those of earlier batches come first.
            best = rows[np.argsort(scores[rows], kind="stable")][: self._num]
            picked = torch.from_numpy(best).to(targets.device)
            new = _Chosen(
                scores[best],
                self._num_seen + best,
                losses[best],
                {name: values[picked] for name, values in outputs.items()},
                targets[picked],
            )
            self._chosen[reason] = new if reason not in self._chosen else self._chosen[reason].merged(new, self._num)
        self._num_seen += len(losses)

    def compute(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays of equal length by name: ``place`` (among all examples, in the order in which they came), ``reason``,
        ``true`` and ``predicted`` in words, ``probability`` of what was predicted (NaN for numbers), ``loss``."""
        found = [part for reason in _REASONS if (part := self._chosen.get(reason)) is not None]
        answers = [answer for part in found for answer in self._task.decode(part.outputs)]
        words = [in_words(answer) for answer in answers]
        reasons = [reason for reason in _REASONS if reason in self._chosen for _ in self._chosen[reason].places]
        return {
            "place": np.concatenate([part.places for part in found]).astype(np.int64),
            "reason": np.array(reasons, dtype=np.str_),
            "true": np.array([text for part in found for text in self._task.truths(part.targets)], dtype=np.str_),
            "predicted": np.array([word for word, _ in words], dtype=np.str_),
            "probability": np.array([probability for _, probability in words], dtype=np.float64),
            "loss": np.concatenate([part.losses for part in found]),
        }


@dataclass(frozen=True)
class _Chosen:
    """The strongest examples for one reason so far, the strongest first."""

    scores: npt.NDArray[np.float64]
    places: npt.NDArray[np.int64]
    losses: npt.NDArray[np.float64]
    outputs: Outputs
    targets: Tensor

    def merged(self, later: _Chosen, num: int) -> _Chosen:
        scores = np.concatenate([self.scores, later.scores])
        order = np.argsort(scores, kind="stable")[:num]
        picked = torch.from_numpy(order).to(self.targets.device)
        return _Chosen(
            scores[order],
            np.concatenate([self.places, later.places])[order],
            np.concatenate([self.losses, later.losses])[order],
            {name: torch.cat([values, later.outputs[name]])[picked] for name, values in self.outputs.items()},
            torch.cat([self.targets, later.targets])[picked],
        )


def in_words(answer: Answer) -> tuple[str, float]:
    """What was predicted, and with which probability."""
    if isinstance(answer, Prediction):
        return answer.label, answer.probability
    if isinstance(answer, Labels):
        return ", ".join(answer.labels), float("nan")
    if isinstance(answer, Answers):
        words = "; ".join(f"{column}: {in_words(part)[0]}" for column, part in answer.columns.items())
        return words, float("nan")
    assert isinstance(answer, Value)
    numbers = answer.value if isinstance(answer.value, tuple) else (answer.value,)
    return ", ".join(f"{number:.4g}" for number in numbers), float("nan")
