"""The mistakes of a network on data with known answers, and what they have in common."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from derin.api.evaluation import known_rows
from derin.api.examples import examples_for
from derin.api.handed_over import read_handed_over
from derin.core.errors import DataError, MissingExtraError, UsageError
from derin.core.files import path_atomically, write_bytes
from derin.core.messages import Message, localize, translate
from derin.core.printable import printable, spreadsheet_text
from derin.core.strict_json import dump_json
from derin.data.display import displayed
from derin.data.duplicates import first_equal_rows
from derin.data.near_duplicates import NearCopy
from derin.data.near_duplicates import near_copies as find_near_copies
from derin.data.schema import Kind, Role
from derin.data.sheet import row_pictures
from derin.data.table import SPLITS, Dense, Rows, Table
from derin.report.errors_page import ErrorsPage, PageRow, PageTag
from derin.strategy.drift import LEVEL, Drift, drift_between
from derin.strategy.error_tags import TagCeiling, corrected_error, eyeball_rows, input_tags, rank_tags
from derin.strategy.near_copies import near_copy_sentences
from derin.strategy.time_leak import TimeLeak, time_leak
from derin.tasks.class_task import ClassTask
from derin.tasks.informative import in_words
from derin.tasks.metrics.intervals import Interval, wilson
from derin.tasks.regression import Regression
from derin.train.evaluation import predict_batches

if TYPE_CHECKING:
    from derin.api.model import Model

# What is kept of an example that is no picture: letters of a text or value, and columns of a row.
_LONGEST_TEXT, _LONGEST_VALUE, _MOST_COLUMNS = 1_000, 60, 12
# Tags of a person's own stand in one cell.
_BETWEEN_TAGS = "; "
_LISTED_PAIRS = 100  # of examples that are nearly the same, in the JSON document
_COLUMNS = (
    "row", "name", "true", "predicted", "probability", "loss", "tags", "own_tags", "label_wrong", "shown",
)  # fmt: skip
_ON_THE_PAGE = ("row", "name", "true", "predicted", "probability", "loss", "shown", "own_tags", "label_wrong")
_YES = ("1", "true", "yes", "evet", "x")


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One example that was answered wrongly.

    Args:
        row: its number in the table.
        name: its file or line; else the number.
        true: the label.
        predicted: the answer.
        probability: of the answer; NaN where there is none.
        loss: the larger, the worse.
        tags: found by themselves.
        own_tags: that a person gave.
        label_wrong: whether a person found the label to be wrong.
        shown: what the network was shown, in words; empty for pictures.
    """

    row: int
    name: str
    true: str
    predicted: str
    probability: float
    loss: float
    tags: tuple[str, ...]
    own_tags: tuple[str, ...] = ()
    label_wrong: bool = False
    shown: str = ""

    def cells(self) -> dict[str, Any]:
        """Its row of the table of mistakes."""
        written = {
            "probability": None if np.isnan(self.probability) else self.probability,
            "tags": _BETWEEN_TAGS.join(self.tags),
            "own_tags": _BETWEEN_TAGS.join(self.own_tags),
            "label_wrong": int(self.label_wrong),
        }
        return {name: written[name] if name in written else getattr(self, name) for name in _COLUMNS}


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some of the measured examples, and how many of them were answered wrongly."""

    num_examples: int
    num_mistakes: int

    @property
    def error(self) -> float:
        """Share of wrong answers."""
        return self.num_mistakes / self.num_examples

    @property
    def interval(self) -> Interval:
        """Of the error, 95 %, Wilson's."""
        return wilson(self.num_mistakes, self.num_examples)

    def to_json(self) -> dict[str, Any]:
        low, high = self.interval
        return {
            "num_examples": self.num_examples,
            "num_mistakes": self.num_mistakes,
            "error": self.error,
            "low": low,
            "high": high,
        }


@dataclass(frozen=True, kw_only=True)
class ErrorAnalysis:
    """What went wrong, example by example and tag by tag.

    Args:
        run: the run or bundle.
        key: of this network on these data, by which a browser keeps the tags of its page.
        data: name of the data.
        split: that was measured.
        measured: all its examples.
        eyeball: the examples whose mistakes are shown.
        blackbox: those that are measured only; None where all are shown.
        mistakes: of the eyeball part, by their loss, the highest first.
        carrying: how many examples of the eyeball part carry each tag that is found by itself.
        copies: examples whose inputs the network was trained on, and the mistakes among them; None where that cannot
            be told.
        shared: for each two splits how many examples of the second are copies of one of the first, where there are any.
        near_copies: pairs of examples that are nearly and not exactly the same, those of two splits first; see
            `derin.data.near_duplicates`.
        drift: how the measured examples differ from those of training; None where these are not at hand, or too few.
        drift_of_test: how test differs from validation, which chose for it; None where one of both is not at hand, or
            too small.
        time_leaks: by columns of dates, whether the measured examples lie between those of training, and answer as
            their neighbors do.
        table: the data.
        rows: of the eyeball part.
        notes: sentences without which the figures would mislead.
    """

    run: str
    key: str
    data: str
    split: str
    measured: Part
    eyeball: Part
    blackbox: Part | None
    mistakes: Sequence[Mistake]
    carrying: Mapping[str, int]
    copies: Part | None
    shared: Mapping[str, int]
    near_copies: Sequence[NearCopy]
    drift: Drift | None
    drift_of_test: Drift | None
    time_leaks: Mapping[str, TimeLeak]
    table: Table = field(repr=False)
    rows: Rows = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def tags(self) -> list[TagCeiling]:
        """All tags of the mistakes, by what mending each could bring at most."""
        counts = Counter(tag for mistake in self.mistakes for tag in dict.fromkeys((*mistake.tags, *mistake.own_tags)))
        return rank_tags(
            {tag: (n, self.carrying[tag]) if tag in self.carrying else n for tag, n in counts.items()},
            num_mistakes=self.eyeball.num_mistakes,
            num_examples=self.eyeball.num_examples,
        )

    @property
    def wrong_labels(self) -> int:
        """Mistakes whose label a person found to be wrong."""
        return sum(mistake.label_wrong for mistake in self.mistakes)

    @property
    def corrected(self) -> float:
        """The error without those; see `derin.strategy.error_tags.corrected_error`."""
        return corrected_error(self.eyeball.num_mistakes, self.wrong_labels, self.eyeball.num_examples)

    @property
    def without_copies(self) -> Part | None:
        """The measured examples without the copies; None where there are none, or nothing else."""
        if self.copies is None or self.copies.num_examples == self.measured.num_examples:
            return None
        return Part(
            num_examples=self.measured.num_examples - self.copies.num_examples,
            num_mistakes=self.measured.num_mistakes - self.copies.num_mistakes,
        )

    def with_tags(self, path: str | Path) -> ErrorAnalysis:
        """The same with the tags of a person, as the page exports them.

        Args:
            path: a CSV file with the columns ``row``, ``own_tags`` (with semicolons between them) and ``label_wrong``.

        Raises:
            DataError: the file cannot be read, or is of other mistakes.
        """
        given = _read_tags(
            Path(path), {mistake.row: mistake for mistake in self.mistakes}, f"{self.run} ({self.split})"
        )
        return replace(
            self,
            mistakes=[
                replace(each, own_tags=given[each.row][0], label_wrong=given[each.row][1])
                if each.row in given
                else each
                for each in self.mistakes
            ],
        )

    def with_suspected_labels(self, suspected: frozenset[int]) -> ErrorAnalysis:
        """The same with a tag for labels that are probably wrong.

        Args:
            suspected: rows of the table, as `derin.api.label_errors.find_wrong_labels` finds them.
        """
        tag = Message("errors.tag_label")
        return replace(
            self,
            carrying={**self.carrying, tag: len(suspected & set(self.rows.tolist()))},
            mistakes=[replace(m, tags=(tag, *m.tags)) if m.row in suspected else m for m in self.mistakes],
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "data": self.data,
            "split": self.split,
            "measured": self.measured.to_json(),
            "eyeball": self.eyeball.to_json(),
            "blackbox": None if self.blackbox is None else self.blackbox.to_json(),
            "tags": [tag.to_json() for tag in self.tags],
            "wrong_labels": {"mistakes": self.wrong_labels, "corrected_error": self.corrected},
            "copies": None if self.copies is None else self.copies.to_json(),
            "without_copies": None if self.without_copies is None else self.without_copies.to_json(),
            "shared": dict(self.shared),
            "near_copies": {
                "num": len(self.near_copies),
                "listed": [pair.to_json() for pair in self.near_copies[:_LISTED_PAIRS]],
            },
            "drift": None if self.drift is None else self.drift.to_json(),
            "drift_of_test": None if self.drift_of_test is None else self.drift_of_test.to_json(),
            "time_leaks": {column: leak.to_json() for column, leak in self.time_leaks.items()},
            "notes": list(self.notes),
        }

    def page(self, *, pictures: bool = True) -> ErrorsPage:
        """The mistakes as a page to look at, filter and tag.

        Args:
            pictures: whether small copies of the pictures are in it.
        """
        tags = {tag: place for place, tag in enumerate(dict.fromkeys(t for m in self.mistakes for t in m.tags))}
        pictured = pictures and bool({c.kind for c in self.table.inputs} & {Kind.PICTURE, Kind.SOUND})
        given = [[m.row, m.own_tags, m.label_wrong] for m in self.mistakes if m.own_tags or m.label_wrong]
        return ErrorsPage(
            title=translate("errors.page_title", run=Path(self.run).parent.name or self.run),
            lines=self.sentences(),
            # A page that brings tags along starts with them, whatever the browser kept of another.
            key=self.key if not given else hashlib.sha256(dump_json([self.key, given])).hexdigest()[:20],
            columns=_COLUMNS,
            rows=[
                PageRow(
                    **{name: getattr(m, name) for name in _ON_THE_PAGE},
                    tags=[tags[tag] for tag in m.tags],
                )
                for m in self.mistakes
            ],
            tags=[
                PageTag(name=tag, carrying=self.carrying.get(tag), is_pair=not isinstance(tag, Message)) for tag in tags
            ],
            num_examples=self.eyeball.num_examples,
            pictures=(lambda place: row_pictures(self.table, [self.mistakes[place].row])[0]) if pictured else None,
        )

    def sentences(self) -> list[str]:
        """What was measured and what would mislead, in the reader's language."""
        low, high = self.measured.interval
        said = [
            translate(
                "errors.measured",
                num=self.measured.num_mistakes,
                examples=self.measured.num_examples,
                split=translate(f"split.{self.split}"),
                error=self.measured.error,
                low=low,
                high=high,
            )
        ]
        if self.blackbox is not None:
            numbers = {
                f"{name}_{key}": value
                for name, some in (("eyeball", self.eyeball), ("blackbox", self.blackbox))
                for key, value in (("num", some.num_mistakes), ("examples", some.num_examples), ("error", some.error))
            }
            said.append(translate("errors.parts", **numbers))
        if self.copies is not None:
            said.append(translate("errors.copies", count=self.copies.num_examples, mistakes=self.copies.num_mistakes))
        if (others := self.without_copies) is not None:
            bounds = dict(zip(("low", "high"), others.interval))
            words = {"error": others.error, "with_copies": self.measured.error, **bounds}
            side = "smaller" if others.error > self.measured.error else "larger"
            side = side if others.error != self.measured.error else "same"
            said.append(translate(f"errors.without_copies_{side}", **words))
        for pair, num in self.shared.items():
            first, second = (translate(f"split.{split}") for split in pair.split("/"))
            said.append(translate("errors.shared", count=num, first=first, second=second))
        said += near_copy_sentences(self.near_copies)
        for column, leak in self.time_leaks.items():
            if leak.is_found:
                said.append(translate("errors.time_leak", column=column, between=leak.between, p=leak.p_value))
        for key, drift in (("errors.drift", self.drift), ("errors.drift_of_test", self.drift_of_test)):
            if drift is not None and drift.is_found:
                names = [localize(feature.name) for feature in drift.features if feature.adjusted <= LEVEL]
                features = ", ".join(names) or translate("errors.no_single_feature")
                said.append(translate(key, auc=drift.auc, p=drift.p_value, features=features))
        if self.wrong_labels:
            said.append(
                translate(
                    "errors.corrected", count=self.wrong_labels, error=self.eyeball.error, corrected=self.corrected
                )
            )
        return [*said, *map(localize, self.notes)]

    def save(self, folder: str | Path, *, parquet: bool = False, pictures: bool = True) -> dict[str, str]:
        """Writes ``mistakes.csv`` and ``errors.html`` into a folder, and ``mistakes.parquet`` where asked for.

        Args:
            folder: is made where it does not exist.
            parquet: whether the table is written as Parquet too.
            pictures: whether the page holds small copies of the pictures.

        Returns:
            the path of each file by its kind.

        Raises:
            StorageError: a file cannot be written.
            MissingExtraError: Parquet was asked for and is not installed.
        """
        folder = Path(folder)
        rows = [mistake.cells() for mistake in self.mistakes]
        paths = {"csv": folder / "mistakes.csv"}
        if parquet:
            paths["parquet"] = folder / "mistakes.parquet"
            _write_parquet(paths["parquet"], rows)
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(paths["csv"], spreadsheet_text(_COLUMNS, rows).encode("utf-8"))
        paths["page"] = folder / "errors.html"
        self.page(pictures=pictures).save(paths["page"])
        return {kind: str(path) for kind, path in paths.items()}


def find_errors(
    model: Model,
    data: Any = None,
    *,
    split: str | None = None,
    target: str | None = None,
    tolerance: float | None = None,
    eyeball: int | None = None,
    near_copies: bool = True,
    seed: int = 0,
) -> ErrorAnalysis:
    """The mistakes of a network, with the tags that are found by themselves.

    Args:
        model: gives one class, several labels, or one number.
        data: whatever `derin.load` takes; None takes the data of the training.
        split: of the data; None takes validation of the training's own data, since what is mended by looking at it
            measures nothing any more, and of other data what `derin.api.examples.examples_for` takes.
        target: the column with the answers, where it has another name than in training.
        tolerance: of numbers: an answer that is further off, in the target's unit, is a mistake.
        eyeball: look at about so many mistakes and leave the others unseen; None shows all.
        near_copies: whether examples that are nearly the same are looked for, in all splits of the training's own data;
            of 70,000 pictures that takes about a minute of a processor.
        seed: of that draw, and of the sample that says what is ordinary.

    Raises:
        UsageError: the network gives other answers, or the tolerance is missing or needless.
        DataError: the data cannot be read, or lack the answers.
    """
    is_wrong = _judge(model, tolerance)
    source = (model.card.get("data") or {}).get("source") if data is None else data
    if source is None:
        raise UsageError(f"The model {model.path} does not say where its data lie; name the data.")
    examples = examples_for(model, source, split="val" if data is None and split is None else split, target=target)
    table, task = examples.table, model.task
    rows, losses, wrong, answers = [], [], [], {}
    for outputs, batch in predict_batches(model.network, task, examples.source):
        targets = batch[task.target]
        loss = task.example_losses(outputs, targets).double().cpu().numpy()
        missed = is_wrong(outputs, targets).cpu()
        of_batch = batch.rows.numpy()
        # Words are made of the mistakes alone, which are few.
        places = missed.nonzero()[:, 0].to(targets.device)
        decoded = task.decode({name: values[places] for name, values in outputs.items()})
        for row, true, answer in zip(of_batch[missed.numpy()].tolist(), task.truths(targets[places]), decoded):
            answers[row] = (true, *in_words(answer))
        rows.append(of_batch)
        losses.append(loss)
        wrong.append(missed.numpy())
    measured, loss, missed = (np.concatenate(part) for part in (rows, losses, wrong))
    shown = np.ones(len(measured), dtype=bool)
    if eyeball is not None:
        shown = eyeball_rows(measured, int(missed.sum()), eyeball, seed=seed)
    looked_at = measured[shown]
    has_training = examples.is_own and "train" in table.splits and examples.split != "train"
    trained = table.splits["train"] if has_training else np.zeros(0, dtype=np.int64)
    reference = table.splits["train"] if examples.is_own and "train" in table.splits else looked_at
    found = dict(input_tags(table, looked_at, reference, seed=seed))
    known, copies = known_rows(model, table), None
    if known is not None and examples.split != "train":
        copied = known[measured]
        if copied.any():
            copies = Part(num_examples=int(copied.sum()), num_mistakes=int((copied & missed).sum()))
            found[Message("errors.tag_copy")] = known[looked_at]
    near = find_near_copies(table, first_equal_rows(table)) if examples.is_own and near_copies else []
    if near and examples.split != "train":
        leaked = [pair.rows[1] for pair in near if pair.splits == ("train", examples.split)]
        found[Message("errors.tag_near_copy")] = np.isin(looked_at, leaked)
    chosen = np.flatnonzero(missed[shown])
    chosen = chosen[np.argsort(-loss[shown][chosen], kind="stable")]
    names = table.row_names
    words = shown_inputs(table, looked_at[chosen])
    mistakes = []
    for place, text in zip(chosen.tolist(), words, strict=True):
        row = int(looked_at[place])
        true, predicted, probability = answers[row]
        pair = () if isinstance(task, Regression) else (f"{true} → {predicted}",)
        mistakes.append(
            Mistake(
                row=row,
                name=str(row) if names is None else str(names[row]),
                true=true,
                predicted=predicted,
                probability=probability,
                loss=float(loss[shown][place]),
                tags=(*(tag for tag, mask in found.items() if mask[place]), *pair),
                shown=text,
            )
        )
    return ErrorAnalysis(
        run=str(model.path),
        key=_key(model, table, examples.split),
        data=table.name,
        split=examples.split,
        measured=_part(missed),
        eyeball=_part(missed[shown]),
        blackbox=None if shown.all() else _part(missed[~shown]),
        mistakes=mistakes,
        carrying={tag: int(mask.sum()) for tag, mask in found.items()},
        copies=copies,
        shared=_shared(table) if examples.is_own else {},
        near_copies=near,
        drift=drift_between(table, trained, measured, seed=seed) if len(trained) else None,
        drift_of_test=_drift_of_test(table, seed) if examples.is_own else None,
        time_leaks=_time_leaks(table, trained, measured, seed) if len(trained) else {},
        table=table,
        rows=looked_at,
        notes=() if reference is not looked_at else (Message("errors.reference_of_its_own"),),
    )


def _shared(table: Table) -> dict[str, int]:
    """How many examples of one split are copies of examples of another."""
    first = first_equal_rows(table)
    pairs = itertools.combinations([split for split in SPLITS if split in table.splits], 2)
    found = {f"{a}/{b}": int(np.isin(first[table.splits[b]], first[table.splits[a]]).sum()) for a, b in pairs}
    return {pair: num for pair, num in found.items() if num}


def _drift_of_test(table: Table, seed: int) -> Drift | None:
    parts = [table.splits.get(split) for split in ("val", "test")]
    return None if parts[0] is None or parts[1] is None else drift_between(table, parts[0], parts[1], seed=seed)


def _time_leaks(table: Table, trained: Rows, measured: Rows, seed: int) -> dict[str, TimeLeak]:
    """Of each column of dates, where the target is one class or number."""
    found = {}
    target = table.columns[table.target().name] if len(table.targets) == 1 else None
    if not isinstance(target, Dense) or target.values.ndim != 1:
        return {}
    for column in table.schema:
        dates = table.columns[column.name]
        if column.kind is Kind.DATE and isinstance(dates, Dense) and column.role is not Role.TARGET:
            sides = [part.take(rows) for rows in (trained, measured) for part in (dates, target)]
            leak = time_leak(*sides, seed=seed)
            if leak is not None:
                found[column.name] = leak
    return found


def _part(missed: np.ndarray) -> Part:
    return Part(num_examples=len(missed), num_mistakes=int(missed.sum()))


def _judge(model: Model, tolerance: float | None) -> Any:
    """Which of a batch's answers are mistakes."""
    task = model.task
    if isinstance(task, ClassTask):
        if tolerance is not None:
            raise UsageError(f"tolerance is of numbers; the task {task.name!r} gives classes. Leave it out.")
        return lambda outputs, targets: ~task.certainty(outputs, targets)[2]
    if not (isinstance(task, Regression) and task.has_single_answer):
        raise UsageError(
            f"A network that gives one class, several labels or one number is required; the task of {model.path} is "
            f"{task.name!r}."
        )
    if tolerance is None or not tolerance > 0:
        raise UsageError(
            f"Of numbers a mistake is an answer that is too far off: tolerance (--tolerance) above 0 is required, in "
            f"the unit of {task.columns[0]!r}; got {tolerance}."
        )
    allowed = torch.tensor(tolerance / task.std[0])
    return lambda outputs, targets: (outputs["standardized"] - targets).abs() > allowed.to(targets.device)


def shown_inputs(table: Table, rows: Rows) -> list[str]:
    """What the network was shown of some rows, in words; empty where it was pictures alone."""
    columns = [column.name for column in table.inputs if column.kind not in (Kind.PICTURE, Kind.SOUND)]
    if len(columns) == 1:
        return displayed(table, columns[0], rows, max_length=_LONGEST_TEXT)
    values = [displayed(table, name, rows, max_length=_LONGEST_VALUE) for name in columns[:_MOST_COLUMNS]]
    if not values:
        return [""] * len(rows)
    more = " · …" if len(columns) > _MOST_COLUMNS else ""
    return [" · ".join(f"{name}: {value or '–'}" for name, value in zip(columns, row)) + more for row in zip(*values)]


def _key(model: Model, table: Table, split: str) -> str:
    """The same for the same network, data and split, wherever they lie."""
    about = dump_json([model.card, table.fingerprint(), split])
    return hashlib.sha256(about).hexdigest()[:20]


def _read_tags(path: Path, mistakes: Mapping[int, Mistake], of: str) -> dict[int, tuple[tuple[str, ...], bool]]:
    """What a person said of mistakes, by their rows."""
    found: dict[int, tuple[tuple[str, ...], bool]] = {}
    for number, line in read_handed_over(path, ("row", "own_tags", "label_wrong"), what="tags"):
        text = line["row"].strip()
        mistake = mistakes.get(int(text)) if text.isdecimal() else None
        name = "" if mistake is None else printable(mistake.name)
        if mistake is None or line.get("name", name) not in ("", name):
            raise DataError(
                f"The tags {path}, line {number}: a mistake of {of} is required; got row {text!r}. They are of "
                "another run, split or eyeball set."
            )
        own = (tag.strip() for tag in line["own_tags"].split(_BETWEEN_TAGS.strip()))
        found[mistake.row] = (
            tuple(dict.fromkeys(tag for tag in own if tag)),
            line["label_wrong"].strip().lower() in _YES,
        )
    return found


def _write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "tables", "Writing a Parquet file") from None
    kinds = {"row": pyarrow.int64(), "probability": pyarrow.float64(), "loss": pyarrow.float64()}
    kinds["label_wrong"] = pyarrow.int8()
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in _COLUMNS])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path_atomically(path) as place:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows), schema=schema), place)
