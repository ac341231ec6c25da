"""The learning curve of a run: its network trained on a half, a quarter and an eighth of the examples."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from derin.api.fit import fit
from derin.api.load import load
from derin.api.run import Run
from derin.api.training_data import READING
from derin.core.errors import UsageError
from derin.core.fields import refusing_misfits
from derin.data.recipe import ReadingRecipe
from derin.data.splits import hold_out_training_dev
from derin.data.table import TRAINING_DEV, Table
from derin.strategy.diagnosis import Measured, read_error
from derin.strategy.learning_curve import LearningCurve, fit_learning_curve
from derin.strategy.record import read_record
from derin.strategy.run_diagnosis import diagnose_record

# Of the training examples; all together cost less than the run did.
_SHARES = (0.125, 0.25, 0.5)
_FEWEST = 8  # training examples of the smallest


def learning_curve(run: Run | str | Path, *, told: Callable[[int, int], None] | None = None) -> LearningCurve:
    """What twice the training examples would bring a run, from trainings on fewer.

    The network is trained anew on an eighth, a quarter and a half of the examples, drawn with every class in
    proportion, with the settings that were asked for; through the errors on validation goes a power law.

    Args:
        run: a finished run, or its folder.
        told: called with (done, total) trainings.

    Raises:
        UsageError: the run's data is not on disk, is no set of rows, or holds too few of them.
    """
    path = run.path if isinstance(run, Run) else Path(run)
    with refusing_misfits(f"The run {path}"):
        record = Run(path).record
        whole = _dev_error(path)
        source, recipe = record["request"].get("data"), record["data"].get("recipe")
        if source is None or recipe is None or not record.get("finished"):
            raise UsageError(f"A learning curve trains a finished run's data again, and {path} does not name it.")
        table = load(source, recipe=ReadingRecipe.from_json(recipe))
        options = {n: v for n, v in record["request"]["options"].items() if n not in (*READING, "target", "ignore")}
    num = len(table.splits["train"])
    if num * _SHARES[0] < _FEWEST:
        raise UsageError(
            f"A learning curve needs at least {round(_FEWEST / _SHARES[0])} training examples; the run has {num}."
        )
    sizes, errors = [num], [whole]
    with tempfile.TemporaryDirectory(prefix="derin-") as folder:
        for done, share in enumerate(_SHARES):
            if told is not None:
                told(done, len(_SHARES))
            smaller = fit(
                part := _part(table, share),
                out=Path(folder) / f"{share}",
                report=False,
                compare=False,
                quiet=True,
                **{**options, "seed": record["config"]["seed"]},
            )
            sizes.append(len(part.splits["train"]))
            errors.append(_dev_error(smaller.path))
    if told is not None:
        told(len(_SHARES), len(_SHARES))
    return fit_learning_curve(sizes, errors)


def curve_of_numbers(texts: Sequence[str]) -> LearningCurve:
    """The learning curve through ``SIZE=ERROR`` or ``SIZE=ERROR:EXAMPLES``, the examples being those of the dev set.

    Example:
        >>> curve = curve_of_numbers(["1000=20%:2000", "2000=0.15:2000", "4000=0.12:2000"])
        >>> curve.next_size, 0.08 < curve.next_error < 0.12
        (8000, True)
    """
    sizes, errors = [], []
    for text in texts:
        size, _, error = text.partition("=")
        if not size.strip().isascii() or not size.strip().isdigit():
            raise UsageError(f"A point of a learning curve is SIZE=ERROR, such as 1000=0.2:2000; got {text!r}.")
        sizes.append(int(size))
        errors.append(read_error(f"{size} training examples", error))
    return fit_learning_curve(sizes, errors)


def _part(table: Table, share: float) -> Table:
    """The table with so many of its training rows."""
    num = len(table.splits["train"])
    parted = hold_out_training_dev(replace(table, splits=dict(table.splits)), 1 - share, largest=num)
    splits = {name: rows for name, rows in parted.splits.items() if name != TRAINING_DEV}
    return replace(table, splits=splits)


def _dev_error(path: Path) -> Measured:
    return diagnose_record(read_record(path)).errors["dev"]
