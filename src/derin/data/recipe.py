"""How data was read: what was asked for and what was found out, so that other data is read in the same way.

A reader finds out much by itself: which column is the target, in which order day and month stand, whether pictures are
gray. It does so once, on the data that a network is trained on. The recipe keeps it, the card of the model keeps the
recipe, and whoever evaluates, predicts or explains reads by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from derin.core.errors import RefusedFileError, UsageError
from derin.core.printable import shortly

Progress = Callable[[int, int], None]

# Fields that cards and runs have always known by another name.
_SAVED_AS = {"reader_options": "reading"}


@dataclass(frozen=True, kw_only=True)
class ReadingRecipe:
    """How data is read.

    Args:
        target: name of the column or array to be predicted; None finds it.
        size: height and width at which pictures are read.
        channels: 1 or 3; None keeps what pictures are.
        weight_column: name of the column that says how much each example counts.
        group_column: name of the column whose equal values stay in one split.
        time_column: name of the column in whose order rows are cut into splits.
        ignore: names of columns that are no inputs.
        target_kind: ``"category"`` or ``"number"``; None finds it out.
        kinds: the kind of each column for which finding out is not wanted.
        date_order: in which order day, month and year stand; None finds it out for each column.
        missing: the words that mean "no value"; None takes the usual ones.
        hold_out: classes of the test split where whole classes are held out, or patterns of them; ``("none",)`` holds
            none out.
        task: what the data is read for, where its form does not tell.
        reader_options: settings of the reader of that task.
        dev_from: the rows from which validation and test are cut; None cuts from all.
        training_dev: share of the training rows that is held out as the split ``traindev``.
        train_on_dev: share of the validation rows that trains.
        seed: of the cut into splits.
        found: what readers found out, as JSON, by subject; each reader documents its own part. A reader that is given
            it follows it and finds out nothing of that anew.
    """

    target: str | None = None
    size: int | None = None
    channels: int | None = None
    weight_column: str | None = None
    group_column: str | None = None
    time_column: str | None = None
    ignore: tuple[str, ...] = ()
    target_kind: Any = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    date_order: str | None = None
    missing: tuple[str, ...] | None = None
    hold_out: tuple[str, ...] = ()
    task: str | None = None
    reader_options: Mapping[str, Any] = field(default_factory=dict)
    dev_from: str | None = None
    training_dev: float | None = None
    train_on_dev: float | None = None
    seed: int = 0
    found: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What a card keeps; settings that say nothing are left out."""
        whole = {_SAVED_AS.get(part.name, part.name): getattr(self, part.name) for part in fields(ReadingRecipe)}
        return {
            name: list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
            for name, value in whole.items()
            if value not in (None, (), {}) or (name == "missing" and value is not None)
        }

    @classmethod
    def from_json(cls, data: Any) -> ReadingRecipe:
        """The recipe that `to_json` described.

        Raises:
            RefusedFileError: a field is unknown or of the wrong type.
        """
        where = "The card's reading recipe is damaged"
        if not isinstance(data, Mapping):
            raise RefusedFileError(f"{where}: it must be an object; got {type(data).__name__}.")
        forms: dict[str, type | tuple[type, ...]] = {
            "size": int,
            "channels": int,
            "seed": int,
            "training_dev": (int, float),
            "train_on_dev": (int, float),
            "ignore": list,
            "missing": list,
            "hold_out": list,
            "kinds": Mapping,
            "reading": Mapping,
            "found": Mapping,
        }
        known = {_SAVED_AS.get(part.name, part.name): part.name for part in fields(ReadingRecipe)}
        settings: dict[str, Any] = {}
        for name, value in data.items():
            if name not in known:
                raise RefusedFileError(f"{where}: it has a field {str(name)[:40]!r} that no recipe has.")
            if not isinstance(value, forms.get(name, str)) or isinstance(value, bool):
                raise RefusedFileError(f"{where}: {name!r} cannot be {str(value)[:40]!r}.")
            if isinstance(value, list) and not all(isinstance(item, str) for item in value):
                raise RefusedFileError(f"{where}: {name!r} must be a list of names.")
            settings[known[name]] = tuple(value) if isinstance(value, list) else value
        return cls(**settings)

    def part(self, subject: str) -> dict[str, Any]:
        """What was found out about a subject; empty where nothing is known yet.

        Raises:
            RefusedFileError: the card holds something else there.
        """
        found = self.found.get(subject, {})
        if not isinstance(found, Mapping):
            raise RefusedFileError(f"The card's reading recipe is damaged: {subject!r} must be an object.")
        return dict(found)


@dataclass(frozen=True, kw_only=True)
class ReadOptions(ReadingRecipe):
    """A recipe, and what matters at this moment only.

    Args:
        progress: called with (done, total) while much is read.
        inputs_only: whether rows are read to be predicted: answers may be missing, and every row stays, in its order.
    """

    progress: Progress | None = None
    inputs_only: bool = False

    def recipe(self, found: Mapping[str, Any]) -> ReadingRecipe:
        """The recipe of a table that was read so, with what its reader found out."""
        asked = {part.name: getattr(self, part.name) for part in fields(ReadingRecipe)}
        return ReadingRecipe(**{**asked, "found": {**self.found, **found}})

    def __post_init__(self) -> None:
        for name in ("target", "weight_column", "task"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise UsageError(f"load: {name} must be text; got {shortly(value)}.")
