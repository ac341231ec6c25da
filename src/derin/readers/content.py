"""What a file is by its first bytes, whatever it is called."""

from __future__ import annotations

import zipfile
from pathlib import Path

from derin.core.errors import DataError
from derin.readers.archives import ARCHIVE_ERRORS

EXCEL, PARQUET = "an Excel workbook", "a Parquet file"
_ARCHIVE = "a zip archive"
# The first bytes of what is no text, and what people call it.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", _ARCHIVE),
    (b"PAR1", PARQUET),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"RIFF", "a sound, a film or a WebP picture"),
    (b"ID3", "an MP3 sound"),
    (b"OggS", "an Ogg sound"),
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of Excel or Word from before 2007"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"ARROW1", "an Arrow file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"\x80\x02}", "a Python pickle"),
)
_HEAD = 4096
# Bytes that text in 8 bits or UTF-8 does not hold: control characters but for tab, line ends, page ends and escapes.
_CONTROL = bytes(set(range(32)) - {0, 9, 10, 11, 12, 13, 26, 27})
_MOST_CONTROL = 0.02


def content_of(path: Path) -> str:
    """What a file is, by its first bytes; empty where it may be text.

    Raises:
        DataError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "table.csv"
        ...     _ = file.write_bytes(b"PAR1...")
        ...     content_of(file)
        'a Parquet file'
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    found = next((name for start, name in _SIGNATURES if head.startswith(start)), "")
    if found == _ARCHIVE and _holds_workbook(path):
        return EXCEL
    if not found and b"\0" not in head and len(head.translate(None, _CONTROL)) < (1 - _MOST_CONTROL) * len(head):
        return "" if head.startswith(b"\x1f\x8b") else "no text"
    return found


def require_text(path: Path) -> None:
    """Refuses a file that is no text.

    Raises:
        DataError: it is something else, which is named.
    """
    found = content_of(path)
    if found:
        hint = "Save it as .xlsx or .csv." if "before 2007" in found else "Check what it is, or name another file."
        raise DataError(f"{path}: text is required; by its first bytes the file is {found}. {hint}")


def _holds_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as packed:
            return "xl/workbook.xml" in packed.namelist()
    except (*ARCHIVE_ERRORS, OSError):
        return False
