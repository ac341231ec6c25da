"""The rows of a tar in WebDataset's form: members that lie together and share their name up to its first dot.

A tar is read in windows of some megabytes. The headers in a window are found, checked and understood all at once, by
array operations over its blocks of 512 bytes, which takes a small part of what a loop over members does. Rows that lie
as those of the window before, member for member, are only compared with them, which takes a part of that again.
Both are done for plain headers alone. From the row on in which anything else stands (long names, links, names that lead
out of the archive, hidden files, a wrong checksum, a missing end) `tarfile` reads the shard to its end, member after
member.

Source: POSIX.1-1988 (ustar), as https://www.gnu.org/software/tar/manual/html_node/Standard.html has it.
"""

from __future__ import annotations

import tarfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import Message
from derin.core.printable import shown_reason
from derin.data.table import Rows
from derin.readers.archives import (
    ARCHIVE_ERRORS,
    MAX_MEMBER_BYTES,
    members_of,
    next_header,
    open_tar,
    path_inside,
    unpacked,
)

Bytes = npt.NDArray[np.uint8]
# The undecoded members of a row, by what follows the first dot of their names; or why there are none.
Members = dict[str, bytes] | str

_BLOCK = 512
_WINDOW_BYTES = 16 << 20  # so many rows that calls cost little, in which the lock of the interpreter is held
_LARGEST_WINDOW = 2 * MAX_MEMBER_BYTES
_MAGIC = np.frombuffer(b"ustar", dtype=np.uint8)
_FILE, _FILE_OF_OLD, _FOLDER = b"0\x005"
_ZERO, _SLASH, _DOT, _BACKSLASH, _COLON = b"0/.\\:"
_NAME_BYTES, _MAGIC_AT, _PREFIX_AT = 100, 257, 345
_SPACES_FOR_CHECKSUM = 8 * ord(" ")
_FEW_ENDINGS = 16
# Where two headers must not differ if the one is to mean what the other does; names and sizes are looked at apart, and
# times, owners and permissions mean nothing here.
_MATTERS = np.zeros(_BLOCK, dtype=bool)
_MATTERS[[135, 154, 156, *range(_MAGIC_AT, _MAGIC_AT + len(_MAGIC)), _PREFIX_AT]] = True
# Letters by which a name is cut or not plain.
_IS_SPECIAL = np.zeros(256, dtype=bool)
_IS_SPECIAL[[0, _SLASH, _DOT, _BACKSLASH, _COLON]] = True


@dataclass(frozen=True)
class TarRows:
    """Whole rows that lie behind each other in a tar, with the bytes of all their members.

    Args:
        keys: the name of each row.
        endings: what follows the first dot in the names of members, each once, in small letters.
        data: in which the members lie.
        rows: the row of each member, counted from 0.
        codes: its place among the endings.
        starts: where it begins in the data, always at a block of 512 bytes.
        sizes: how many bytes it has.

    Shapes:
        keys ``(num_rows,)`` bytes; rows, codes, starts, sizes ``(num_members,)``.
    """

    keys: npt.NDArray[np.bytes_]
    endings: list[str]
    data: Bytes
    rows: Rows
    codes: Rows
    starts: Rows
    sizes: Rows

    def members(self, wanted: npt.NDArray[np.bool_]) -> Iterator[Members]:
        """The members of each wanted row."""
        bounds = np.searchsorted(self.rows, np.arange(len(self.keys) + 1)).tolist()
        starts, ends = self.starts.tolist(), (self.starts + self.sizes).tolist()
        codes = self.codes.tolist()
        for row in np.flatnonzero(wanted).tolist():
            found: Members = {}
            for member in range(bounds[row], bounds[row + 1]):
                found = with_member(
                    found, self.endings[codes[member]], self.data[starts[member] : ends[member]].tobytes()
                )
            yield found


def with_member(row: Members, ending: str, data: bytes | str) -> Members:
    """A row with one member more; a member that cannot be had, or stands there twice, spoils it."""
    if isinstance(row, str):
        return row
    if isinstance(data, str):
        return data
    if ending in row:
        return f"two members .{ending[:40]}"
    row[ending] = data
    return row


def tar_rows(path: Path, known: Layouts | None = None) -> Iterator[TarRows | tuple[bytes, Members]]:
    """All rows of a tar, compressed or not: many at once as long as headers are plain, then one by one, by name.

    What comes behind damage cannot be found; the last row then says so, under the name ``b""``.

    Args:
        path: of the tar.
        known: how the rows of a shard before lie, with which these are compared first; that of these is kept there.
    """
    place = yield from _plain_rows(path, Layouts() if known is None else known)
    if place is not None:
        yield from rows_one_by_one(path, place)


def rows_one_by_one(path: Path, place: int = 0) -> Iterator[tuple[bytes, Members]]:
    """The rows of a tar as `tarfile` reads them, from a header on."""
    name: bytes | None = None
    row: Members = {}
    try:
        for member, data in _members(path, place):
            key, ending = _key_and_ending(member)
            if key != name:
                if name is not None:
                    yield name, row
                name, row = key, {}
            row = with_member(row, ending, data)
    except (*ARCHIVE_ERRORS, OSError) as error:
        # What came before the damage is whole.
        if name is not None:
            yield name, row
        yield b"", f"damaged from here on ({shown_reason(error)})"
        return
    if name is not None:
        yield name, row


def _key_and_ending(member: str) -> tuple[bytes, str]:
    folder, slash, file = member.rpartition("/")
    stem, _, ending = file.partition(".")
    key = f"{folder}{slash}{stem}".encode("utf-8", "surrogateescape")
    return key, ending.encode("utf-8", "surrogateescape").lower().decode("utf-8", "replace")


def _members(path: Path, place: int) -> Iterator[tuple[str, bytes | str]]:
    """The names of a tar's files, and their bytes or why they cannot be had."""
    with open_tar(path, place) as tar:
        for info in members_of(tar, path):
            if info.isdir() or info.name.rpartition("/")[2].startswith("."):
                continue
            _, reason = path_inside(info.name)
            if reason is None and not info.isreg():
                reason = Message("reading.link" if info.issym() or info.islnk() else "reading.no_plain_file")
            if reason is None and info.size > MAX_MEMBER_BYTES:
                reason = f"a member of {info.size:,} bytes, of which at most {MAX_MEMBER_BYTES:,} are read"
            opened = None if reason is not None else tar.extractfile(info)
            yield info.name, str(reason) if opened is None else opened.read()
        if not next_header(tar):
            raise tarfile.ReadError("its end is missing")


def _plain_rows(path: Path, known: Layouts) -> Generator[TarRows, None, int | None]:
    """Rows as long as headers are plain; returns where `tarfile` goes on, or None at the end of the archive."""
    with unpacked(path) as file:
        buffer = np.empty(_WINDOW_BYTES, dtype=np.uint8)
        place = filled = 0
        while True:
            filled += _fill(file, buffer[filled:])
            data, is_end = buffer[: filled - filled % _BLOCK], None
            found, used = (None, 0) if known.last is None else known.last.rows_of(data)
            if found is None:
                found, used, is_end = _rows_of(data)
                # The few at a shard's end tell less than those before them.
                known.last = known.last if found is None else _Layout.of(found) or known.last
            if found is not None:
                yield found
            if is_end is True:
                return None
            if is_end is False or (not used and filled < len(buffer)):
                return place + used
            if not used:
                if len(buffer) >= _LARGEST_WINDOW:
                    return place
                buffer = np.concatenate([buffer, np.empty_like(buffer)])
            else:
                # Rows that were given out look into the old one no longer when the next are asked for.
                buffer[: filled - used] = buffer[used:filled].copy()
                filled -= used
                place += used


def _fill(file: IO[bytes], buffer: Bytes) -> int:
    view, filled = buffer.data, 0
    while filled < len(view):
        try:
            num = file.readinto(view[filled:])  # type: ignore[attr-defined]
        except (
            *ARCHIVE_ERRORS,
            OSError,
        ):  # of a damaged compressed file: what came is read, and `tarfile` meets it again
            break
        if not num:
            break
        filled += num
    return filled


def _rows_of(data: Bytes) -> tuple[TarRows | None, int, bool | None]:
    """The whole rows at the beginning of whole blocks, and how many bytes they take; further whether they are followed
    by the end of the archive (True), by something that is not plain (False), or by what more bytes would tell (None).
    """
    blocks = data.reshape(-1, _BLOCK)
    at = np.flatnonzero(blocks[:, _MAGIC_AT] == _MAGIC[0])
    heads = blocks[at]
    is_head = (_field(heads, _MAGIC_AT, len(_MAGIC)) == _MAGIC[:, None]).all(axis=0)
    if not is_head.all():
        at, heads = at[is_head], heads[is_head]
    kinds = np.ascontiguousarray(heads[:, 156])
    sizes, are_octal = _octal(heads, 124, 11)
    sizes[kinds == _FOLDER] = 0  # some claim a size, and have none
    longest = int(np.flatnonzero(heads[:, :_NAME_BYTES].any(axis=0)).max(initial=0)) + 1
    names = np.concatenate([_field(heads, 0, longest), np.zeros((1, len(heads)), dtype=np.uint8)])
    behind = at + 1 + -(-sizes // _BLOCK)
    chain = _chain(at, behind, len(blocks))
    stop, is_end = int(behind[chain[-1]]) if len(chain) else 0, None
    plain = are_octal & _are_plain(heads, kinds, names) & (sizes <= MAX_MEMBER_BYTES)
    if len(others := np.flatnonzero(~plain[chain])):
        stop, is_end = int(at[chain[others[0]]]), False
        chain = chain[: others[0]]
    elif stop > len(blocks):
        chain, stop = chain[:-1], int(at[chain[-1]])
    elif stop < len(blocks):
        is_end = not blocks[stop].any()
    chain = chain[kinds[chain] != _FOLDER]
    if not len(chain):
        return None, stop * _BLOCK, is_end
    members: Any = slice(len(chain)) if chain[-1] == len(chain) - 1 else chain  # a slice copies nothing
    at, sizes, names = at[members], sizes[members], names[:, members]
    keys, endings = _keys_and_endings(names)
    begins = np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0))
    if is_end is not True:
        # The last row may go on in what follows.
        last = int(np.flatnonzero(begins)[-1])
        stop = int(at[last])
        if not last:
            return None, stop * _BLOCK, is_end
        at, sizes, keys, endings, begins = at[:last], sizes[:last], keys[:, :last], endings[:last], begins[:last]
    found, codes = _distinct(endings)
    rows = TarRows(
        keys=_as_texts(keys[:, begins]),
        endings=[ending.decode("utf-8", "replace") for ending in found],
        data=data,
        rows=np.cumsum(begins) - 1,
        codes=codes,
        starts=(at + 1) * _BLOCK,
        sizes=sizes,
    )
    return rows, stop * _BLOCK, is_end


@dataclass(frozen=True)
class _Layout:
    """How rows lie that differ in their names and in what their members hold, and in nothing else.

    Args:
        row_bytes: from the beginning of a row to that of the next.
        key_length: of the names of rows.
        endings: of the members of a row, each once.
        codes: the place of each member among them.
        places: where its header begins in the row.
        sizes: how many bytes it has in the first row.
        heads: the headers of that row.
    """

    row_bytes: int
    key_length: int
    endings: list[str]
    codes: Rows
    places: Rows
    sizes: Rows
    heads: Bytes

    @classmethod
    def of(cls, found: TarRows) -> _Layout | None:
        """That of some rows; None where they lie in several ways."""
        num = len(found.keys)
        lengths = np.strings.str_len(found.keys)
        if num < 2 or len(found.rows) % num or (lengths != lengths[0]).any():
            return None
        rows, codes = found.rows.reshape(num, -1), found.codes.reshape(num, -1)
        sizes = found.sizes[: rows.shape[1]]
        ends = np.cumsum(_BLOCK + _BLOCK * -(-sizes // _BLOCK))
        places, row_bytes = np.append(0, ends[:-1]), int(ends[-1])
        starts = found.starts[0] + places + np.arange(num)[:, None] * row_bytes
        lie_alike = (starts.reshape(-1) == found.starts).all() and (codes == codes[0]).all()
        if not lie_alike or (rows != np.arange(num)[:, None]).any():
            return None
        heads = found.data[(starts[0] - _BLOCK)[:, None] + np.arange(_BLOCK)]
        return cls(row_bytes, int(lengths[0]), found.endings, codes[0], places, sizes, heads)

    def rows_of(self, data: Bytes) -> tuple[TarRows | None, int]:
        """The rows at the beginning of whole blocks that lie like this, and how many bytes they take; None where they
        are few.
        """
        num = len(data) // self.row_bytes
        rows = data[: num * self.row_bytes].reshape(num, self.row_bytes)
        sizes = np.empty((num, len(self.places)), dtype=np.int64)
        names: list[tuple[Rows, Bytes]] = []
        are_alike = np.ones(num, dtype=bool)
        for member, (place, head, size) in enumerate(zip(self.places.tolist(), self.heads, self.sizes.tolist())):
            heads = rows[:, place : place + _BLOCK]
            varied, letters = _varied(heads, head)
            differs = letters != head[varied, None]
            are_alike &= ~differs[_MATTERS[varied] | ((varied >= self.key_length) & (varied < _NAME_BYTES))].any(axis=0)
            checksums, are_octal = _octal(heads, 148, 6)
            counted = (varied < 148) | (varied >= 156)
            rest = int(head.sum()) - int(head[148:156].sum()) - int(head[varied[counted]].sum()) + _SPACES_FOR_CHECKSUM
            are_alike &= are_octal & (checksums == rest + letters[counted].sum(axis=0, dtype=np.int64))
            sizes[:, member] = size
            if ((varied >= 124) & (varied < 136)).any():
                sizes[:, member], are_octal = _octal(heads, 124, 11)
                are_alike &= are_octal & (-(-sizes[:, member] // _BLOCK) == -(-size // _BLOCK))
            in_name = varied < self.key_length
            names.append((varied[in_name], letters[in_name]))
            are_alike &= ~(_IS_SPECIAL[letters[in_name]] | _IS_SPECIAL[head[varied[in_name]]][:, None]).any(axis=0)
        (first, letters), *others = names
        for varied, further in others:
            are_alike &= (letters == further).all(axis=0) if np.array_equal(varied, first) else False
        are_alike[1:] &= (letters[:, 1:] != letters[:, :-1]).any(axis=0)
        # The last row may go on in what follows.
        num = (num if are_alike.all() else int(np.argmin(are_alike))) - 1
        used = num * self.row_bytes
        if 2 * used < len(data):
            return None, 0
        keys = np.ascontiguousarray(rows[:num, : self.key_length]).view(f"S{self.key_length}")[:, 0]
        starts = self.places + _BLOCK + np.arange(num)[:, None] * self.row_bytes
        found = TarRows(
            keys=keys,
            endings=self.endings,
            data=data,
            rows=np.repeat(np.arange(num), len(self.places)),
            codes=np.tile(self.codes, num),
            starts=starts.reshape(-1),
            sizes=sizes[:num].reshape(-1),
        )
        return found, used


@dataclass
class Layouts:
    """How the rows that were read last lie."""

    last: _Layout | None = None


def _varied(heads: Bytes, head: Bytes) -> tuple[Rows, Bytes]:
    """Where some headers differ from one, and what stands there in each.

    Shapes:
        heads ``(num, 512)``, head ``(512,)`` → ``(places,)``, ``(places, num)``.
    """
    # Eight places are compared at a time.
    differ = np.repeat((heads.view(np.uint64) != head.view(np.uint64)).any(axis=0), 8)
    places, letters = np.flatnonzero(differ), np.ascontiguousarray(heads[:, differ].T)
    are_varied = (letters != head[places, None]).any(axis=1)
    return places[are_varied], letters[are_varied]


def _field(heads: Bytes, start: int, length: int) -> Bytes:
    """Bytes of each header, those of one place side by side: so that operations run over all headers at once.

    Shapes:
        ``(num, 512)`` → ``(length, num)``.
    """
    return np.ascontiguousarray(heads[:, start : start + length].T)


def _as_texts(columns: Bytes) -> npt.NDArray[np.bytes_]:
    """The texts of which `_field` gave the bytes."""
    return np.ascontiguousarray(columns.T).view(f"S{len(columns)}")[:, 0]


def _octal(heads: Bytes, start: int, num_digits: int) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """A number of each header, and whether it is written in as many digits, with a zero byte or a space behind them."""
    digits = _field(heads, start, num_digits + 1)
    digits, behind = digits[:-1] - _ZERO, digits[-1]
    return (8 ** np.arange(num_digits)[::-1]) @ digits, (digits < 8).all(axis=0) & (
        (behind == 0) | (behind == ord(" "))
    )


def _chain(at: Rows, behind: Rows, num_blocks: int) -> Rows:
    """Which of the blocks that look like headers are some: each begins where the member before it ends."""
    if not len(at) or at[0] != 0:
        return at[:0]
    if (behind[:-1] == at[1:]).all():
        return np.arange(len(at))
    # Members that hold tars themselves.
    place_of = np.full(num_blocks + 1, -1)
    place_of[at] = np.arange(len(at))
    following = place_of[np.minimum(behind, num_blocks)].tolist()
    chain = [0]
    while (place := following[chain[-1]]) >= 0:
        chain.append(place)
    return np.asarray(chain)


def _are_plain(heads: Bytes, kinds: Bytes, names: Bytes) -> npt.NDArray[np.bool_]:
    """Which headers have a right checksum and are those of a file or folder that lies in the archive, by a plain name.

    Shapes:
        heads ``(num, 512)``, kinds ``(num,)``, names ``(length, num)``, of which the last place is empty everywhere.
    """
    checksums, plain = _octal(heads, 148, 6)
    # Six digits and 16 bits hold what the bytes of a plain header sum up to.
    sums = heads.sum(axis=1, dtype=np.uint16) - heads[:, 148:156].sum(axis=1, dtype=np.uint16) + _SPACES_FOR_CHECKSUM
    plain &= checksums == sums
    plain &= ((kinds == _FILE) | (kinds == _FILE_OF_OLD) | (kinds == _FOLDER)) & (heads[:, _PREFIX_AT] == 0)
    empty, dots, slashes = names == 0, names == _DOT, names == _SLASH
    plain &= ~(empty[0] | slashes[0] | (names[1] == _COLON))
    odd = (empty[:-1] & ~empty[1:]) | (names[1:] == _BACKSLASH) | (dots[1:] & dots[:-1])
    plain &= ~odd.any(axis=0) & (names[0] != _BACKSLASH)
    hidden = (slashes[:-1] & (dots[1:] | empty[1:])).any(axis=0) | (dots[0] & ~slashes[1])
    plain &= (kinds == _FOLDER) | ~hidden
    return plain


def _keys_and_endings(names: Bytes) -> tuple[Bytes, npt.NDArray[np.bytes_]]:
    """What stands before the first dot of the last part of each name, and what behind it, in small letters.

    Shapes:
        ``(length, num)`` → ``(length, num)``, ``(num,)``.
    """
    length, num = names.shape
    places = np.arange(length, dtype=np.uint8)[:, None]
    slashes = names == _SLASH
    first = (slashes * (places + np.uint8(1))).max(axis=0) if slashes.any() else np.uint8(0)
    lengths = (names != 0).sum(axis=0, dtype=np.uint8)
    dots = (names == _DOT) & (places >= first)
    key_lengths = np.where(dots, places, lengths).min(axis=0)
    keys = np.where(places < key_lengths, names, np.uint8(0))
    width = max(1, int((lengths - key_lengths).max()) - 1)
    padded = np.concatenate([names, np.zeros((width + 1, num), dtype=np.uint8)])
    if (key_lengths == key_lengths[0]).all():
        endings = padded[int(key_lengths[0]) + 1 :][:width].copy()
    else:
        endings = np.take_along_axis(padded, key_lengths + np.arange(1, width + 1)[:, None], axis=0)
    endings[(endings >= ord("A")) & (endings <= ord("Z"))] += ord("a") - ord("A")
    return keys, _as_texts(endings)


def _distinct(values: npt.NDArray[np.bytes_]) -> tuple[list[bytes], Rows]:
    """Each value once, and the place of each among them: without sorting where they are few."""
    found: list[bytes] = []
    codes = np.full(len(values), -1, dtype=np.int64)
    while len(rest := np.flatnonzero(codes < 0)):
        if len(found) == _FEW_ENDINGS:
            names, codes = np.unique(values, return_inverse=True)
            return names.tolist(), codes
        found.append(bytes(values[rest[0]]))
        codes[values == values[rest[0]]] = len(found) - 1
    return found, codes
