"""Plain text: where it is cut, what is converted, and what is said about it."""

from __future__ import annotations

import gzip
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derin.core.errors import DataError, UsageError
from derin.data.splits import complete_splits
from derin.data.table import Table
from derin.readers.plain_text import read_plain_text

TURKISH = "Iğdır'ın ılık akşamı, İzmir'in şen sabahı; çöğüş.\n"


def parts(table: Table) -> dict[str, list[str]]:
    return {split: table["text"].texts(rows) for split, rows in table.splits.items()}  # type: ignore[attr-defined]


def test_the_last_tenth_of_every_file_is_kept_apart(tmp_path: Path) -> None:
    first, second = "".join(chr(97 + i % 26) for i in range(1003)), TURKISH * 7
    (tmp_path / "b.txt").write_text(second, encoding="utf-8")
    (tmp_path / "a.txt").write_text(first, encoding="utf-8")
    table = read_plain_text(tmp_path, name="two")
    assert parts(table) == {
        "train": [first[: int(0.9 * 1003)], second[: int(0.9 * len(second))]],
        "val": [first[int(0.9 * 1003) :], second[int(0.9 * len(second)) :]],
    }
    assert table.row_names is not None
    assert table.row_names[1] == "a.txt (last part)"
    assert any("1,353 characters; the last 10% of each is val" in note for note in table.report.notes)
    assert parts(complete_splits(table)) == parts(table)


@pytest.mark.parametrize("held_out", [0.5, 0.01])
def test_the_share_may_be_chosen(tmp_path: Path, held_out: float) -> None:
    (tmp_path / "a.txt").write_text("x" * 200)
    table = read_plain_text(tmp_path / "a.txt", name="a", held_out=held_out)
    assert len(parts(table)["val"][0]) == 200 * held_out


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1254"])
def test_turkish_letters_survive_every_encoding(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes((TURKISH * 9).encode(encoding))
    assert "".join(t for p in parts(read_plain_text(file, name="a")).values() for t in p) == TURKISH * 9


def test_an_encoding_may_be_asked_for_and_broken_lines_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("ışık\n".encode("cp1254") * 3)
    assert (
        "".join(t for p in parts(read_plain_text(file, name="a", encoding="cp1254")).values() for t in p)
        == "ışık\n" * 3
    )
    file.write_bytes(b"good\nb\xffd\n" + b"good\n" * 20)
    table = read_plain_text(file, name="a", encoding="utf-8")
    assert [(f.where, f.outcome.value) for f in table.report.findings] == [("a.txt, line 2", "converted")]
    for unknown in ("klingon", "base64"):
        with pytest.raises(UsageError, match=unknown):
            read_plain_text(file, name="a", encoding=unknown)


def test_line_ends_become_line_feeds_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\rthree\n" * 4)
    table = read_plain_text(tmp_path / "a.txt", name="a")
    assert "".join(t for p in parts(table).values() for t in p) == "one\ntwo\nthree\n" * 4
    assert any("line feeds: a.txt" in note for note in table.report.notes)


def test_letters_are_composed_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(unicodedata.normalize("NFD", TURKISH * 3), encoding="utf-8")
    table = read_plain_text(tmp_path / "a.txt", name="a")
    assert "".join(t for p in parts(table).values() for t in p) == TURKISH * 3
    assert any("composed" in finding.reason for finding in table.report.findings)


def test_named_splits_are_kept(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.txt").write_text(name * 5)
    assert parts(read_plain_text(tmp_path, name="given")) == {
        "train": ["train" * 5],
        "val": ["valid" * 5],
        "test": ["test" * 5],
    }


def test_folders_name_splits_too_and_train_is_cut_where_val_is_missing(tmp_path: Path) -> None:
    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("0123456789")
    assert parts(read_plain_text(tmp_path, name="given")) == {
        "train": ["012345678"],
        "val": ["9"],
        "test": ["0123456789"],
    }


def test_names_that_tell_a_split_of_some_files_only_are_said(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text("0123456789")
    (tmp_path / "novel.txt").write_text("0123456789")
    table = read_plain_text(tmp_path, name="some")
    assert len(table.splits["train"]) == len(table.splits["val"]) == 2
    assert any("test.txt" in note for note in table.report.notes)


def test_packed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(TURKISH.encode()))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        packed.writestr("set/a.txt", TURKISH)
        packed.writestr("set/b.txt.gz", gzip.compress(TURKISH.encode()))
        packed.writestr("set/note.md", "left out")
        packed.writestr("__MACOSX/a.txt", "hidden")
    plain = read_plain_text(tmp_path / "a.txt.gz", name="a")
    assert "".join(t for p in parts(plain).values() for t in p) == TURKISH
    packed_table = read_plain_text(tmp_path / "all.zip", name="all")
    assert packed_table["text"].texts() == [TURKISH[:45], TURKISH[45:]] * 2  # type: ignore[attr-defined]
    assert [finding.where for finding in packed_table.report.findings] == ["set/note.md"]


def test_files_of_another_ending_are_read_where_no_text_files_are(tmp_path: Path) -> None:
    for name in ("a.abc", "b.abc", "c.md"):
        (tmp_path / name).write_text("X:1\nK:C\nCDEF\n" * 4)
    table = read_plain_text(tmp_path, name="tunes")
    assert len(table) == 4
    assert [(f.where, f.reason) for f in table.report.findings] == [("c.md", "only .abc files are read")]


def test_several_files_may_be_named(tmp_path: Path) -> None:
    files = [tmp_path / "b.txt", tmp_path / "a.txt"]
    for file in files:
        file.write_text(file.name * 4)
    assert read_plain_text(files, name="two").row_names == [
        "b.txt (first part)",
        "b.txt (last part)",
        "a.txt (first part)",
        "a.txt (last part)",
    ]


def test_empty_files_and_pictures_beside_texts_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("enough of a text")
    (tmp_path / "b.txt").write_text(" \n\n")
    (tmp_path / "c.txt").write_bytes(b"\x89PNG\0\0\0\0\0\x01\x02\xff\xfe\0\0\0\0")
    table = read_plain_text(tmp_path, name="a")
    assert {f.where: f.reason for f in table.report.findings} == {
        "b.txt": "the file is empty",
        "c.txt": "the file is no text",
    }


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r\0\ufeff"), min_size=2))
def test_no_character_is_lost(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    file = tmp_path_factory.mktemp("any") / "a.txt"
    file.write_text(text, encoding="utf-8", newline="")
    if not text.strip():
        with pytest.raises(DataError, match="empty"):
            read_plain_text(file, name="a")
    else:
        table = read_plain_text(file, name="a")
        assert "".join(table["text"].texts()) == text  # type: ignore[attr-defined]
        assert len(table.splits["val"]) == 1


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "one.txt").write_text("x")
    (tmp_path / "broken.txt.gz").write_bytes(gzip.compress(b"a" * 99)[:20])
    (tmp_path / "folder").mkdir()
    for name, message in (
        ("empty.txt", "the file is empty"),
        ("one.txt", "two characters or more"),
        ("broken.txt.gz", "damaged"),
        ("folder", "none is there"),
        ("missing.txt", "does not exist"),
    ):
        with pytest.raises(DataError, match=message):
            read_plain_text(tmp_path / name, name="bad")
    with pytest.raises(UsageError, match="held_out"):
        read_plain_text(tmp_path / "one.txt", name="bad", held_out=1.0)
