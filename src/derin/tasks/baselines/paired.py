"""A network and another method on the same examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.seeds import permutation
from derin.data.table import Rows
from derin.tasks.metrics.intervals import bootstrap
from derin.train.evaluation import predict_batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from derin.data.batch import Source
    from derin.train.protocol import Outputs

# So many answers tell two methods apart that differ by a hundredth; more take the other one long to give.
MOST_COMPARED = 5_000


def answers_of(
    task: Any, network: nn.Module, source: Source, answer: Callable[[Outputs], Any]
) -> tuple[Rows, npt.NDArray[Any]]:
    """The rows of a source, and what the network answers to each; at most `MOST_COMPARED`, drawn by a fixed seed.

    Args:
        answer: the answers in what `predict` gave, one for each example.
    """
    rows, answers = [], []
    for outputs, batch in predict_batches(network, task, source):
        rows.append(batch.rows.numpy())
        answers.append(answer(outputs).numpy(force=True))
    some = np.sort(permutation(0, "compared answers", 1, sum(map(len, rows)))[:MOST_COMPARED])
    return np.concatenate(rows)[some], np.concatenate(answers)[some]


def compare_errors(first: npt.ArrayLike, second: npt.ArrayLike) -> dict[str, Any]:
    """Two methods that predict a number, on the same examples: how far their root mean squared errors lie apart.

    Args:
        first, second: true minus predicted, of each example.

    Shapes:
        both ``(N,)``.

    Returns:
        ``{"num_examples", "difference", "interval"}``: RMSE of the first minus that of the second, and the 95 %
        interval by drawing the examples, each with both errors, with replacement.

    Example:
        >>> found = compare_errors([3.0, -3.0, 3.0], [1.0, 1.0, -1.0])
        >>> found["difference"], found["interval"]
        (2.0, [2.0, 2.0])

    Source: B. Efron, R. J. Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.
    """
    squares = np.square(np.stack([np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)], axis=1))
    roots = np.sqrt(squares.mean(axis=0))
    interval = bootstrap(squares, lambda means: {"rmse": np.sqrt(means[:, 0]) - np.sqrt(means[:, 1])})["rmse"]
    return {"num_examples": len(squares), "difference": float(roots[0] - roots[1]), "interval": list(interval)}
