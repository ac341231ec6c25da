"""The saved states of a run: two places that are written by turns, so that one is always whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.errors import RefusedFileError
from derin.core.fields import Required, checked_form
from derin.core.files import fault_point, open_plain, read_json, storage_errors, write_json
from derin.core.formats import checked_format
from derin.core.tensors import read_tensors, save_tensors

if TYPE_CHECKING:
    from torch import Tensor

_STATE_FORMAT = 1
_SLOTS = (0, 1)
_FORM = {"generation": Required(int), "size": Required(int), "sha256": Required(str), "document": Required({})}


class SavedStates:
    """States in a folder. A state is a tensor file and a description that vouches for it, written last.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._whole_slot: int | None = None

    def save(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Saves the state to go on from. The one before stays until this one is complete, and after that as a reserve.

        Args:
            tensors: by name.
            document: everything else, as JSON.

        Raises:
            StorageError: the disk is full or the folder cannot be written; the state before is then still whole.
        """
        with storage_errors(f"The state {self.path}"):
            fault_point("state.started")
            self.path.mkdir(exist_ok=True)
            generations = {slot: self._generation(slot) for slot in _SLOTS}
            oldest = min(_SLOTS, key=lambda slot: generations[slot])
            slot = oldest if self._whole_slot is None else 1 - self._whole_slot
            weights, description = self._slot_paths(slot)
            digest = save_tensors(weights, tensors)
            fault_point("state.tensors")
            # Until the description is there too, the old one does not fit the tensors and the other slot counts.
            write_json(
                description,
                {
                    "format": _STATE_FORMAT,
                    "generation": max(generations.values()) + 1,
                    "size": weights.stat().st_size,
                    "sha256": digest,
                    "document": document,
                },
            )
            self._whole_slot = slot
            fault_point("state.done")

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The newest whole state: its tensors and its document; None where none was ever saved.

        Raises:
            RefusedFileError: states were saved, but none is whole.
        """
        found: list[tuple[int, int, dict[str, Any]]] = []
        refused: list[RefusedFileError] = []
        for slot in _SLOTS:
            if os.path.lexists(self._slot_paths(slot)[1]):
                try:
                    said = self._description(slot)
                    found.append((said["generation"], slot, said))
                except RefusedFileError as error:
                    refused.append(error)
        for _, slot, said in sorted(found, key=lambda item: item[0], reverse=True):
            try:
                tensors = self._slot_tensors(slot, said)
            except RefusedFileError as error:
                refused.append(error)
                continue
            self._whole_slot = slot
            return tensors, said["document"]
        if refused:
            raise refused[0]
        return None

    def _slot_paths(self, slot: int) -> tuple[Path, Path]:
        return self.path / f"state-{slot}.safetensors", self.path / f"state-{slot}.json"

    def _generation(self, slot: int) -> int:
        """How new a slot is; 0 where it holds nothing that can be read."""
        try:
            generation: int = self._description(slot)["generation"]
        except RefusedFileError:
            return 0
        return generation

    def _description(self, slot: int) -> dict[str, Any]:
        path = self._slot_paths(slot)[1]
        where = f"The state {path}"
        said: dict[str, Any] = checked_form(checked_format(read_json(path), _STATE_FORMAT, where), _FORM, where)
        return said

    def _slot_tensors(self, slot: int, said: Mapping[str, Any]) -> dict[str, Tensor]:
        path = self._slot_paths(slot)[0]
        with open_plain(path, follow=False) as file:
            if os.fstat(file.fileno()).st_size != said["size"] or _digest(file) != said["sha256"]:
                raise RefusedFileError(
                    f"The state {path} is refused: it is not the file that was saved; start a new run."
                )
            return read_tensors(file, f"The state {path}")


def _digest(file: Any) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()
