"""The examples from which a person learns most about a network: the worst, the confidently wrong, the unsure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from derin.tasks.prediction import Answer, Answers, Labels, Prediction, Value
from derin.train.protocol import Outputs

if TYPE_CHECKING:
    from derin.tasks.supervised import SupervisedTask

_NEAR = 0.5  # lead of the best answer over the next, in probability; with more nobody would call it unsure


def telling_examples(task: SupervisedTask, outputs: Outputs, targets: Tensor, num: int) -> dict[str, npt.NDArray[Any]]:
    """At most `num` examples for each reason, the strongest first.

    The reasons are ``"loss"`` (the highest loss), ``"confident"`` (wrong, with the highest probability) and
    ``"unsure"`` (the smallest lead of the best answer, below a half). Numbers have only the first.

    Args:
        task: that decodes.
        outputs: of a whole split, as `predict` gives them.
        targets: the truth, as in a batch.
        num: examples for each reason.

    Returns:
        arrays of equal length by name: ``place`` (row of `outputs`), ``reason``, ``true`` and ``predicted`` in words,
        ``probability`` of what was predicted (NaN for numbers), ``loss``.

    Shapes:
        outputs ``(N, …)``, targets ``(N,)`` or ``(N, …)``.
    """
    losses = task.example_losses(outputs, targets).double().cpu().numpy()
    chosen = [("loss", np.argsort(-losses, kind="stable")[:num])]
    if "probabilities" in outputs:
        confidence, lead, right = _certainty(task, outputs, targets)
        wrong = np.flatnonzero(~right)
        chosen.append(("confident", wrong[np.argsort(-confidence[wrong], kind="stable")][:num]))
        near = np.flatnonzero(lead < _NEAR)
        chosen.append(("unsure", near[np.argsort(lead[near], kind="stable")][:num]))
    places = np.concatenate([rows for _, rows in chosen]).astype(np.int64)
    picked = torch.from_numpy(places).to(targets.device)
    answers = task.decode({name: values[picked] for name, values in outputs.items()})
    words = [_in_words(answer) for answer in answers]
    return {
        "place": places,
        "reason": np.array([reason for reason, rows in chosen for _ in rows], dtype=np.str_),
        "true": np.array(task.truths(targets[picked]), dtype=np.str_),
        "predicted": np.array([word for word, _ in words], dtype=np.str_),
        "probability": np.array([probability for _, probability in words], dtype=np.float64),
        "loss": losses[places],
    }


def _certainty(
    task: SupervisedTask, outputs: Outputs, targets: Tensor
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """For each example the probability of the answer, its lead over the alternative, and whether it is right."""
    probabilities = outputs["probabilities"].double()
    if task.name == "multilabel":
        yes = probabilities >= torch.tensor(task.thresholds, device=probabilities.device)  # type: ignore[attr-defined]
        of_answers = torch.where(yes, probabilities, 1 - probabilities)
        matches = yes == (targets >= 0.5)
        # The most confident of the wrong labels, and the least certain of all.
        confidence = torch.where(matches, torch.zeros_like(of_answers), of_answers).amax(dim=1)
        lead, right = (2 * of_answers - 1).amin(dim=1), matches.all(dim=1)
    else:
        best = probabilities.topk(2, dim=1).values
        lead = best[:, 0] - best[:, 1]
        labels = (
            (probabilities[:, 1] >= task.threshold).long()  # type: ignore[attr-defined]
            if task.name == "binary"
            else probabilities.argmax(dim=1)
        )
        confidence = probabilities.gather(1, labels[:, None])[:, 0]
        right = labels == targets.long()
    return confidence.cpu().numpy(), lead.cpu().numpy(), right.cpu().numpy()


def _in_words(answer: Answer) -> tuple[str, float]:
    """What was predicted, and with which probability."""
    if isinstance(answer, Prediction):
        return answer.label, answer.probability
    if isinstance(answer, Labels):
        return ", ".join(answer.labels), float("nan")
    if isinstance(answer, Answers):
        words = "; ".join(f"{column}: {_in_words(part)[0]}" for column, part in answer.columns.items())
        return words, float("nan")
    assert isinstance(answer, Value)
    numbers = answer.value if isinstance(answer.value, tuple) else (answer.value,)
    return ", ".join(f"{number:.4g}" for number in numbers), float("nan")
