"""Pictures with a mask each, which says the class of every pixel: in folders beside each other, a zip or a tar."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.messages import Message
from derin.data.pictures.fitting import MASKS_SIZE, ResizePolicy, Rule, is_small
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.report import DataReport, Finding, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Dense, Pictures, Table
from derin.readers.annotations.forms import require_texts, source_of
from derin.readers.annotations.matching import KEEP
from derin.readers.annotations.outlines import outlined_masks
from derin.readers.annotations.rasters import nearest_pixels
from derin.readers.archives import Files, is_hidden, open_files
from derin.readers.file_kinds import PICTURE_FILES
from derin.readers.listing import ChosenFiles, shown
from derin.readers.mask_files import MaskFile, read_mask_files
from derin.readers.mask_pairs import MaskPairs, mask_pairs
from derin.readers.pictures.store import Decisions, StoredPictures, stored_pictures

SUBJECT = "masks"
PICTURE, MASK = "picture", "mask"
VOID = 255
_VOID_NAMES = frozenset(("void", "unlabelled", "unlabeled", "ignore", "ignored", "unknown", "none", "dontcare"))
_NAME_FILES = ("classes", "codes", "labels", "class_names", "names", "label_colors", "label_colours", "class_dict",
               "labelmap", "colors")  # fmt: skip
_MOST_VALUES = 255
_FEWEST_INSTANCES = 3
# How far the proportions of a mask may differ from its picture's and still be rounding.
_ALIKE = 0.02
_SHOWN = 6
_MOST_SHARES = 12
_FORM = ("classes", "values", "void", "colored", "instances")


@dataclass(frozen=True, kw_only=True)
class MaskCode:
    """What the values of mask files mean.

    Args:
        classes: names of the classes.
        values: the value of each class in the files; a colour is r · 65536 + g · 256 + b.
        void: values of pixels without a class.
        colored: whether the files hold colours.
        instances: whether every value but 0 is an object of the one class.
    """

    classes: tuple[str, ...]
    values: tuple[int, ...] = ()
    void: tuple[int, ...] = ()
    colored: bool = False
    instances: bool = False

    def to_json(self) -> dict[str, Any]:
        return {name: list(v) if isinstance(v := getattr(self, name), tuple) else v for name in _FORM}

    @classmethod
    def from_json(cls, part: Mapping[str, Any]) -> MaskCode:
        """What `to_json` gave.

        Raises:
            RefusedFileError: it cannot be.
        """
        lists = [part.get(name) for name in ("classes", "values", "void")]
        kinds = (str, int, int)
        fits = set(part) == set(_FORM) and all(type(part[n]) is bool for n in ("colored", "instances"))
        if not fits or not all(
            isinstance(found, list) and all(type(v) is kind for v in found) for found, kind in zip(lists, kinds)
        ):
            raise RefusedFileError("The reading recipe of masks is damaged.")
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in part.items()}
        return cls(**fields)

    def classes_of(self, found: MaskFile) -> npt.NDArray[np.uint8]:
        """The place of each pixel's class, 255 where it has none.

        Raises:
            DataError: a value is none of the classes'.
        """
        if self.instances:
            places = (found.values > 0).astype(np.uint8)
            places[np.isin(found.values, self.void)] = VOID
            return places[found.places]
        place = {value: number for number, value in enumerate(self.values)} | dict.fromkeys(self.void, VOID)
        unknown = [value for value in found.values.tolist() if value not in place]
        if unknown or found.colored != self.colored:
            told = ", ".join(_shown(value, found.colored) for value in (unknown or found.values.tolist())[:_SHOWN])
            known = ", ".join(_shown(value, self.colored) for value in self.values[:_SHOWN])
            raise DataError(
                f"{shown(found.path)}: the values of a mask must be those of the classes ({known}, …); it holds {told}."
            )
        return np.array([place[v] for v in found.values.tolist()], dtype=np.uint8)[found.places]


def read_masks(
    path: Path,
    *,
    name: str,
    classes: Sequence[str] | str | None = None,
    void: Sequence[int] | int | str | None = None,
    images: str | None = None,
    masks: str | None = None,
    suffix: str | None = None,
    instances: str | None = None,
    form: str | None = None,
    annotations: str | None = None,
    unannotated: str = KEEP,
    exif: str | None = None,
    options: ReadOptions | None = None,
) -> Table:
    """Pictures and their masks: ``images/7.jpg`` and ``masks/7.png``, ``7.jpg`` and ``7_mask.png`` and the like; or
    outlines that an annotation tool wrote, see `derin.readers.annotations.outlines.outlined_masks`.

    Values of masks are class numbers, numbers of a palette, 0 and 255, or colours; a file of names beside them
    (``classes.txt``, ``codes.txt``, ``label_colors.txt``) says what they mean. The class ``void`` (also unlabelled,
    ignore) is no class: its pixels are left out of losses and metrics, and so is 255 beside class numbers.

    Args:
        path: of a folder, a zip or a tar.
        name: of the table.
        classes: names of the classes in the order of their values, where no file tells.
        void: further values without a class.
        images: the name of the folder of pictures, where it is not found by itself.
        masks: the name of the folder of masks, likewise.
        suffix: what the name of a mask has behind that of its picture.
        instances: the name of what the masks number one by one, every value but 0 an object: ``"person"``.
        form: of outlines: ``"coco"``, ``"via"`` or ``"yolo"``, where it is not found by itself.
        annotations: the name of the file or folder of outlines, where there are several, or masks lie beside them.
        unannotated: what becomes of pictures of which no file of outlines speaks: ``"keep"`` as background, or
            ``"skip"``.
        exif: ``"upright"`` or ``"stored"``: of which picture the places of outlines are where EXIF turns it; found out
            by itself.
        options: size, channels, and what other data decided.

    Raises:
        DataError: no picture has a mask or an outline, the masks are photographs, or have one class or none.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> for part in ("images", "masks"):
        ...     (folder / part).mkdir()
        ...     for number in (1, 2):
        ...         Image.fromarray(np.eye(20, dtype=np.uint8) * 255).save(folder / part / f"{number}.png")
        >>> table = read_masks(folder, name="lines")
        >>> table.target().classes, table["mask"].take(np.array([0])).sum()
        (('background', 'foreground'), np.uint64(20))
    """
    options = ReadOptions() if options is None else options
    known = options.part(SUBJECT)
    decided = MaskCode.from_json(known) if known else None
    require_texts(form=form, annotations=annotations, exif=exif)
    path, annotations = source_of(path, annotations)
    report = DataReport(source=str(path))
    with closing(open_files(path)) as files:
        seen = [m.path for m in files.contents().members if not any(map(is_hidden, m.path.split("/")))]
        pairs = mask_pairs((p for p in seen if PICTURE_FILES.may_be(p)), images=images, masks=masks, suffix=suffix)
        is_outlined = form is not None or annotations is not None or not pairs.masks
        if is_outlined and (images, masks, suffix, instances, classes, void) != (None,) * 6:
            raise UsageError(
                f"{path}: images, masks, suffix, classes, void and instances are of files of masks; what is read here "
                "is outlines. Leave them out, or leave form and annotations out."
            )
        if is_outlined:
            matched, of_rows, names = outlined_masks(
                path, files, classes=() if decided is None else decided.classes, unannotated=unannotated,
                settings={"form": form, "annotations": annotations, "exif": exif}, options=options, report=report,
            )  # fmt: skip
            stored, splits = matched.stored, matched.splits
            code = decided or MaskCode(classes=names, values=tuple(range(len(names))), void=(VOID,))
        else:
            _report_unpaired(report, pairs)
            found = {mask.path: mask for mask in read_mask_files(files, set(pairs.masks.values()), report)}
            named = () if known else _named_values(files, seen)
            usable = {picture: found[mask] for picture, mask in pairs.masks.items() if mask in found}
            if not usable:
                raise DataError(
                    f"{path}: none of the {len(pairs.masks):,} masks can be read as one. Check what these files are."
                )
            code = decided or _code(path, list(usable.values()), named, classes, void, instances)
            if decided is None and not instances and _may_be_instances(list(usable.values())):
                report.notes.append(Message("reading.maybe_instances"))
            stored, of_rows = _stored(path, usable, pairs, code, options, report)
            named_splits = np.array([entry.split or "" for entry in stored.entries])
            splits = {s: np.flatnonzero(named_splits == s) for s in SPLITS if (named_splits == s).any()}
    _require_classes(path, of_rows, code)
    data, shape = _column(of_rows)
    report.notes.append(_shares(of_rows, code.classes))
    schema = Schema(
        (
            Column(name=PICTURE, kind=Kind.PICTURE, role=Role.INPUT, shape=stored.shape),
            Column(name=MASK, kind=Kind.MASK, role=Role.TARGET, shape=shape, classes=code.classes),
        )
    )
    columns: dict[str, ColumnData] = {PICTURE: stored.data, MASK: data}
    return Table(
        name=name,
        schema=schema,
        columns=columns,
        splits=splits,
        report=report,
        row_names=[shown(entry.member.path) for entry in stored.entries],
        recipe=ReadingRecipe(found={"pictures": dict(stored.decisions), SUBJECT: code.to_json()}),
    )


def _stored(
    path: Path,
    usable: Mapping[str, MaskFile],
    pairs: MaskPairs,
    code: MaskCode,
    options: ReadOptions,
    report: DataReport,
) -> tuple[StoredPictures, list[npt.NDArray[np.uint8]]]:
    """The pictures, and the mask of each in its size."""
    sizes = {mask.places.shape for mask in usable.values()}
    stored = stored_pictures(
        path,
        size=options.size,
        decisions=_decisions(options, sizes),
        list_files=ChosenFiles({picture: pairs.splits[picture] for picture in usable}),
        progress=options.progress,
    )
    report.extend(stored.findings)
    report.notes += stored.notes
    origin: Any = stored.data
    index = origin.origin.index
    heights, widths = index.original_heights[index.stored], index.original_widths[index.stored]
    of_rows = []
    for entry, height, width in zip(stored.entries, heights.tolist(), widths.tolist()):
        picture = entry.member.path
        mask = _of_size(code.classes_of(usable[picture]), (height, width), usable[picture].path, picture, report)
        if (mask == VOID).all():
            report.add(shown(usable[picture].path), Outcome.NOTED, Message("reading.all_void"))
        of_rows.append(mask)
    return stored, of_rows


def _report_unpaired(report: DataReport, pairs: MaskPairs) -> None:
    for paths, key in (
        (pairs.alone, "reading.no_mask"),
        (pairs.unclaimed, "reading.no_picture_of_mask"),
        (pairs.further, "reading.more_masks"),
    ):
        report.extend([Finding(shown(path), Outcome.SKIPPED, Message(key)) for path in paths])


def _decisions(options: ReadOptions, sizes: set[tuple[int, ...]]) -> Decisions:
    """As other pictures were read, else as they are where they are small and alike, else in the network's size with
    their proportions kept; so as masks are.
    """
    if part := options.part("pictures"):
        return Decisions.from_recipe(part, size=options.size, channels=options.channels)
    longest = max(side for size in sizes for side in size)
    if options.size is None and len(sizes) == 1 and longest <= MASKS_SIZE:
        ((height, width),) = sizes
        is_kept = is_small(height, width)
        # Larger ones are kept only where their size is named; of other pictures the proportions stay.
        fitting = None if is_kept else ResizePolicy(Rule.PAD, height, width)
        return Decisions(fitting=fitting, channels=options.channels)
    side = options.size or min(longest, MASKS_SIZE)
    return Decisions(fitting=ResizePolicy(Rule.PAD, side, side), channels=options.channels)


def _named_values(files: Files, paths: Sequence[str]) -> tuple[tuple[str, int | None], ...]:
    """What a file of names says: a name and its colour, or names in the order of their numbers."""
    wanted = {p for p in paths if PurePosixPath(p.lower()).suffix in (".txt", ".csv")
              and PurePosixPath(p.lower()).stem.replace("-", "_") in _NAME_FILES}  # fmt: skip
    for _, content in files.read_all(wanted) if wanted else ():
        lines = [line.strip() for line in content.decode("utf-8-sig", errors="replace").splitlines() if line.strip()]
        found = [_named_value(line) for line in lines]
        colored = [(name, value) for name, value in found if value is not None]
        if colored:
            return tuple(colored)
        names = [name for name, _ in found]
        if len(names) >= 2 and len(set(names)) == len(names) and all(len(n) <= 64 for n in names):
            return tuple((name, None) for name in names)
    return ()


def _named_value(line: str) -> tuple[str, int | None]:
    numbers = re.findall(r"(?<![A-Za-z0-9])\d{1,3}(?![A-Za-z0-9])", line)
    name = re.sub(r"(?<![A-Za-z0-9])\d{1,3}(?![A-Za-z0-9])|[,;:\t#]", " ", line)
    name = " ".join(name.split())
    if len(numbers) >= 3 and name:
        red, green, blue = map(int, numbers[-3:])
        return name, red << 16 | green << 8 | blue
    return name or line, None


def _code(
    path: Path,
    found: Sequence[MaskFile],
    named: Sequence[tuple[str, int | None]],
    classes: Sequence[str] | str | None,
    void: Sequence[int] | int | str | None,
    instances: str | None,
) -> MaskCode:
    """What the values of these masks mean."""
    without = _numbers(void)
    kinds = {mask.colored for mask in found if len(mask.values) > 1} or {mask.colored for mask in found}
    colored = any(kinds)
    if len(kinds) > 1 and not (named and named[0][1] is not None):
        raise DataError(f"{path}: masks must hold class numbers or colours, one of both; some hold this, others that.")
    occurring = np.unique(np.concatenate([mask.values for mask in found])).tolist()
    if instances is not None:
        return MaskCode(classes=("background", instances), void=without, instances=True)
    if colored and named and named[0][1] is not None:
        pairs = [(name, int(value)) for name, value in named if value is not None]
        rest = without + tuple(value for name, value in pairs if _is_void(name))
        pairs = [(name, value) for name, value in pairs if not _is_void(name)]
        return MaskCode(classes=tuple(n for n, _ in pairs), values=tuple(v for _, v in pairs), void=rest, colored=True)
    names = [n for n, _ in named] if classes is None else _texts(classes)
    is_two = not colored and set(occurring) - set(without) <= {0, 255} and len(occurring) > 1
    if not colored and not is_two and VOID not in without:
        without = (*without, VOID)
    values = [value for value in occurring if value not in without]
    if len(values) > _MOST_VALUES:
        raise DataError(f"{path}: masks of at most {_MOST_VALUES} classes are read; these hold {len(values):,} values.")
    if names and not colored and max(values, default=0) < len(names):
        values = list(range(len(names)))
    elif names and len(names) != len(values):
        told = ", ".join(_shown(v, colored) for v in values[:_SHOWN])
        if classes is not None:
            raise UsageError(
                f"{path}: a name for each value of the masks is required; got {len(names)} names for {len(values)} "
                f"values ({told}, …)."
            )
        names = []
    if not names:
        usual = not colored and values in ([0, 1], [0, 255])
        names = ["background", "foreground"] if usual else [_shown(value, colored) for value in values]
    rest = (*without, *(value for name, value in zip(names, values) if _is_void(name)))
    kept = [(name, value) for name, value in zip(names, values) if not _is_void(name)]
    return MaskCode(
        classes=tuple(n for n, _ in kept), values=tuple(v for _, v in kept), void=tuple(rest), colored=colored
    )


def _is_void(name: str) -> bool:
    return re.sub(r"[^a-z]", "", name.lower()) in _VOID_NAMES


def _may_be_instances(found: Sequence[MaskFile]) -> bool:
    """Whether every mask counts 0, 1, 2, … to a number of its own, as masks of single objects do."""
    if any(mask.colored or mask.values.tolist() != list(range(len(mask.values))) for mask in found):
        return False
    lengths = {len(mask.values) for mask in found}
    return len(lengths) > 1 and max(lengths) > _FEWEST_INSTANCES


def _of_size(
    mask: npt.NDArray[np.uint8], size: tuple[int, int], path: str, picture: str, report: DataReport
) -> npt.NDArray[np.uint8]:
    """The mask in the size of its picture.

    Raises:
        DataError: its proportions are others.
    """
    if mask.shape == size:
        return mask
    (height, width), (own_height, own_width) = size, mask.shape
    if abs(height * own_width - width * own_height) > _ALIKE * width * own_height:
        raise DataError(
            f"{shown(path)}: a mask must have the proportions of its picture {shown(picture)}, {height} × {width} "
            f"pixels; got {own_height} × {own_width}. Take the pair out, or mend the mask."
        )
    message = Message("reading.mask_resized", height=own_height, width=own_width)
    report.add(shown(path), Outcome.CONVERTED, message)
    return nearest_pixels(mask, size)


def _require_classes(path: Path, masks: Sequence[npt.NDArray[np.uint8]], code: MaskCode) -> None:
    if len(code.classes) < 2:
        raise DataError(
            f"{path}: masks of at least two classes are required; these have {', '.join(code.classes) or 'none'}."
        )
    if all((mask == VOID).all() for mask in masks):
        raise DataError(f"{path}: pixels with a class are required; all pixels of all masks are void.")


def _column(masks: Sequence[npt.NDArray[np.uint8]]) -> tuple[Dense | Pictures, tuple[int, int]]:
    """The masks as a column: one array where all have one size."""
    if len({mask.shape for mask in masks}) == 1:
        return Dense(np.stack(masks)), (masks[0].shape[0], masks[0].shape[1])
    heights, widths = (np.array([mask.shape[axis] for mask in masks], dtype=np.int64) for axis in (0, 1))
    offsets = np.concatenate([[0], np.cumsum(heights * widths)])
    return Pictures(np.concatenate([mask.reshape(-1) for mask in masks]), offsets, heights, widths, 1), (-1, -1)


def _shares(masks: Sequence[npt.NDArray[np.uint8]], classes: Sequence[str]) -> str:
    counts = sum(np.bincount(mask.reshape(-1), minlength=256) for mask in masks)
    assert isinstance(counts, np.ndarray)
    order = sorted(np.flatnonzero(counts[: len(classes)]).tolist(), key=lambda place: -int(counts[place]))
    total = max(1, int(counts[: len(classes)].sum()))
    shares = ", ".join(f"{classes[place]} {counts[place] / total:.1%}" for place in order[:_MOST_SHARES])
    shares += ", …" * (len(order) > _MOST_SHARES)
    return Message("reading.mask_shares", shares=shares, void=f"{counts[VOID] / max(1, int(counts.sum())):.1%}")


def _shown(value: int, colored: bool) -> str:
    return f"#{value:06x}" if colored else str(value)


def _texts(given: Sequence[str] | str) -> list[str]:
    return [part.strip() for part in given.split(",")] if isinstance(given, str) else list(given)


def _numbers(given: Sequence[int] | int | str | None) -> tuple[int, ...]:
    try:
        parts = () if given is None else given.split(",") if isinstance(given, str) else given
        return (int(parts),) if isinstance(parts, int) else tuple(map(int, parts))
    except (TypeError, ValueError):
        raise UsageError(f"void must be whole numbers, with commas between them; got {given!r}.") from None
