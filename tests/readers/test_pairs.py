"""Sentence pairs in all their forms; the oracle is what the tests write, and the published counts of the sets."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from derin.api.load import load
from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.data.report import Outcome
from derin.data.schema import Kind, Role
from derin.data.table import Ragged, Table
from derin.datasets.named import data_folder
from derin.readers.pairs import looks_like_pairs, read_pairs

ENGLISH = ["a red ball", "two cats sleep", "good night"]
TURKISH = ["kırmızı bir top", "İki kedi uyuyor", "iyi geceler"]


def write(folder: Path, files: dict[str, list[str]]) -> Path:
    for name, lines in files.items():
        (folder / name).write_bytes("".join(line + "\n" for line in lines).encode())
    return folder


def sides(table: Table) -> tuple[list[str], list[str]]:
    source, target = (table.columns[column.name] for column in (table.inputs[0], table.target()))
    assert isinstance(source, Ragged)
    assert isinstance(target, Ragged)
    return source.texts(), target.texts()


def skipped(table: Table) -> list[tuple[str, str]]:
    return [(f.where, f.reason) for f in table.report.findings if f.outcome is Outcome.SKIPPED]


def test_lines_with_a_tab_become_two_columns_of_text(tmp_path: Path) -> None:
    lines = [f"{a}\t{b}" for a, b in zip(ENGLISH, TURKISH)]
    table = read_pairs(write(tmp_path, {"tur.txt": lines}) / "tur.txt", name="pairs")
    assert sides(table) == (ENGLISH, TURKISH)
    assert [(c.name, c.kind, c.role) for c in table.schema] == [
        ("source", Kind.TEXT, Role.INPUT),
        ("target", Kind.TEXT, Role.TARGET),
    ]
    assert table.row_names == ["line 1", "line 2", "line 3"]
    assert looks_like_pairs(tmp_path / "tur.txt")


@pytest.mark.parametrize("settings", [{"source": "tr"}, {"target": "en"}, {"source": "tr", "target": "en"}])
def test_the_direction_turns_as_asked_and_the_note_says_it(tmp_path: Path, settings: dict[str, str]) -> None:
    lines = ["en\ttr", *(f"{a}\t{b}" for a, b in zip(ENGLISH, TURKISH))]
    path = write(tmp_path, {"pairs.tsv": lines}) / "pairs.tsv"
    assert sides(read_pairs(path, name="pairs")) == (ENGLISH, TURKISH)
    table = read_pairs(path, name="pairs", **settings)
    assert sides(table) == (TURKISH, ENGLISH)
    assert any("from 'tr' to 'en': as asked" in note for note in table.report.notes)
    assert [c.name for c in table.inputs] == ["tr"]


def test_languages_name_the_columns_of_a_file_that_does_not(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.txt": ["no\tnon", "yes\toui"]}) / "a.txt"
    table = read_pairs(path, name="a", languages=("en", "fr"))
    assert ([c.name for c in table.schema], sides(table)[0]) == (["en", "fr"], ["no", "yes"])


def test_further_columns_are_left_out_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.txt": ["Go on.\tDevam et.\tlicense 1", "Stop now.\tDur."]}) / "a.txt"
    table = read_pairs(path, name="a")
    assert sides(table) == (["Go on.", "Stop now."], ["Devam et.", "Dur."])
    assert any("1 line has more than two columns" in note for note in table.report.notes)


def test_empty_sides_and_lines_without_a_tab_are_listed(tmp_path: Path) -> None:
    path = (
        write(tmp_path, {"a.txt": ["Go on.\tDevam et.", "\tDur.", "Stop.\t ", "", "lonely", "Yes.\tEvet."]}) / "a.txt"
    )
    table = read_pairs(path, name="a")
    assert table.row_names == ["line 1", "line 6"]
    assert sorted(skipped(table)) == [
        ("a.txt, line 2", "the source is empty"),
        ("a.txt, line 3", "the target is empty"),
        ("a.txt, line 4", "both sides are empty"),
        ("a.txt, line 5", "the line has no tab, so no partner"),
    ]


def test_parallel_files_of_a_folder_bring_their_splits(tmp_path: Path) -> None:
    files = {
        "train.en": ENGLISH,
        "train.tr": TURKISH,
        "val.en": ["x"],
        "val.tr": ["y"],
        "test_2016_flickr.en": ["p", "q"],
        "test_2016_flickr.tr": ["r", "s"],
        "test_2017_flickr.en": ["u"],
        "test_2017_flickr.tr": ["v"],
        "README.md": ["about"],
    }
    table = read_pairs(write(tmp_path, files), name="pairs")
    assert {split: len(rows) for split, rows in table.splits.items()} == {"train": 3, "val": 1, "test": 2}
    assert sides(table)[1] == [*TURKISH, "y", "r", "s"]
    assert table.row_names is not None
    assert table.row_names[4] == "test_2016_flickr line 1"
    assert {where for where, _ in skipped(table)} == {"test_2017_flickr.en", "test_2017_flickr.tr"}
    assert looks_like_pairs(tmp_path)


def test_the_folders_name_gives_the_direction_and_one_file_finds_its_partner(tmp_path: Path) -> None:
    folder = tmp_path / "news_tr_en"
    folder.mkdir()
    write(folder, {"all.en": ENGLISH})
    (folder / "all.tr.gz").write_bytes(gzip.compress("\r\n".join(TURKISH).encode()))
    table = read_pairs(folder / "all.en", name="all.en")
    assert sides(table) == (TURKISH, ENGLISH)
    assert table.splits == {}


def test_files_that_are_alone_belong_to_no_split(tmp_path: Path) -> None:
    write(tmp_path, {"test.en": ENGLISH, "test.tr": TURKISH})
    assert read_pairs(tmp_path, name="x").splits == {}
    assert len(read_pairs(tmp_path / "test.tr", name="x")) == 3


def test_a_third_language_is_chosen_by_name(tmp_path: Path) -> None:
    write(tmp_path, {"train.en": ["a"], "train.de": ["b"], "train.fr": ["c"]})
    assert sides(read_pairs(tmp_path, name="x")) == (["a"], ["b"])
    assert sides(read_pairs(tmp_path, name="x", target="fr")) == (["a"], ["c"])
    assert sides(read_pairs(tmp_path, name="x", source="fr", target="de")) == (["c"], ["b"])


def test_unequal_numbers_of_lines_are_refused_by_both_names(tmp_path: Path) -> None:
    write(tmp_path, {"train.en": ENGLISH, "train.tr": TURKISH[:2]})
    with pytest.raises(DataError, match=r"train\.en and train\.tr.*3 and 2"):
        read_pairs(tmp_path, name="x")


def test_separators_inside_a_sentence_do_not_shift_the_partners(tmp_path: Path) -> None:
    write(tmp_path, {"train.en": ["one\u2028two", "three\x85four"], "train.tr": ["bir iki", "üç dört"]})
    assert len(read_pairs(tmp_path, name="x")) == 2


def test_letters_with_separate_accents_are_composed(tmp_path: Path) -> None:
    table = read_pairs(write(tmp_path, {"a.txt": ["cold day\tsog\u0306uk gu\u0308n"]}) / "a.txt", name="a")
    assert sides(table)[1] == ["soğuk gün"]
    assert any("composed" in note for note in table.report.notes)


def test_an_encoding_is_found_out_or_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("good day\tiyi günler ış\nbad\tkötü ğ\n".encode("cp1254"))
    for encoding in (None, "cp1254"):
        assert sides(read_pairs(tmp_path / "a.txt", name="a", encoding=encoding))[1] == ["iyi günler ış", "kötü ğ"]
    table = read_pairs(tmp_path / "a.txt", name="a", encoding="utf-8")
    assert [(f.where, f.outcome) for f in table.report.findings] == [
        ("a.txt, line 1", Outcome.CONVERTED),
        ("a.txt, line 2", Outcome.CONVERTED),
    ]
    with pytest.raises(UsageError, match="got 'klingon'"):
        read_pairs(tmp_path / "a.txt", name="a", encoding="klingon")


def test_what_holds_no_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_pairs(tmp_path / "none", name="x")
    with pytest.raises(DataError, match="no line has a tab"):
        read_pairs(write(tmp_path, {"a.txt": ["one side", "and another"]}) / "a.txt", name="x")
    with pytest.raises(DataError, match="none is there"):
        read_pairs(write(tmp_path, {"b.txt": ["\t", " \t "]}) / "b.txt", name="x")
    write(tmp_path, {"c.tsv": ["en\ttr", "Go on.\tDevam et."]})
    with pytest.raises(UnknownNameError, match="'de'"):
        read_pairs(tmp_path / "c.tsv", name="x", target="de")
    with pytest.raises(UsageError, match="Two languages"):
        read_pairs(tmp_path / "c.tsv", name="x", source="en", target="en")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="parallel files"):
        read_pairs(empty, name="x")


def test_labelled_text_is_not_taken_for_parallel_files(tmp_path: Path) -> None:
    write(tmp_path, {"data.md": ["x"], "data.py": ["y"], "data.csv": ["z"], "data.txt": ["no tab here", "nor here"]})
    assert not looks_like_pairs(tmp_path)
    assert not looks_like_pairs(tmp_path / "data.txt")


@pytest.mark.data
def test_multi30k_has_its_published_splits() -> None:
    folder = data_folder()
    if folder is None or not (folder / "multi30k_en_de").is_dir():
        pytest.skip("multi30k_en_de is not on this machine")
    table = read_pairs(folder / "multi30k_en_de", name="multi30k_en_de")
    assert {split: len(rows) for split, rows in table.splits.items()} == {"train": 29_000, "val": 1_014, "test": 1_000}
    assert [c.name for c in table.schema] == ["en", "de"]


def test_copies_of_a_source_stay_in_one_split(tmp_path: Path) -> None:
    lines = [f"sentence {i // 2}\tcümle {i}" for i in range(40)]
    path = write(tmp_path, {"a.txt": lines}) / "a.txt"
    table = load(read_pairs(path, name="a"))
    split_of = {row: split for split, rows in table.splits.items() for row in rows.tolist()}
    assert all(split_of[i] == split_of[i + 1] for i in range(0, 40, 2))
