"""Pictures as they are, without classes and without being resized: a folder of any form, a zip or a tar."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from derin.core.errors import DataError, UsageError
from derin.data.pictures.fitting import ResizePolicy, Rule
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.report import DataReport
from derin.data.schema import Schema
from derin.data.table import SPLITS, Table
from derin.readers.archives import is_hidden, open_files
from derin.readers.file_kinds import PICTURE_FILES
from derin.readers.listing import ChosenFiles, shown
from derin.readers.pictures.store import Decisions, stored_pictures
from derin.readers.split_names import split_of

SUBJECT = "whole_pictures"
_AS_THEY_ARE = ResizePolicy(Rule.KEEP, 1, 1)


def read_whole_pictures(
    path: Path, *, name: str, channels: int | None = None, options: ReadOptions | None = None
) -> Table:
    """All pictures below a folder or in an archive, with every pixel that they have.

    Folders that name a split (``train``, ``val``, ``test``) give it; other folders mean nothing.

    Args:
        path: of a folder, a zip or a tar.
        name: of the table.
        channels: 1 reads gray, 3 color; None is 1 where all pictures are gray.
        options: what other data decided.

    Raises:
        DataError: there is no picture, or none can be read.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> for number, size in ((1, (30, 20)), (2, (7, 9))):
        ...     Image.new("RGB", size, (number, 0, 0)).save(folder / f"{number}.png")
        >>> table = read_whole_pictures(folder, name="two")
        >>> table.row_names, [picture.shape for picture in table["picture"].take(np.arange(2))]
        (['1.png', '2.png'], [(20, 30, 3), (9, 7, 3)])
    """
    options = ReadOptions() if options is None else options
    if channels not in (None, 1, 3):
        raise UsageError(f"channels must be 1 (gray) or 3 (color); got {channels!r}.")
    with closing(open_files(path)) as files:
        paths = [
            member.path
            for member in files.contents().members
            if PICTURE_FILES.may_be(member.path) and not any(map(is_hidden, member.path.split("/")))
        ]
    if not paths:
        raise DataError(f"{path} holds no pictures; name a folder, a zip or a tar of pictures.")
    splits = {each: next((s for s in map(split_of, reversed(each.split("/")[:-1])) if s), None) for each in paths}
    if part := options.part("pictures"):
        decisions = Decisions.from_recipe(part, size=None, channels=channels)
    else:
        decisions = Decisions(fitting=_AS_THEY_ARE, channels=channels)
    stored = stored_pictures(path, decisions=decisions, list_files=ChosenFiles(splits), progress=options.progress)
    report = DataReport(source=str(path))
    report.extend(stored.findings)
    report.notes += stored.notes
    named = np.array([entry.split or "" for entry in stored.entries])
    return Table(
        name=name,
        schema=Schema((stored.column,)),
        columns={stored.column.name: stored.data},
        splits={split: np.flatnonzero(named == split) for split in SPLITS if (named == split).any()},
        report=report,
        row_names=[shown(entry.member.path) for entry in stored.entries],
        recipe=ReadingRecipe(found={"pictures": dict(stored.decisions), SUBJECT: {"channels": stored.channels}}),
    )
