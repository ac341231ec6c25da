"""Pictures that belong to other pictures, as masks do, and are no examples of a class: found from paths alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

from derin.readers.split_names import split_of

# Folders of these names hold what belongs to other pictures.
MASK_FOLDERS = ("mask", "masks", "annot", "annots", "gt", "groundtruth", "seg", "segmentation", "segmentations",
                "trimaps", "trimap", "matte", "mattes", "labelids", "silhouettes")  # fmt: skip
_SUFFIX = re.compile(
    r"[-_. ]+(masks?|segmentations?|seg|gt|ground[-_ ]?truth|labelids|annotations?|annot|trimap|matte|depth)"
    r"([-_. ]*[0-9]+)?$",
    re.IGNORECASE,
)
# A single cat_mask.png may be a cat with a mask.
_FEWEST = 3
_LEAST_SHARE = 1 / 3


def companions(paths: Iterable[str]) -> dict[str, str]:
    """Each picture that belongs to another one, with that other one.

    It does where it bears the other's name and says what it is (``cat/7_mask.png`` beside ``cat/7.png``), or where it
    has that name in a folder of masks beside the other's, in every class anew (``cat/masks/7.png``,
    ``cat/images/7.png``).

    Args:
        paths: of pictures, parts joined by ``/``.

    Example:
        >>> companions(["cat/1.png", "cat/1_mask.png", "dog/8.jpg", "dog/8_mask.png"])
        {'cat/1_mask.png': 'cat/1.png', 'dog/8_mask.png': 'dog/8.jpg'}
        >>> companions(["with/mask.png", "with/1.png", "without/2.png"])
        {}
    """
    paths = list(paths)
    by_stem = {_stem(path): path for path in paths}
    found = {
        path: by_stem[bare]
        for path in paths
        if (bare := _SUFFIX.sub("", stem := _stem(path))) != stem and not bare.endswith("/") and bare in by_stem
    }
    if len(found) < min(_FEWEST, max(1.0, _LEAST_SHARE * len(paths))):
        found = {}
    return found | _in_folders_of_their_own(paths)


def _in_folders_of_their_own(paths: Iterable[str]) -> dict[str, str]:
    owners: dict[tuple[str, str], str] = {}
    masks: list[tuple[str, tuple[str, str]]] = []
    for path in paths:
        around, _, folder = path.rpartition("/")[0].rpartition("/")
        stem = _stem(path).rpartition("/")[2]
        if not around or split_of(around.rpartition("/")[2]) is not None:
            continue
        if folder.lower() in MASK_FOLDERS:
            masks.append((path, (around, _SUFFIX.sub("", stem))))
        else:
            owners.setdefault((around, stem), path)
    classes = {around for _, (around, _) in masks}
    return {path: owners[key] for path, key in masks if key in owners} if len(classes) > 1 else {}


def _stem(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)
