"""Texts to numbers and back, with every tokenizer."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core.errors import DataError, MissingExtraError, RefusedFileError, UnknownNameError
from derin.data.table import Ragged
from derin.data.text.bpe import BytePairTokenizer
from derin.data.text.byte_tokens import ByteTokenizer
from derin.data.text.characters import CharacterTokenizer
from derin.data.text.encoder import TextEncoder
from derin.data.text.tokenizers import TOKENIZERS
from derin.data.text.vocabulary import BOS, EOS, PAD, UNK

TEXTS = [
    "Işık yandı, ışık söndü.",
    "İstanbul'da kış; I am in İzmir.\n\nIIII",
    "low lower lowest " * 20,
    "日本 👩\u200d💻",
]
# All of Unicode but halves of pairs, which no text in UTF-8 can hold; Turkish letters more often than by chance.
ANY_TEXT = st.text(alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("ıİğĞşŞçÇiI \n")))


@pytest.fixture(scope="module")
def byte_pairs() -> TextEncoder:
    return TextEncoder.fit(TEXTS, tokenizer="bpe", max_size=300)


# Those whose tokens can be read back.
KINDS = [name for name in TOKENIZERS if name != "ngrams"]


def rows_of(tokens: Ragged) -> list[list[int]]:
    return [part.tolist() for part in np.split(tokens.flat, tokens.offsets[1:-1])]


@settings(deadline=None)
@given(st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_characters_come_back_exactly(texts: list[str]) -> None:
    tokenizer = CharacterTokenizer.fit(texts)
    rows = tokenizer.encode(texts)
    assert [tokenizer.decode(np.array(row, dtype=np.int64)) for row in rows_of(rows)] == texts
    assert UNK not in rows.flat


@settings(deadline=None)
@given(ANY_TEXT)
def test_bytes_come_back_exactly_and_are_those_of_utf_8(text: str) -> None:
    tokenizer = ByteTokenizer()
    ids = tokenizer.encode([text]).flat
    assert (ids - 4).tolist() == list(text.encode("utf-8"))
    assert tokenizer.decode(ids.astype(np.int64)) == text


@settings(deadline=None)
@given(st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_byte_pairs_come_back_exactly(byte_pairs: TextEncoder, texts: list[str]) -> None:
    rows = byte_pairs.tokenizer.encode(texts)
    assert len(rows) == len(texts)
    assert [byte_pairs.decode(row) for row in rows_of(rows)] == texts


@pytest.mark.parametrize("tokenizer", ["characters", "bytes", "bpe"])
def test_letters_with_separate_marks_are_the_same_letters(tokenizer: str) -> None:
    encoder = TextEncoder.fit(TEXTS, tokenizer=tokenizer, max_size=300)
    text = "İzmir kış ğ"
    ids = encoder.encode([unicodedata.normalize("NFD", text), text])
    assert rows_of(ids)[0] == rows_of(ids)[1]


@settings(deadline=None)
@given(st.lists(ANY_TEXT, min_size=2, max_size=4))
@pytest.mark.parametrize("tokenizer", KINDS)
def test_a_text_is_encoded_alike_alone_and_among_others(tokenizer: str, texts: list[str]) -> None:
    encoder = TextEncoder.fit(["a b", *TEXTS], tokenizer=tokenizer, max_size=300)
    together = rows_of(encoder.encode(texts))
    assert together == [encoder.encode([text]).flat.tolist() for text in texts]


@pytest.mark.parametrize("tokenizer", KINDS)
@pytest.mark.parametrize(("bos", "eos"), [(False, False), (True, False), (False, True), (True, True)])
def test_begin_and_end_are_put_around_every_text(tokenizer: str, bos: bool, eos: bool) -> None:
    encoder = TextEncoder.fit(TEXTS, tokenizer=tokenizer, max_size=300)
    texts = ["low", "", "ışık I"]
    plain = rows_of(encoder.encode(texts))
    assert plain[1] == []
    assert rows_of(encoder.encode(texts, bos=bos, eos=eos)) == [[BOS] * bos + row + [EOS] * eos for row in plain]
    ids = encoder.encode(texts, bos=bos, eos=eos)
    assert ids.flat.dtype == np.int32
    assert encoder.decode([PAD, *ids.flat, PAD]) == encoder.decode(np.concatenate(plain))


@pytest.mark.parametrize("tokenizer", KINDS)
@pytest.mark.parametrize("lowercase", [False, True])
def test_it_is_saved_and_read_back(tokenizer: str, lowercase: bool) -> None:
    encoder = TextEncoder.fit(TEXTS, tokenizer=tokenizer, max_size=300, lowercase=lowercase)
    card = json.loads(json.dumps(encoder.to_json()))
    files = encoder.files("source_")
    assert all(name.startswith("source_") for name in files)
    again = TextEncoder.from_json(card, {**files, "vocabulary.json": b"another's"}, "source_")
    assert again.vocabulary == encoder.vocabulary
    assert again.to_json() == encoder.to_json()
    assert again.files("source_") == files
    assert rows_of(again.encode(TEXTS)) == rows_of(encoder.encode(TEXTS))
    assert again.decode(again.encode(TEXTS[:1]).flat) == encoder.decode(encoder.encode(TEXTS[:1]).flat)


@pytest.mark.parametrize("tokenizer", KINDS)
def test_the_same_texts_give_the_same_numbers(tokenizer: str) -> None:
    first, second = (TextEncoder.fit(TEXTS, tokenizer=tokenizer, max_size=290) for _ in range(2))
    assert first.vocabulary == second.vocabulary
    assert first.files() == second.files()


@pytest.mark.parametrize("tokenizer", KINDS)
def test_names_of_special_tokens_in_a_text_are_no_special_tokens(tokenizer: str) -> None:
    text = "<PAD> a <EOS> <BOS><UNK> " * 9
    encoder = TextEncoder.fit([text], tokenizer=tokenizer, lowercase=False, max_size=300)
    assert set(encoder.encode([text]).flat.tolist()).isdisjoint({PAD, BOS, EOS})


def test_turkish_is_found_out_for_casing() -> None:
    encoder = TextEncoder.fit(["Kıyıda ışıklar söndü, İzmir uyudu."])
    assert encoder.language == "tr"
    assert encoder.encode(["IŞIKLAR izmir"]).flat.tolist() == encoder.encode(["ışıklar İzmir"]).flat.tolist()
    assert UNK not in encoder.encode(["IŞIKLAR izmir"]).flat


def test_a_language_may_be_named() -> None:
    assert TextEncoder.fit(["in I"], language="tr").vocabulary.tokens[4:] == ("in", "ı")
    assert TextEncoder.fit(["ışık I"], language="").vocabulary.tokens[4:] == ("i", "ışık")


def test_capital_letters_stay_unless_words_are_read() -> None:
    assert "A" in TextEncoder.fit(["Aa"], tokenizer="characters").vocabulary
    assert "A" not in TextEncoder.fit(["Aa"], tokenizer="characters", lowercase=True).vocabulary
    assert TextEncoder.fit(["Aa"], lowercase=False).vocabulary.tokens[4:] == ("Aa",)
    upper, lower = TextEncoder.fit(["a"], tokenizer="bytes", lowercase=True).encode(["AĞ", "ağ"]).take(np.arange(2)), 0
    assert rows_of(upper)[0] == rows_of(upper)[lower + 1]


def test_rare_tokens_are_unknown_and_the_size_is_kept() -> None:
    encoder = TextEncoder.fit(["a a a b b c"], min_count=2)
    assert encoder.vocabulary.tokens[4:] == ("a", "b")
    assert len(TextEncoder.fit(["a a a b b c"], max_size=5)) == 5
    assert encoder.decode(encoder.encode(["a c"]).flat) == "a <UNK>"
    assert len(TextEncoder.fit(TEXTS, tokenizer="bpe", max_size=270)) == 270


def test_byte_pairs_join_the_most_frequent_pair_first() -> None:
    encoder = TextEncoder.fit(["zzq zza zzb zq aab"], tokenizer="bpe", max_size=261)
    assert encoder.vocabulary.tokens[260] == "zz"


def test_the_library_reads_the_saved_file_alike(byte_pairs: TextEncoder) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    library = tokenizers.Tokenizer.from_str(byte_pairs.files()["bpe.json"].decode())
    assert (byte_pairs.encode(["lower ışık!"]).flat - 4).tolist() == library.encode("lower ışık!").ids


def test_unfinished_bytes_are_shown_as_such() -> None:
    encoder = TextEncoder.fit(["a"], tokenizer="bytes")
    assert encoder.decode(encoder.encode(["aş"]).flat[:-1]) == "a\ufffd"


def test_what_cannot_be_is_one_sentence() -> None:
    with pytest.raises(UnknownNameError, match="wrds"):
        TextEncoder.fit(["a"], tokenizer="wrds")
    for texts in ([], ["", " \n"]):
        with pytest.raises(DataError, match="at least one text"):
            TextEncoder.fit(texts)
    with pytest.raises(DataError, match="one text"):
        TextEncoder.fit(["a"]).encode("a")
    with pytest.raises(DataError, match=r"0\.\.4"):
        TextEncoder.fit(["a"]).decode([5])
    with pytest.raises(DataError, match="max_size=200"):
        TextEncoder.fit(["a"], tokenizer="bpe", max_size=200)


@pytest.mark.parametrize(
    "change",
    [
        {"tokenizer": "wrds"},
        {"tokenizer": 3},
        {"size": 7},
        {"size": None},
        {"lowercase": 1},
        {"language": 4},
        {"more": 1},
    ],
)
def test_a_card_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    encoder = TextEncoder.fit(["a b"])
    with pytest.raises(RefusedFileError):
        TextEncoder.from_json({**encoder.to_json(), **change}, encoder.files())


def test_a_file_that_is_missing_or_of_another_kind_is_refused() -> None:
    encoder = TextEncoder.fit(["a b"], tokenizer="characters")
    with pytest.raises(RefusedFileError, match=r"vocabulary\.json"):
        TextEncoder.from_json(encoder.to_json(), {})
    words = TextEncoder.fit(["ab cd"])
    with pytest.raises(RefusedFileError, match="single characters"):
        TextEncoder.from_json(encoder.to_json(), words.files())


def test_altered_byte_pairs_are_refused(byte_pairs: TextEncoder) -> None:
    document = json.loads(byte_pairs.files()["bpe.json"])
    model = document["model"]
    vocabulary = model["vocab"]
    some = next(iter(vocabulary))
    cases: list[Any] = [
        [],
        {"model": {}},
        {"model": {**model, "vocab": {t: i for t, i in vocabulary.items() if t != some}}},
        {"model": {**model, "vocab": {**vocabulary, some: 10_000}}},
        {"model": {**model, "vocab": {**vocabulary, some: "0"}}},
        {"model": {**model, "merges": [["q", "no such token"]]}},
        {"model": {**model, "merges": [["l"]]}},
        {"model": {**model, "merges": [[["l"], "o"]]}},
        {"model": {**model, "merges": 3}},
    ]
    for altered in cases:
        with pytest.raises(RefusedFileError, match=r"bpe\.json"):
            BytePairTokenizer.from_files({"bpe.json": json.dumps(altered).encode()}, "The model")


def test_byte_pairs_without_their_library_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"derin\[text\]"):
        TextEncoder.fit(["a"], tokenizer="bpe")
