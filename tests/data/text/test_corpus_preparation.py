"""From text to stretches and pairs of words, beside counting by hand; batches are a function of seed and epoch."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.data.batch import Batch
from derin.data.preparation import Batching, preparation_from_json
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Ragged, Table
from derin.data.text.cooccurrence_preparation import CooccurrencePreparation, count_pairs
from derin.data.text.corpus import Corpus
from derin.data.text.corpus_preparation import CorpusPreparation

RNG = np.random.default_rng(6)
ALL = np.array([0, 1])


def table_of(*texts: str) -> Table:
    schema = Schema((Column(name="text", kind=Kind.TEXT, role=Role.INPUT, shape=(-1,)),))
    splits = {"train": np.array([0])} | ({"val": np.array([1])} if len(texts) > 1 else {})
    return Table(name="texts", schema=schema, columns={"text": Ragged.from_texts(texts)}, splits=splits)


def random_text(num_lines: int, seed: int) -> str:
    rng = np.random.default_rng(seed)
    lines = [" ".join(f"w{i}" for i in rng.zipf(1.6, rng.integers(1, 9)) if i < 30) for _ in range(num_lines)]
    return "\n".join(line or "w1" for line in lines)


LONG = table_of(random_text(400, 1), random_text(60, 2))


def batches(preparation: CorpusPreparation, table: Table, rows: np.ndarray, epoch: int, **how: object) -> list[Batch]:
    batching = Batching(**{"batch_size": 100, "shuffle": True, **how})  # type: ignore[arg-type]
    source = preparation.source(preparation.encode_table(table), {}, rows, input_name="input", batching=batching)
    found = list(source.batches(epoch))
    assert len(found) == source.num_batches
    assert sum(map(len, found)) == source.num_examples
    return found


def test_signs_and_rare_words_are_left_out_and_turkish_letters_stay() -> None:
    table = table_of("Işık, IŞIK; ışık!\nİstanbul istanbul - ılık ılık ılık, deniz.")
    preparation = CorpusPreparation.fit(table, np.array([0]), min_count=2)
    assert preparation.words == ("ılık", "ışık", "istanbul")
    assert preparation.counts.tolist() == [0, 0, 0, 0, 3, 3, 2]
    host = preparation.encode_table(table)
    assert [preparation.words[t - 4] for t in host.corpus.tokens] == ["ışık"] * 3 + ["istanbul"] * 2 + ["ılık"] * 3
    assert host.corpus.sentences.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]


def test_blank_lines_part_sentences_where_a_text_has_them() -> None:
    verse = table_of("a b\nc d\n\ne a\nb c\n\nd e\n")
    prose = table_of("a b\nc d\ne a\nb c\nd e\n")
    for table, expected in ((verse, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]), (prose, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])):
        host = CorpusPreparation.fit(table, np.array([0]), min_count=1).encode_table(table)
        assert host.corpus.sentences.tolist() == expected


def test_rows_of_a_table_stay_apart() -> None:
    preparation = CorpusPreparation.fit(LONG, np.array([0]), min_count=1)
    host = preparation.encode_table(LONG)
    assert host.offsets[-1] == len(host.corpus)
    second = host.of(np.array([1]))
    words = [preparation.words[t - 4] for t in second.tokens.tolist()]
    known = set(preparation.words)
    assert words == [word for word in random_text(60, 2).split() if word in known]
    assert not set(host.of(np.array([0])).sentences.tolist()) & set(second.sentences.tolist())


def test_batches_hold_the_text_in_order_with_its_windows() -> None:
    preparation = CorpusPreparation.fit(LONG, ALL, min_count=1, window=3, sample=0)
    corpus = preparation.encode_table(LONG).of(ALL)
    found = batches(preparation, LONG, ALL, 0, shuffle=False)
    tokens = torch.cat([b["input"][: len(b)] for b in found])
    assert tokens.tolist() == corpus.tokens.tolist()
    reach = torch.cat([b["reach"][: len(b)] for b in found])
    assert sorted(set(reach.tolist())) == [1, 2, 3]
    for batch in found:
        length = len(batch["input"])
        assert length % preparation.block == 0
        assert (batch["sentence"][len(batch) :] == -1).all()
        assert not batch["reach"][len(batch) :].any()
        assert batch["negatives"].shape == (length // preparation.block, 16)
        assert batch["negatives"].min() >= 4


def test_frequent_words_are_thinned_out_by_chance() -> None:
    preparation = CorpusPreparation.fit(LONG, ALL, min_count=1, sample=0.02)
    whole = Counter(preparation.encode_table(LONG).of(ALL).tokens.tolist())
    kept: Counter[int] = Counter()
    for epoch in range(20):
        for batch in batches(preparation, LONG, ALL, epoch):
            kept.update(batch["input"][batch["sentence"] >= 0].tolist())
    share = whole[4] / sum(whole.values())
    assert kept[4] / (20 * whole[4]) == pytest.approx(np.sqrt(0.02 / share) + 0.02 / share, abs=0.02)
    rare = min(whole, key=lambda token: whole[token])
    assert kept[rare] == 20 * whole[rare]


def test_batches_are_a_function_of_seed_epoch_and_step() -> None:
    preparation = CorpusPreparation.fit(LONG, ALL, min_count=1)
    host = preparation.encode_table(LONG)

    def source(seed: int = 0) -> object:
        batching = Batching(batch_size=100, shuffle=True, seed=seed)
        return preparation.source(host, {}, ALL, input_name="input", batching=batching)

    def drawn(seed: int, epoch: int, start: int = 0) -> list[list[int]]:
        found = source(seed).batches(epoch, start)  # type: ignore[attr-defined]
        return [[*b.rows.tolist(), *b["input"].tolist(), *b["negatives"].flatten().tolist()] for b in found]

    first = drawn(0, 3)
    assert drawn(0, 3) == first
    assert drawn(0, 3, 5) == first[5:]
    assert drawn(0, 4) != first
    assert drawn(1, 3) != first


def test_a_limit_takes_one_stretch_of_text() -> None:
    preparation = CorpusPreparation.fit(LONG, ALL, min_count=1, sample=0)
    (batch,) = batches(preparation, LONG, ALL, 0, shuffle=False, limit=50)
    corpus = preparation.encode_table(LONG).of(ALL).tokens.tolist()
    piece = batch["input"][:50].tolist()
    assert any(corpus[i : i + 50] == piece for i in range(len(corpus) - 49))


def test_ways_through_the_tree_belong_to_the_words() -> None:
    preparation = CorpusPreparation.fit(LONG, ALL, min_count=1, hierarchical=True)
    batch = batches(preparation, LONG, ALL, 0)[0]
    ways: dict[int, tuple[int, ...]] = {}
    for token, nodes, signs in zip(batch["input"].tolist(), batch["nodes"], batch["signs"], strict=True):
        way = tuple(signs.tolist())
        assert ways.setdefault(token, way) == way
        assert nodes.max() < len(preparation.words) - 1
    assert not any(ways.pop(0, ()))
    assert len(set(ways.values())) == len(ways)


@pytest.mark.parametrize("kind", [CorpusPreparation, CooccurrencePreparation])
def test_a_preparation_is_rebuilt_from_its_card_and_files(kind: type[CorpusPreparation]) -> None:
    preparation = kind.fit(LONG, ALL, min_count=2, window=4)
    card = json.loads(json.dumps(preparation.to_json()))
    again = preparation_from_json(card, preparation.files())
    assert type(again) is kind
    assert again.to_json() == preparation.to_json()
    assert again.words == preparation.words
    np.testing.assert_array_equal(again.counts, preparation.counts)


@pytest.mark.parametrize(
    ("changed", "files"),
    [
        ({"window": 0}, {}),
        ({"window": True}, {}),
        ({"sample": "much"}, {}),
        ({"sample": -1}, {}),
        ({"more": 1}, {}),
        ({}, {"counts.json": b"[1, 2]"}),
        ({}, {"counts.json": b'{"a": 1}'}),
        ({}, {"counts.json": b"null"}),
    ],
)
def test_a_damaged_card_is_refused(changed: dict[str, object], files: dict[str, bytes]) -> None:
    preparation = CorpusPreparation.fit(LONG, ALL, min_count=2)
    with pytest.raises(RefusedFileError, match="preparation is damaged"):
        CorpusPreparation.from_json({**preparation.to_json(), **changed}, {**preparation.files(), **files})


def test_text_that_is_too_little_and_settings_out_of_range_are_refused() -> None:
    with pytest.raises(DataError, match="two different words that occur 5 times"):
        CorpusPreparation.fit(table_of("once upon a time"), np.array([0]))
    with pytest.raises(DataError, match="at least one text"):
        CorpusPreparation.fit(table_of(" \n "), np.array([0]))
    with pytest.raises(UsageError, match="window must lie between 1 and 100; got 0"):
        CorpusPreparation.fit(LONG, ALL, window=0)
    with pytest.raises(UsageError, match="min_count must be at least 1; got 0"):
        CorpusPreparation.fit(LONG, ALL, min_count=0)
    with pytest.raises(DataError, match="'w999' is no word that occurs often enough"):
        CorpusPreparation.fit(LONG, ALL).read(["w1", "w999"])
    numbers = Table(
        name="t",
        schema=Schema((Column(name="x", kind=Kind.NUMBER, role=Role.INPUT),)),
        columns={"x": LONG["text"]},
        splits={},
    )
    with pytest.raises(DataError, match="one column of text; it has 0"):
        CorpusPreparation.fit(numbers, ALL)


@pytest.mark.parametrize("at_once", [7, 500_000])
def test_pairs_are_counted_as_by_hand(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derin.data.text.cooccurrence_preparation._WORDS_AT_ONCE", at_once)
    tokens = RNG.integers(4, 11, 60).astype(np.int32)
    sentences = np.sort(RNG.integers(0, 8, 60)).astype(np.int32)
    expected: Counter[tuple[int, int]] = Counter()
    # X as the paper defines it, over the window to both sides of every place; X is symmetric.
    for i in range(60):
        for j in range(max(i - 4, 0), min(i + 5, 60)):
            if i != j and sentences[i] == sentences[j] and tokens[i] <= tokens[j]:
                expected[int(tokens[i]), int(tokens[j])] += 1 / abs(i - j)  # type: ignore[assignment]
    first, second, counts = count_pairs(Corpus(tokens, sentences), 4, 11)
    found = {(a, b): c for a, b, c in zip(first.tolist(), second.tolist(), counts.tolist(), strict=True)}
    assert found == pytest.approx(dict(expected))
    assert all(a < b for a, b in pairwise(zip(first.tolist(), second.tolist(), strict=True)))


def test_held_out_pairs_are_not_learnt_and_each_pair_comes_in_both_directions() -> None:
    preparation = CooccurrencePreparation.fit(LONG, np.array([0]), min_count=1, window=2)
    host = preparation.encode_table(LONG)
    train, val = (batches(preparation, LONG, np.array([row]), 1) for row in (0, 1))

    def pairs(found: list[Batch]) -> Counter[tuple[int, int]]:
        return Counter(pair for b in found for pair in zip(b["input"].tolist(), b["other"].tolist(), strict=True))

    learned, measured = pairs(train), pairs(val)
    assert not set(learned) & set(measured)
    assert max((learned + measured).values()) == 1
    assert set(learned) | set(measured) == {
        pair for a, b in zip(host.first.tolist(), host.second.tolist(), strict=True) for pair in ((a, b), (b, a))
    }
    assert 0 < len(measured) < 0.1 * len(learned)
    count = {(a, b): c for a, b, c in zip(host.first.tolist(), host.second.tolist(), host.counts.tolist(), strict=True)}
    batch = train[0]
    assert batch["count"].tolist() == [
        count[min(a, b), max(a, b)] for a, b in zip(batch["input"].tolist(), batch["other"].tolist(), strict=True)
    ]


def test_all_pairs_are_learnt_where_nothing_is_measured() -> None:
    alone = table_of(random_text(100, 1))
    preparation = CooccurrencePreparation.fit(alone, np.array([0]), min_count=1)
    assert not preparation.encode_table(alone).is_held_out.any()
