"""Which picture each annotation is of, and how its places come to the pixels of that picture.

Tools write places in the pixels of the picture as they saw it. That may be the file before EXIF turned it upright, or
the picture before it was made smaller: what the files say of sizes, and where boxes fit, tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UnknownNameError
from derin.core.messages import Message
from derin.data.pictures.decode import orientation_of
from derin.data.pictures.fitting import BOXES_SIZE, ResizePolicy, Rule
from derin.data.recipe import ReadOptions
from derin.data.report import DataReport, Finding, Outcome
from derin.data.table import SPLITS, Rows
from derin.readers.annotations.marked import Annotations, Marked, Oddities
from derin.readers.archives import Files, is_hidden
from derin.readers.file_kinds import PICTURE_FILES
from derin.readers.listing import ChosenFiles, shown
from derin.readers.pictures.store import Decisions, StoredPictures, stored_pictures
from derin.readers.split_names import split_of

Places = npt.NDArray[np.float64]
UPRIGHT, STORED = "upright", "stored"
KEEP, SKIP = "keep", "skip"
# How far the proportions of two sizes may differ and still be rounding.
_ALIKE = 0.02
# Of a box at the edge, tools round up to a pixel.
_SLACK = 1.0


@dataclass(frozen=True)
class Matched:
    """Pictures with what is marked in each.

    Args:
        stored: the pictures.
        marked: of each row; None where no file speaks of it.
        frames: height and width of each picture, upright.
        scales: by which x and y come to the pixels of the file or of the upright picture.
        orientations: as EXIF has them, of pictures whose places are those of the file as it is stored; else 1.
    """

    stored: StoredPictures
    marked: Sequence[Marked | None]
    frames: npt.NDArray[np.int64]
    scales: Places
    orientations: npt.NDArray[np.int64]

    @property
    def row_names(self) -> list[str]:
        return [shown(entry.member.path) for entry in self.stored.entries]

    @property
    def splits(self) -> dict[str, Rows]:
        named = np.array([entry.split or "" for entry in self.stored.entries])
        return {split: np.flatnonzero(named == split).astype(np.int64) for split in SPLITS if (named == split).any()}

    def moved(self, places: Places, rows: Rows) -> Places:
        """Places of annotations in the pixels of the upright picture.

        Args:
            places: x and y.
            rows: the row of each.

        Shapes:
            ``(total, P, 2)``, ``(total,)`` → ``(total, P, 2)``.
        """
        moved = places * self.scales[rows][:, None]
        orientations = self.orientations[rows]
        if (orientations == 1).all():
            return moved
        # Height and width of what is shown upright: what was down is across where the picture lies on its side.
        height, width = (self.frames[rows, axis][:, None].astype(np.float64) for axis in (0, 1))
        x, y = moved[..., 0], moved[..., 1]
        ways = {2: (width - x, y), 3: (width - x, height - y), 4: (x, height - y), 5: (y, x), 6: (width - y, x),
                7: (width - y, height - x), 8: (y, height - x)}  # fmt: skip
        for orientation, way in ways.items():
            here = orientations == orientation
            moved[here] = np.stack(way, axis=2)[here]
        return moved


def match(
    path: Path,
    files: Files,
    annotations: Annotations,
    *,
    options: ReadOptions,
    report: DataReport,
    unannotated: str,
    exif: str | None,
    side: int = BOXES_SIZE,
) -> Matched:
    """Finds the picture of each annotation, and reads the pictures.

    Args:
        path: of the source.
        files: the same, open.
        annotations: of its pictures.
        options: size, channels, and what other pictures decided.
        report: gets what was odd.
        unannotated: whether pictures of which no file speaks are kept as negatives: ``"keep"`` or ``"skip"``.
        exif: ``"upright"`` or ``"stored"``: what places of turned pictures mean, where that is not to be found out.
        side: of the square in which pictures are kept where nothing was said of it.

    Raises:
        DataError: no annotation has a picture.
    """
    if unannotated not in (KEEP, SKIP):
        raise UnknownNameError("choice of what becomes of pictures without annotation", str(unannotated), (KEEP, SKIP))
    if exif not in (None, UPRIGHT, STORED):
        raise UnknownNameError("convention of EXIF orientation", str(exif), (UPRIGHT, STORED))
    seen = [m.path for m in files.contents().members if not any(map(is_hidden, m.path.split("/")))]
    pictures = [
        name
        for name in seen
        if PICTURE_FILES.may_be(name) and PurePosixPath(name).suffix and name not in annotations.no_pictures
    ]
    of_picture = _pictures_of(pictures, annotations, report)
    if not of_picture:
        some = ", ".join(sorted({name for marked in annotations.pictures[:2] for name in marked.names[-1:]}))
        raise DataError(
            f"{path}: the pictures that the annotations name are required ({some or 'they name none'}); none of them "
            f"is among the {len(pictures):,} pictures there. Put them beside the annotations, or name the folder that "
            "holds both."
        )
    chosen: dict[str, str | None] = {}
    folders = {picture.rpartition("/")[0] for picture in of_picture}
    for picture in pictures:
        marked = of_picture.get(picture)
        if marked is None and picture.rpartition("/")[0] not in folders:
            continue
        split = (None if marked is None else marked.split) or _split_of_folders(picture, annotations.folders)
        if annotations.lists_all and (marked is None or marked.split is None):
            report.add(shown(picture), Outcome.SKIPPED, Message("reading.in_no_list"))
        elif marked is None and unannotated == SKIP:
            report.add(shown(picture), Outcome.SKIPPED, Message("reading.no_annotation_of_picture"))
        else:
            chosen[picture] = split
            if marked is None:
                report.add(shown(picture), Outcome.NOTED, Message("reading.unannotated"))
            elif not marked.things:
                report.add(shown(picture), Outcome.NOTED, Message("reading.nothing_marked"))
    if annotations.lists_all and not chosen:
        raise DataError(f"{path}: the lists of its splits must name pictures that are there; none of them is.")
    stored = stored_pictures(
        path, size=options.size, decisions=_decisions(options, side), list_files=ChosenFiles(chosen),
        progress=options.progress,
    )  # fmt: skip
    report.extend(stored.findings)
    report.notes += stored.notes
    data: Any = stored.data
    index = data.origin.index
    frames = np.stack([index.original_heights[index.stored], index.original_widths[index.stored]], axis=1)
    matched = [of_picture.get(entry.member.path) for entry in stored.entries]
    orientations = _orientations(files, stored)
    conventions = _conventions(annotations, matched, frames, orientations, exif, report)
    followed = np.where(conventions, orientations, 1)
    oddities = Oddities()
    scales = np.ones((len(frames), 2))
    for row, (marked, (height, width)) in enumerate(zip(matched, frames.tolist())):
        seen_size = (width, height) if followed[row] > 4 else (height, width)
        if annotations.is_relative:
            scales[row] = seen_size[1], seen_size[0]
        elif marked is not None and marked.size not in (None, seen_size):
            scales[row] = _scale(marked, seen_size, oddities)
    report.extend(oddities.findings())
    return Matched(stored, matched, frames.astype(np.int64), scales, followed)


def _decisions(options: ReadOptions, side: int) -> Decisions:
    """As other pictures were read, or in the size of the network with their proportions kept."""
    if part := options.part("pictures"):
        return Decisions.from_recipe(part, size=options.size, channels=options.channels)
    side = options.size or side
    return Decisions(fitting=ResizePolicy(Rule.PAD, side, side), channels=options.channels)


def _pictures_of(pictures: Sequence[str], annotations: Annotations, report: DataReport) -> dict[str, Marked]:
    """What is marked in each picture; annotations without a picture are reported, and those that come twice."""
    by_name: dict[str, list[str]] = {}
    by_stem: dict[str, list[str]] = {}
    for picture in pictures:
        name = picture.rpartition("/")[2].casefold()
        by_name.setdefault(name, []).append(picture)
        by_stem.setdefault(name.rpartition(".")[0], []).append(picture)
    found: dict[str, Marked] = {}
    for marked in annotations.pictures:
        candidates: list[str] = []
        for name in marked.names:
            last = name.replace("\\", "/").rpartition("/")[2].casefold()
            candidates = by_name.get(last) or by_stem.get(last) or by_stem.get(last.rpartition(".")[0]) or []
            if candidates:
                break
        if not candidates:
            report.add(
                f"{marked.where} ({shown(marked.names[-1])})", Outcome.SKIPPED, Message("reading.picture_absent")
            )
            continue
        picture = max(candidates, key=lambda one: _likeness(one, marked))
        if picture in found:
            if marked.things != found[picture].things:
                found[picture].things += [thing for thing in marked.things if thing not in found[picture].things]
                report.add(shown(picture), Outcome.NOTED, Message("reading.marked_twice"))
        else:
            found[picture] = marked
    return found


def _likeness(picture: str, marked: Marked) -> tuple[bool, bool, int, int]:
    """How well a picture of the right name fits what an annotation says of where it lies."""
    named = max((len(name) for name in marked.names if f"/{picture}".endswith(f"/{name}")), default=0)
    parts, around = picture.split("/")[:-1], marked.where.split("/")[:-1]
    common = next((n for n, pair in enumerate(zip(parts, around)) if pair[0] != pair[1]), min(len(parts), len(around)))
    split = _split_of_folders(picture)
    return "/" in picture and named > len(picture.rpartition("/")[2]), split == marked.split, common, named


def _split_of_folders(path: str, folders: Mapping[str, str] | None = None) -> str | None:
    for folder, named in (folders or {}).items():
        if path.startswith(f"{folder}/"):
            return named
    return next((split for part in reversed(path.split("/")[:-1]) if (split := split_of(part))), None)


def _orientations(files: Files, stored: StoredPictures) -> npt.NDArray[np.int64]:
    """What EXIF says of each picture; only those that were turned are looked at again."""
    turned = {finding.where for finding in stored.findings if getattr(finding.reason, "key", "") == "reading.upright"}
    rows = {entry.member.path: row for row, entry in enumerate(stored.entries) if shown(entry.member.path) in turned}
    orientations = np.ones(len(stored.entries), dtype=np.int64)
    for path, data in files.read_all(rows) if rows else ():
        orientations[rows[path]] = orientation_of(data)
    return orientations


def _conventions(
    annotations: Annotations,
    matched: Sequence[Marked | None],
    frames: npt.NDArray[np.int64],
    orientations: npt.NDArray[np.int64],
    exif: str | None,
    report: DataReport,
) -> npt.NDArray[np.bool_]:
    """Of which pictures the places are those of the file as it is stored, before EXIF turned it."""
    turned = np.flatnonzero(orientations > 1)
    decided = np.zeros(len(frames), dtype=bool)
    if not len(turned) or (annotations.is_relative and exif is None):
        if len(turned):
            report.notes.append(Message("reading.exif_untold", count=len(turned)))
        return decided
    votes: dict[int, str] = {}
    for row in turned.tolist():
        marked = matched[row]
        height, width = frames[row].tolist()
        if marked is None or orientations[row] < 5 or height == width:
            continue
        if marked.size in ((height, width), (width, height)):
            votes[row] = UPRIGHT if marked.size == (height, width) else STORED
            continue
        ends = [thing.corners for thing in marked.things if thing.corners is not None]
        right, bottom = (max((max(each[side], each[side + 2]) for each in ends), default=0) for side in (0, 1))
        fits = [right <= w + _SLACK and bottom <= h + _SLACK for h, w in ((height, width), (width, height))]
        if fits[0] != fits[1]:
            votes[row] = UPRIGHT if fits[0] else STORED
    counted = Counter(votes.values())
    usual = exif or (STORED if counted[STORED] > counted[UPRIGHT] else UPRIGHT)
    for row in turned.tolist():
        decided[row] = (exif or votes.get(row, usual)) == STORED
    if exif is None and not votes:
        report.notes.append(Message("reading.exif_untold", count=len(turned)))
    else:
        key = "reading.exif_stored" if usual == STORED else "reading.exif_upright"
        report.notes.append(Message(key, count=len(turned), told=counted[usual]))
        annotations.settings["exif"] = usual
    return decided


def _scale(marked: Marked, size: tuple[int, int], oddities: Oddities) -> tuple[float, float]:
    """By what x and y of an annotation are multiplied that was made for a picture of another size."""
    assert marked.size is not None
    (height, width), (own_height, own_width) = size, marked.size
    corners = [thing.corners for thing in marked.things if thing.corners is not None]
    right, bottom = (max((max(each[side], each[side + 2]) for each in corners), default=0) for side in (0, 1))
    told: Mapping[str, Any] = {"height": own_height, "width": own_width, "rows": height, "columns": width}
    is_alike = abs(height * own_width - width * own_height) <= _ALIKE * width * own_height
    if is_alike and right <= own_width + _SLACK and bottom <= own_height + _SLACK:
        oddities.add(marked.where, Outcome.CONVERTED, "reading.size_scaled", **told)
        return width / own_width, height / own_height
    oddities.add(marked.where, Outcome.NOTED, "reading.size_wrong", **told)
    return 1.0, 1.0


def not_found(findings: Sequence[Finding], most: int = 3) -> str:
    """What was odd, for the sentence that says why nothing is left."""
    return "; ".join(f"{finding.where}: {finding.reason}" for finding in findings[:most])
