"""Files of word vectors, read beside gensim and written by hand, whole and broken."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derin.core.errors import DataError, RefusedFileError, ShapeError, UsageError
from derin.data.text.vectors import WordVectors, embedding_matrix, read_vectors

RNG = np.random.default_rng(4)
WORDS = ("deniz", "ışık", "sea", "日本", "don't", "3.5", "x" * 300)
VALUES = RNG.standard_normal((len(WORDS), 5)).astype(np.float32)
VECTORS = WordVectors(WORDS, VALUES)
FORMS = ["word2vec", "word2vec-binary", "glove"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_written_is_read_to_the_bit(tmp_path: Path, form: str, packed: bool) -> None:
    VECTORS.save(tmp_path / "v", form)
    if packed:
        (tmp_path / "v").write_bytes(gzip.compress((tmp_path / "v").read_bytes()))
    again = read_vectors(tmp_path / "v")
    assert again.words == WORDS
    np.testing.assert_array_equal(again.values, VALUES)
    assert again.report.findings == []


# Gensim leaves a file open where there is no first line of sizes.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("form", FORMS)
def test_gensim_reads_what_is_written_and_writes_what_is_read(tmp_path: Path, form: str) -> None:
    gensim = pytest.importorskip("gensim.models")
    VECTORS.save(tmp_path / "v", form)
    binary = form == "word2vec-binary"
    peer = gensim.KeyedVectors.load_word2vec_format(str(tmp_path / "v"), binary=binary, no_header=form == "glove")
    assert tuple(peer.index_to_key) == WORDS
    np.testing.assert_array_equal(peer.vectors, VALUES)
    peer.save_word2vec_format(str(tmp_path / "w"), binary=binary, write_header=form != "glove")
    again = read_vectors(tmp_path / "w")
    assert again.words == WORDS
    np.testing.assert_array_equal(again.values, VALUES)


def test_neighbors_and_analogies_equal_gensims() -> None:
    gensim = pytest.importorskip("gensim.models")
    words = tuple(f"w{i}" for i in range(90))
    values = RNG.standard_normal((90, 7)).astype(np.float32)
    vectors, peer = WordVectors(words, values), gensim.KeyedVectors(7)
    peer.add_vectors(list(words), values)
    pairs = [
        (vectors.neighbors("w3", 6), peer.most_similar("w3", topn=6)),
        (vectors.neighbors("w3", 6, among=40), peer.most_similar("w3", topn=6, restrict_vocab=40)),
        (vectors.neighbors(values[5] + values[6], 4), peer.most_similar([values[5] + values[6]], topn=4)),
        (vectors.analogy("w1", "w2", "w3", 5), peer.most_similar(positive=["w3", "w2"], negative=["w1"], topn=5)),
    ]
    for found, expected in pairs:
        assert [word for word, _ in found] == [word for word, _ in expected]
        np.testing.assert_allclose([c for _, c in found], [c for _, c in expected], atol=1e-6)
    assert vectors.similarity("w8", "w9") == pytest.approx(float(peer.similarity("w8", "w9")), abs=1e-6)


def test_a_binary_file_without_line_ends_is_read(tmp_path: Path) -> None:
    body = b"".join(word.encode() + b" " + struct.pack("<5f", *row) for word, row in zip(WORDS, VALUES, strict=True))
    (tmp_path / "v.bin").write_bytes(f"{len(WORDS)} 5\n".encode() + body)
    again = read_vectors(tmp_path / "v.bin", limit=4)
    assert again.words == WORDS[:4]
    np.testing.assert_array_equal(again.values, VALUES[:4])


def test_lines_that_cannot_be_used_are_listed_with_their_numbers(tmp_path: Path) -> None:
    lines = [
        b"sea 1 2 3",
        b"ship 1 2",  # too few
        b"gull 1 2 3 4",  # too many
        b"wave 1 x 3",
        b"\xffoam 1 2 3",
        b"sea 4 5 6",
        b"",
        b"salt nan 2 3",
        b". . 7 8 9",  # a word with a space, as in GloVe
        b"rock 1e400 2 3",
        b"sand 0 0 0",
        b"tide -1 .5 1e-3 ",
    ]
    (tmp_path / "v.txt").write_bytes(b"\n".join(lines))
    vectors = read_vectors(tmp_path / "v.txt")
    assert vectors.words == ("sea", ". .", "sand", "tide")
    np.testing.assert_array_equal(vectors["tide"], np.array([-1, 0.5, 1e-3], dtype=np.float32))
    assert [(f.where, f.outcome.value) for f in vectors.report.findings] == [
        *((f"v.txt, line {line}", "skipped") for line in (2, 3, 4, 5, 6, 8, 10)),
        ("v.txt, 'sand'", "noted"),
    ]
    reasons = [finding.reason for finding in vectors.report.findings]
    assert "a word and 3 numbers are required" in reasons[0]
    assert reasons[3:6] == [
        "the word is not UTF-8",
        "the word stands again; the first one counts",
        "a value is not finite",
    ]
    assert vectors.neighbors("sand", 1)[0][1] == 0


@pytest.mark.parametrize(
    ("content", "error", "sentence"),
    [
        (b"", DataError, "the file is empty"),
        (b"2 3\nsea 1 2 3\n", RefusedFileError, "promises 2 words of 3 values"),
        (b"1 2\nsea 1 2\nship 3 4\n", DataError, "promises 1 words; 2 lines follow"),
        (b"9999999999 999999\nsea 1 2\n", RefusedFileError, "promises 9,999,999,999 words"),
        (b"2 2\nab " + struct.pack("<2f", 1, 2) + b"\ncdefgh" + b"\1" * 5, DataError, "after 1 there is no other"),
        (b"1 1\nab " + struct.pack("<f", 1) + b"\nmore", DataError, "more follow"),
        (b"0 5\n", DataError, "got 0 and 5"),
        (b"once upon a time\nthere was a sea\n", DataError, "lines of a word and its values"),
        (b"\x80\x04\x95abc", DataError, "a pickle, which could run code"),
        (b"PK\x03\x04abc", DataError, "a zip archive"),
        (b"\x93NUMPY abc", DataError, "a NumPy array"),
        (b"\x1f\x8babc", DataError, "damaged or cut off"),
        (b"\xff 1 2\n\xfe 1 2\n", DataError, "none fits"),
    ],
)
def test_files_of_other_forms_are_refused_in_one_sentence(
    tmp_path: Path, content: bytes, error: type[Exception], sentence: str
) -> None:
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(error, match=sentence):
        read_vectors(tmp_path / "v")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match="cannot be read"):
        read_vectors(tmp_path / "none.txt")


@given(st.binary(max_size=200))
def test_no_bytes_whatever_end_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.vec"
    for head in (b"", b"3 2\n"):
        path.write_bytes(head + content)
        try:
            vectors = read_vectors(path)
        except (DataError, RefusedFileError):
            continue
        assert np.isfinite(vectors.values).all()
        assert len(set(vectors.words)) == len(vectors.values)


def test_a_word_without_a_vector_is_answered_with_its_neighbors_in_spelling() -> None:
    with pytest.raises(UsageError, match=r"'DENİZ' has no vector; 'deniz' has one"):
        VECTORS.similarity("DENİZ", "sea")
    with pytest.raises(UsageError, match=r"'IŞIK' has no vector; 'ışık' has one"):
        VECTORS.neighbors("IŞIK")
    with pytest.raises(UsageError, match="did you mean 'deniz'"):
        VECTORS.neighbors("denis")
    with pytest.raises(ShapeError, match=r"shape \(5,\) is required; got \(3,\)"):
        VECTORS.neighbors([1.0, 2.0, 3.0])


def test_vectors_check_themselves() -> None:
    with pytest.raises(ShapeError, match="2 words"):
        WordVectors(("a", "b"), VALUES[:3])
    with pytest.raises(DataError, match="stand twice"):
        WordVectors(("a", "a"), VALUES[:2])
    with pytest.raises(DataError, match="finite"):
        WordVectors(("a",), np.full((1, 1), np.nan, dtype=np.float32))


@pytest.mark.parametrize(
    ("form", "kept"),
    [("word2vec", [0, 2]), ("word2vec-binary", [0, 2]), ("glove", [0, 1, 2])],
)
def test_words_that_a_form_cannot_hold_are_left_out_and_counted(tmp_path: Path, form: str, kept: list[int]) -> None:
    words = ("sea", ". . .", "10\u00a0000", "at 3", "a\nb")
    values = np.float32([[i, i + 1, 0.5] for i in range(5)])
    assert WordVectors(words, values).save(tmp_path / "v", form) == 5 - len(kept)
    again = read_vectors(tmp_path / "v")
    assert again.words == tuple(words[row] for row in kept)
    np.testing.assert_array_equal(again.values, values[kept])


def test_nothing_is_written_of_unknown_forms_or_without_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No word can be written in the form word2vec"):
        WordVectors((". .",), VALUES[:1]).save(tmp_path / "v")
    with pytest.raises(UsageError, match="form='csv'"):
        VECTORS.save(tmp_path / "v", "csv")
    assert list(tmp_path.iterdir()) == []


def test_embeddings_begin_with_the_vectors_that_are_known() -> None:
    tokens = ["<PAD>", "<UNK>", "<BOS>", "<EOS>", "Sea", "IŞIK", "DENİZ", "unheard", "日本"]
    matrix, coverage = embedding_matrix(tokens, VECTORS, seed=3)
    assert (matrix.shape, matrix.dtype, coverage) == ((9, 5), np.float32, 0.8)
    np.testing.assert_array_equal(matrix[[4, 5, 6, 8]], VALUES[[2, 1, 0, 3]])
    assert not matrix[0].any()
    assert matrix[[1, 2, 3, 7]].all()
    np.testing.assert_array_equal(matrix, embedding_matrix(tokens, VECTORS, seed=3)[0])
    assert not np.array_equal(matrix[7], embedding_matrix(tokens, VECTORS, seed=4)[0][7])


def test_random_rows_have_the_spread_of_the_vectors() -> None:
    wide = WordVectors(tuple(map(str, range(400))), (RNG.standard_normal((400, 2)) * [5, 0.1] + [3, -1]).astype("f4"))
    matrix, coverage = embedding_matrix([f"w{i}" for i in range(3_000)], wide)
    assert coverage == 0
    np.testing.assert_allclose(matrix.mean(axis=0), wide.values.mean(axis=0), atol=0.3)
    np.testing.assert_allclose(matrix.std(axis=0), wide.values.std(axis=0), rtol=0.05)
