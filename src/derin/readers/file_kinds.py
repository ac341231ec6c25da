"""What kinds of files a folder, an archive or a table may hold an example each in: pictures, sounds."""

from __future__ import annotations

from dataclasses import dataclass

from derin.readers.archives import is_document, is_hidden


@dataclass(frozen=True)
class FileKind:
    """A kind of files.

    Args:
        name: of one, and of the column that holds them.
        endings: of their names, without the dot; an empty one is of names without ending, whose content tells.
        example: an ending, for sentences that say what is required.
    """

    name: str
    endings: frozenset[str]
    example: str

    @property
    def plural(self) -> str:
        """Of several."""
        return f"{self.name}s"

    def may_be(self, path: str) -> bool:
        """Whether a file of this name may be one.

        Example:
            >>> PICTURE_FILES.may_be("a/CAT.JPG"), PICTURE_FILES.may_be("a/notes.txt"), PICTURE_FILES.may_be("a/0001")
            (True, False, True)
        """
        return name_ending(path) in self.endings and not is_document(path.rpartition("/")[2])

    def is_named(self, path: str) -> bool:
        """Whether a path names one, by its ending, that is not hidden."""
        return bool(name_ending(path)) and self.may_be(path) and not any(map(is_hidden, path.split("/")))


def name_ending(path: str) -> str:
    """The ending of a file's name in small letters, without the dot; empty where it has none."""
    name = path.rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem else ""


# Endings of the forms that `decode` opens. A file without ending may be a picture too; its content tells.
PICTURE_FILES = FileKind(
    "picture",
    frozenset(
        (
            *("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "gif", "bmp", "dib", "tif", "tiff", "webp"),
            *("pgm", "ppm", "pbm", "pnm", "pfm", "ico", "tga", "jp2", "j2k", "jpx", "avif", "qoi", "pcx", "sgi"),
            *("rgb", "bw", ""),
        )
    ),
    "jpg",
)
SOUND_FILES = FileKind(
    "sound", frozenset(("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "snd", "w64")), "wav"
)
VIDEO_FILES = FileKind(
    "video",
    frozenset(
        (
            *("mp4", "m4v", "mov", "mkv", "webm", "avi", "wmv", "flv", "mpg", "mpeg", "m2v", "mpe", "3gp", "3g2"),
            *("ts", "mts", "m2ts", "ogv", "mxf", "vob", "asf"),
        )
    ),
    "mp4",
)

# By the word for several of them, which is also what people hand over for a network (`Preparation.medium`).
FILE_KINDS = {kind.plural: kind for kind in (PICTURE_FILES, SOUND_FILES)}
