"""What reading a table found out, as the recipe keeps it under ``"table"``: the file's form and the meaning of each
column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from derin.core.errors import RefusedFileError
from derin.data.cells.writing import Writing
from derin.data.schema import Kind, Role
from derin.readers.cell_labels import MARKS, SPACE

SUBJECT = "table"
_KINDS = (Kind.NUMBER, Kind.CATEGORY, Kind.DATE, Kind.TEXT)
# What several targets make together.
LABELS, NUMBERS = "labels", "numbers"


@dataclass(frozen=True, kw_only=True)
class ColumnRecipe:
    """The meaning of one column.

    Args:
        kind: of its values.
        role: what it is for.
        writing: how its cells are written.
        from_numbers: whether its classes are numbers as they are read, so that 3.0 is the class 3.
        classes: of a target, in their order.
        between: what stands between several labels in a cell of a target; empty where each holds one.
    """

    kind: Kind
    role: Role
    writing: Writing = field(default_factory=Writing)
    from_numbers: bool = False
    classes: tuple[str, ...] | None = None
    between: str = ""

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": self.kind.value, "role": self.role.value}
        if written := self.writing.to_json():
            found["writing"] = written
        if self.from_numbers:
            found["from_numbers"] = True
        if self.classes is not None:
            found["classes"] = list(self.classes)
        if self.between:
            found["between"] = self.between
        return found


@dataclass(frozen=True, kw_only=True)
class TableRecipe:
    """How a table was read.

    Args:
        columns: their meaning, by name, in the order of the file.
        targets: the columns that are predicted.
        together: what several targets make: ``"labels"`` or ``"numbers"``; empty for one or none.
        split: the column that names the split of each row, or none.
        delimiter: between the cells of the file.
        header: whether its first line holds the names.
        encoding: of its text.
        sheet: of a workbook, where one was named.
    """

    columns: Mapping[str, ColumnRecipe]
    targets: tuple[str, ...] = ()
    together: str = ""
    split: str = ""
    delimiter: str = ","
    header: bool = True
    encoding: str = "utf-8"
    sheet: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": {name: column.to_json() for name, column in self.columns.items()},
            "targets": list(self.targets),
            "together": self.together,
            "split": self.split,
            "delimiter": self.delimiter,
            "header": self.header,
            "encoding": self.encoding,
            "sheet": self.sheet,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableRecipe:
        """The recipe that `to_json` described.

        Raises:
            RefusedFileError: something in it cannot be.
        """
        forms = {"columns": Mapping, "targets": list, "header": bool}
        forms |= dict.fromkeys(("together", "split", "delimiter", "encoding", "sheet"), str)
        for name, form in forms.items():
            if not isinstance(data.get(name), form):
                raise _damaged(name, data.get(name))
        if set(data) != set(forms):
            raise _damaged("fields", sorted(data))
        columns = {str(name): _column(str(name), column) for name, column in data["columns"].items()}
        if not all(isinstance(name, str) and name in columns for name in data["targets"]):
            raise _damaged("targets", data["targets"])
        if data["together"] not in ("", LABELS, NUMBERS) or len(data["delimiter"]) != 1:
            raise _damaged("together or delimiter", (data["together"], data["delimiter"]))
        settings = {name: data[name] for name in ("together", "split", "delimiter", "header", "encoding", "sheet")}
        return cls(columns=columns, targets=tuple(data["targets"]), **settings)


def _column(name: str, data: Any) -> ColumnRecipe:
    known = {"kind", "role", "writing", "from_numbers", "classes", "between"}
    if not isinstance(data, Mapping) or not {"kind", "role"} <= set(data) <= known:
        raise _damaged(name, data)
    if data["kind"] not in tuple(_KINDS) or data["role"] not in tuple(Role):
        raise _damaged(name, data)
    classes = data.get("classes")
    if classes is not None and not (isinstance(classes, list) and all(isinstance(c, str) for c in classes)):
        raise _damaged(name, classes)
    if not isinstance(data.get("from_numbers", False), bool) or data.get("between", "") not in ("", SPACE, *MARKS):
        raise _damaged(name, data)
    return ColumnRecipe(
        kind=Kind(data["kind"]),
        role=Role(data["role"]),
        writing=Writing.from_json(data.get("writing", {})),
        from_numbers=data.get("from_numbers", False),
        classes=None if classes is None else tuple(classes),
        between=data.get("between", ""),
    )


def _damaged(name: str, came: Any) -> RefusedFileError:
    return RefusedFileError(f"The card's recipe of a table is damaged: {name[:40]!r} cannot be {str(came)[:60]!r}.")
