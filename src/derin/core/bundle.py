"""A saved model: a folder whose card vouches for every file in it.

::

    card.json           format number, what the model is, and size and SHA-256 of every other file; written last
    model.safetensors   the weights, tied ones stored once
    README.md           for people and for the Hub
    …                   vocabularies and the like

The finished folder takes the place of the old one in one step. A reader uses what the card lists and nothing else;
reading runs no code.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derin.core.card import BUNDLE_FORMAT, CARD_NAME, WEIGHTS_NAME, checked_card, is_file_name
from derin.core.errors import DerinError, RefusedFileError, UsageError
from derin.core.files import (
    fault_point,
    open_plain,
    recover_folder,
    replace_folder,
    storage_errors,
    temporary_folder,
    write_bytes,
    write_json,
)
from derin.core.readme import readme
from derin.core.strict_json import dump_json, parse_json
from derin.core.tensors import read_tensors, save_tensors
from derin.core.weights import load_state, state_tensors, structure_fingerprint

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "BUNDLE_FORMAT",
    "Bundle",
    "bundle_fingerprint",
    "load_bundle",
    "load_state",
    "save_bundle",
    "state_tensors",
    "structure_fingerprint",
]

README_NAME = "README.md"
_MAX_CARD_BYTES = 16 << 20
_MAX_FILE_BYTES = 1 << 30
_MAX_READINGS = 50  # of a bundle that is replaced again and again while it is read


@dataclass(frozen=True)
class Bundle:
    """A saved model, read and verified.

    Args:
        path: where it was read.
        card: what it says about itself.
        ties: names that share the tensor of another name.
        layout: names whose memory layout is not contiguous, with the layout.
    """

    path: Path
    card: dict[str, Any]
    ties: dict[str, str]
    layout: dict[str, str]
    _tensors: dict[str, Tensor] = field(repr=False)
    _files: dict[str, bytes] = field(repr=False)

    def tensors(self) -> dict[str, Tensor]:
        """The stored tensors by name, on the CPU; tied ones once."""
        return dict(self._tensors)

    def files(self) -> dict[str, bytes]:
        """The contents of all other files by name, such as vocabularies."""
        return dict(self._files)


def save_bundle(
    path: Path,
    *,
    tensors: Mapping[str, Tensor],
    card: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
    ties: Mapping[str, str] | None = None,
    layout: Mapping[str, str] | None = None,
) -> None:
    """Writes a bundle in place of the one that may be there; until it is complete, that one stays.

    Args:
        path: the bundle's folder.
        tensors: the weights by name; see `state_tensors`.
        card: what the model is, as JSON; ``format``, ``files``, ``ties`` and ``layout`` are added.
        files: other files by name, such as vocabularies.
        ties: names that share the tensor of another name.
        layout: ``"channels_last"`` or ``"channels_last_3d"`` by name; the others are contiguous.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
        UsageError: the folder holds other things than a bundle, which would be lost, or a file's name cannot be used.

    Example:
        >>> import tempfile, torch
        >>> path = Path(tempfile.mkdtemp()) / "model"
        >>> save_bundle(path, tensors={"weight": torch.ones(2, 3)}, card={"model": {"name": "linear"}})
        >>> bundle = load_bundle(path)
        >>> bundle.card["model"]["name"], bundle.tensors()["weight"].shape
        ('linear', torch.Size([2, 3]))
    """
    path = Path(path)
    content = dict(files or {})
    for name in content:
        if not is_file_name(name) or name == WEIGHTS_NAME:
            raise UsageError(f"A bundle's file must have a plain name without folders; got {name!r}.")
        if len(content[name]) > _MAX_FILE_BYTES:
            raise UsageError(
                f"A file of a bundle may have {_MAX_FILE_BYTES:,} bytes; {name} has {len(content[name]):,}."
            )
    content.setdefault(README_NAME, readme(card))
    with storage_errors(f"The bundle {path}"):
        _refuse_to_replace(path)
        _write_bundle(path, tensors, card, content, {"ties": dict(ties or {}), "layout": dict(layout or {})})


def _write_bundle(
    path: Path,
    tensors: Mapping[str, Tensor],
    card: Mapping[str, Any],
    content: Mapping[str, bytes],
    own: Mapping[str, Any],
) -> None:
    """Builds the folder beside its place and then gives it its name."""
    fault_point("bundle.started")
    with temporary_folder(path.parent) as temporary:
        digest = save_tensors(temporary / WEIGHTS_NAME, tensors)
        listed = {WEIGHTS_NAME: {"size": (temporary / WEIGHTS_NAME).stat().st_size, "sha256": digest}}
        fault_point("bundle.tensors")
        for name in sorted(content):
            write_bytes(temporary / name, content[name])
            listed[name] = {"size": len(content[name]), "sha256": hashlib.sha256(content[name]).hexdigest()}
        fault_point("bundle.files")
        last = {**own, "files": listed, "format": BUNDLE_FORMAT}
        write_json(temporary / CARD_NAME, {"format": BUNDLE_FORMAT} | dict(card) | last)
        fault_point("bundle.card")
        replace_folder(temporary, path)
    fault_point("bundle.done")


def load_bundle(path: Path) -> Bundle:
    """Reads and verifies a bundle; a bundle that is replaced meanwhile is read again.

    Raises:
        RefusedFileError: it is damaged, hostile, or written by a newer Derin.
        UsageError: there is no bundle at this path.
    """
    path = Path(path)
    for reading in range(1, _MAX_READINGS + 1):
        recover_folder(path)
        before = _identity(path)
        try:
            return _read_bundle(path)
        except (RefusedFileError, UsageError):
            # Where no folder stood, before or after, it may have been between two names: that tells nothing.
            if reading == _MAX_READINGS or (before is not None and _identity(path) == before):
                raise
    raise AssertionError("the last reading returns or raises")


def bundle_fingerprint(bundle: Bundle) -> str:
    """SHA-256 over what a bundle computes with: weights, ties and other files, not its card and README.

    Bundles of equal weights have equal fingerprints, whenever and wherever they were saved.
    """
    files = {name: said["sha256"] for name, said in bundle.card["files"].items() if name != README_NAME}
    return hashlib.sha256(dump_json([sorted(files.items()), sorted(bundle.ties.items())])).hexdigest()


def _read_bundle(path: Path) -> Bundle:
    """One reading. Where the system can, all files are taken from the folder as it was opened."""
    if not path.is_dir() or not os.path.lexists(path / CARD_NAME):
        raise UsageError(f"There is no bundle at {path}; name a folder with card.json in it.")
    folder = _open_folder(path)
    try:
        with open_plain(path / CARD_NAME, max_bytes=_MAX_CARD_BYTES, folder=folder, follow=False) as file:
            card = parse_json(file.read(), f"The card of {path}")
        listed = checked_card(card, path)
        names = os.listdir(path if folder is None else folder)  # noqa: PTH208 - a Path is no open folder
        strangers = sorted(n for n in names if not n.startswith(".") and n not in listed and n != CARD_NAME)
        if strangers:
            raise RefusedFileError(
                f"The bundle {path} is refused: it holds {strangers[0]!r}, which its card does not list; "
                "move that elsewhere."
            )
        tensors: dict[str, Tensor] = {}
        files: dict[str, bytes] = {}
        for name, said in listed.items():
            limit = None if name == WEIGHTS_NAME else _MAX_FILE_BYTES
            with open_plain(path / name, max_bytes=limit, folder=folder, follow=False) as file:
                size = os.fstat(file.fileno()).st_size
                if size != said["size"] or hashlib.file_digest(file, "sha256").hexdigest() != said["sha256"]:
                    raise RefusedFileError(
                        f"The bundle {path} is refused: {name} is not the file that its card describes; "
                        "get the bundle again."
                    )
                if name == WEIGHTS_NAME:
                    tensors = read_tensors(file, f"The file {path / name}")
                else:
                    file.seek(0)
                    files[name] = file.read()
    finally:
        if folder is not None:
            os.close(folder)
    for alias, name in card["ties"].items():
        if alias in tensors or name not in tensors:
            raise RefusedFileError(f"The card of {path} is refused: it ties {alias!r} to {name!r} against the weights.")
    if not card["layout"].keys() <= tensors.keys():
        raise RefusedFileError(f"The card of {path} is refused: it gives the layout of tensors that are not there.")
    return Bundle(path, card, card["ties"], card["layout"], tensors, files)


def _refuse_to_replace(path: Path) -> None:
    """Refuses a folder with things that are no part of a bundle: they would be removed with the old one."""
    if not path.is_dir():
        return
    names = {entry.name for entry in path.iterdir()}
    known = {CARD_NAME, WEIGHTS_NAME, README_NAME}
    if CARD_NAME in names:
        try:
            with open_plain(path / CARD_NAME, max_bytes=_MAX_CARD_BYTES) as file:
                known |= checked_card(parse_json(file.read(), "The card"), path).keys()
        except DerinError:
            pass  # a damaged or newer card: only the files that every bundle has are known
    others = sorted(name for name in names - known if not name.startswith("."))
    if others or (names - {CARD_NAME} and CARD_NAME not in names):
        raise UsageError(
            f"The folder {path} holds {(others or sorted(names))[0]!r}, which is no part of a bundle; "
            "choose another folder."
        )


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What tells one folder from another that has taken its name."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # a name with NUL is a ValueError
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _open_folder(path: Path) -> int | None:
    if os.open not in os.supports_dir_fd:
        return None
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError as error:
        raise RefusedFileError(f"The bundle {path} cannot be read ({error.strerror}); check the path.") from error
