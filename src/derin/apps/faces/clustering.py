"""Faces that nobody has named, in groups that are likely to show one person each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.core.files import open_atomically

if TYPE_CHECKING:
    from derin.apps.faces.recognizer import FaceRecognizer

_MAX_ON_SHEET = 400  # faces
_COLUMNS = 10  # of the sheet

# All distances at once, in float64: 800 MB.
_MAX_AGGLOMERATIVE = 10_000


def cluster(
    embeddings: npt.ArrayLike, threshold: float, *, method: Literal["agglomerative", "dbscan"] = "agglomerative"
) -> npt.NDArray[np.int64]:
    """Groups faces by their distances.

    Args:
        embeddings: of one face each, of length one.
        threshold: ``"agglomerative"`` joins two groups while the mean distance between their faces is at most this;
            ``"dbscan"`` joins whatever a chain of steps of at most this length connects.
        method: the first asks that all faces of a group be alike; the second takes many more faces (10⁵ and above),
            and one wrong pair joins two people.

    Shapes:
        ``(N, D)`` → ``(N,)``, the number of the group of each face, the largest group 0.

    Raises:
        UsageError: another method, or a threshold that is no distance.
        DataError: more faces than all distances of fit into memory.

    Example:
        >>> cluster([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], threshold=0.5).tolist()
        [0, 1, 0]

    Source: R. R. Sokal, C. D. Michener, "A statistical method for evaluating systematic relationships", 1958;
        M. Ester et al., "A density-based algorithm for discovering clusters", KDD 1996.
    """
    points = np.asarray(embeddings, np.float32)
    if not 0 <= threshold <= 2:
        raise UsageError(f"A threshold is a distance between 0 and 2; got {threshold!r}.")
    if method not in ("agglomerative", "dbscan"):
        raise UsageError(f"cluster.method must be agglomerative or dbscan; got {method!r}.")
    if len(points) < 2:
        return np.zeros(len(points), np.int64)
    if method == "dbscan":
        from sklearn.cluster import DBSCAN

        found = DBSCAN(eps=threshold, min_samples=1).fit_predict(points)
    elif len(points) > _MAX_AGGLOMERATIVE:
        raise DataError(
            f"Agglomerative clustering takes at most {_MAX_AGGLOMERATIVE:,} faces; got {len(points):,}. Use dbscan."
        )
    else:
        from sklearn.cluster import AgglomerativeClustering

        tree = AgglomerativeClustering(
            n_clusters=None,
            metric="euclidean",
            linkage="average",
            # scikit-learn joins below its threshold, we at or below.
            distance_threshold=float(np.nextafter(threshold, np.inf)),
        )
        found = tree.fit_predict(points)
    sizes = np.bincount(found)
    first = np.unique(found, return_index=True)[1]
    rank = np.empty(len(sizes), np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))  # of equal ones the earlier
    return rank[found]


@dataclass(frozen=True, eq=False)
class FacesInPictures:
    """Every face of some pictures.

    Attributes:
        pictures: which picture each face is in.
        boxes: left, top, right, bottom in pixels, see `Face`; None where the picture is the face.
        embeddings: of each.
        left_out: of pictures without a face why, as sentences.
    """

    pictures: tuple[Path, ...]
    boxes: tuple[tuple[float, float, float, float] | None, ...]
    embeddings: npt.NDArray[np.float32]
    left_out: tuple[str, ...]


def faces_in(
    pictures: Sequence[Path],
    recognizer: FaceRecognizer,
    *,
    cropped: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> FacesInPictures:
    """Finds every face of some pictures, one picture after the other.

    Args:
        pictures: files.
        recognizer: that makes embeddings.
        cropped: whether each picture is a face as it stands.
        progress: told how many pictures of how many were read.

    Raises:
        DataError: there is no face at all.
    """
    owners: list[Path] = []
    boxes: list[tuple[float, float, float, float] | None] = []
    embeddings: list[npt.NDArray[np.float32]] = []
    left_out: list[str] = []
    for done, picture in enumerate(pictures, 1):
        try:
            if cropped:
                embeddings.append(recognizer.embed(picture, cropped=True))
                boxes.append(None)
            else:
                faces, rows = recognizer.embed_each(picture)
                embeddings.append(rows)
                boxes += [face.box for face in faces]
        except DataError as error:
            left_out.append(str(error))
        else:
            owners += [picture] * len(embeddings[-1])
        if progress is not None:
            progress(done, len(pictures))
    if not embeddings:
        raise DataError(f"None of {len(pictures):,} pictures shows a face: {left_out[0]}")
    return FacesInPictures(tuple(owners), tuple(boxes), np.concatenate(embeddings), tuple(left_out))


def write_groups(path: Path, faces: FacesInPictures, groups: npt.NDArray[np.int64]) -> None:
    """Writes which group each face is in, group by group.

    Args:
        path: a .csv with the columns group, picture, left, top, right, bottom; or a .json with a list of groups.
        faces: that were grouped.
        groups: of `cluster`.

    Raises:
        StorageError: the file cannot be written.
    """
    from derin.core.strict_json import dump_json

    order = np.argsort(groups, kind="stable").tolist()
    if path.suffix.lower() == ".json":
        listed: list[list[dict[str, Any]]] = [[] for _ in range(int(groups.max()) + 1)]
        for at in order:
            listed[groups[at]].append({"picture": str(faces.pictures[at]), "box": faces.boxes[at]})
        data = dump_json({"groups": listed}, indent=2) + b"\n"
    else:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("group", "picture", "left", "top", "right", "bottom"))
        for at in order:
            box = faces.boxes[at]
            writer.writerow(
                (groups[at], faces.pictures[at], *(("",) * 4 if box is None else np.round(box, 1).tolist()))
            )
        data = text.getvalue().encode()
    with open_atomically(path) as file:
        file.write(data)


def sheet_of(path: Path, faces: FacesInPictures, groups: npt.NDArray[np.int64]) -> None:
    """Draws the faces group by group, 400 at most, the largest groups first.

    Raises:
        StorageError: the file cannot be written.
    """
    from derin.data.pictures.decode import pixels_of
    from derin.data.pictures.reading_inputs import images_of
    from derin.data.pictures.values import PixelValues
    from derin.data.sheet import contact_sheet

    order = np.argsort(groups, kind="stable")[:_MAX_ON_SHEET]
    shown, captions = [], []
    for group in np.unique(groups[order]):
        members = order[groups[order] == group].tolist()
        for at in members:
            image = images_of(faces.pictures[at], channels=3, values=PixelValues())[0]
            pixels = image if isinstance(image, np.ndarray) else pixels_of(image, 3)
            shown.append(_cut(pixels, faces.boxes[at]))
            captions.append(f"{group}: {faces.pictures[at].name}")
        # Each group begins a line.
        empty = -len(members) % _COLUMNS
        shown += [np.full((1, 1, 3), 255, np.uint8)] * empty
        captions += [""] * empty
    with open_atomically(path) as file:
        contact_sheet(shown, captions, _COLUMNS).save(file, format="PNG", optimize=True)


def _cut(pixels: npt.NDArray[np.uint8], box: tuple[float, float, float, float] | None) -> npt.NDArray[np.uint8]:
    if box is None:
        return pixels
    left, top, right, bottom = (max(0, round(side)) for side in box)
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
