"""Spoken words end to end and by stages: a network on the spectrogram beside voice, features and classifier."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.api.fit import fit
from derin.api.load import load
from derin.core.errors import UsageError
from derin.core.messages import translate
from derin.core.quiet import quiet
from derin.core.seeds import permutation
from derin.data.schema import Kind
from derin.data.sounds.codec import sounds_of
from derin.data.sounds.summary import mfcc_summaries
from derin.data.sounds.voice import find_voice, in_noise
from derin.data.table import Rows, Sounds, Table
from derin.strategy.numbers import number_text
from derin.strategy.pipelines import PipelineComparison, Point
from derin.tasks.baselines.paired import answers_of
from derin.tasks.baselines.table_methods import candidates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from derin.api.run import Run

_SMALLEST = 50  # training examples, from which on each further size is twice the one before
_FEWEST = 5
_ROOM = 3.0  # the stretches of noise, in lengths of a sound that is longer than 95 % of all
_METHODS = ("linear", "neighbors")
_LEAST_DEVIATION = 1e-6
_SPLITS = ("train", "val", "test")


def compare_pipelines(
    data: Any,
    *,
    sizes: Sequence[int] | None = None,
    seconds: float | None = None,
    snr_db: float = 10.0,
    seed: int = 0,
    download: bool = False,
    told: Callable[[int, int], None] | None = None,
    **options: Any,
) -> PipelineComparison:
    """Sounds by class, learned end to end and by stages, against the number of training examples.

    Every sound is put somewhere in a longer stretch of noise, so that where it lies is known. End to end, a network
    reads the spectrogram of the whole stretch. By stages, the voice is found by its energy, what was found becomes
    mean and deviation of its MFCC, and a linear model or neighbors, by validation, answer. Trained with the true place
    in place of the found one, the pipeline tells what a perfect first stage would bring; the rest is the other stages'.

    Args:
        data: sounds by class, as `derin.load` takes them.
        sizes: numbers of training examples, each holding those before it, with every class in proportion; None takes
            50, 100, 200, … and all.
        seconds: of the stretches; None takes three times the length that 95 % of the training sounds keep within.
        snr_db: how much louder than the noise a sound is.
        seed: of places, noise, examples and networks.
        download: fetch a named set that is not on this machine.
        told: called with (done, total) networks.
        options: of `derin.fit`, for the networks.

    Raises:
        UsageError: the data are no sounds by class, or a size does not fit.

    Source: A. Ng, "Machine Learning Yearning", 2018, chapters 47 to 53 (end-to-end learning; error analysis by parts).
    """
    table = load(data, seed=seed, download=download)
    target = table.targets[0] if len(table.targets) == 1 else None
    if [column.kind for column in table.inputs] != [Kind.SOUND] or target is None or target.kind is not Kind.CATEGORY:
        kinds = ", ".join(column.kind.value for column in table.inputs)
        raise UsageError(
            f"Pipelines are compared on sounds by class; the inputs of {table.name!r} are {kinds}. Name a folder "
            "with a folder of recordings for each class."
        )
    if missing := set(_SPLITS) - set(table.splits):
        raise UsageError(f"Pipelines are compared on train, val and test; {table.name!r} lacks {', '.join(missing)}.")
    labels = np.asarray(table.columns[target.name].take(np.arange(len(table))))
    order = _in_proportion(table.splits["train"], labels, seed)
    sizes = _sizes(sizes, len(order))
    sounds = sounds_of(table)
    if seconds is None:
        seconds = _ROOM * float(np.quantile(sounds.lengths[table.splits["train"]], 0.95)) / sounds.rate
    stretches, true = in_noise(sounds, seconds, snr_db, seed)
    table = replace(table, columns={**table.columns, table.inputs[0].name: stretches}, recipe=None)
    found = np.array([find_voice(samples, stretches.rate) for samples in stretches.each()])
    features = {"staged": _features(stretches, found), "oracle": _features(stretches, true)}
    points = []
    with tempfile.TemporaryDirectory(prefix="derin-") as folder:
        for done, size in enumerate(sizes):
            if told is not None:
                told(done, len(sizes))
            splits = {**table.splits, "train": np.sort(order[:size])}
            part = replace(table, splits=splits)
            run = fit(part, out=Path(folder) / f"{size}", seed=seed, report=False, compare=False, quiet=True, **options)
            wrong, classifier = {}, ""
            for name, values in features.items():
                wrong[name], chosen = _classified(values, labels, splits)
                classifier = chosen if name == "staged" else classifier
            points.append(Point(size=size, end_to_end=_mistakes(run, part, labels), classifier=classifier, **wrong))
    if told is not None:
        told(len(sizes), len(sizes))
    return PipelineComparison(
        data=table.name,
        num_test=len(table.splits["test"]),
        points=points,
        overlap=_overlap(found, true),
        seconds=seconds,
        snr_db=snr_db,
    )


def _sizes(sizes: Sequence[int] | None, num: int) -> list[int]:
    """Ascending, each once."""
    if sizes is None:
        doubled = (_SMALLEST * 2**power for power in range(num.bit_length()))
        return [*(size for size in doubled if size < num), num]
    if not sizes or not all(_FEWEST <= size <= num for size in sizes):
        raise UsageError(
            f"Numbers of training examples from {_FEWEST} to {num:,}, which there are, are required; got "
            f"{', '.join(map(str, sizes)) or 'none'}."
        )
    return sorted(set(sizes))


def _in_proportion(train: Rows, labels: npt.NDArray[Any], seed: int) -> Rows:
    """The training rows in an order of which every beginning holds the classes in about their proportion."""
    rows = np.asarray(train)[permutation(seed, "sizes of training", 0, len(train))]
    places = np.empty(len(rows))
    for label in np.unique(labels[rows]):
        members = np.flatnonzero(labels[rows] == label)
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
    ordered: Rows = rows[np.argsort(places, kind="stable")]
    return ordered


def _features(sounds: Sounds, bounds: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Mean and deviation of the MFCC of a part of each sound."""
    parts = [samples[start:end] for samples, (start, end) in zip(sounds.each(), bounds.tolist())]
    return mfcc_summaries(Sounds.of(parts, sounds.rate))


def _classified(
    values: npt.NDArray[np.float32], labels: npt.NDArray[Any], splits: dict[str, Rows]
) -> tuple[npt.NDArray[np.bool_], str]:
    """The mistakes on test of the classifier that is best on validation, and which that is."""
    train, val, test = (np.asarray(splits[split]) for split in _SPLITS)
    mean, std = values[train].mean(axis=0), np.maximum(values[train].std(axis=0), _LEAST_DEVIATION)
    values = (values - mean) / std
    tried = []
    for name in _METHODS:
        for setting, model in candidates(name, True, len(train)):
            with quiet():  # that a fit is not converged shows in what it is worth
                model.fit(values[train], labels[train])
            right = float((model.predict(values[val]) == labels[val]).mean())
            tried.append((right, model.predict(values[test]) != labels[test], f"{name}, {setting}"))
    _, wrong, chosen = max(tried, key=lambda each: each[0])
    return wrong, chosen


def _mistakes(run: Run, table: Table, labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Those of a network on test, in the order of the split."""
    from derin.api.examples import examples_for

    model = run.model()
    examples = examples_for(model, table, split="test")
    rows, answers = answers_of(model.task, model.network, examples.source, model.task.single_answers)
    wrong: npt.NDArray[np.bool_] = answers[np.argsort(rows)] != labels[np.sort(rows)]
    return wrong[np.searchsorted(np.sort(rows), np.asarray(table.splits["test"]))]


def _overlap(found: npt.NDArray[np.int64], true: npt.NDArray[np.int64]) -> float:
    """Mean of intersection over union."""
    both = np.minimum(found[:, 1], true[:, 1]) - np.maximum(found[:, 0], true[:, 0])
    either = np.maximum(found[:, 1], true[:, 1]) - np.minimum(found[:, 0], true[:, 0])
    return float((np.maximum(both, 0) / np.maximum(either, 1)).mean())


def draw(comparison: PipelineComparison) -> Figure:
    """Right answers against training examples, with intervals."""
    from derin.api.compare_drawing import BLUE, INK, ORANGE, QUIET, new_axes

    figure, axes = new_axes()
    sizes = [point.size for point in comparison.points]
    for name, color, line in (("oracle", QUIET, "--"), ("staged", ORANGE, "-"), ("end_to_end", BLUE, "-")):
        shares = [point.shares()[name] for point in comparison.points]
        values = [value for value, _ in shares]
        bounds = [[value - low for value, (low, _) in shares], [high - value for value, (_, high) in shares]]
        label = translate(f"pipelines.{name}")
        axes.errorbar(
            sizes, values, yerr=bounds, color=color, ls=line, marker="o", ms=5, lw=1.8, capsize=3, label=label
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [number_text(size) for size in sizes])
    axes.set_xlabel(translate("pipelines.size"), color=INK)
    axes.set_ylabel(translate("pipelines.right"), color=INK)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.legend(fontsize=8.5, frameon=False, labelcolor=INK, loc="best")
    return figure
