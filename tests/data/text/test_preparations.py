"""From a table of texts to batches, and what the bundle keeps of the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.data.columns import ColumnsPreparation
from derin.data.preparation import Batching, preparation_from_json
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Ragged, Table
from derin.data.text.codec import TextCodec
from derin.data.text.stream_preparation import StreamPreparation

TEXTS = ["so good", "İyi değil, ışık kötü", "not so good at all", "", "bad bad bad bad", "unseen word here"]
TRAIN = np.arange(5)


def table(texts: list[str] = TEXTS, *, num_columns: int = 1) -> Table:
    names = ["text", "other"][:num_columns]
    columns = tuple(Column(name=name, kind=Kind.TEXT, role=Role.INPUT) for name in names)
    label = Column(name="label", kind=Kind.NUMBER, role=Role.TARGET)
    values: dict[str, Any] = {name: Ragged.from_texts(texts) for name in names}
    values["label"] = Dense(np.arange(len(texts), dtype=np.float32))
    return Table(name="few", schema=Schema((*columns, label)), columns=values, splits={"train": TRAIN})


def fit(given: Table, rows: Any = TRAIN, **settings: Any) -> ColumnsPreparation:
    return ColumnsPreparation.fit(given, rows, **settings)


def saved_and_read(preparation: Any) -> Any:
    return preparation_from_json(json.loads(json.dumps(preparation.to_json())), preparation.files())


def test_batches_of_texts_hold_what_the_encoder_gives_and_their_labels() -> None:
    preparation = fit(table())
    source = preparation.source(
        preparation.encode_table(table()),
        {"target": np.arange(6) * 10},
        np.arange(6),
        input_name="input",
        batching=Batching(batch_size=2, shuffle=True, seed=1),
    )
    seen = []
    for batch in source.batches(0):
        for row, tokens, target in zip(batch.rows.tolist(), batch["input"], batch["target"], strict=True):
            expected = preparation.input.encoder.encode([TEXTS[row]]).flat.tolist()
            assert tokens[: len(expected)].tolist() == expected
            assert not tokens[len(expected) :].any()
            assert int(target) == 10 * row
            seen.append(row)
    assert sorted(seen) == list(range(6))


def test_a_text_handed_over_is_read_as_in_training() -> None:
    preparation = fit(table())
    read = preparation.read(TEXTS)
    host = preparation.input.encode(table())
    assert read.shape == (6, 5)
    for row, tokens in enumerate(read.tolist()):
        own = host.gather(np.array([row]))[0].tolist()
        assert tokens == own + [0] * (5 - len(own))
    assert preparation.to_model_input(torch.from_numpy(read)).dtype == torch.int64
    assert preparation.read({"text": "so good"}).tolist() == preparation.read("so good").tolist()
    assert preparation.is_single("so good")
    assert preparation.is_single({"text": "so good"})
    assert not preparation.is_single(["so good"])


def test_words_outside_the_training_rows_are_unknown() -> None:
    preparation = fit(table())
    assert preparation.read("unseen word").tolist() == [[1, 1]]


def test_words_that_stand_once_are_unknown_where_texts_are_many() -> None:
    texts = ["so good"] * 500 + ["once"]
    preparation = fit(table(texts), np.arange(501))
    assert preparation.input.encoder.vocabulary.tokens[4:] == ("good", "so")
    assert "once" in fit(table(texts), np.arange(501), min_count=1).input.encoder.vocabulary


@pytest.mark.parametrize("tokenizer", ["words", "characters", "bytes", "bpe"])
def test_preparations_are_saved_and_read_back(tokenizer: str) -> None:
    for preparation in (
        fit(table(), tokenizer=tokenizer, max_length=7),
        StreamPreparation.fit(table(), TRAIN, tokenizer=tokenizer, window=3),
    ):
        again = saved_and_read(preparation)
        assert again.to_json() == preparation.to_json()
        assert np.array_equal(again.read(TEXTS), preparation.read(TEXTS))
        assert again.input_shape == preparation.input_shape
        assert again.network_options() == preparation.network_options()


@pytest.mark.parametrize("change", [{"length": 0}, {"length": "3"}, {"longest": 1}, {"column": 3}, {"more": 1}])
def test_an_altered_card_of_texts_is_refused(change: dict[str, Any]) -> None:
    preparation = fit(table())
    with pytest.raises(RefusedFileError):
        preparation_from_json({**preparation.input.to_json(), **change}, preparation.files())


def test_a_card_of_before_opens_which_had_the_texts_alone() -> None:
    preparation = fit(table())
    again = preparation_from_json(preparation.input.to_json(), preparation.files())
    assert again == preparation
    assert again.files() == preparation.files()


def test_several_texts_keep_their_vocabularies_apart_and_a_row_of_them_is_gathered_beside_numbers() -> None:
    given = table(num_columns=2)
    given.columns["other"] = Ragged.from_texts([text[::-1] for text in TEXTS])  # type: ignore[index]
    inputs = {"front": ["text"], "back": ["other"], "number": ["label"]}
    preparation = saved_and_read(ColumnsPreparation.fit_inputs(given, TRAIN, inputs))
    source = preparation.source(
        preparation.encode_table(given),
        {"target": np.arange(6)},
        np.arange(6),
        input_name="",
        batching=Batching(batch_size=3, shuffle=True),
    )
    rows = []
    for batch in source.batches(0):
        for row, front, back, number in zip(
            batch.rows.tolist(), batch["front"], batch["back"], batch["number"], strict=True
        ):
            encoder = preparation.inputs["front"].encoder
            assert encoder.decode(front) == encoder.decode(encoder.encode([TEXTS[row]]).flat)
            encoder = preparation.inputs["back"].encoder
            assert encoder.decode(back) == encoder.decode(encoder.encode([TEXTS[row][::-1]]).flat)
            assert number.item() == pytest.approx((row - 2) / np.std(TRAIN), abs=1e-6)  # a float32 of three digits
            rows.append(row)
    assert sorted(rows) == list(range(6))


@pytest.mark.parametrize(
    "change", [{"window": 0}, {"window": 1.5}, {"context": 200}, {"characters_per_token": 0}, {"encoder": {}}]
)
def test_an_altered_card_of_a_stream_is_refused(change: dict[str, Any]) -> None:
    preparation = StreamPreparation.fit(table(), TRAIN)
    with pytest.raises(RefusedFileError):
        preparation_from_json({**preparation.to_json(), **change}, preparation.files())


def test_longer_texts_are_cut_and_said() -> None:
    given = table()
    preparation = fit(given, max_length=3)
    for _ in range(2):
        preparation.encode_table(given)
    assert given.report.notes == ["3 texts are longer than 3 tokens; only that many of each are read."]
    assert preparation.read(TEXTS).shape == (6, 3)
    source = preparation.source(
        preparation.encode_table(given), {}, TRAIN, input_name="input", batching=Batching(batch_size=9)
    )
    assert max(batch["input"].shape[1] for batch in source.batches(0)) == 3


def test_word_vectors_bring_their_words_and_begin_the_embedding(tmp_path: Path) -> None:
    file = tmp_path / "vectors.txt"
    file.write_text("good 1 2 3\nunseen 4 5 6\nUPPER 7 8 9\n", encoding="utf-8")
    preparation = fit(table(), vectors=str(file))
    matrix = preparation.embedding(0)
    vocabulary = preparation.input.encoder.vocabulary
    assert matrix is not None
    assert matrix.shape == (len(vocabulary), 3)
    assert matrix[vocabulary.id_of("unseen")].tolist() == [4, 5, 6]
    assert matrix[vocabulary.id_of("good")].tolist() == [1, 2, 3]
    assert "UPPER" not in vocabulary
    assert preparation.network_options() == {"vocabulary": len(vocabulary), "dim": 3}
    assert saved_and_read(preparation).embedding(0) is None
    with pytest.raises(UsageError, match="tokenizer 'bytes'"):
        fit(table(), tokenizer="bytes", vectors=str(file))


def test_what_cannot_be_read_is_one_sentence() -> None:
    preparation = fit(table())
    for inputs, message in (
        (7, "got int"),
        ([], "empty list"),
        (["a", 3], "'3'"),
        ({"other": "a"}, "'text' is required"),
        ([{"other": "a"}], "must be a string"),
    ):
        with pytest.raises(DataError, match=message):
            preparation.read(inputs)
    with pytest.raises(DataError, match="exactly one input column of texts"):
        TextCodec.fit(table(num_columns=2), TRAIN)
    with pytest.raises(UsageError, match="max_length"):
        fit(table(), max_length=0)


def test_a_stream_trains_on_all_texts_and_measures_each_token_once() -> None:
    texts = ["Ağ " * 200, "ışık\n" * 90]
    preparation = StreamPreparation.fit(table(texts), np.arange(2), window=16)
    assert preparation.encoder.vocabulary.tokens[4:] == (" ", "A", "ğ", "ı", "\n", "k", "ş")
    host = preparation.encode_table(table(texts))
    sources = {
        shuffle: preparation.source(
            host, {}, np.arange(2), input_name="input", batching=Batching(batch_size=4, shuffle=shuffle)
        )
        for shuffle in (True, False)
    }
    trained = next(iter(sources[True].batches(0)))
    assert trained["input"].shape == (4, 16)
    measured = [b["target"][b["target"] > 0] for b in sources[False].batches(0)]
    assert sum(map(len, measured)) == sum(map(len, texts))
    first = next(iter(sources[False].batches(0)))["input"][0]
    assert int(first[0]) == preparation.start_token == preparation.encoder.vocabulary.id_of("\n")
    assert preparation.encoder.decode(first[1:]) == texts[0][:15]


def test_a_limit_counts_windows() -> None:
    preparation = StreamPreparation.fit(table(["abcdefgh " * 100]), np.arange(1), window=10)
    source = preparation.source(
        preparation.encode_table(table(["abcdefgh " * 100])),
        {},
        np.arange(1),
        input_name="input",
        batching=Batching(batch_size=2, limit=3),
    )
    assert sum(int((b["target"] > 0).sum()) for b in source.batches(0)) == 30


def test_the_sample_of_a_limit_comes_from_all_over_the_text() -> None:
    # Twenty-six files of one letter each: a single piece of 64 windows would meet five of them.
    text = "".join(chr(ord("a") + k) * 125 for k in range(26))
    preparation = StreamPreparation.fit(table([text]), np.arange(1), window=10)
    source = preparation.source(
        preparation.encode_table(table([text])),
        {},
        np.arange(1),
        input_name="input",
        batching=Batching(batch_size=2, limit=64),
    )
    measured = torch.cat([b["target"][b["target"] > 0] for b in source.batches(0)])
    assert len(measured) == 640
    assert len(measured.unique()) >= 16


def test_a_stream_of_words_ends_every_sentence() -> None:
    texts = ["so good\n\n  \nnot so bad .\n", "good"]
    preparation = StreamPreparation.fit(table(texts), np.arange(2), tokenizer="words")
    host = preparation.encode_table(table(texts))
    decoded = [preparation.encoder.vocabulary.decode(host.take(np.array([row])).flat) for row in (0, 1)]
    assert decoded == [["so", "good", "<EOS>", "not", "so", "bad", ".", "<EOS>"], ["good", "<EOS>"]]
    assert preparation.start_token == 3
    assert preparation.characters_per_token == pytest.approx(sum(map(len, texts)) / 10)


def test_a_stream_of_many_words_learns_the_unknown_one() -> None:
    texts = ["so good\n" * 7_000 + "once"]
    assert "once" not in StreamPreparation.fit(table(texts), np.arange(1), tokenizer="words").encoder.vocabulary
    for options in ({"tokenizer": "words", "min_count": 1}, {"tokenizer": "characters"}):
        preparation = StreamPreparation.fit(table(texts), np.arange(1), **options)
        assert 1 not in preparation.read("once")


def test_a_stream_has_no_other_columns() -> None:
    preparation = StreamPreparation.fit(table(), TRAIN)
    with pytest.raises(UsageError, match="target"):
        preparation.source(
            preparation.encode_table(table()),
            {"target": np.arange(6)},
            TRAIN,
            input_name="input",
            batching=Batching(batch_size=2),
        )
    with pytest.raises(UsageError, match="context"):
        StreamPreparation.fit(table(), TRAIN, window=4, context=4)
