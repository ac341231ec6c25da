"""Labelled texts in all their forms; the oracles are what the tests write, and the published counts of the sets."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.api.load import load, read_inputs
from derin.core.errors import DataError, UnknownNameError
from derin.data.report import Outcome
from derin.data.schema import Kind, Role
from derin.data.table import Dense, Ragged, Table
from derin.readers import json_records
from derin.readers.labelled_text import looks_like_labelled_text, read_labelled_text
from derin.readers.split_names import split_of

ROWS = [
    ("so good a film", "pos"),
    ("not so good, really", "neg"),
    ('he said "bad" twice', "neg"),
    ("fine by me", "pos"),
]


def pairs(table: Table) -> list[tuple[str, str]]:
    texts, labels = table.columns["text"], table.columns["label"]
    assert isinstance(texts, Ragged)
    assert isinstance(labels, Dense)
    classes = table.target().classes or ()
    return [(text, classes[code]) for text, code in zip(texts.texts(), labels.values.tolist(), strict=True)]


def skipped(table: Table) -> list[tuple[str, str]]:
    return [(f.where, f.reason) for f in table.report.findings if f.outcome is Outcome.SKIPPED]


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


@pytest.mark.parametrize("label_first", [False, True])
@pytest.mark.parametrize("header", [False, True])
def test_tsv_in_both_orders_with_and_without_header(tmp_path: Path, label_first: bool, header: bool) -> None:
    rows = [("sentence", "label")] * header + ROWS
    text = "".join("\t".join(reversed(row) if label_first else row) + "\n" for row in rows)
    table = read_labelled_text(tree(tmp_path, {"a.tsv": text}) / "a.tsv", name="a")
    assert pairs(table) == ROWS
    assert table.row_names == [f"line {i + 1 + header}" for i in range(4)]
    assert looks_like_labelled_text(tmp_path / "a.tsv")


def test_the_columns_are_called_text_and_label(tmp_path: Path) -> None:
    table = read_labelled_text(tree(tmp_path, {"a.tsv": "so good\tpos\nbad, bad\tneg\n"}) / "a.tsv", name="a")
    assert [(c.name, c.kind, c.role) for c in table.schema] == [
        ("text", Kind.TEXT, Role.INPUT),
        ("label", Kind.CATEGORY, Role.TARGET),
    ]


def test_csv_with_further_columns_names_what_it_leaves_out(tmp_path: Path) -> None:
    text = "id,review,sentiment\n" + "".join(
        f'{i},"{t.replace(chr(34), chr(34) * 2)}",{c}\n' for i, (t, c) in enumerate(ROWS)
    )
    table = read_labelled_text(tree(tmp_path, {"a.csv": text}) / "a.csv", name="a")
    assert pairs(table) == ROWS
    assert any("left out: 'id'" in note for note in table.report.notes)


def test_the_column_of_labels_can_be_named(tmp_path: Path) -> None:
    text = "text,label,topic\na long text here,1,x\nanother long text,2,y\na third long one,1,x\n"
    path = tree(tmp_path, {"a.csv": text}) / "a.csv"
    assert read_labelled_text(path, name="a", target="topic").target().classes == ("x", "y")
    with pytest.raises(UnknownNameError, match="did you mean 'topic'"):
        read_labelled_text(path, name="a", target="topics")


@pytest.mark.parametrize("keys", [("text", "label"), ("metin", "etiket"), ("question", "answer_type")])
def test_json_lines_with_similar_keys(tmp_path: Path, keys: tuple[str, str]) -> None:
    text = "".join(json.dumps({keys[0]: t, "n": i, keys[1]: c}) + "\n" for i, (t, c) in enumerate(ROWS))
    table = read_labelled_text(tree(tmp_path, {"a.jsonl": text}) / "a.jsonl", name="a")
    assert pairs(table) == ROWS


def test_keys_that_hold_no_plain_values_are_said(tmp_path: Path) -> None:
    rows = [{"text": t, "user": {"age": i}, "parts": [c], "label": c} for i, (t, c) in enumerate(ROWS)]
    rows[0]["rare"] = "once"
    table = read_labelled_text(
        tree(tmp_path, {"a.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}) / "a.jsonl", name="a"
    )
    assert pairs(table) == ROWS
    (note,) = [str(note) for note in table.report.notes if "not read" in str(note)]
    assert note.endswith("at most half of the objects are not read: 'user', 'parts', 'rare'.")


def test_broken_json_lines_are_listed(tmp_path: Path) -> None:
    lines = [json.dumps({"text": t, "label": i % 2}) for i, (t, _) in enumerate(ROWS)]
    lines[1:1] = [
        "{broken",
        "[1, 2]",
        "[" * 100_000,
        json.dumps({"text": "no label"}),
        json.dumps({"text": " ", "label": 1}),
    ]
    table = read_labelled_text(tree(tmp_path, {"a.jsonl": "\n".join(lines)}) / "a.jsonl", name="a")
    assert [t for t, _ in pairs(table)] == [t for t, _ in ROWS]
    assert dict(skipped(table)) == {
        "a.jsonl, line 2": "the line is no JSON",
        "a.jsonl, line 3": "the line is no JSON object with a text and a label",
        "a.jsonl, line 4": "the line is no JSON",
        "a.jsonl, line 5": "the label is missing",
        "a.jsonl, line 6": "the text is empty",
    }


def test_files_of_splits_in_their_many_names(tmp_path: Path) -> None:
    for name, split in {"train": "train", "valid": "val", "validation": "val", "dev": "val", "test": "test"}.items():
        assert split_of(f"{name}.tsv") == split
    assert split_of("eng.testb") == "test"
    assert split_of("attestation.tsv") is None
    body = "".join("\t".join(row) + "\n" for row in ROWS)
    table = read_labelled_text(tree(tmp_path, {"train.tsv": body, "dev.tsv": body, "test.tsv": body}), name="a")
    assert {k: v.tolist() for k, v in table.splits.items()} == {
        "train": [0, 1, 2, 3],
        "val": [4, 5, 6, 7],
        "test": [8, 9, 10, 11],
    }
    assert (table.row_names or ())[4] == "dev.tsv line 1"


def test_several_files_without_splits_are_refused(tmp_path: Path) -> None:
    body = "".join("\t".join(row) + "\n" for row in ROWS)
    with pytest.raises(DataError, match="must name its split"):
        read_labelled_text(tree(tmp_path, {"a.tsv": body, "b.tsv": body}), name="a")


FOLDERS = {
    "set/train/pos/1.txt": "so good\nreally",
    "set/train/neg/2.txt": "bad",
    "set/train/neg/10.txt": "  ",
    "set/test/pos/3.txt": "fine",
    "set/test/neg/4.txt": "awful",
    "set/train/unsup/5.txt": "who knows",
    "set/train/pos/.hidden.txt": "x",
    "set/__MACOSX/pos/6.txt": "x",
    "set/train/pos/note.json": "{}",
    "set/README": "about",
    "set/train/loose.txt": "x",
}
SKIPPED = {
    "set/train/neg/10.txt": "the text is empty",
    "set/train/unsup/5.txt": "the text has no label",
    "set/train/pos/.hidden.txt": "hidden file or folder",
    "set/__MACOSX": "hidden file or folder",
    "set/README": "the file lies in no class folder",
    "set/train/pos/note.json": "the file is no text by its name",
    "set/train/loose.txt": "the file lies in no class folder",
}


def packed(folder: Path, form: str) -> Path:
    if form == "folder":
        return tree(folder / "in", FOLDERS)
    path = folder / f"a.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as file:
            for name, text in FOLDERS.items():
                file.writestr(name, text)
        return path
    with tarfile.open(path, "w:gz" if form == "tar.gz" else "w") as tar:
        for name, text in FOLDERS.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("set/train/pos/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return path


@pytest.mark.parametrize("form", ["folder", "zip", "tar", "tar.gz"])
def test_class_folders_lie_open_or_packed(tmp_path: Path, form: str) -> None:
    path = packed(tmp_path, form)
    assert looks_like_labelled_text(path)
    table = read_labelled_text(path, name="reviews")
    by_name = dict(zip(table.row_names or (), pairs(table)))
    assert by_name == {
        "set/train/pos/1.txt": ("so good\nreally", "pos"),
        "set/train/neg/2.txt": ("bad", "neg"),
        "set/test/pos/3.txt": ("fine", "pos"),
        "set/test/neg/4.txt": ("awful", "neg"),
    }
    assert {split: len(rows) for split, rows in table.splits.items()} == {"train": 2, "test": 2}
    found = dict(skipped(table))
    assert SKIPPED.items() <= found.items()
    assert ("set/train/pos/link.txt" in found) == form.startswith("tar")


def test_a_damaged_archive_is_one_sentence(tmp_path: Path) -> None:
    path = packed(tmp_path, "tar.gz")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="damaged"):
        read_labelled_text(path, name="reviews")


def test_folders_of_one_class_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two classes or more"):
        read_labelled_text(tree(tmp_path, {"pos/1.txt": "a", "pos/2.txt": "b"}), name="a")


def test_a_text_in_turkish_windows_letters_is_read_and_noted(tmp_path: Path) -> None:
    tree(tmp_path, {"iyi/1.txt": "güzel", "kötü/2.txt": "berbat"})
    (tmp_path / "iyi" / "3.txt").write_bytes("ışıklı şarkı".encode("cp1254"))
    table = read_labelled_text(tmp_path, name="a")
    assert ("ışıklı şarkı", "iyi") in pairs(table)
    assert any("1 as cp1254" in note for note in table.report.notes)


@pytest.mark.parametrize("names", [("rt.pos", "rt.neg"), ("pos.txt", "neg.txt")])
def test_a_file_for_each_class(tmp_path: Path, names: tuple[str, str]) -> None:
    # U+0085 and U+2028 stand inside a sentence; only a newline ends it.
    tree(tmp_path, {names[0]: "good one\x85still\n\nfine\u2028too\n", names[1]: "bad one\r\nworse\r\n"})
    table = read_labelled_text(tmp_path, name="a")
    assert sorted(pairs(table)) == [
        ("bad one", "neg"),
        ("fine\u2028too", "pos"),
        ("good one\x85still", "pos"),
        ("worse", "neg"),
    ]
    assert skipped(table) == [(f"{names[0]}, line 2", "the text is empty")]
    assert looks_like_labelled_text(tmp_path)


def test_naming_one_of_the_class_files_reads_all(tmp_path: Path) -> None:
    tree(tmp_path, {"rt.pos": "good one\n", "rt.neg": "bad one\n", "README.md": "about\n"})
    table = read_labelled_text(tmp_path / "rt.pos", name="a")
    assert table.target().classes == ("neg", "pos")
    assert any("rt.neg, rt.pos" in note for note in table.report.notes)


def test_files_of_splits_are_no_classes(tmp_path: Path) -> None:
    tree(tmp_path, {"eng.train": "a B\n", "eng.testa": "b C\n", "eng.testb": "c D\n"})
    assert not looks_like_labelled_text(tmp_path)


def test_labels_that_never_repeat_are_refused(tmp_path: Path) -> None:
    text = "".join(f"this is text {i}\tlabel{i}\n" for i in range(20))
    with pytest.raises(DataError, match="labels must repeat"):
        read_labelled_text(tree(tmp_path, {"a.tsv": text}) / "a.tsv", name="a")


def test_tables_of_measurements_do_not_look_like_texts(tmp_path: Path) -> None:
    tree(tmp_path, {"a.csv": "a,b,label\n1.5,2,x\n2.5,3,y\n", "b.csv": "width,kind\n1.5,x\n2.5,y\n"})
    assert not looks_like_labelled_text(tmp_path / "a.csv")
    assert not looks_like_labelled_text(tmp_path / "b.csv")
    assert not looks_like_labelled_text(tmp_path)


SENTENCE = st.text(
    st.characters(codec="utf-8", exclude_characters='\t\n\r\0"\x1a', exclude_categories=["Cs"]), min_size=1
)


@settings(max_examples=40, deadline=None)
@given(st.lists(SENTENCE.map(str.strip).filter(bool), min_size=4, max_size=9))
def test_whatever_stands_between_tab_and_newline_is_kept(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    labelled = [("two words or more: " + text, "ab"[i % 2]) for i, text in enumerate(texts)]
    path = tmp_path_factory.mktemp("tsv") / "a.tsv"
    path.write_bytes("".join(f"{t}\t{c}\n" for t, c in labelled).encode())
    assert pairs(read_labelled_text(path, name="a")) == labelled


@pytest.mark.data
@pytest.mark.parametrize(
    ("place", "splits", "classes"),
    [
        ("sst2", {"train": 6920, "val": 872, "test": 1821}, 2),
        ("turkish_news_topics", {"train": 750, "val": 150, "test": 250}, 5),
        ("imdb_reviews/aclImdb_small.tar.gz", {"train": 5000, "test": 2000}, 2),
    ],
)
def test_published_counts(data_folder: Path, place: str, splits: dict[str, int], classes: int) -> None:
    assert looks_like_labelled_text(data_folder / place)
    table = read_labelled_text(data_folder / place, name=place)
    assert {split: len(rows) for split, rows in table.splits.items()} == splits
    assert len(table.target().classes or ()) == classes
    assert not skipped(table)


@pytest.mark.data
@pytest.mark.parametrize(("place", "each"), [("rt_polarity", 5331), ("turkish_movie_sentiment", 4530)])
def test_published_counts_of_each_class(data_folder: Path, place: str, each: int) -> None:
    table = read_labelled_text(data_folder / place, name=place)
    labels = table.columns["label"]
    assert isinstance(labels, Dense)
    assert table.target().classes == ("neg", "pos")
    assert np.bincount(labels.values).tolist() == [each, each]


TRAINING = [(f"{'so good' if i % 2 else 'not so good'} a film, {i}", "pos" if i % 2 else "neg") for i in range(12)]


def delimited(rows: list[tuple[str, ...]], delimiter: str = ",") -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("training", "file", "content", "texts", "places"),
    [
        # Labels are there, and a text with a line break is one.
        ("t.csv", "q.csv", delimited([("text", "label"), ("a\nb", "neg"), ("c, d", "pos")]), ["a\nb", "c, d"], [2, 4]),
        # The other way round, with another column; without labels; without labels and quotes.
        ("t.csv", "q.csv", delimited([("id", "label", "text"), ("1", "neg", "a b")]), ["a b"], [2]),
        ("t.csv", "q.csv", delimited([("text",), ("a, b",), ("c",)]), ["a, b", "c"], [2, 3]),
        ("t.csv", "q.csv", "text\na, b\nc\n", ["a, b", "c"], [2, 3]),
        # Broken and empty rows stay in their place.
        ("t.csv", "q.csv", "text,label\na,neg\nb,neg,c\n,pos\nd,pos\n", ["a", "", "", "d"], [2, 3, 4, 5]),
        ("t.csv", "q.tsv", "text\tlabel\na, b\tneg\nc\tpos\n", ["a, b", "c"], [2, 3]),
        ("t.csv", "q.jsonl", '{"text": "a"}\n[1]\n{"label": "x"}\n{"text": "b"}\n', ["a", "", "", "b"], [1, 2, 3, 4]),
        (
            "t.csv",
            "q.txt",
            "a\u2028b\nc\x0cd\n\n x\x85y \r\nz",
            ["a\u2028b", "c\x0cd", "", "x\x85y", "z"],
            [1, 2, 3, 4, 5],
        ),
        ("bare.tsv", "q.tsv", "a b\tneg\nc\tpos\n", ["a b", "c"], [1, 2]),
        ("bare.tsv", "q.tsv", "a b\nc\n", ["a b", "c"], [1, 2]),
        ("t.txt", "q.txt", "text\tlabel\na b c\tneg\nc\tpos\n", ["a b c", "c"], [2, 3]),
        ("t.txt", "q.txt", "a b c\nd\n", ["a b c", "d"], [1, 2]),
    ],
)
def test_a_file_to_predict_gives_its_texts_alone_one_for_each_row(
    tmp_path: Path, training: str, file: str, content: str, texts: list[str], places: list[int]
) -> None:
    rows = TRAINING if training.startswith("bare") else [("text", "label"), *TRAINING]
    delimiter = "," if training.endswith("csv") else "\t"
    tree(tmp_path, {training: delimited(rows, delimiter), file: content})
    recipe = read_labelled_text(tmp_path / training, name="t").recipe
    assert recipe is not None
    table = read_inputs(tmp_path / file, recipe)
    assert table.columns["text"].texts() == texts
    assert table.row_names == [f"line {place}" for place in places]
    assert sorted(table.unanswered) == [row for row, text in enumerate(texts) if not text]
    assert not table.targets


def test_folders_and_archives_give_a_text_for_each_file(tmp_path: Path) -> None:
    files = {f"{label}/{i}.txt": f"{label} text {i}\nof two lines" for label in ("neg", "pos") for i in range(3)}
    recipe = read_labelled_text(tree(tmp_path / "train", files), name="t").recipe
    assert recipe is not None
    table = read_inputs(tree(tmp_path / "new", {"b.txt": "b\nb", "deep/a.txt": "a", "c.txt": " "}), recipe)
    assert table.row_names == ["b.txt", "c.txt", "deep/a.txt"]
    assert table.columns["text"].texts() == ["b\nb", "", "a"]
    assert list(table.unanswered) == [1]


def test_what_lacks_the_texts_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, {"t.csv": delimited([("text", "label"), *TRAINING]), "q.csv": "title,stars\na,3\nb,4\n"})
    recipe = read_labelled_text(tmp_path / "t.csv", name="t").recipe
    assert recipe is not None
    with pytest.raises(
        DataError, match="the column 'text' with the texts is required, as in training; it has title, stars"
    ):
        read_inputs(tmp_path / "q.csv", recipe)


def test_data_with_answers_is_read_by_the_recipe(tmp_path: Path) -> None:
    """Names that would be found out otherwise, and a header that does not look like one."""
    rows = [("text", "body", "label"), *((label, text, text[:4]) for text, label in TRAINING)]
    path = tree(tmp_path, {"t.csv": delimited(rows), "few.csv": delimited(rows[:3])})
    trained = read_labelled_text(path / "t.csv", name="t", target="text")
    assert trained.recipe is not None
    assert pairs(trained) == TRAINING
    again = load(path / "few.csv", recipe=trained.recipe, cut=False)
    assert pairs(again) == TRAINING[:2]


def test_a_line_of_json_that_is_longer_than_a_line_of_a_table_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_records, "LONGEST_CELL", 100)
    lines = [json.dumps({"text": "so good", "label": "yes"}), json.dumps({"text": "x" * 200, "label": "no"})]
    with pytest.raises(DataError, match=r"at most 100 characters .* line 2 has 227\."):
        read_labelled_text(tree(tmp_path, {"a.jsonl": "\n".join(lines)}) / "a.jsonl", name="a")


def test_a_class_called_na_stays_where_it_is_frequent_and_rare_ones_are_gaps(tmp_path: Path) -> None:
    rows = [(f"a text of words {i}", ("NA", "none", "b")[i % 3]) for i in range(30)] + [("one without a label", "?")]
    write_table(tmp_path / "a.csv", ["text", "label"], rows, ",")
    table = load(tmp_path / "a.csv")
    assert pairs(table) == rows[:-1]
    assert any("'NA'" in note and "10 rows" in note for note in table.report.notes)
    # Of other data, a single one is the class that it was in training; what is said counts more.
    few = [("a text of words", "NA"), ("another text of words", "b")]
    write_table(tmp_path / "b.csv", ["text", "label"], few, ",")
    assert pairs(load(tmp_path / "b.csv", recipe=table.recipe, cut=False)) == few
    said = load(tmp_path / "a.csv", missing=["na", "?"])
    assert {label for _, label in pairs(said)} == {"none", "b"}
    # The name of a folder is a class, whatever it is.
    for label in ("NA", "null"):
        (tmp_path / "folders" / label).mkdir(parents=True)
        (tmp_path / "folders" / label / "1.txt").write_text(f"text of {label}", encoding="utf-8")
    assert pairs(load(tmp_path / "folders", cut=False)) == [("text of NA", "NA"), ("text of null", "null")]


def test_texts_saved_with_another_delimiter_are_read_as_in_training(tmp_path: Path) -> None:
    rows = [("so good; a film, really", "pos"), ('he said "bad"\nthen left, angry', "neg"), ("a\tb c d", "neg")] * 4
    write_table(tmp_path / "a.csv", ["text", "label"], rows, ",")
    table = load(tmp_path / "a.csv")
    assert table.recipe is not None
    for name, delimiter in (("b.csv", ";"), ("c.csv", "|"), ("d.tsv", "\t")):
        write_table(tmp_path / name, ["label", "text"], [row[::-1] for row in rows], delimiter)
        assert pairs(load(tmp_path / name, recipe=table.recipe)) == rows, name
        asked = read_inputs(tmp_path / name, table.recipe).columns["text"]
        assert isinstance(asked, Ragged)
        assert asked.texts() == [text for text, _ in rows], name


def write_table(path: Path, names: list[str], rows: list[tuple[str, ...]], delimiter: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([names, *rows])


def test_a_table_with_month_names_in_its_dates_is_no_labelled_text(tmp_path: Path) -> None:
    rows = [(f"January {i % 28 + 1}, {1990 + i}", f"{i / 7:.3f}") for i in range(30)]
    write_table(tmp_path / "a.csv", ["day", "y"], rows, ",")
    assert {c.name: c.kind for c in load(tmp_path / "a.csv").schema} == {"day": Kind.DATE, "y": Kind.NUMBER}


@pytest.mark.parametrize(
    "place", ["set/{split}/{label}/{i}.txt", "set/{label}/{split}/{i}.txt", "{label}/{split}/{i}.txt"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_splits_above_classes_and_within_them_are_splits(place: str, packed: bool, tmp_path: Path) -> None:
    texts = {}
    for i in range(24):
        where = place.format(split=("train", "train", "dev", "test")[i // 2 % 4], label=("neg", "pos")[i % 2], i=i)
        texts[where] = f"a text of number {i}"
    root = tree(tmp_path / "texts", texts)
    if packed:
        with tarfile.open(tmp_path / "texts.tar.gz", "w:gz") as file:
            file.add(root, "texts")
        root = tmp_path / "texts.tar.gz"
    table = load(root)
    assert table.target().classes == ("neg", "pos")
    column = table["text"]
    assert isinstance(column, Ragged)
    numbers = [int(text.split()[-1]) for text in column.texts()]
    assert table[table.target().name].values.tolist() == [i % 2 for i in numbers]  # type: ignore[union-attr]
    given = {split: {numbers[row] for row in rows.tolist()} for split, rows in table.splits.items()}
    assert given == {
        "train": {i for i in range(24) if i // 2 % 4 < 2},
        "val": {i for i in range(24) if i // 2 % 4 == 2},
        "test": {i for i in range(24) if i // 2 % 4 == 3},
    }


def test_a_readme_among_the_texts_of_a_class_is_no_text_of_it(tmp_path: Path) -> None:
    texts = {f"{'np'[i % 2]}/{i}.txt": f"a text of number {i}" for i in range(8)}
    root = tree(tmp_path / "texts", {**texts, "n/README.txt": "about the set", "p/LICENSE": "free"})
    table = load(root)
    assert len(table) == 8
    assert {f.where for f in table.report.findings if "about the data" in f.reason} == {"n/README.txt", "p/LICENSE"}
    inputs = read_inputs(root / "n", table.recipe)  # type: ignore[arg-type]
    assert inputs["text"].texts() == [f"a text of number {i}" for i in (0, 2, 4, 6)]  # type: ignore[union-attr]
