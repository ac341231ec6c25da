"""Outlines of things as masks: the class of every pixel of a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.codecs.mask import VOID
from derin.data.pictures.fitting import MASKS_SIZE
from derin.data.recipe import ReadOptions
from derin.data.report import DataReport, Outcome
from derin.readers.annotations.boxes import UNNAMED, class_names
from derin.readers.annotations.forms import OUTLINES, find_annotations
from derin.readers.annotations.marked import Marked, Oddities, Thing
from derin.readers.annotations.matching import Matched, match, not_found
from derin.readers.annotations.rasters import Pixels, Region, nearest_pixels, polygon_region, run_pixels
from derin.readers.archives import Files

BACKGROUND = "background"
# How far the proportions of runs may differ from their picture's and still be rounding.
_ALIKE = 0.02
# How pixels of the file come upright, by the number that EXIF has for it.
_UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).T,
    8: np.rot90,
}

Mask = npt.NDArray[np.uint8]


def outlined_masks(
    path: Path,
    files: Files,
    *,
    classes: tuple[str, ...],
    settings: Mapping[str, Any],
    unannotated: str,
    options: ReadOptions,
    report: DataReport,
) -> tuple[Matched, list[Mask], tuple[str, ...]]:
    """Pictures with what is outlined in them by COCO, the VGG Image Annotator or YOLO, as masks of their size.

    What is in no outline is background. Where outlines overlap, the smaller thing lies on top. Crowds, things that are
    marked by a box alone, and things of classes that other data did not have are void where no outline of another
    thing lies.

    Args:
        path: of the source.
        files: the same, open.
        classes: that other data decided, the background first; empty where this data decides.
        settings: ``form``, ``annotations`` and ``exif``, as `derin.readers.annotations.boxes.read_boxes` has them.
        unannotated: what becomes of pictures of which no file speaks: ``"keep"`` as background, or ``"skip"``.
        options: size, channels, and what other data decided.
        report: gets what was odd.

    Raises:
        DataError: no annotation has a picture, or none has an outline.
    """
    where, form, exif = (settings.get(name) for name in ("annotations", "form", "exif"))
    found = find_annotations(files, form=form, where=where, settings={}, wanted=OUTLINES)
    report.extend(found.findings)
    report.notes += found.notes
    matched = match(
        path, files, found, options=options, report=report, unannotated=unannotated, exif=exif, side=MASKS_SIZE
    )
    is_decided = bool(classes)
    if not is_decided:
        labels = [name for name in class_names(found, ()) if name != BACKGROUND]
        is_nameless = any(t.label is None for marked in found.pictures for t in marked.things)
        classes = (BACKGROUND, *labels, *([UNNAMED] if is_nameless and UNNAMED not in labels else []))
    places = {name: place for place, name in enumerate(classes)}
    oddities = Oddities()
    masks, num_outlines = [], 0
    for row, marked in enumerate(matched.marked):
        mask = np.zeros(tuple(matched.frames[row].tolist()), dtype=np.uint8)
        regions = [] if marked is None else _regions(matched, row, marked, places, oddities)
        # Void lies below all, then the largest: of two of a size the later one is on top.
        for _, place, region in sorted(regions, key=lambda each: (each[1] != VOID, -each[0])):
            mask[region.places][region.pixels] = place
            num_outlines += place != VOID
        masks.append(mask)
    report.extend(oddities.findings())
    if not num_outlines and not is_decided:
        raise DataError(
            f"{path}: at least one outline that can be read is required (a polygon, or runs of pixels); none is in the "
            f"{found.form} annotations{'' if not report.findings else f' ({not_found(report.findings)})'}. For boxes "
            "name --task detection."
        )
    told = {"form": found.form, "outlines": num_outlines, "count": len(masks)}
    report.notes.insert(0, Message("reading.outlines_drawn", **told))
    return matched, masks, classes


def _regions(
    matched: Matched, row: int, marked: Marked, places: Mapping[str, int], oddities: Oddities
) -> list[tuple[int, int, Region]]:
    """The size, the class and the pixels of each thing in a picture."""
    regions = []
    for thing in marked.things:
        place = places.get(UNNAMED if thing.label is None else thing.label, VOID)
        region = _region(matched, row, thing)
        if thing.outline is None and thing.corners is not None:
            oddities.add(marked.where, Outcome.NOTED, "reading.box_without_outline")
            place = VOID
        elif region is None:
            oddities.add(marked.where, Outcome.SKIPPED, "reading.outline_unreadable")
        elif place == VOID:
            oddities.add(marked.where, Outcome.NOTED, "reading.outline_of_other_class")
        elif thing.is_crowd or thing.is_difficult:
            oddities.add(marked.where, Outcome.NOTED, "reading.crowd_is_void")
            place = VOID
        if region is not None:
            regions.append((int(region.pixels.sum()), place, region))
    return regions


def _region(matched: Matched, row: int, thing: Thing) -> Region | None:
    """The pixels of a thing, or of its box where it has no outline; None where nothing can be read of it."""
    height, width = matched.frames[row].tolist()
    if isinstance(thing.outline, dict):
        pixels = run_pixels(thing.outline)
        return None if pixels is None else _in_picture(pixels, int(matched.orientations[row]), (height, width))
    polygons = thing.outline
    if polygons is None:
        if thing.corners is None:
            return None
        left, top, right, bottom = thing.corners
        polygons = [[left, top, right, top, right, bottom, left, bottom]]
    drawn = []
    for polygon in polygons:
        corners = np.array(polygon, dtype=np.float64).reshape(1, -1, 2)
        moved = matched.moved(corners, np.array([row]))[0]
        # What lies far outside need not be walked to; a picture beyond each edge is out of sight.
        near = np.clip(moved, (-width, -height), (2 * width, 2 * height))
        drawn.append(polygon_region(near, (height, width)))
    if len(drawn) == 1:
        return drawn[0]
    whole = np.zeros((height, width), dtype=bool)
    for region in drawn:
        whole[region.places] |= region.pixels
    return Region.of(whole)


def _in_picture(pixels: Pixels, orientation: int, size: tuple[int, int]) -> Region | None:
    """The pixels of runs in the picture as it is shown; None where they are of other proportions."""
    upright = _UPRIGHT[orientation](pixels) if orientation > 1 else pixels
    (height, width), (own_height, own_width) = size, upright.shape
    if abs(height * own_width - width * own_height) > _ALIKE * width * own_height:
        return None
    return Region.of(nearest_pixels(upright, size))
