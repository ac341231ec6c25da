"""Tars read many headers at a time give what `tarfile` gives, one member after the other, whatever they hold."""

from __future__ import annotations

import gzip
import io
import itertools
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derin.readers import tar_rows as module
from derin.readers.shards import read_shard
from derin.readers.stream import crc32_of
from derin.readers.tar_rows import Members, TarRows, rows_one_by_one, tar_rows

PLAIN = [f"{number:04d}.{ending}" for number in range(40) for ending in ("npy", "cls")]
NAMES = st.one_of(
    st.sampled_from(PLAIN),
    st.sampled_from(
        (
            *("./a.cls", "a/b.c/d.seg.png", "no-dot", "A.JPG", "a.jpg", "..", "../up.cls", "/abs.cls", "C:\\x.cls"),
            *("a..npy", ".hidden", "a/._b.cls", "folder/", "ç/ş.txt", "n" * 99, "n" * 100, "n" * 101),
            "f/" * 60 + "long.cls",
        )
    ),
)
KINDS = [tarfile.REGTYPE] * 30 + [tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CONTTYPE]
KINDS += [tarfile.FIFOTYPE, tarfile.GNUTYPE_LONGNAME]
SIZES = st.sampled_from([0, 1, 3, 511, 512, 513, 2_000])
MEMBERS = st.lists(st.tuples(NAMES, SIZES, st.sampled_from(KINDS)), max_size=12)
FORMS = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


def tar_of(members: list[tuple[str, int, bytes]], form: int, times: float = 0) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for place, (name, size, kind) in enumerate(members):
            info = tarfile.TarInfo(name)
            info.type, info.size, info.mtime, info.linkname = kind, size, times, "elsewhere"
            try:
                tar.addfile(info, io.BytesIO(bytes([place % 255 + 1]) * size))
            except ValueError:  # a name that this form cannot hold
                continue
    return file.getvalue()


def fast(path: Path) -> tuple[list[tuple[bytes, Members]], int]:
    """All rows, and how many of them were read many at a time."""
    rows: list[tuple[bytes, Members]] = []
    num = 0
    for found in tar_rows(path):
        if isinstance(found, TarRows):
            num += len(found.keys)
            rows += zip(found.keys.tolist(), found.members(np.ones(len(found.keys), dtype=bool)), strict=True)
        else:
            rows.append(found)
    return rows, num


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MEMBERS, FORMS, st.booleans(), st.integers(0, 400), st.sampled_from([0, 1, 2, 3]), st.data())
def test_any_tar_gives_what_tarfile_gives(
    tmp_path: Path, members: Any, form: int, packed: bool, window: int, harm: int, data: Any
) -> None:
    content = bytearray(tar_of(members, form))
    if harm == 1:
        del content[data.draw(st.integers(0, len(content))) :]
    elif harm == 2:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    elif harm == 3:
        content = content + content
    path = tmp_path / "a.tar"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.MonkeyPatch.context() as patch:
        # Small windows, so that rows and members lie across their ends.
        patch.setattr(module, "_WINDOW_BYTES", 512 * (1 + window // 8))
        assert fast(path)[0] == list(rows_one_by_one(path))


def test_plain_tars_are_read_many_rows_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    members = [(name, 700, tarfile.REGTYPE) for name in PLAIN]
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        path.write_bytes(tar_of(members, form))
        rows, num = fast(path)
        assert len(rows) == num == 40
    # A tar within a member looks like more headers, and is none.
    inner = tar_of(members, tarfile.USTAR_FORMAT)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in (("1.bin", inner), ("2.bin", inner), ("3.cls", b"4")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    rows, num = fast(path)
    assert rows == [(b"1", {"bin": inner}), (b"2", {"bin": inner}), (b"3", {"cls": b"4"})]
    assert num == 3


def test_rows_that_lie_alike_give_what_tarfile_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tar"

    def tar_of_rows(names: Sequence[str]) -> bytes:
        members = [(f"a.b/{name}{end}", 5, tarfile.REGTYPE) for name in names for end in ("5.npy", "5.CLS")]
        return tar_of(members, tarfile.USTAR_FORMAT)

    names = [str(row) for row in range(20, 28)]
    whole = tar_of_rows(names)
    monkeypatch.setattr(module, "_WINDOW_BYTES", 4 * 2048)

    def agree(content: bytes) -> None:
        path.write_bytes(content)
        assert fast(path)[0] == list(rows_one_by_one(path))

    for name in ("2.", "..", "2/", "/2", "2\\", "2:"):
        agree(tar_of_rows([*names[:5], name, *names[6:]]))
    # Every place of a header that means something, in both members of a row, with a right checksum or a wrong one.
    places = (*range(12), 99, 134, 135, 149, 153, 154, 156, 257, 345)
    for start, place, letter in itertools.product((5 * 2048, 5 * 2048 + 1024), places, b"\0./:5"):
        head = bytearray(whole[start : start + 512])
        head[place] = letter
        if letter != ord(":") and not 148 <= place < 156:
            head[148:156] = b"%06o\0 " % (sum(head) - sum(head[148:156]) + 8 * 32)
        agree(whole[:start] + head + whole[start + 512 :])
    for first, num in itertools.product(range(5 * 4, 6 * 4), range(1, 5)):  # rows that end early, or lie there twice
        agree(whole[: 512 * first] + whole[512 * (first + num) :])
        agree(whole[: 512 * first] + whole[512 * (first - num) :])


def test_rows_that_lie_alike_are_only_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tar"
    members = [(f"{row:04d}.{ending}", 600 + row % 5, tarfile.REGTYPE) for row in range(400) for ending in ("a", "b")]
    path.write_bytes(tar_of(members, tarfile.GNU_FORMAT))
    understood: list[int] = []
    whole = module._rows_of
    monkeypatch.setattr(module, "_WINDOW_BYTES", 64 * 1024)
    monkeypatch.setattr(module, "_rows_of", lambda data: understood.append(len(data)) or whole(data))
    rows, num = fast(path)
    assert len(rows) == num == 400
    assert len(understood) <= 3  # the first window, and the end of the shard


@pytest.mark.parametrize(
    ("harm", "lost"),
    [
        (lambda tar: tar[: 6 * 512 + 100], "damaged from here on"),
        (lambda tar: tar[: 4 * 1536], "its end is missing"),
        (lambda tar: tar[: 4 * 1536] + bytes([tar[4 * 1536] ^ 1]) + tar[4 * 1536 + 1 :], "no header at byte"),
        (lambda tar: tar[: 6 * 512], "its end is missing"),
        (lambda tar: b"", "damaged from here on"),
    ],
)
def test_what_is_lost_by_damage_is_told(harm: Any, lost: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(harm(tar_of([(name, 700, tarfile.REGTYPE) for name in PLAIN], tarfile.USTAR_FORMAT)))
    *whole, (name, reason) = fast(path)[0]
    assert name == b""
    assert isinstance(reason, str)
    assert lost in reason
    assert all(isinstance(row, dict) for _, row in whole)


def test_members_that_cannot_be_had_spoil_their_row_and_no_other(tmp_path: Path) -> None:
    file = tarfile.REGTYPE
    members = [("1.cls", 1, file), ("2.cls", 0, tarfile.SYMTYPE), ("3.cls", 1, file), ("3.cls", 1, file)]
    members += [("../4.cls", 1, file), ("/5.cls", 1, file), ("._6.cls", 1, file), ("7.cls", 1, file)]
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(members, tarfile.USTAR_FORMAT))
    found = dict(fast(path)[0])
    assert {name for name, row in found.items() if isinstance(row, dict)} == {b"1", b"7"}
    assert {name: str(row) for name, row in found.items() if isinstance(row, str)} == {
        b"2": "a link",
        b"3": "two members .cls",
        b"../4": "its name leaves the archive",
        b"/5": "its name is absolute",
    }


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["<f4", ">f8", "u1", "<i2", "?", "<U3", "c8"]),
    st.sampled_from([(), (3,), (2, 3), (0,)]),
    st.lists(
        st.sampled_from([b"0", b"7", b"12\n", b" -3", b"123456789012", b"seven", b"", b"9" * 30]),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["", "shape", "order", "cut"]),
)
def test_columns_are_those_of_single_rows(
    tmp_path: Path, dtype: str, shape: tuple[int, ...], numbers: list[bytes], odd: str
) -> None:
    path = tmp_path / "a.tar"
    expected: list[Any] = []
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for row, number in enumerate(numbers):
            values = np.full(shape, row + 1).astype(dtype)
            if row == 1 and odd == "shape":
                values = np.zeros((4, 1), dtype=dtype)
            if row == 1 and odd == "order":
                values = np.asfortranarray(values)
            parts = {"npy": npy(values)[: -1 if row == 1 and odd == "cut" else None], "cls": number}
            for ending, data in parts.items():
                info = tarfile.TarInfo(f"{row}.{ending}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            try:
                expected.append((np.load(io.BytesIO(parts["npy"])), int(number)))
            except ValueError:
                continue
    found = [
        (part.columns["npy"][place], part.columns["cls"][place])
        for part in read_shard(path)
        for place in range(len(part))
    ]
    assert len(found) == len(expected)
    for (values, number), (right, right_number) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(values, right)
        assert number == right_number


@given(st.binary(max_size=9), st.lists(st.binary(max_size=12).filter(lambda name: b"\0" not in name), max_size=9))
def test_checksums_are_those_of_zlib(prefix: bytes, names: list[bytes]) -> None:
    found = crc32_of(prefix, np.array(names, dtype="S12"))
    assert found.tolist() == [zlib.crc32(prefix + name) for name in names]
