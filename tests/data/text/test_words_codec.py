"""From tagged sentences to numbers, and the same way again in prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.data.codecs.base import codec_from_json
from derin.data.codecs.values import ValuesCodec
from derin.data.preparation import Batching
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.source import TableSource
from derin.data.table import Ragged, Table
from derin.data.text.vocabulary import UNK
from derin.data.text.words_codec import WordsCodec
from derin.readers.conll import read_conll

SENTENCES = [
    [("Ada", "B-PER"), ("Byron", "I-PER"), ("'s", "O"), ("house", "O")],
    [("Dr.", "O"), ("Işıl", "B-PER"), ("1987", "O")],
    [("Ada", "B-PER"), ("counterrevolutionaries", "O")],
]


def table_of(sentences: list[list[tuple[str, str]]], folder: Path) -> Table:
    text = "\n\n".join("\n".join(f"{word}\t{tag}" for word, tag in sentence) for sentence in sentences)
    (folder / "a.conll").write_text(text, encoding="utf-8")
    return read_conll(folder / "a.conll", name="a")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return table_of(SENTENCES, tmp_path)


def fit(table: Table, **options: Any) -> WordsCodec:
    return WordsCodec.fit(table, np.arange(len(table)), **options)


def spelled(codec: WordsCodec, numbers: np.ndarray) -> str:
    return "".join(codec.characters.tokens[number] for number in numbers if number)


def test_words_are_folded_and_characters_are_kept(table: Table) -> None:
    codec = fit(table, language="")
    numbers = codec.numbers(["ADA", "Ada", "2004", "unheard"])
    assert numbers[0, 0] == numbers[1, 0] == codec.words.id_of("ada")
    assert numbers[2, 0] == codec.words.id_of("0000")
    assert numbers[3, 0] == UNK
    assert spelled(codec, numbers[1, 1:]) == "Ada" if codec.characters.id_of("A") != UNK else "<UNK>da"


def test_turkish_capitals_are_found_out_and_folded_as_turkish_does(table: Table) -> None:
    codec = fit(table)
    assert codec.language == "tr"
    assert codec.numbers(["IŞIL"])[0, 0] == codec.words.id_of("ışıl") != UNK


def test_of_a_long_word_both_ends_are_read(table: Table) -> None:
    codec = fit(table)
    assert codec.num_characters == 20
    numbers = codec.numbers(["counterrevolutionaries"])[0, 1:]
    expected = ["c", "o", "u", "n", "t", "e", "r", "r", "e", "v", "u", "t", "i", "o", "n", "a", "r", "i", "e", "s"]
    assert numbers.tolist() == [codec.characters.id_of(c) for c in expected]


def test_prediction_reads_as_training_does(table: Table) -> None:
    codec = fit(table)
    host = codec.encode(table)
    for row, sentence in enumerate(SENTENCES):
        own = host.gather(np.array([row]))[0]
        np.testing.assert_array_equal(codec.read([[word for word, _ in sentence]])[0], own)


def test_batches_hold_words_tags_and_padding(table: Table) -> None:
    codec = fit(table)
    columns = {"input": (codec, codec.encode(table)), "target": ValuesCodec.of("tags", table.columns["tags"])}
    source = TableSource(columns, np.arange(3), Batching(batch_size=5))
    (batch,) = source.batches(0)
    assert batch["input"].shape == (3, 4, 1 + codec.num_characters)
    lengths = (batch["input"][..., 0] != 0).sum(dim=1)
    assert lengths.tolist() == [len(SENTENCES[row]) for row in batch.rows.tolist()]
    classes = table.target().classes
    assert classes is not None
    for row, tags, length in zip(batch.rows.tolist(), batch["target"].tolist(), lengths.tolist(), strict=True):
        assert [classes[tag] for tag in tags[:length]] == [tag for _, tag in SENTENCES[row]]
        assert not any(tags[length:])


def test_it_comes_back_from_a_bundle(table: Table) -> None:
    codec = fit(table)
    again = codec_from_json(codec.to_json(), codec.files())
    words = ["Ada", "IŞIL", "1999", "new"]
    np.testing.assert_array_equal(again.numbers(words), codec.numbers(words))  # type: ignore[attr-defined]
    assert again.network_options() == codec.network_options()
    assert again.typical_shape == codec.typical_shape


@pytest.mark.parametrize(
    "change",
    [
        {"num_characters": 10**9},
        {"num_learned": "many"},
        {"num_learned": 10**6},
        {"language": 3},
        {"marks_spans": None},
        {"more": 1},
    ],
)
def test_a_damaged_card_is_refused(table: Table, change: dict[str, Any]) -> None:
    codec = fit(table)
    with pytest.raises(RefusedFileError):
        codec_from_json(codec.to_json() | change, codec.files())


def test_a_bundle_without_its_vocabulary_is_refused(table: Table) -> None:
    codec = fit(table)
    with pytest.raises(RefusedFileError, match=r"characters\.json"):
        codec_from_json(codec.to_json(), {"words.json": codec.files()["words.json"]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada's house.", ["Ada", "'s", "house", "."]),
        ("“Dr. Byron,” (Ada) said...", ["“", "Dr.", "Byron", ",", "”", "(", "Ada", ")", "said", ".", ".", "."]),
        ("They don't.", ["They", "do", "n't", "."]),
        ("U.S.-led 3,5 and/or", ["U.S.-led", "3,5", "and/or"]),
    ],
)
def test_texts_are_cut_as_the_training_words_were(table: Table, text: str, words: list[str]) -> None:
    assert fit(table).cut(text) == words


def test_turkish_suffixes_stay_where_training_kept_them(tmp_path: Path) -> None:
    sentences = [[("Ankara'da", "B-GPE"), ("1920'de", "B-DATE")]]
    assert fit(table_of(sentences, tmp_path)).cut("Orhan'ın evi Bursa'da.") == ["Orhan'ın", "evi", "Bursa'da", "."]


def test_imported_words_become_known_beside_the_learnt_ones(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("ada 1 2 3\ndurian 4 5 6\nX5 7 8 9\n")
    codec = fit(table, vectors=str(path))
    options = codec.network_options()
    assert options["imported_dim"] == 3
    assert options["learned"] == options["vocabulary"] - 1  # X5 is not a folded word
    matrix = codec.embedding(seed=0)
    assert matrix is not None
    assert matrix[codec.words.id_of("ada")].tolist() == [1, 2, 3]
    assert matrix[codec.words.id_of("durian")].tolist() == [4, 5, 6]
    assert not matrix[codec.words.id_of("house")].any()
    assert codec.numbers(["Durian"])[0, 0] == options["learned"]
    assert fit(table).embedding(seed=0) is None


def test_what_is_no_sentence_is_told(table: Table) -> None:
    codec = fit(table)
    for inputs, error in (
        ("  ", DataError),
        ([["Ada", ""]], DataError),
        ([[]], DataError),
        (3, UsageError),
        ([3], UsageError),
    ):
        with pytest.raises(error, match="Sentence"):
            codec.read(inputs)


def test_a_table_without_words_is_refused() -> None:
    schema = Schema(
        (Column(name="text", kind=Kind.TEXT, role=Role.INPUT), Column(name="tags", kind=Kind.TAGS, role=Role.TARGET))
    )
    columns = {"text": Ragged.from_texts(["a"]), "tags": Ragged(np.array([0]), np.array([0, 1]))}
    table = Table(name="t", schema=schema, columns=columns, splits={})
    with pytest.raises(DataError, match="one column of words; it has text"):
        WordsCodec.fit(table, np.array([0]))


def test_rare_words_are_looked_up_by_their_beginning(tmp_path: Path) -> None:
    words = ["kitaplar", "kitaplar", "kitaplık", "kitaptan", "evlerden", "ev"]
    codec = fit(table_of([[(word, "O") for word in words], [("Ada", "B-PER")]], tmp_path), min_count=2)
    known, first, second, new, other, short = codec.numbers(
        ["kitaplar", "kitaplık", "kitaptan", "kitaba", "evlerden", "ev"]
    )[:, 0].tolist()
    assert known not in (UNK, first)
    assert first == second == codec.numbers(["kitapçıya"])[0, 0] != UNK
    assert new == other == short == UNK
