"""The error of people on the examples of a run or of data: a page that asks them, and what their answers say."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from derin.api.evaluation import rows_to_measure
from derin.api.handed_over import read_handed_over
from derin.api.load import load
from derin.api.run import Run
from derin.core.errors import DataError, UsageError
from derin.core.messages import translate
from derin.core.printable import printable
from derin.core.seeds import permutation
from derin.core.strict_json import dump_json
from derin.data.display import displayed
from derin.data.schema import Kind
from derin.data.table import Dense, Rows, Table
from derin.report.label_page import COLUMNS, UNKNOWN, LabelPage
from derin.strategy.human_error import (
    CANNOT_TELL,
    HumanError,
    examples_for_width,
    expected_interval,
    human_error,
    read_human_error,
)
from derin.strategy.record import is_number
from derin.tasks.metrics.intervals import Interval

NUM = 100
# What people are taken to err on before anything is known.
_USUAL_ERROR = 0.05
_LONGEST_TEXT = 5_000  # letters


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """Examples that people are asked about.

    Args:
        what: the run or the data, as it was named.
        run: its folder; None of data alone.
        table: the data.
        split: of which the examples are.
        rows: of the table, in the order in which they are asked.
        num_in_split: examples that the split has.
        expected: the error that is expected of people, before any is measured.
    """

    what: str
    run: Path | None
    table: Table = field(repr=False)
    split: str
    rows: Rows = field(repr=False)
    num_in_split: int
    expected: float

    @property
    def key(self) -> str:
        """The same for the same data and split, by which answers are known again."""
        return hashlib.sha256(dump_json([self.table.fingerprint(), self.split])).hexdigest()[:16]

    @property
    def interval(self) -> Interval:
        """The 95 % interval that is to be expected of an error measured on these examples."""
        return expected_interval(self.expected, len(self.rows))

    @property
    def for_half_the_width(self) -> int:
        """How many examples an interval takes that is half as wide."""
        low, high = self.interval
        return examples_for_width((high - low) / 2, self.expected)

    def sentences(self) -> list[str]:
        """What is asked, and how sure the answer will be, in the reader's language."""
        low, high = self.interval
        plan = translate(
            "label.plan",
            num=len(self.rows),
            split=translate(f"split.{self.split}") if self.split in self.table.splits else self.split,
            error=self.expected,
            low=low,
            high=high,
            half=self.for_half_the_width,
        )
        return [plan] if len(self.rows) < self.num_in_split else [plan, translate("label.all")]

    def page(self) -> LabelPage:
        """The examples without their labels and names."""
        inputs = [column for column in self.table.inputs if column.kind is not Kind.PICTURE]
        values = [displayed(self.table, c.name, self.rows, max_length=_LONGEST_TEXT) for c in inputs]
        names = [""] if len(inputs) == 1 and inputs[0].kind is Kind.TEXT else [column.name for column in inputs]
        column = next((c.name for c in self.table.inputs if c.kind is Kind.PICTURE), None)
        data: Any = None if column is None else self.table.columns[column]
        return LabelPage(
            title=translate("label.page_title", data=self.table.name),
            lines=self.sentences(),
            key=self.key,
            rows=self.rows.tolist(),
            shown=[list(zip(names, row)) for row in zip(*values)] if values else [[]] * len(self.rows),
            classes=self.table.target().classes or (),
            picture=None if data is None else lambda place: data.take(self.rows[place : place + 1])[0],
        )

    def to_json(self) -> dict[str, Any]:
        low, high = self.interval
        return {
            "data": self.table.name,
            "split": self.split,
            "num_examples": len(self.rows),
            "expected_error": self.expected,
            "low": low,
            "high": high,
            "for_half_the_width": self.for_half_the_width,
        }

    def read_answers(self, *files: str | Path) -> HumanError:
        """The error of everybody who answered, from the files that the page saved.

        Args:
            files: of one reader or several each.

        Raises:
            DataError: a file cannot be read, or is of other examples.
            UsageError: nobody answered anything.
        """
        truths = _truths(self.table)
        classes = {printable(name): number for number, name in enumerate(self.table.target().classes or ())}
        classes.setdefault(UNKNOWN, CANNOT_TELL)
        asked = set(rows_to_measure(self.table, self.split).tolist())
        given: dict[str, dict[int, int]] = {}
        for file in map(Path, files):
            for number, line in read_handed_over(file, COLUMNS, what="answers"):
                where = f"The answers {file}, line {number}:"
                row = int(line["row"]) if line["row"].strip().isdecimal() else -1
                reader, said = line["reader"].strip(), line["answer"].strip()
                if line["set"].strip() != self.key or row not in asked:
                    raise DataError(
                        f"{where} an example of {self.what} ({self.split}) is required; got row {line['row']!r} of "
                        f"the set {line['set']!r}. They are of other data or of another split."
                    )
                if not reader or said not in classes:
                    raise DataError(
                        f"{where} a reader and one of {_shortly(classes)} are required; got reader={reader!r}, "
                        f"answer={said!r}."
                    )
                if given.setdefault(reader, {}).setdefault(row, classes[said]) != classes[said]:
                    raise DataError(f"{where} {reader!r} answered row {row} twice, and differently; keep one of both.")
        return human_error(given, truths, data=self.table.name, split=self.split)


def examples_to_label(
    what: Run | str | Path | Any,
    *,
    split: str | None = None,
    target: str | None = None,
    num: int | None = None,
    width: float | None = None,
    expect: float | None = None,
    seed: int = 0,
) -> LabelSet:
    """Draws the examples on which the error of people is measured.

    Args:
        what: a run, or whatever `derin.load` takes, with one class for each example.
        split: whose examples are asked; None takes validation.
        target: of data: the column with the classes.
        num: of examples; None takes 100, or what the width asks for.
        width: of the 95 % interval that is wanted: 0.05 is five percent points.
        expect: the error that is expected of people; None takes the network's own on that split, or 5 %.
        seed: of the draw; more examples of the same seed hold those of fewer.

    Raises:
        UsageError: the examples have no single class, or numbers contradict each other.
        DataError: the data cannot be read.

    Example:
        >>> drawn = examples_to_label("iris", num=20, expect=0.05)
        >>> len(drawn.rows), [round(bound, 2) for bound in drawn.interval]
        (20, [0.01, 0.24])
    """
    if num is not None and width is not None:
        raise UsageError("A number of examples (--num) or the width of the interval (--width) is asked for; not both.")
    run = what if isinstance(what, Run) else _run_at(what)
    chosen = split or "val"
    if run is None:
        table = load(what, target=target)
    else:
        if target is not None:
            raise UsageError(f"The run {run.path} knows its target; leave `target` out.")
        table = _data_of(run)
    columns = table.targets
    if len(columns) != 1 or columns[0].kind is not Kind.CATEGORY or not isinstance(table[columns[0].name], Dense):
        kinds = ", ".join(f"{column.name} ({column.kind.value})" for column in columns) or "none"
        raise UsageError(f"People are asked for one class of each example; the targets of {table.name!r} are: {kinds}.")
    if table.columns[columns[0].name].take(np.arange(0)).ndim != 1:
        raise UsageError(f"People are asked for one class of each example; {columns[0].name!r} holds several labels.")
    rows = rows_to_measure(table, chosen)
    expected = _expected(run, chosen) if expect is None else expect
    wanted = examples_for_width(width, expected) if width is not None else NUM if num is None else num
    if wanted < 1:
        raise UsageError(f"At least one example is required; got num={wanted}.")
    if not 0 <= expected <= 1:
        raise UsageError(f"The error that is expected (--expect) lies between 0 and 1; got {expected}.")
    return LabelSet(
        what=str(run.path if run is not None else what),
        run=None if run is None else run.path,
        table=table,
        split=chosen,
        rows=rows[permutation(seed, "label", 0, len(rows))[:wanted]],
        num_in_split=len(rows),
        expected=expected,
    )


def measured_human_error(run: Run | str | Path) -> HumanError | None:
    """What `LabelSet.read_answers` found and was saved beside a run; None where nothing was measured."""
    return read_human_error(run.path if isinstance(run, Run) else Path(run))


def _run_at(what: Any) -> Run | None:
    is_run = isinstance(what, str | Path) and (Path(what) / "run.json").is_file()
    return Run(what) if is_run else None


def _data_of(run: Run) -> Table:
    from derin.api.reading import read_as_trained

    model = run.model()
    source = (model.card.get("data") or {}).get("source")
    if source is None:
        raise UsageError(f"The run {run.path} does not say where its data lie; name the data in its place.")
    read = read_as_trained(model, source)
    if not read.is_own:
        raise UsageError(f"The data of run {run.path} has changed since it was trained; train it anew.")
    return read.table


def _expected(run: Run | None, split: str) -> float:
    """The network's error is the best guess of what people have trouble with."""
    accuracy = None if run is None else run.metrics.get(split, {}).get("accuracy")
    return 1 - accuracy if is_number(accuracy) and 0 <= accuracy <= 1 else _USUAL_ERROR


def _truths(table: Table) -> Rows:
    target = table[table.target().name]
    assert isinstance(target, Dense)
    return target.take(np.arange(len(table))).astype(np.int64)


def _shortly(classes: Sequence[str] | dict[str, int]) -> str:
    names = list(classes)
    return ", ".join(map(repr, names[:8])) + (", …" if len(names) > 8 else "")
