"""Pictures of people, a folder for each, and what becomes of them: embeddings, person by person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.readers.archives import open_files
from derin.readers.listing import Entry, list_classes, shown

if TYPE_CHECKING:
    from derin.apps.faces.recognizer import FaceRecognizer

_TOGETHER = 64  # pictures, by whole people


@dataclass(frozen=True, eq=False)
class PersonPictures:
    """What became of one person's pictures.

    Attributes:
        name: of the folder.
        pictures: their paths within the source, those that have an embedding.
        embeddings: one for each, ``(n, dim)``.
        left_out: of the others why, as sentences.
    """

    name: str
    pictures: tuple[str, ...]
    embeddings: npt.NDArray[np.float32]
    left_out: tuple[str, ...]


class PeopleSource:
    """A folder, a zip or a tar that holds a folder of pictures for each person; listed once, read as it is asked for.

    Args:
        place: of the pictures.
        recognizer: that makes embeddings.
        cropped: whether each picture is a face as it stands.
        largest: whether the largest of several faces in a picture is meant.

    Raises:
        DataError: it holds no pictures in folders.
    """

    def __init__(
        self, place: str | Path, recognizer: FaceRecognizer, *, cropped: bool = False, largest: bool = False
    ) -> None:
        self._files = open_files(Path(place))
        self._recognizer, self._cropped, self._largest = recognizer, cropped, largest
        self._by_person: dict[str, list[Entry]] = {}
        for entry in list_classes(self._files.contents(), str(place)).in_order():
            self._by_person.setdefault(entry.class_name, []).append(entry)

    @property
    def names(self) -> list[str]:
        """Who is there, as people count."""
        return list(self._by_person)

    def people(
        self, names: Sequence[str] | None = None, *, progress: Callable[[int, int], None] | None = None
    ) -> Iterator[PersonPictures]:
        """What becomes of the pictures, person by person.

        Args:
            names: of whom, in which order; else of everybody.
            progress: told how many pictures of how many were read.

        Raises:
            KeyError: somebody is not there.
        """
        wanted = {name: self._by_person[name] for name in (self.names if names is None else names)}
        paths = [entry.member.path for entries in wanted.values() for entry in entries]
        # A tar is read from its beginning to its end, whoever the pictures are of.
        kept = dict(self._files.read_all(paths)) if self._files.is_sequential else None
        done = 0
        for some in _parts(wanted):
            part = [entry.member.path for name in some for entry in wanted[name]]
            data = [kept[path] for path in part] if kept is not None else [d for _, d in self._files.read_all(part)]
            shown_names = [shown(path) for path in part]
            found = self._recognizer.embed_all(data, names=shown_names, cropped=self._cropped, largest=self._largest)
            start = 0
            for name in some:
                rows = range(start, start + len(wanted[name]))
                start = rows.stop
                with_one = [row for row in rows if found.reasons[row] is None]
                yield PersonPictures(
                    name=name,
                    pictures=tuple(shown_names[row] for row in with_one),
                    embeddings=found.embeddings[with_one],
                    left_out=tuple(str(reason) for row in rows if (reason := found.reasons[row]) is not None),
                )
            done += len(part)
            if progress is not None:
                progress(done, len(paths))


def _parts(by_person: dict[str, list[Entry]]) -> Iterator[list[str]]:
    """Names whose pictures are read together."""
    part: list[str] = []
    num = 0
    for name, entries in by_person.items():
        part.append(name)
        num += len(entries)
        if num >= _TOGETHER:
            yield part
            part, num = [], 0
    if part:
        yield part
