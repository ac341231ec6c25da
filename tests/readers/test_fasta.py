"""FASTA: where classes stand, how lines are joined, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from derin.api.load import load, read_inputs
from derin.core.errors import DataError
from derin.data.table import Dense, Ragged, Table
from derin.readers.fasta import looks_like_fasta, read_fasta


def labelled(table: Table) -> list[tuple[str, str]]:
    classes, labels = table.target().classes, table["label"]
    assert classes is not None
    assert isinstance(labels, Dense)
    texts = table["text"].texts()  # type: ignore[attr-defined]
    return [(text, classes[label]) for text, label in zip(texts, labels.values.tolist(), strict=True)]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "headers",
    [
        ("s1 class=yes", "s2 class=no", "s3 class=yes more"),
        ("s1|yes", "s2|no", "s3|yes"),
        ("gi|7|s1|yes", "gi|8|s2|no", "gi|9|s3|yes"),
        ("s1 length=3 Label=yes;x=1", "s2 label=no", "s3 LABEL=yes"),
    ],
)
def test_classes_stand_in_headers(tmp_path: Path, headers: tuple[str, ...]) -> None:
    text = f">{headers[0]}\nACG\nTTN\n\n>{headers[1]}\r\nGG\r\n>{headers[2]}\nC-C\n"
    table = read_fasta(write(tmp_path / "a.fa", text), name="sites")
    assert labelled(table) == [("ACGTTN", "yes"), ("GG", "no"), ("C-C", "yes")]
    assert any("3 sequences of DNA" in note for note in table.report.notes)


def test_a_key_may_be_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.fa", ">s1 organ=leaf|x\nAC\n>s2 organ=root|x\nGT\n")
    assert labelled(read_fasta(file, name="organs", target="organ")) == [("AC", "leaf"), ("GT", "root")]
    with pytest.raises(DataError, match="family="):
        read_fasta(file, name="organs", target="family")


def test_files_may_hold_one_class_each_and_name_splits(tmp_path: Path) -> None:
    for name, sequence in (("promoter", "TATAAT"), ("other", "GGGCCC")):
        for split in ("train", "test"):
            write(tmp_path / f"{name}_{split}.fasta", f">a\n{sequence}\n>b\n{sequence}A\n")
    write(tmp_path / "README.md", "about")
    table = read_fasta(tmp_path, name="promoters")
    assert sorted(set(labelled(table))) == [
        ("GGGCCC", "other"),
        ("GGGCCCA", "other"),
        ("TATAAT", "promoter"),
        ("TATAATA", "promoter"),
    ]
    assert {split: len(rows) for split, rows in table.splits.items()} == {"train": 4, "test": 4}
    assert looks_like_fasta(tmp_path)


def test_packed_files_and_small_letters(tmp_path: Path) -> None:
    file = tmp_path / "a.fa.gz"
    file.write_bytes(gzip.compress(b"; an old comment\n>a|x\nacgT\n>b|y\nUUGA\n>c|x\nAUU\n>d|y\nAUU\n"))
    table = read_fasta(file, name="rna")
    assert labelled(table)[0] == ("ACGT", "x")
    assert table.report.notes[0] == "Small letters in 1 sequence became capital ones."
    assert "RNA" in table.report.notes[1]
    assert looks_like_fasta(file)
    assert not looks_like_fasta(tmp_path / "a.txt")


def test_proteins_are_told_from_dna(tmp_path: Path) -> None:
    table = read_fasta(write(tmp_path / "a.faa", ">a class=x\nMKLVEERW*\n>b class=y\nQQPLMFYH\n"), name="proteins")
    assert "amino acids" in table.report.notes[-1]


def test_whatever_is_no_sequence_is_listed(tmp_path: Path) -> None:
    text = "junk\n>a class=x\nACGT\n>b class=y\n\n>c class=y\nAC7T\n>d\nACG\n>e class=y\nGGGG\n"
    table = read_fasta(write(tmp_path / "a.fa", text), name="mixed")
    assert labelled(table) == [("ACGT", "x"), ("GGGG", "y")]
    assert [(f.where, f.reason) for f in table.report.findings] == [
        ("a.fa, line 1", "the line stands before the first header (>)"),
        ("a.fa, line 4", "the header has no sequence"),
        ("a.fa line 6 (c)", "the sequence holds 7, no code of DNA"),
        ("a.fa line 8 (d)", "the label is missing"),
    ]


def test_rows_are_as_many_as_headers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sequences = ["".join(rng.choice(list("ACGT"), size=n)) for n in rng.integers(1, 200, 50)]
    records = [
        f">s{i} class={'ab'[i % 2]}\n" + "\n".join(s[k : k + 60] for k in range(0, len(s), 60))
        for i, s in enumerate(sequences)
    ]
    table = read_fasta(write(tmp_path / "a.fa", "\n".join(records)), name="drawn")
    assert [text for text, _ in labelled(table)] == sequences


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    for text, message in (
        ("", "none is there"),
        ("ACGT\n", "none is there"),
        (">a\nACG\n>b\nGGG\n", "a class for each sequence"),
        (">a class=x\nACG\n>b class=x\nGGG\n", "two classes or more are required; got x"),
    ):
        with pytest.raises(DataError, match=message):
            read_fasta(write(tmp_path / "a.fa", text), name="bad")
    with pytest.raises(DataError, match="does not exist"):
        read_fasta(tmp_path / "missing.fa", name="bad")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"\.fasta"):
        read_fasta(tmp_path / "empty", name="bad")


def test_sequences_to_predict_need_no_class_and_keep_their_places(tmp_path: Path) -> None:
    path = tmp_path / "t.fa"
    path.write_text("".join(f">s{i} kind={'ab'[i % 2]}\nACGT{'A' * i}\n" for i in range(12)), encoding="utf-8")
    recipe = read_fasta(path, name="t", target="kind").recipe
    assert recipe is not None
    assert recipe.part("fasta") == {"kind": "nucleotides", "place": "key", "key": "kind"}
    other = tmp_path / "q.fa"
    other.write_text(">x\nAC\nGT\n>y kind=a\nACXZ\n>e\n>z\nTT\n", encoding="utf-8")
    table = read_inputs(other, recipe)
    column = table.columns["text"]
    assert isinstance(column, Ragged)
    assert column.texts() == ["ACGT", "ACXZ", "", "TT"]
    assert table.row_names == ["q.fa line 1 (x)", "q.fa line 4 (y)", "q.fa line 6 (e)", "q.fa line 7 (z)"]
    assert list(table.unanswered) == [2]
    assert [finding.where for finding in table.report.findings] == ["q.fa line 4 (y)"]
    assert load(path, recipe=recipe, cut=False).target().classes == ("a", "b")
