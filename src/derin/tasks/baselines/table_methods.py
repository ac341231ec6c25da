"""A network on a table, or on sounds, beside what scikit-learn makes of the same rows: gradient boosting, a linear
model, neighbors.

Of sounds these methods see mean and deviation of the cepstral coefficients.

On tables these are hard to beat and take seconds, so that a network has to be measured against them.

Source: L. Grinsztajn, E. Oyallon, G. Varoquaux, "Why do tree-based models still outperform deep learning on typical
    tabular data?", NeurIPS 2022.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.quiet import quiet
from derin.core.seeds import permutation
from derin.data.features import FeaturesCodec
from derin.data.preparation import Preparation
from derin.data.sounds.codec import sounds_of
from derin.data.sounds.summary import mfcc_summaries
from derin.data.table import SPLITS, Rows, Table
from derin.tasks.baselines.paired import answers_of, compare_errors
from derin.tasks.metrics.mcnemar import compare_answers

if TYPE_CHECKING:
    from torch import nn

    from derin.data.batch import Source
    from derin.tasks.supervised import SupervisedTask

METHODS = {"rows": ("linear", "neighbors", "boosting"), "sounds": ("linear", "neighbors")}
# More rows and values take long to fit and change the picture little; the report says on how many rows it was.
MOST_ROWS, MOST_VALUES = 20_000, 4_000_000
# Boosting grows a tree for each class in each round; the others hold a score of each class for each row, several times
# over.
_MOST_CLASSES_BOOSTED, _MOST_SCORES = 50, 5_000_000
_COSTS, _NEIGHBORS, _RATES = (0.01, 1.0, 100.0), (1, 5, 15), (0.05, 0.2)
_ITERATIONS = 300
_LEAST_DEVIATION = 1e-6


def compare_with_table_methods(
    task: SupervisedTask,
    network: nn.Module,
    preparation: Preparation,
    table: Table,
    source: Callable[[str], Source],
) -> dict[str, Any]:
    """What the report says of a network on a table or on sounds beside other methods.

    Each method is fitted on the training rows, categories one-hot, its setting chosen on val; all are measured on
    the same examples of val and, where there is one, of test. Nothing of it depends on the network. Once the time of
    the task is over, the methods that are left are named and not tried.

    Args:
        task: of the network: one class or one number for each row.
        network: trained.
        preparation: of features, or of sounds.
        table: with its splits.
        source: gives the batches of a split in their order.

    Returns:
        ``{"other_methods": {"metric", "inputs", "split", "num_train", "network": {split: value}, "methods":
        [{"name", "setting", "values": {split: value}, "comparison"}], "skipped": [name]}}``, the best on val first,
        where the comparison's first is the network, on ``split``; or ``{}``, where there are none to compare with.
    """
    ended = time.monotonic() + task.analysis_seconds
    of_classes = bool(task.classes)
    splits = [split for split in SPLITS[1:] if split in table.splits]
    if preparation.medium not in METHODS or "val" not in splits or not task.has_single_answer:
        return {}
    truths = task.single_truths(table)
    train = np.asarray(table.splits["train"])
    if of_classes and len(np.unique(truths[train])) < 2:
        return {}
    inputs = _inputs(preparation, table, train)
    most = max(1, min(MOST_ROWS, MOST_VALUES // inputs.shape[1]))
    train = np.sort(train[permutation(0, "table methods", 1, len(train))[:most]])
    weights = task.weights(table)
    answered = {split: answers_of(task, network, source(split), task.single_answers) for split in splits}
    errors_of = _wrong if of_classes else _error
    own = {split: errors_of(truths[rows], answers) for split, (rows, answers) in answered.items()}
    measure = _accuracy if of_classes else _rmse
    better = max if of_classes else min
    shown = splits[-1]
    methods: list[dict[str, Any]] = []
    skipped: list[str] = []
    for name in METHODS[preparation.medium]:
        if time.monotonic() >= ended or _costs_too_much(name, len(task.classes or ()), len(train)):
            skipped.append(name)
            continue
        tried: list[tuple[dict[str, float], str, npt.NDArray[Any]]] = []
        for setting, model in candidates(name, of_classes, len(train)):
            if tried and time.monotonic() >= ended:
                break
            given = {} if weights is None or name == "neighbors" else {"sample_weight": weights[train]}
            with quiet():  # that a fit is not converged shows in what it is worth
                model.fit(inputs[train], truths[train], **given)
                errors = {s: errors_of(truths[rows], model.predict(inputs[rows])) for s, (rows, _) in answered.items()}
            tried.append(({split: measure(e) for split, e in errors.items()}, setting, errors[shown]))
        values, setting, errors_shown = better(tried, key=lambda t: t[0]["val"])
        comparison = (
            compare_answers(~own[shown], ~errors_shown).to_json()
            if of_classes
            else compare_errors(own[shown], errors_shown)
        )
        methods.append({"name": name, "setting": setting, "values": values, "comparison": comparison})
    methods.sort(key=lambda m: m["values"]["val"], reverse=of_classes)
    return {
        "other_methods": {
            "metric": "accuracy" if of_classes else "rmse",
            "inputs": preparation.medium,
            "split": shown,
            "num_train": len(train),
            "network": {split: measure(errors) for split, errors in own.items()},
            "methods": methods,
            "skipped": skipped,
        }
    }


def _inputs(preparation: Preparation, table: Table, train: Rows) -> npt.NDArray[np.float32]:
    """What the methods see of every row, standardized over the training rows."""
    if preparation.medium == "rows":
        return FeaturesCodec.fit(table, train).encode(table).values
    summaries = mfcc_summaries(sounds_of(table))
    std = np.maximum(summaries[train].std(axis=0), _LEAST_DEVIATION)
    found: npt.NDArray[np.float32] = (summaries - summaries[train].mean(axis=0)) / std
    return found


def candidates(name: str, of_classes: bool, num_train: int) -> Iterator[tuple[str, Any]]:
    """The settings of a method, in words, and the models to fit."""
    if name == "linear":
        from sklearn.linear_model import LogisticRegression, Ridge

        for cost in _COSTS:
            if of_classes:
                yield f"C={cost:g}", LogisticRegression(C=cost, max_iter=_ITERATIONS)
            else:
                yield f"alpha={1 / cost:g}", Ridge(alpha=1 / cost)
    elif name == "neighbors":
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        for number in _NEIGHBORS:
            if number <= num_train:
                yield f"k={number}", (KNeighborsClassifier if of_classes else KNeighborsRegressor)(n_neighbors=number)
    else:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind = HistGradientBoostingClassifier if of_classes else HistGradientBoostingRegressor
        for rate in _RATES:
            yield f"learning_rate={rate:g}", kind(learning_rate=rate, random_state=0)


def _costs_too_much(name: str, num_classes: int, num_train: int) -> bool:
    return num_classes * num_train > _MOST_SCORES or (name == "boosting" and num_classes > _MOST_CLASSES_BOOSTED)


def _wrong(truths: npt.NDArray[Any], answers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return truths != answers


def _error(truths: npt.NDArray[Any], answers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return truths - answers


def _accuracy(wrong: npt.NDArray[Any]) -> float:
    return float(1 - wrong.mean())


def _rmse(errors: npt.NDArray[Any]) -> float:
    return float(np.sqrt(np.square(errors).mean()))
