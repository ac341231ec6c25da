"""Tagged sentences in columns: every form that people keep, and every fault named."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import pytest

from derin.core.errors import DataError, UsageError
from derin.data.recipe import ReadOptions
from derin.data.report import Outcome
from derin.data.table import Ragged, Table
from derin.readers.conll import looks_like_conll, read_conll

TWO = "Ada B-PER\nByron I-PER\nsleeps O\n\nin O\nOslo B-LOC\n"


def save(folder: Path, text: str, name: str = "a.conll", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def words_of(table: Table) -> list[list[str]]:
    column = table.columns["words"]
    assert isinstance(column, Ragged)
    return [text.split("\n") for text in column.texts()]


def tags_of(table: Table) -> list[list[str]]:
    column, classes = table.columns["tags"], table.target().classes
    assert isinstance(column, Ragged)
    assert classes is not None
    bounds = column.offsets.tolist()
    return [[classes[tag] for tag in column.flat[a:b]] for a, b in pairwise(bounds)]


def test_sentences_and_tags(tmp_path: Path) -> None:
    table = read_conll(save(tmp_path, TWO), name="a")
    assert words_of(table) == [["Ada", "Byron", "sleeps"], ["in", "Oslo"]]
    assert tags_of(table) == [["B-PER", "I-PER", "O"], ["O", "B-LOC"]]
    assert table.row_names == ["line 1", "line 5"]


@pytest.mark.parametrize("ending", ["", "\n", "\n\n\n", "\n \t\n"])
def test_the_end_of_the_file_changes_nothing(tmp_path: Path, ending: str) -> None:
    assert words_of(read_conll(save(tmp_path, TWO.rstrip("\n") + ending), name="a"))[1] == ["in", "Oslo"]


def test_windows_lines_and_tabs_with_spaces_inside_words(tmp_path: Path) -> None:
    table = read_conll(save(tmp_path, "New York\tB-LOC\r\nsleeps\tO\r\n\r\nhere\tO\r\n"), name="a")
    assert words_of(table) == [["New York", "sleeps"], ["here"]]


def test_iob1_with_documents_is_converted_and_said(tmp_path: Path) -> None:
    head = "-DOCSTART- -X- O O\n\n"
    text = f"{head}Ada NNP I-NP I-PER\nsat V I-VP O\n\n{head}Oslo N I-NP I-LOC\nBergen N I-NP B-LOC\n"
    table = read_conll(save(tmp_path, text), name="a")
    assert words_of(table) == [["Ada", "sat"], ["Oslo", "Bergen"]]
    assert tags_of(table) == [["B-PER", "O"], ["B-LOC", "B-LOC"]]
    notes = " ".join(table.report.notes)
    assert "2 lines -DOCSTART-" in notes
    assert "IOB1" in notes
    assert "tags from column 4" in notes


def test_another_column_is_read_where_asked(tmp_path: Path) -> None:
    path = save(tmp_path, "Ada NNP B-PER\nsat VBD O\n\nOslo NNP B-LOC\n")
    assert tags_of(read_conll(path, name="a", target="2")) == [["NNP", "VBD"], ["NNP"]]
    assert tags_of(read_conll(path, name="a", target="column_3")) == [["B-PER", "O"], ["B-LOC"]]
    with pytest.raises(UsageError, match="a number from 1 to 3 and other than 1"):
        read_conll(path, name="a", target="pos")


def test_the_column_that_marks_spans_wins_over_a_last_one_that_does_not(tmp_path: Path) -> None:
    table = read_conll(save(tmp_path, "Ada B-PER NNP\nsat O VBD\n\nOslo B-LOC NNP\n"), name="a")
    assert tags_of(table)[0] == ["B-PER", "O"]


def test_universal_dependencies_give_parts_of_speech(tmp_path: Path) -> None:
    rest = "_\t_\t0\troot\t_\t_"
    text = (
        "# sent_id = 1\n# text = evdeydi\n1-2\tevdeydi\t_\t_\t_\t_\t_\t_\t_\t_\n"
        f"1\tevde\tev\tNOUN\t{rest}\n2\tydi\ti\tAUX\t{rest}\n\n# text = gel\n1\tgel\tgel\tVERB\t{rest}\n"
    )
    table = read_conll(save(tmp_path, text, "tr.conllu"), name="a")
    assert words_of(table) == [["evde", "ydi"], ["gel"]]
    assert tags_of(table) == [["NOUN", "AUX"], ["VERB"]]
    assert [f.where for f in table.report.findings] == ["tr.conllu, line 3"]


def test_a_hash_that_is_a_word_stays(tmp_path: Path) -> None:
    table = read_conll(save(tmp_path, "# O\n1 O\nhit B-MISC\n"), name="a")
    assert words_of(table) == [["#", "1", "hit"]]


def test_files_that_name_splits(tmp_path: Path) -> None:
    for name in ("eng.train", "eng.testa", "eng.testb.gz"):
        data = (TWO + "\nrare B-MISC\n" if "testb" in name else TWO).encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    save(tmp_path, "Read me first.\n", "README")
    table = read_conll(tmp_path, name="a")
    assert {split: len(rows) for split, rows in table.splits.items()} == {"train": 2, "val": 2, "test": 3}
    notes = " ".join(table.report.notes)
    assert "README" in notes
    assert "B-MISC, I-MISC" in notes
    assert table.row_names is not None
    assert table.row_names[-1] == "eng.testb.gz line 8"


def test_sentences_with_their_tags_on_one_line(tmp_path: Path) -> None:
    path = save(tmp_path, "Ada Byron sleeps\tB-PER I-PER O\n\nin Oslo\tO B-LOC\nyes\tO\nno way\tO O\n", "a.tsv")
    assert looks_like_conll(path)
    table = read_conll(path, name="a")
    assert words_of(table)[:3] == [["Ada", "Byron", "sleeps"], ["in", "Oslo"], ["yes"]]
    assert tags_of(table)[:2] == [["B-PER", "I-PER", "O"], ["O", "B-LOC"]]
    save(tmp_path, "Ada Byron sleeps\tB-PER I-PER O\nin Oslo now\tO B-LOC\n", "a.tsv")
    with pytest.raises(DataError, match=r"line 2: a sentence, a tab and a tag for each word.*3 words and 2 tags"):
        read_conll(path, name="a")


def test_the_encoding_that_is_asked_for_is_read(tmp_path: Path) -> None:
    path = save(tmp_path, "ışık B-X\nñ O\n", encoding="cp1254")
    assert words_of(read_conll(path, name="a", encoding="cp1254"))[0] == ["ışık", "ñ"]
    with pytest.raises(UsageError, match="an encoding that Python knows"):
        read_conll(path, name="a", encoding="cp9999")
    broken = read_conll(path, name="a", encoding="utf-8")
    assert [finding.where for finding in broken.report.findings] == ["a.conll, line 1", "a.conll, line 2"]


def test_a_turkish_file_in_an_old_encoding(tmp_path: Path) -> None:
    table = read_conll(save(tmp_path, "Işıl B-PER\ngüldü O\nşimdi O\n", encoding="cp1254"), name="a")
    assert words_of(table)[0] == ["Işıl", "güldü", "şimdi"]
    assert any("cp1254" in note for note in table.report.notes)


def test_a_broken_line_takes_its_sentence_out_and_is_listed(tmp_path: Path) -> None:
    table = read_conll(save(tmp_path, TWO + "\nno\ntag O\n\nlast O\n"), name="a")
    assert words_of(table)[2:] == [["last"]]
    (finding,) = table.report.findings
    assert (finding.where, finding.outcome) == ("a.conll, line 8", Outcome.SKIPPED)


def test_illegal_tags_are_mended_listed_and_counted(tmp_path: Path) -> None:
    table = read_conll(save(tmp_path, TWO + "\nin O\nRome I-LOC\n"), name="a")
    assert tags_of(table)[2] == ["O", "B-LOC"]
    (finding,) = table.report.findings
    assert (finding.where, finding.outcome) == ("a.conll, line 9", Outcome.CONVERTED)
    assert any("mended: 1;" in note for note in table.report.notes)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file is empty"),
        ("\n\n \n", "the file is empty"),
        ("one\ntwo\n", "a word and a tag are required on each line"),
        ("Ada B-PER\nsat O\n\nOslo LOC\n", "line 4: tags must be O or a letter and a type"),
        ("Ada O\nsat O\n", "at least two different tags are required"),
        ("a b O\nc O\n\nd e O\nh O\n\ni O O\nj O O\n", "line 2: 3 columns are required"),
        ("-DOCSTART- O\n\n", "every line is empty, a comment or -DOCSTART-"),
    ],
)
def test_what_cannot_be_read_is_one_clear_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_conll(save(tmp_path, text), name="a")


def test_missing_and_unnamed_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_conll(tmp_path / "none", name="a")
    with pytest.raises(DataError, match="files with a word and its tag"):
        read_conll(tmp_path, name="a")
    paths = [save(tmp_path, TWO, name) for name in ("train.conll", "more.conll")]
    with pytest.raises(DataError, match=r"more\.conll does not"):
        read_conll(paths, name="a")


def test_files_with_unequal_columns_are_refused(tmp_path: Path) -> None:
    paths = [save(tmp_path, TWO, "train.conll"), save(tmp_path, "Ada N B-PER\nsat V O\n", "test.conll")]
    with pytest.raises(DataError, match=r"train\.conll 2, test\.conll 3"):
        read_conll(paths, name="a")


def test_the_form_is_known_by_its_head(tmp_path: Path) -> None:
    assert looks_like_conll(save(tmp_path, TWO, "tagged.txt"))
    assert looks_like_conll(tmp_path)
    for number, text in enumerate(
        (
            "a,b\n1,2\n3,4\n5,6\n",
            "some words here\nand there are\n",
            "x 1\ny 2\nz 3\nw 4\n",
            "red,S\nblue,O\ngreen,B\nred,O\n",
        )
    ):
        assert not looks_like_conll(save(tmp_path, text, f"{number}.txt"))


FOUR = [[("Ada", "B-PER"), ("Byron", "I-PER"), ("sleeps", "O")], [("in", "O"), ("New\u00a0York", "B-LOC")]] * 4


@pytest.mark.parametrize(
    ("ending", "line", "between"),
    [
        (".bio", "{tag}\t{word}", "\n"),
        (".txt", "{tag} {word}", "\n"),
        (".txt", "{word}   \t {tag}", "\n"),
        (".txt", "{word}     {tag}", "\n"),
        (".txt", "{word}|{tag}", "\n"),
        (".txt", "{word} | {tag}", "\n"),
        (".txt", "{word};{tag}", "\n"),
        (".txt", "{word}/{tag}", "\n"),
        (".txt", "{word}/{tag}", " "),
        (".txt", "{word} NNP {tag} 0.93", "\n"),
        (".tsv", "{word}\t{tag}\t\t", "\n"),
    ],
)
def test_tags_are_found_wherever_they_stand_and_whatever_is_between(
    tmp_path: Path, ending: str, line: str, between: str
) -> None:
    ends = "\n" if between == " " else "\n\n"
    text = ends.join(between.join(line.format(word=w, tag=t) for w, t in sentence) for sentence in FOUR) + "\n"
    path = save(tmp_path, text, "a" + ending)
    assert looks_like_conll(path)
    table = read_conll(path, name="a")
    assert words_of(table) == [[word for word, _ in sentence] for sentence in FOUR]
    assert tags_of(table) == [[tag for _, tag in sentence] for sentence in FOUR]
    assert table.recipe is not None
    again = read_conll(path, name="a", options=ReadOptions(found=table.recipe.found))
    assert (words_of(again), tags_of(again)) == (words_of(table), tags_of(table))
    inputs = read_conll(path, name="a", options=ReadOptions(found=table.recipe.found, inputs_only=True))
    assert words_of(inputs) == words_of(table)
    assert not inputs.targets


def test_comments_of_as_many_words_as_columns_and_old_line_ends(tmp_path: Path) -> None:
    text = "# one\nAda B-PER\nsat O\n\n# two\nOslo B-LOC\nsat O\n\n# O\n".replace("\n", "\r")
    table = read_conll(save(tmp_path, text), name="a")
    assert words_of(table) == [["Ada", "sat"], ["Oslo", "sat"], ["#"]]
    assert any("2 lines of comment" in note for note in table.report.notes)


def test_a_first_line_that_names_the_columns_is_left_out(tmp_path: Path) -> None:
    for header, line in (("word,tag", "{},{}"), ("Token\tNER", "{}\t{}"), ("tag | word", "{1} | {0}")):
        text = "\n\n".join("\n".join(line.format(*pair) for pair in sentence) for sentence in FOUR)
        table = read_conll(save(tmp_path, f"{header}\n{text}\n", "a.txt"), name="a")
        assert words_of(table) == [[word for word, _ in sentence] for sentence in FOUR]
        assert any("names the columns" in note for note in table.report.notes)


def test_line_separators_within_a_word_cut_nothing(tmp_path: Path) -> None:
    odd = "\u2028\u2029\x1c\x1d\x1e\x85"
    text = "".join(f"a{c}b\tO\nAda\tB-PER\n\n" for c in odd)
    path = save(tmp_path, text)
    assert looks_like_conll(path)
    assert words_of(read_conll(path, name="a")) == [[f"a{c}b", "Ada"] for c in odd]


def test_words_are_named_where_that_is_asked_for(tmp_path: Path) -> None:
    path = save(tmp_path, "1 Ada B-PER\n2 sat O\n")
    assert words_of(read_conll(path, name="a", words=1)) == [["1", "2"]]
    with pytest.raises(UsageError, match="words must be a number from 1 to 3"):
        read_conll(path, name="a", words="word")


def test_what_is_to_be_predicted_keeps_every_sentence_and_its_order(tmp_path: Path) -> None:
    found = read_conll(save(tmp_path, "O\tit\nB-PER\tAda\n\nO\tsat\nO\there\n"), name="a").recipe
    assert found is not None
    options = ReadOptions(found=found.found, inputs_only=True)
    table = read_conll(save(tmp_path, "O\tone\nO\ttwo\n\nO\t\nO\tx\n\nO\tlast\n"), name="a", options=options)
    assert words_of(table) == [["one", "two"], [""], ["last"]]
    assert table.row_names == ["line 1", "line 4", "line 7"]
    assert list(table.unanswered) == [1]
    alone = read_conll(save(tmp_path, "one\ntwo\n\nlast\n"), name="a", options=options)
    assert words_of(alone) == [["one", "two"], ["last"]]
    texts = read_conll(save(tmp_path, "one two\n\nlast\n", "a.txt"), name="a", options=options)
    assert (texts.columns["text"].texts(), list(texts.unanswered)) == (["one two", "", "last"], [1])
    tagged = read_conll(save(tmp_path, "O\tone\nB-PER\tAda\n", "a.txt"), name="a", options=options)
    assert words_of(tagged) == [["one", "Ada"]]


@pytest.mark.data
def test_conll_2003_has_the_published_counts(data_folder: Path) -> None:
    """Table 1 and 2 of Tjong Kim Sang and De Meulder, CoNLL 2003; sentences without the document lines."""
    table = read_conll(data_folder / "conll2003_en", name="conll2003_en")
    assert {s: len(r) for s, r in table.splits.items()} == {"train": 14_041, "val": 3_250, "test": 3_453}
    tags, classes = table.columns["tags"], table.target().classes
    assert isinstance(tags, Ragged)
    assert classes is not None
    published = {
        "train": (7_140, 3_438, 6_321, 6_600),
        "val": (1_837, 922, 1_341, 1_842),
        "test": (1_668, 702, 1_661, 1_617),
    }
    for split, rows in table.splits.items():
        flat = tags.take(rows).flat
        assert (
            tuple(int((flat == classes.index(f"B-{kind}")).sum()) for kind in ("LOC", "MISC", "ORG", "PER"))
            == published[split]
        )


@pytest.mark.parametrize("joint", ["/", "_"])
def test_a_word_and_its_tag_in_one_piece_with_a_sentence_on_each_line(joint: str, tmp_path: Path) -> None:
    lines = [[("Ada", "B-PER"), ("sees", "O")], [("and/or", "O"), ("snake_case", "O"), ("Oslo", "B-LOC")]] * 3
    text = "\n".join(" ".join(f"{word}{joint}{tag}" for word, tag in line) for line in lines)
    path = save(tmp_path, text, "a.txt")
    assert looks_like_conll(path)
    table = read_conll(path, name="a")
    assert words_of(table) == [[word for word, _ in line] for line in lines]
    assert tags_of(table) == [[tag for _, tag in line] for line in lines]


def test_a_table_of_words_and_tags_that_empty_lines_part_holds_sentences(tmp_path: Path) -> None:
    parted = "word,tag\n" + "\n".join("Ada,B-PER\nByron,I-PER\nsleeps,O\n" for _ in range(4))
    assert looks_like_conll(save(tmp_path, parted, "a.csv"))
    assert words_of(read_conll(tmp_path / "a.csv", name="a")) == [["Ada", "Byron", "sleeps"]] * 4
    # Without them nothing says where a sentence ends.
    assert not looks_like_conll(save(tmp_path, parted.replace("\n\n", "\n"), "b.csv"))
