"""A run's folder: what was asked and found, the log, the best model, and the state to go on from.

::

    run.json      what was asked, on what, with what result; written when the plan is chosen and when something ends
    log.jsonl     one line per epoch: the truth about the curves
    model/        the best model so far, a bundle
    state/        the two last states, so that one is always whole
    report.html
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import UsageError
from derin.core.fields import ANY, MapOf, Maybe, OneOf, Required, checked_form
from derin.core.files import (
    fault_point,
    open_atomically,
    open_plain,
    read_json,
    recover_folder,
    remove_leftovers,
    storage_errors,
    usable_path,
    write_json,
)
from derin.core.formats import checked_format
from derin.core.lock import FolderLock
from derin.core.states import SavedStates
from derin.core.strict_json import dump_json, parse_json

if TYPE_CHECKING:
    from torch import Tensor

RUN_FORMAT = 1
_RECORD_NAME = "run.json"
_MAX_LOG_BYTES = 1 << 30
_NUMBERS = MapOf(Maybe(float))
# What readers of a record rely on; what a task found, and how a network is described, is checked by those who know.
_RECORD_FORM = {
    "name": str,
    "started": str,
    "finished": bool,
    "command": Maybe(str),
    "request": {"data": Maybe(str), "options": Required(MapOf(ANY)), "calibrate": bool},
    "model": {
        "name": Maybe(str),
        "spec": {"name": Maybe(str), "class": str},
        "parameters": int,
        "multiply_adds": Maybe(int),
        "layers": [{"name": str, "kind": str, "output_shape": [int], "parameters": int, "multiply_adds": Maybe(int)}],
    },
    "task": {"name": Required(str), "headline": Required(Maybe(str)), "maximize": bool, "columns": [str]},
    "data": {
        "name": str,
        "source": Maybe(str),
        "fingerprint": str,
        "splits": MapOf(int),
        "reading": Maybe({"counts": MapOf(MapOf(int)), "notes": [str]}),
    },
    "config": MapOf(OneOf((str, bool, float))),
    "preparation": {"kind": str},
    "augmentation": Maybe(str),
    "environment": MapOf(ANY),
    "plan": {"chosen": MapOf(OneOf((str, bool))), "table": [{}]},
    "finetune": {},
    "epochs": int,
    "steps": int,
    "seconds": float,
    "stopped": str,
    "best_epoch": Maybe(int),
    "metrics": MapOf(_NUMBERS),
    "details": MapOf(MapOf(ANY)),
    "intervals": MapOf(ANY),
    "num_examples": MapOf(int),
    "findings": ANY,  # of many forms; each section of the report takes what it knows
}
_LINE_FORM = {
    "epoch": int,
    "step": int,
    "examples": int,
    "learning_rate": Maybe(float),
    "seconds": float,
    "train_seconds": float,
    "running": _NUMBERS,
    "train": _NUMBERS,
    "val": _NUMBERS,
    "best": bool,
}


class RunFolder:
    """A run's folder, made by `create` or found by `open`.

    Attributes:
        path: the folder.
        model_path: the best model so far, a bundle.
        state_path: the folder of saved states.
        report_path: the report.
        log_path: the log, one JSON object per line.

    Example:
        >>> import tempfile
        >>> run = RunFolder.create(None, name="digits", root=Path(tempfile.mkdtemp()))
        >>> with run.lock():
        ...     run.write_record({"finished": False})
        ...     run.log({"epoch": 1, "loss": 0.5})
        >>> run.path.name, run.record()["finished"], run.log_lines()
        ('digits-1', False, [{'epoch': 1, 'loss': 0.5}])
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.model_path = self.path / "model"
        self.state_path = self.path / "state"
        self.report_path = self.path / "report.html"
        self.log_path = self.path / "log.jsonl"
        self._is_new = False
        self._states = SavedStates(self.state_path)

    @classmethod
    def create(cls, path: Path | None, *, name: str, root: Path = Path("runs")) -> RunFolder:
        """A folder for a new run.

        Args:
            path: the folder, new or empty; None takes ``root/name-1``, ``-2`` … after the highest number there.
            name: what the run is about.
            root: where runs without a path lie.

        Raises:
            UsageError: there is a run at ``path`` already, or other files.
            StorageError: the folder cannot be made.
        """
        run = cls(next_free(Path(root), name) if path is None else usable_path(path, "The run"))
        with storage_errors(f"The run {run.path}"):
            run._is_new = path is None or not run.path.exists()
            run.path.mkdir(parents=True, exist_ok=True)
            run.check_is_free()
        return run

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """The run at a path.

        Raises:
            UsageError: there is none.
        """
        run = cls(usable_path(path, "The run"))
        if not run.has_record():
            raise UsageError(
                f"There is no run at {path}; name a folder that `derin train` has written (it has run.json)."
            )
        recover_folder(run.model_path)
        return run

    def check_is_free(self) -> None:
        """That a new run may begin here; where others may begin one too, it is known only under the lock.

        Raises:
            UsageError: there is a run already, or other files.
        """
        if self.has_record():
            raise UsageError(
                f"There is a run at {self.path} already; go on with it by --resume, or choose another --out."
            )
        if not self._is_empty():
            raise UsageError(
                f"The folder {self.path} holds files that are no run; choose a new or empty folder for --out."
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the run for this process alone and removes what a killed process left half-written.

        A folder that `create` made and that nothing was written to, as when a run never began, is removed again at the
        end, still under the lock: it may by then be the folder of another process that waited for it.

        Raises:
            BusyError: another process works on the run.
        """
        with FolderLock(self.path):
            recover_folder(self.model_path)
            remove_leftovers(self.path)
            remove_leftovers(self.state_path)
            try:
                yield
            finally:
                if self._is_new and self.path.is_dir() and self._is_empty():
                    shutil.rmtree(self.path, ignore_errors=True)

    def has_record(self) -> bool:
        """Whether there is a run here."""
        return (self.path / _RECORD_NAME).exists()

    def _is_empty(self) -> bool:
        """Whether nothing but a lock and the like lies in the folder."""
        return all(entry.name.startswith(".") for entry in self.path.iterdir())

    def record(self) -> dict[str, Any]:
        """The contents of ``run.json``.

        Raises:
            RefusedFileError: it is damaged, or written by a newer Derin.
        """
        where = f"The record of run {self.path}"
        record = checked_format(read_json(self.path / _RECORD_NAME), RUN_FORMAT, where)
        checked_form(record, _RECORD_FORM, where)
        return record

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Replaces ``run.json``."""
        write_json(self.path / _RECORD_NAME, {"format": RUN_FORMAT, **record})

    def log(self, line: Mapping[str, Any]) -> None:
        """Appends a line to the log and brings it to the disk; the torn line of a killed process is dropped before."""
        with storage_errors(f"The log {self.log_path}"), self.log_path.open("a+b") as file:
            fault_point("log.started")
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    file.truncate(_end_of_whole_lines(file, end))
            file.write(dump_json(line) + b"\n")
            file.flush()
            fault_point("log.written")
            os.fsync(file.fileno())
            fault_point("log.done")

    def log_lines(self) -> list[dict[str, Any]]:
        """All lines of the log; one that is torn at the end is passed over.

        Raises:
            RefusedFileError: a line that is whole is no JSON object.
        """
        if not os.path.lexists(self.log_path):
            return []
        with open_plain(self.log_path, max_bytes=_MAX_LOG_BYTES) as file:
            whole = file.read().split(b"\n")[:-1]
        lines = []
        for number, text in enumerate(whole, start=1):
            line = parse_json(text, f"Line {number} of {self.log_path}")
            lines.append(checked_form(line, _LINE_FORM, f"Line {number} of {self.log_path}"))
        return lines

    def drop_log_after(self, epoch: int) -> None:
        """Takes out the lines of later epochs than this one, which a resumed run will write again.

        Epochs and not steps: a state may be saved at an epoch's last step, before that epoch is measured and logged.
        """
        lines = self.log_lines()
        kept = [line for line in lines if not _number(line.get("epoch")) > epoch]
        if len(kept) < len(lines):
            with open_atomically(self.log_path) as file:
                file.writelines(dump_json(line) + b"\n" for line in kept)

    def save_state(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Saves the state to go on from; see `SavedStates.save`."""
        self._states.save(tensors, document)

    def load_state(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The newest whole state: its tensors and its document; None where none was ever saved.

        Raises:
            RefusedFileError: states were saved, but none is whole.
        """
        return self._states.load()


def next_free(root: Path, name: str) -> Path:
    """A new folder ``root/name-number``, made, so that no other process can take it."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip(".-")[:80] or "run"
    taken = re.compile(re.escape(stem) + r"-(\d{1,9})")
    with storage_errors(f"The run folder {root}"):
        root.mkdir(parents=True, exist_ok=True)
        numbers = [int(match[1]) for entry in root.iterdir() if (match := taken.fullmatch(entry.name))]
        number = max(numbers, default=0) + 1
        while True:
            try:
                path = root / f"{stem}-{number}"
                path.mkdir()
                return path
            except FileExistsError:
                number += 1


def _end_of_whole_lines(file: Any, end: int) -> int:
    """Where the last line break ends."""
    file.seek(0)
    return int(file.read(end).rfind(b"\n")) + 1


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0
