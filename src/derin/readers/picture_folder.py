"""Class folders of pictures, in a folder, a zip or a tar, with or without train, val and test above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from derin.core.errors import UnknownNameError, UsageError
from derin.data.table import Table
from derin.readers.class_folders import class_folder_table
from derin.readers.file_kinds import PICTURE_FILES
from derin.readers.listing import CLASS_FOLDERS
from derin.readers.pictures.store import Decisions, stored_pictures


def read_picture_folder(
    path: Path,
    *,
    name: str,
    size: int | None = None,
    channels: int | None = None,
    classes: str = "outermost",
    found: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Table:
    """The pictures of class folders, decoded once into the cache.

    Rows stand in the order train, val, test, then by class and path, as people count. Splits are those that the folders
    name; where they name none, the table has none.

    Args:
        path: a folder, a zip or a tar.
        name: of the table.
        size: height and width of the network's input. Pictures are stored with 1.15 times that as their shorter side.
            None keeps pictures that all have one size of at most 128 pixels, and is 128 for all others.
        channels: 1 stores gray, 3 colour; None is 1 where all pictures are gray, also where they hold it three times.
        classes: ``"outermost"``: everything below a class folder belongs to its class; ``"innermost"``: each folder
            that holds pictures is a class, called by its path (``Greek/alpha``).
        found: what other pictures decided (`ReadingRecipe.part("pictures")`), which these follow.
        progress: called with (files done, files in all).

    Raises:
        DataError: no class folders, fewer than two classes, or no picture that can be read.
        StorageError: the cache cannot be written.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> for label, gray in (("dark", 10), ("light", 240)):
        ...     (folder / label).mkdir()
        ...     Image.new("L", (8, 6), gray).save(folder / label / "1.png")
        >>> table = read_picture_folder(folder, name="lamps")
        >>> table.row_names, table.schema["picture"].shape, table.schema["label"].classes
        (['dark/1.png', 'light/1.png'], (6, 8, 1), ('dark', 'light'))
    """
    if channels not in (None, 1, 3):
        raise UsageError(f"read_picture_folder: channels must be 1 (gray) or 3 (colour); got {channels}.")
    if size is not None and size < 1:
        raise UsageError(f"read_picture_folder: size must be at least 1 pixel; got {size}.")
    if classes not in CLASS_FOLDERS:
        raise UnknownNameError("choice of class folders", str(classes), tuple(CLASS_FOLDERS))
    decisions = Decisions.from_recipe(found or {}, size=size, channels=channels)
    stored = stored_pictures(
        Path(path), size=size, decisions=decisions, list_files=CLASS_FOLDERS[classes], progress=progress
    )
    return class_folder_table(stored, Path(path), kind=PICTURE_FILES, name=name, classes=classes, follows=bool(found))
