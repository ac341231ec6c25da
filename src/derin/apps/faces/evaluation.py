"""How well faces are told apart: pairs of the same person and of different ones, and people found among others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.apps.faces.recognizer import FaceRecognizer
from derin.core.errors import DataError
from derin.readers.archives import Files, UnreadableFileError, is_hidden, open_files, path_inside
from derin.readers.delimited import read_records
from derin.readers.file_names import is_archive
from derin.readers.listing import list_classes, natural_key
from derin.tasks.metrics.verification import (
    auc,
    best_accuracy_threshold,
    equal_error_rate,
    k_fold_accuracy,
    pair_distances,
)

Array = npt.NDArray[Any]

COLUMNS = ("same", "person_a", "file_a", "person_b", "file_b")
_TRUE, _FALSE = ("1", "true", "yes"), ("0", "false", "no")
_SHOWN = 3  # names within a sentence


@dataclass(frozen=True, kw_only=True)
class Identification:
    """How often the nearest face is of the same person.

    Args:
        nearest: share of pictures whose nearest one among all others is of the same person.
        one_picture: rank-1 rate where one picture of each person is enrolled and all others are searched: the mean over
            the choices of that picture, the first of everybody, the second, and so on.
        choices: that rate for each choice.
        num_people: with two pictures at least.
    """

    nearest: float
    one_picture: float
    choices: tuple[float, ...]
    num_people: int

    def to_json(self) -> dict[str, Any]:
        return {
            "nearest": self.nearest,
            "one_picture": self.one_picture,
            "choices": list(self.choices),
            "num_people": self.num_people,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddedPairs:
    """Pairs of pictures whose faces were compared.

    Args:
        distances: of the embeddings of each pair.
        same: whether it is of one person.
        first, second: whose the pictures of each pair are.
        embeddings: of every picture.
        people: whose it is.
        num_faces: that it shows.

    Shapes:
        distances, same, first and second ``(P,)``; embeddings ``(N, dim)``, people and num_faces ``(N,)``.
    """

    distances: npt.NDArray[np.float32]
    same: npt.NDArray[np.bool_]
    first: list[str]
    second: list[str]
    embeddings: npt.NDArray[np.float32]
    people: list[str]
    num_faces: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class FaceEvaluation:
    """What was measured.

    Args:
        accuracy: share of pairs decided rightly, each by the threshold that is best on the other folds.
        standard_error: of that mean, from the spread of the folds.
        folds: accuracy on each.
        eer: equal error rate of all pairs.
        auc: area under the ROC of all pairs.
        threshold: the distance that decides most of all pairs rightly: at or below it they are of one person.
        num_pairs: of which `num_same` are of one person.
        num_same: pairs of one person.
        identification: None where nobody has two pictures.
        num_pictures: that the pairs name.
        num_several: of these, pictures with several faces, of which the largest was taken.
        num_whole: pictures without a face that is found, which were taken as they are.
        fingerprint: of the network, see `FaceRecognizer.fingerprint`.
    """

    accuracy: float
    standard_error: float
    folds: tuple[float, ...]
    eer: float
    auc: float
    threshold: float
    num_pairs: int
    num_same: int
    identification: Identification | None
    num_pictures: int
    num_several: int
    num_whole: int
    fingerprint: str

    def to_json(self) -> dict[str, Any]:
        found = dict(vars(self))
        found["folds"] = list(self.folds)
        found["identification"] = None if self.identification is None else self.identification.to_json()
        return found


def evaluate_faces(
    recognizer: FaceRecognizer,
    pairs: str | Path,
    pictures: str | Path | None = None,
    *,
    folds: int = 10,
    cropped: bool = False,
    whole_if_none: bool = False,
) -> FaceEvaluation:
    """Measures a recognizer on pairs of pictures.

    Args:
        recognizer: that gives embeddings.
        pairs: a table with the columns ``same`` (1 or 0), ``person_a``, ``file_a``, ``person_b``, ``file_b``; or a
            folder or archive with the pictures of each person in a folder of theirs, of which every pair is taken.
        pictures: a folder or archive with the pictures at ``person/file``, perhaps below one top folder; None is the
            folder of the table, or the one zip in it.
        folds: stretches of the table, in its order, for the accuracy.
        cropped: whether the pictures are faces as they stand.
        whole_if_none: whether a picture in which no face is found is taken as it is.

    Raises:
        DataError: the table or a picture cannot be read, or no face is found in one.
    """
    measured = embedded_pairs(recognizer, pairs, pictures, cropped=cropped, whole_if_none=whole_if_none)
    distances, same = measured.distances, measured.same
    accuracy = k_fold_accuracy(distances, same, folds)
    return FaceEvaluation(
        accuracy=accuracy.accuracy,
        standard_error=accuracy.standard_error,
        folds=accuracy.accuracies,
        eer=equal_error_rate(distances, same),
        auc=auc(distances, same),
        threshold=best_accuracy_threshold(distances, same),
        num_pairs=len(same),
        num_same=int(np.sum(same)),
        identification=identification(measured.embeddings, measured.people),
        num_pictures=len(measured.people),
        num_several=int((measured.num_faces > 1).sum()),
        num_whole=0 if cropped else int((measured.num_faces == 0).sum()),
        fingerprint=recognizer.fingerprint,
    )


def embedded_pairs(
    recognizer: FaceRecognizer,
    pairs: str | Path,
    pictures: str | Path | None = None,
    *,
    cropped: bool = False,
    whole_if_none: bool = False,
) -> EmbeddedPairs:
    """The distances of pairs of pictures; arguments and errors are those of `evaluate_faces`."""
    path = Path(pairs)
    of_people = path.is_dir() or (path.is_file() and is_archive(path))
    if of_people:
        files, top = open_files(path), ""
        entries = list_classes(files.contents(), str(path)).in_order()
        names, people = [entry.member.path for entry in entries], [entry.class_name for entry in entries]
    else:
        same, *sides = _read_pairs(path)
        files, top = _pictures_of(path, pictures, sides[0][0])
        names = sorted({*sides[0], *sides[1]}, key=natural_key)
        people = [name.rpartition("/")[0] for name in names]
    with closing(files):
        found = recognizer.embed_all(
            _contents(files, top, names), names=names, cropped=cropped, largest=True, whole_if_none=whole_if_none
        )
    _require_all(found.reasons)
    if of_people:
        distances, same = pair_distances(found.embeddings, people)
        first, second = np.triu_indices(len(people), 1)
    else:
        places = {name: place for place, name in enumerate(names)}
        first, second = (np.array([places[name] for name in side]) for side in sides)
        apart = found.embeddings[first].astype(np.float64) - found.embeddings[second]
        distances = np.linalg.norm(apart, axis=1).astype(np.float32)
    return EmbeddedPairs(
        distances=distances,
        same=same,
        first=[people[place] for place in first],
        second=[people[place] for place in second],
        embeddings=found.embeddings,
        people=people,
        num_faces=found.num_faces,
    )


def identification(embeddings: Array, people: Sequence[str]) -> Identification | None:
    """How often the nearest face is of the same person; None where nobody has two pictures.

    Args:
        embeddings: of length 1.
        people: whose each is. The pictures of a person are chosen in their order.

    Shapes:
        embeddings ``(N, dim)``, people ``(N,)``.

    Example:
        >>> found = identification(np.array([[1, 0], [0.96, 0.28], [0, 1], [0.28, 0.96]]), ["a", "a", "b", "b"])
        >>> found.nearest, found.one_picture
        (1.0, 1.0)
    """
    whose = np.unique(np.asarray(people), return_inverse=True)[1]
    count = np.bincount(whose)
    order = np.argsort(whose, kind="stable")
    number = np.empty(len(whose), dtype=np.int64)  # which of the person's pictures it is
    number[order] = np.arange(len(whose)) - np.repeat(np.cumsum(count) - count, count)
    known = count[whose] > 1
    if not known.any():
        return None
    likeness = embeddings.astype(np.float64) @ embeddings.astype(np.float64).T
    apart = likeness.copy()
    np.fill_diagonal(apart, -np.inf)
    nearest = whose[apart.argmax(1)] == whose
    choices = []
    for choice in range(int(count[count > 1].min())):
        enrolled = np.flatnonzero(number == choice)
        searched = known & (number != choice)
        right = whose[enrolled[likeness[searched][:, enrolled].argmax(1)]] == whose[searched]
        choices.append(float(right.mean()))
    return Identification(
        nearest=float(nearest[known].mean()),
        one_picture=float(np.mean(choices)),
        choices=tuple(choices),
        num_people=int((count > 1).sum()),
    )


def _require_all(reasons: Sequence[str | None]) -> None:
    """Refuses pictures without an embedding."""
    told = [reason for reason in reasons if reason is not None]
    if told:
        more = f" So it is with {len(told)} of {len(reasons)} pictures." if len(told) > 1 else ""
        raise DataError(f"{told[0]}{more} Such pictures are taken whole with --whole.")


def _read_pairs(path: Path) -> tuple[npt.NDArray[np.bool_], list[str], list[str]]:
    """Which pairs are of one person, and the names of both pictures."""
    records = read_records(path, wanted=COLUMNS)
    missing = [name for name in COLUMNS if name not in records.names]
    if missing:
        raise DataError(
            f"{path}: the columns {', '.join(COLUMNS)} are required; {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not among {', '.join(records.names)[:200]}."
        )
    if records.findings:
        raise DataError(f"{path}: every line must be a pair; {records.findings[0]}. Mend it.")
    cells = {name: records.columns[records.names.index(name)] for name in COLUMNS}
    same = []
    for line, word in zip(records.lines, cells["same"], strict=True):
        if word.lower() not in (*_TRUE, *_FALSE):
            raise DataError(f"{path}, line {line}: same must be 1 or 0; got {word[:40]!r}.")
        same.append(word.lower() in _TRUE)
    first, second = (
        [f"{person}/{file}" for person, file in zip(cells[f"person_{side}"], cells[f"file_{side}"], strict=True)]
        for side in ("a", "b")
    )
    return np.array(same), first, second


def _pictures_of(table: Path, pictures: str | Path | None, first: str) -> tuple[Files, str]:
    """The folder or archive with the pictures of a table, and the folder within it under which people have theirs."""
    tried = [table.parent, *sorted(table.parent.glob("*.zip"))] if pictures is None else [Path(pictures)]
    for place in tried:
        files = open_files(place)
        if place.is_dir():
            folders = [part.name for part in sorted(place.iterdir()) if part.is_dir() and not is_hidden(part.name)]
            found = [top for top in ("", *(f"{name}/" for name in folders)) if (place / top / first).is_file()]
        else:
            members = {member.path for member in files.contents().members}
            found = [top for top in {"", *(f"{path.split('/')[0]}/" for path in members)} if top + first in members]
        if found:
            return files, found[0]
        files.close()
    raise DataError(
        f"{table}: its first picture {first} is not in {', '.join(map(str, tried[:_SHOWN]))}. Name the folder or zip "
        "that holds it with --pictures."
    )


def _contents(files: Files, top: str, names: Sequence[str]) -> Iterator[bytes]:
    """The bytes of the pictures, in the order of their names."""
    paths = [top + name for name in names]
    # What can only be read from beginning to end is read once.
    stored = dict(files.read_all(paths)) if files.is_sequential else {}
    for path in paths:
        inside, reason = path_inside(path)
        try:
            if reason is not None:
                raise UnreadableFileError(reason)
            yield stored[path] if files.is_sequential else files.read(inside)
        except (UnreadableFileError, KeyError) as error:
            reason = "it is not there" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{files.path}: the picture {path} is required; {reason}.") from None
