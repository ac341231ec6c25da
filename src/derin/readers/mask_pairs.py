"""Which mask belongs to which picture: found from paths alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from derin.readers.split_names import split_of

_SPLIT = r"([-_ ]*(?P<split>train(ing)?|val(id(ation)?)?|dev|test(ing)?))?"
_MASK_FOLDER = re.compile(
    r"(?P<rest>.*?)[-_ ]*(masks?|annot(ation)?s?|labels?|labelids?|gt|ground[-_ ]?truths?|seg|"
    r"segmentation(class|object)?s?|trimaps?|mattes?|targets?|silhouettes?)" + _SPLIT,
    re.IGNORECASE,
)
_PICTURE_FOLDER = re.compile(
    r"(?P<rest>.*?)[-_ ]*(images?|imgs?|jpegimages|pngimages|photos?|pictures?|rgb|colou?r|inputs?|data|frames?|raw|"
    r"jpe?g|png)" + _SPLIT,
    re.IGNORECASE,
)
_MASK_NAME = re.compile(
    r"[-_. ]+(masks?|segmentation|seg|gt|ground[-_ ]?truth|labels?|labelids|annotations?|annot|matte|trimap|l|p)$", re.I
)
_PREFIX = re.compile(r"^(masks?|seg|gt|labels?|rgb|image|img|color|photo)[-_. ]+", re.IGNORECASE)
_PICTURE_SUFFIX = re.compile(r"[-_. ]+(image|img|rgb|color|photo|leftimg8bit)$", re.IGNORECASE)

Key = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class MaskPairs:
    """Pictures with their masks.

    Args:
        masks: the path of the mask of each picture.
        splits: the split that the folders of a picture name, where they do.
        alone: pictures without a mask.
        unclaimed: masks without a picture.
        further: masks of pictures that have one already.
    """

    masks: Mapping[str, str]
    splits: Mapping[str, str | None]
    alone: tuple[str, ...] = ()
    unclaimed: tuple[str, ...] = ()
    further: tuple[str, ...] = field(default=())


def mask_pairs(
    paths: Iterable[str], *, images: str | None = None, masks: str | None = None, suffix: str | None = None
) -> MaskPairs:
    """Pairs of pictures and masks.

    Masks lie in a folder that is named so (``masks``, ``labels``, ``trainannot``, ``PedMasks``) and bear the names of
    the pictures, or lie beside them and say what they are (``7_mask.png``).

    Args:
        paths: of pictures, parts joined by ``/``.
        images: the name of the folder of pictures, where it is not found by itself.
        masks: the name of the folder of masks, likewise.
        suffix: what the name of a mask has behind that of its picture (``"_L"``).

    Example:
        >>> pairs = mask_pairs(["train/images/1.jpg", "train/masks/1.png", "val/images/2.jpg", "val/masks/2_mask.png"])
        >>> pairs.masks["val/images/2.jpg"], pairs.splits["val/images/2.jpg"]
        ('val/masks/2_mask.png', 'val')
        >>> mask_pairs(["a/1.jpg", "a/1_L.png", "a/2.jpg"], suffix="_L").alone
        ('a/2.jpg',)
    """
    pictures: dict[Key, str] = {}
    found: list[tuple[Key, str]] = []
    paths = sorted(paths)
    stems = {path.rpartition("/")[0] + "/" + _stem(path) for path in paths}
    for path in paths:
        parts = path.split("/")[:-1]
        folder, stem = path.rpartition("/")[0], _stem(path)
        place, lies_among_masks = _place(parts, images, masks)
        bare = _bare(stem, suffix)
        # Beside each other, a name that says "mask" is one where the picture of that name is there.
        is_beside = bare != stem and f"{folder}/{bare}" in stems
        if lies_among_masks or is_beside:
            found.append(((place, bare), path))
        else:
            pictures[place, stem] = path
    # Where names do not agree as they are, what only says what they are is left out: image_7 and mask_7.
    loosely = {(place, _loose(stem)): path for (place, stem), path in pictures.items()}
    # Folders of other names may lie side by side; then a name that only one picture has tells.
    num_of_name = Counter(stem for _, stem in loosely)
    by_name = {stem: path for (_, stem), path in loosely.items() if num_of_name[stem] == 1}
    pairs: dict[str, str] = {}
    unclaimed, further = [], []
    for (place, stem), path in found:
        as_written = (place, _stem(path))
        picture = pictures.get(as_written) or pictures.get((place, stem)) or loosely.get((place, _loose(stem)))
        picture = picture or by_name.get(_loose(stem))
        if picture is None:
            unclaimed.append(path)
        elif picture in pairs:
            further.append(path)
        else:
            pairs[picture] = path
    alone = [path for path in pictures.values() if path not in pairs]
    splits = {picture: _split(picture.split("/")[:-1]) for picture in pairs}
    return MaskPairs(pairs, splits, tuple(alone), tuple(unclaimed), tuple(further))


def _place(parts: list[str], images: str | None, masks: str | None) -> tuple[tuple[str, ...], bool]:
    """What of the folders pictures and masks have in common, and whether a mask lies there."""
    place: list[str] = []
    is_mask = False
    for part in parts:
        if masks is not None and part == masks:
            is_mask = True
        elif images is not None and part == images:
            continue
        elif masks is None and (match := _MASK_FOLDER.fullmatch(part)):
            is_mask = True
            split = split_of(match["split"] or match["rest"])
            place += [split] if split else []
        elif match := _PICTURE_FOLDER.fullmatch(part):
            split = split_of(match["split"] or match["rest"])
            place += [split] if split else []
        else:
            place.append(split_of(part) or part)
    return tuple(place), is_mask


def _split(parts: list[str]) -> str | None:
    for part in reversed(parts):
        match = _PICTURE_FOLDER.fullmatch(part)
        split = split_of(part) or (split_of(match["split"] or match["rest"]) if match else None)
        if split is not None:
            return split
    return None


def _bare(stem: str, suffix: str | None) -> str:
    if suffix is not None:
        return stem.removesuffix(suffix)
    return _MASK_NAME.sub("", stem) or stem


def _loose(stem: str) -> str:
    return _PREFIX.sub("", _PICTURE_SUFFIX.sub("", stem)) or stem


def _stem(path: str) -> str:
    return PurePosixPath(path).name.rpartition(".")[0] or PurePosixPath(path).name
