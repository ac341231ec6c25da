"""Several networks on the same examples: what each is worth, what it costs, and whether differences may be chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.api.arguments import named_arguments
from derin.api.costs import costs
from derin.api.evaluation import ToMeasure, source_of, to_measure
from derin.api.results import plain_numbers
from derin.core.errors import UnknownNameError, UsageError
from derin.core.messages import Message, translate
from derin.data.batch import Batch
from derin.data.display import displayed
from derin.data.known_rows import KNOWN_ROWS, Hashes, row_hashes, unpack
from derin.data.table import Rows
from derin.strategy.choosing import Choice, Goal, choose, pareto_front
from derin.strategy.numbers import metric_name
from derin.strategy.record import is_number
from derin.tasks.baselines.paired import compare_errors
from derin.tasks.class_task import ClassTask
from derin.tasks.metrics.chosen import Answers, ChosenMetric
from derin.tasks.metrics.intervals import Interval, bootstrap
from derin.tasks.metrics.mcnemar import compare_answers
from derin.tasks.supervised import SupervisedTask
from derin.train.evaluation import predict_batches

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from derin.api.model import Model

_LONGEST_GROUP = 200  # letters of a value that is a population
_SAME_NUMBER = 1e-6  # true values of an example that differ by less are one, as float32 has them


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One network and what was measured of it.

    Args:
        name: by which it is told from the others.
        path: of the run or bundle.
        model: the registered name of the network.
        num_examples: on so many.
        metrics: by name, costs among them.
        intervals: 95 %, of the metrics that have one.
    """

    name: str
    path: Path
    model: str
    num_examples: int
    metrics: dict[str, float | None]
    intervals: dict[str, Interval]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "run": str(self.path),
            "model": self.model,
            "num_examples": self.num_examples,
            "metrics": self.metrics,
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
        }


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two networks in one metric, on the same examples.

    Args:
        first, second: their names.
        metric: which.
        value: of the first minus of the second.
        interval: 95 %.
        test: ``"mcnemar"`` or ``"bootstrap"``.
        p_value: of McNemar's mid-p test; None for a bootstrap, whose interval decides.
        maximize: whether more of the metric is better.
    """

    first: str
    second: str
    metric: str
    value: float
    interval: Interval
    test: str
    p_value: float | None
    maximize: bool

    @property
    def better(self) -> str | None:
        """The name of the one that is better beyond chance; None where that cannot be told."""
        low, high = self.interval
        if self.p_value is not None and self.p_value >= 0.05:
            return None
        if not (low > 0 or high < 0):
            return None
        return self.first if (low > 0) == self.maximize else self.second

    def to_json(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "second": self.second,
            "metric": self.metric,
            "difference": self.value,
            "interval": list(self.interval),
            "test": self.test,
            "p_value": self.p_value,
            "better": self.better,
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several networks side by side.

    Args:
        runs: what was measured of each, in the order in which they were named.
        split: the part of the data.
        same_examples: whether all were measured on the very same examples.
        differences: of each pair in each tested metric; none where the examples are not the same.
        goal: by which one was chosen, or None.
        choice: which, or None.
        notes: without which the figures would mislead.
    """

    runs: tuple[Measured, ...]
    split: str
    same_examples: bool
    differences: tuple[Difference, ...]
    goal: Goal | None
    choice: Choice | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "split": self.split,
            "same_examples": self.same_examples,
            "runs": [run.to_json() for run in self.runs],
            "differences": [each.to_json() for each in self.differences],
            "goal": None if self.goal is None else str(self.goal),
            "chosen": None if self.choice is None else self.choice.name,
            "admissible": None if self.choice is None else list(self.choice.admissible),
            "pareto": [] if self.goal is None else list(pareto_front(self._candidates, self.goal)),
            "notes": list(self.notes),
        }

    @property
    def _candidates(self) -> dict[str, Mapping[str, float | None]]:
        return {run.name: run.metrics for run in self.runs}

    def figure(self) -> Figure:
        """The optimized metric of each network against what it costs, with those that none of the others beats.

        Raises:
            UsageError: there is no goal.
        """
        from derin.api.compare_drawing import draw

        if self.goal is None:
            raise UsageError("A picture shows the metric that is optimized; name it: maximize (--maximize METRIC).")
        return draw(self._candidates, self.goal, self.choice)


@named_arguments
def compare(
    runs: Sequence[str | Path],
    *,
    data: Any = None,
    split: str | None = None,
    target: str | None = None,
    maximize: str | None = None,
    minimize: str | None = None,
    subject: Sequence[str] = (),
    metrics: Sequence[str] = (),
    device: str = "cpu",
) -> Comparison:
    """Several networks on the examples that all of them can be measured on, none of which any was trained on.

    Examples are known by their content (`derin.data.known_rows`), whatever file or order they came in. Whether a
    difference may be chance is tested on the same examples: of right answers by McNemar's mid-p test with the interval
    of Bonett and Price, of anything else by drawing the examples, each with both answers, with replacement. Networks
    that share no example are measured each on its own, which is said, and nothing is tested.

    Args:
        runs: folders of at least two runs or bundles.
        data: whatever `derin.load` takes, to measure all on; None takes the data that each was trained on.
        split: of the data; None takes what was never trained on.
        target: the column with the answers, where it has another name than in training.
        maximize, minimize: the one metric by which a network is chosen: one of the task, a cost (``latency_ms``,
            ``memory_mb``, ``size_mb``, ``parameters``), or as `derin.tasks.metrics.chosen` reads it: ``"f2"``,
            ``"weighted_error:dog=10"``, ``"accuracy:by=country"``.
        subject: what else has to be good enough, such as ``["latency_ms<=100", "recall>=0.9"]``.
        metrics: further ones of the last form to measure.
        device: where.

    Raises:
        UsageError: fewer than two networks, networks with different kinds of answers, or nothing meets the constraints.
        UnknownNameError: a metric that does not exist.

    Example:
        >>> import derin, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> for name in ("linear", "mlp"):
        ...     _ = derin.fit("iris", model=name, epochs=3, out=f"{folder}/{name}", report=False, plan="plain")
        >>> found = derin.compare([f"{folder}/linear", f"{folder}/mlp"])
        >>> found.same_examples, [run.num_examples for run in found.runs]
        (True, [30, 30])
    """
    from derin.api.model import open

    if len(runs) < 2:
        raise UsageError(f"At least two runs are compared; got {len(runs)}. Name another one.")
    goal = Goal.of(maximize, minimize, subject)
    names = _names([Path(run) for run in runs])
    models = [open(run, device=device) for run in runs]
    _check_kinds(models, names)
    read = []
    for model, name in zip(models, names):
        source = data if data is not None else (model.card.get("data") or {}).get("source")
        if source is None:
            raise UsageError(f"The run {name} does not say on which data it was trained; name the data to compare on.")
        read.append(to_measure(model, source, split=split, target=target))
    notes = [note for found in read for note in found.notes]
    places, more = _common(models, read)
    notes += more
    same = places is not None
    rows = [found.rows for found in read] if places is None else places
    wanted = _chosen_metrics(metrics, goal)
    looked_at = [_look(model, found, part, wanted) for model, found, part in zip(models, read, rows)]
    spent = costs(models, [each.one for each in looked_at])
    measured = tuple(
        Measured(
            name=name,
            path=Path(run),
            model=str(model.card["model"].get("name") or model.card["model"].get("class")),
            num_examples=len(part),
            metrics={**each.metrics, **cost},
            intervals=each.intervals,
        )
        for run, name, model, part, each, cost in zip(runs, names, models, rows, looked_at, spent)
    )
    differences: tuple[Difference, ...] = ()
    if same:
        pairs = list(combinations(range(len(names)), 2))
        differences = tuple(
            each for i, j in pairs for each in _differences(names[i], names[j], looked_at[i], looked_at[j], wanted)
        )
        if not differences:
            notes.append(Message("compare.no_test", task=models[0].task.name))
        elif len(pairs) > 1:
            notes.append(Message("compare.many_pairs", pairs=len(pairs)))
    choice = None if goal is None else choose({run.name: run.metrics for run in measured}, goal)
    return Comparison(
        runs=measured,
        split=read[0].split,
        same_examples=same,
        differences=differences,
        goal=goal,
        choice=choice,
        notes=tuple(dict.fromkeys(notes)),
    )


def _names(paths: Sequence[Path]) -> list[str]:
    """A short name for each: the last part of its path, or the whole where that is not its alone."""
    last = [path.resolve().name for path in paths]
    names = [name if last.count(name) == 1 else str(path) for name, path in zip(last, paths)]
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise UsageError(f"The run {twice} is named twice; compare it with another one.")
    return names


def _check_kinds(models: Sequence[Model], names: Sequence[str]) -> None:
    """Refuses networks whose answers have nothing in common."""
    kinds = [_kind(model) for model in models]
    for name, kind in zip(names, kinds):
        if kind != kinds[0]:
            raise UsageError(
                f"Runs are compared in the same measurements; {names[0]} is a {kinds[0]} and {name} a {kind}. Compare "
                "each with its like."
            )


def _kind(model: Model) -> str:
    """What is answered; binary and several classes are both right or wrong."""
    name = str(model.task.name)
    return "classification" if name == "binary" else name


def _chosen_metrics(given: Sequence[str], goal: Goal | None) -> dict[str, ChosenMetric]:
    """The metrics that are computed from answers, by the names that the caller has for them."""
    found: dict[str, ChosenMetric] = {}
    for name in (*given, *(goal.metrics if goal is not None else ())):
        metric = ChosenMetric.parse(name)
        if metric is not None and name != "accuracy":  # which the task measures itself
            found[name] = metric
        elif metric is None and name in given:
            raise UsageError(
                f"A further metric is f2, weighted_error:CLASS=10 or accuracy:by=COLUMN and the like; got {name!r}."
            )
    return found


def _common(models: Sequence[Model], read: Sequence[ToMeasure]) -> tuple[list[Rows] | None, list[str]]:
    """The rows of each table that are the same examples, in the same order; None where there are none."""
    hashes = [row_hashes(found.table, found.rows) for found in read]
    notes: list[str] = []
    keys: list[list[Any]] = [_numbered(each) for each in hashes]
    if not set.intersection(*(set(each) for each in keys)) and _are_one_set(models, read):
        # Read at different sizes, the same pictures have other values; their place in the data tells.
        keys = [found.rows.tolist() for found in read]
        notes.append(Message("compare.by_place"))
    places = [dict(zip(each, found.rows.tolist())) for each, found in zip(keys, read)]
    common = [key for key in keys[0] if all(key in each for each in places[1:])]
    if not common:
        return None, [Message("compare.no_common")]
    rows = [np.array([each[key] for key in common], dtype=np.int64) for each in places]
    trained = np.zeros(len(common), dtype=bool)
    for model, found, part in zip(models, read, rows):
        if model.known_rows is not None and found.split != "train":
            known = unpack(model.known_rows, f"The file {KNOWN_ROWS} of {model.path}")
            trained |= np.isin(row_hashes(found.table, part), known)
    if trained.any():
        notes.append(Message("compare.trained_on", count=int(trained.sum())))
    unlike = _unlike_answers(models, read, rows)
    if unlike.any():
        notes.append(Message("compare.unlike_answers", count=int(unlike.sum())))
    kept = ~(trained | unlike)
    if not kept.any():
        return None, [*notes, Message("compare.no_common")]
    largest = max(len(found.rows) for found in read)
    if kept.sum() < largest:
        notes.append(Message("compare.some_common", num=int(kept.sum()), whole=largest))
    return [part[kept] for part in rows], notes


def _numbered(hashes: Hashes) -> list[tuple[int, int]]:
    """Each hash with the number of times that it came before, so that copies are examples of their own."""
    seen: Counter[int] = Counter()
    found = []
    for value in hashes.tolist():
        found.append((value, seen[value]))
        seen[value] += 1
    return found


def _are_one_set(models: Sequence[Model], read: Sequence[ToMeasure]) -> bool:
    sources = {str((model.card.get("data") or {}).get("source")) for model in models}
    return len(sources) == 1 and len({len(found.table) for found in read}) == 1


def _unlike_answers(models: Sequence[Model], read: Sequence[ToMeasure], rows: Sequence[Rows]) -> npt.NDArray[np.bool_]:
    """Which of the common examples have other true answers in one set than in the first."""
    unlike = np.zeros(len(rows[0]), dtype=bool)
    if not all(isinstance(model.task, SupervisedTask) and model.task.has_single_answer for model in models):
        return unlike
    truths = [_truths(model, found, part) for model, found, part in zip(models, read, rows)]
    for other in truths[1:]:
        if other.dtype.kind == "f":
            unlike |= ~np.isclose(other, truths[0], rtol=_SAME_NUMBER, atol=_SAME_NUMBER)
        else:
            unlike |= other != truths[0]
    return unlike


def _truths(model: Model, found: ToMeasure, rows: Rows) -> npt.NDArray[Any]:
    """The true answers: names of classes, or numbers in their unit."""
    values = model.task.single_truths(found.table)[rows]
    return np.array(model.task.classes)[values] if isinstance(model.task, ClassTask) else values


@dataclass(frozen=True, kw_only=True)
class _LookedAt:
    """What a network did on its examples: metrics, and of each example what a test needs.

    Args:
        one: a batch of one example.
        answers: names of classes that were answered, and the truth; None where there are none.
        errors: true minus predicted number; None where there is none.
        losses: of each example; None where a task has none.
    """

    metrics: dict[str, float | None]
    intervals: dict[str, Interval]
    one: Batch
    answers: Answers | None
    errors: npt.NDArray[np.float64] | None
    losses: npt.NDArray[np.float64] | None


def _look(model: Model, found: ToMeasure, rows: Rows, wanted: Mapping[str, ChosenMetric]) -> _LookedAt:
    task, collected = model.task, model.task.metrics()
    source = source_of(model, found.table, rows)
    single = isinstance(task, SupervisedTask) and task.has_single_answer
    seen: list[npt.NDArray[np.int64]] = []
    given: list[npt.NDArray[Any]] = []
    losses: list[npt.NDArray[np.float64]] = []
    first: Batch | None = None
    for outputs, batch in predict_batches(model.network, task, source):
        collected.update(outputs, batch)
        seen.append(batch.rows.numpy())
        if first is None:
            first = _first_of(batch)
        if single:
            given.append(task.single_answers(outputs).numpy(force=True))
        elif isinstance(task, SupervisedTask):
            losses.append(task.example_losses(outputs, batch[task.target]).double().numpy(force=True))
    assert first is not None
    numbers, _ = plain_numbers(collected.compute())
    metrics: dict[str, float | None] = {n: float(v) if is_number(v) else None for n, v in numbers.items()}
    intervals = {n: bounds for n, bounds in collected.intervals().items() if n in metrics}
    # Batches of texts come by length: back to the order of the rows.
    places = {row: place for place, row in enumerate(np.concatenate(seen).tolist())}
    order = np.array([places[row] for row in rows.tolist()]) if single or losses else np.zeros(0, dtype=np.int64)
    answers, errors = None, None
    if single and isinstance(task, ClassTask):
        groups = {m.by: _populations(found, m.by, rows) for m in wanted.values() if m.by is not None}
        truth = task.single_truths(found.table)[rows]
        answers = Answers(task.classes, truth, np.concatenate(given)[order].astype(np.int64), groups)
        for name, metric in wanted.items():
            metrics[name], intervals[name] = metric.value(answers), metric.interval(answers)
    elif wanted:
        raise UsageError(
            f"The metric {next(iter(wanted))} is computed from classes; the task {task.name!r} answers something else."
        )
    elif single:
        errors = task.single_truths(found.table)[rows] - np.concatenate(given)[order]
    return _LookedAt(
        metrics=metrics,
        intervals=intervals,
        one=first,
        answers=answers,
        errors=errors,
        losses=np.concatenate(losses)[order] if losses else None,
    )


def _populations(found: ToMeasure, column: str, rows: Rows) -> npt.NDArray[Any]:
    """Of each row, the value of a column."""
    found.table.schema[column]  # refuses what is not there, naming what is
    return np.array(displayed(found.table, column, rows, max_length=_LONGEST_GROUP))


def _first_of(batch: Batch) -> Batch:
    """The first example of a batch."""
    return Batch({name: column[:1] for name, column in batch.columns.items()}, batch.rows[:1])


def _differences(
    first: str, second: str, one: _LookedAt, other: _LookedAt, wanted: Mapping[str, ChosenMetric]
) -> list[Difference]:
    """Of two networks on the same examples, in everything that is tested."""
    names: Any = {"first": first, "second": second}
    if one.answers is not None and other.answers is not None:
        right = [each.truth == each.answer for each in (one.answers, other.answers)]
        paired = compare_answers(*right)
        found = [
            Difference(
                **names,
                metric="accuracy",
                value=paired.difference,
                interval=paired.interval(),
                test="mcnemar",
                p_value=paired.p_value,
                maximize=True,
            )
        ]
        again = _in_classes_of(one.answers, other.answers) if wanted else None
        for name, metric in wanted.items():
            assert again is not None
            value = (one.metrics[name] or 0.0) - (other.metrics[name] or 0.0)
            bounds = metric.difference_interval(one.answers, again)
            found.append(
                Difference(
                    **names,
                    metric=name,
                    value=value,
                    interval=bounds,
                    test="bootstrap",
                    p_value=None,
                    maximize=metric.maximize,
                )
            )
        return found
    if one.errors is not None and other.errors is not None:
        told = compare_errors(one.errors, other.errors)
        bounds = (told["interval"][0], told["interval"][1])
        about: Any = {"metric": "rmse", "value": told["difference"], "interval": bounds}
    elif one.losses is not None and other.losses is not None:
        apart = one.losses - other.losses
        bounds = bootstrap(apart[:, None], lambda means: {"loss": means[:, 0]})["loss"]
        about = {"metric": "loss", "value": float(apart.mean()), "interval": bounds}
    else:
        return []
    return [Difference(**names, **about, test="bootstrap", p_value=None, maximize=False)]


def _in_classes_of(first: Answers, second: Answers) -> Answers:
    """The second's answers with the numbers that the first has for the classes; others come after them."""
    numbers = {name: place for place, name in enumerate(first.classes)}
    new = np.array([numbers.setdefault(name, len(numbers)) for name in second.classes], dtype=np.int64)
    return Answers(tuple(numbers), new[second.truth], new[second.answer], second.groups)


def measure_for_choice(run: Path, data: Any, names: Sequence[str]) -> dict[str, float]:
    """Metrics of a run on validation that its log does not hold: costs, and those of `derin.tasks.metrics.chosen`.

    Args:
        run: its folder.
        data: that it was trained on.
        names: of the metrics.

    Raises:
        UnknownNameError: one of them does not exist.
    """
    from derin.api.model import open

    model = open(run)
    found = to_measure(model, data, split="val")
    wanted = {name: metric for name in names if (metric := ChosenMetric.parse(name)) is not None}
    seen = _look(model, found, found.rows, wanted)
    every = seen.metrics | costs([model], [seen.one])[0]
    for name in names:
        if name not in every:
            raise UnknownNameError("metric", name, every)
    return {name: value for name in names if (value := every[name]) is not None}


def verdict(difference: Difference) -> str:
    """What a difference says, in a sentence."""
    words = {"first": difference.first, "second": difference.second, "metric": metric_name(difference.metric)}
    if difference.better is None:
        low, high = difference.interval
        if difference.p_value is not None and (difference.p_value < 0.05) != (low > 0 or high < 0):
            return translate("compare.at_the_border", **words)
        return translate("compare.chance", **words)
    worse = difference.second if difference.better == difference.first else difference.first
    return translate("compare.better", better=difference.better, worse=worse, metric=words["metric"])
