"""Masks in which every thing has a number of its own: each is a box."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from derin.core.messages import Message
from derin.data.report import DataReport
from derin.readers.annotations.marked import Annotations, Marked, Thing
from derin.readers.archives import Files
from derin.readers.listing import shown
from derin.readers.mask_files import MaskFile, read_mask_files
from derin.readers.mask_pairs import mask_pairs

FORM = "masks of single things"
_USUAL_NAME = "object"
_VOID = 255


def read_instances(
    files: Files, paths: Collection[str], beside: Collection[str], known: Mapping[str, Any]
) -> Annotations:
    """The box around each number of each mask; 0 is the background.

    Args:
        files: the source.
        paths: of pictures and masks.
        beside: nothing of it is used.
        known: ``instances``: what each number is, ``"person"``.
    """
    report = DataReport()
    pairs = mask_pairs(paths)
    name = known.get("instances") or _USUAL_NAME
    masks = {mask.path: mask for mask in read_mask_files(files, set(pairs.masks.values()), report)}
    found = Annotations(FORM, [], classes=(name,), findings=report.findings, settings={"instances": name})
    found.no_pictures = frozenset(pairs.masks.values())
    for picture, path in pairs.masks.items():
        if path in masks:
            size = masks[path].places.shape
            marked = Marked((picture,), shown(path), _things(masks[path], name), (size[0], size[1]))
            marked.split = pairs.splits[picture]
            found.pictures.append(marked)
    found.notes.append(Message("reading.boxes_of_masks", name=name))
    return found


def _things(mask: MaskFile, name: str) -> list[Thing]:
    things = []
    for place, value in enumerate(mask.values.tolist()):
        if value not in (0, _VOID):
            rows, columns = (np.flatnonzero((mask.places == place).any(axis=axis)) for axis in (1, 0))
            corners = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
            things.append(Thing(name, corners))
    return things
