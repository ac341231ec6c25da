"""Analogies and WordSim-353 beside gensim, on published vectors and on words in several spellings."""

from pathlib import Path

import numpy as np
import pytest

from derin.core.errors import DataError
from derin.data.text.vectors import WordVectors, read_vectors
from derin.tasks.metrics.analogies import analogies, word_similarity

gensim = pytest.importorskip("gensim.models")


def as_gensim(vectors: WordVectors) -> object:
    peer = gensim.KeyedVectors(vectors.dim)
    peer.add_vectors(list(vectors.words), vectors.values)
    return peer


def spelled_anyhow(seed: int) -> WordVectors:
    """Few words in few dimensions, many of them in two spellings: questions often meet their own words."""
    rng = np.random.default_rng(seed)
    words = [f"w{i}" for i in range(25)]
    words += [word.upper() for word in words[::2]] + [word.capitalize() + "x" for word in words[::3]]
    order = rng.permutation(len(words))
    values = rng.standard_normal((len(words), 3)).astype(np.float32)
    # Spellings lie close together, so that the nearest words are those of the question.
    close = {word: rng.standard_normal(3) for word in {w.upper() for w in words}}
    values = np.stack([close[w.upper()] for w in words]).astype(np.float32) + 0.05 * values
    return WordVectors(tuple(words[i] for i in order), values[order])


@pytest.mark.parametrize("seed", range(4))
def test_analogies_equal_gensims_where_words_have_several_spellings(tmp_path: Path, seed: int) -> None:
    vectors, rng = spelled_anyhow(seed), np.random.default_rng(seed + 100)
    lines = []
    for group in ("first", "second"):
        lines.append(f": {group}")
        lines += [" ".join(f"w{i}" for i in rng.integers(0, 27, 4)) for _ in range(150)]
        lines += ["w1 w2 w3", ""]
    (tmp_path / "questions.txt").write_text("\n".join(lines))
    _, expected = as_gensim(vectors).evaluate_word_analogies(str(tmp_path / "questions.txt"))  # type: ignore[attr-defined]
    found = analogies(vectors, tmp_path / "questions.txt")
    assert [(g.correct, g.num) for g in found] == [
        (len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in expected
    ]
    assert [g.name for g in found] == ["first", "second", "all"]
    assert found[-1].num_asked == 300


@pytest.mark.data
def test_analogies_of_published_vectors_equal_gensims(data_folder: Path) -> None:
    vectors = read_vectors(data_folder / "glove_twitter_25d_12k" / "glove.twitter.25d.12k.txt", limit=5_000)
    questions = data_folder / "word_vectors_eval" / "questions-words.txt"
    score, expected = as_gensim(vectors).evaluate_word_analogies(str(questions))  # type: ignore[attr-defined]
    found = analogies(vectors, questions)
    assert found[-1].accuracy == pytest.approx(score, abs=1e-6)
    assert [(g.correct, g.num) for g in found] == [
        (len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in expected
    ]


@pytest.mark.data
@pytest.mark.parametrize(("name", "delimiter"), [("EN-WS-353-ALL.txt", "\t"), ("wordsim353_combined.csv", ",")])
def test_word_similarity_equals_gensims(data_folder: Path, name: str, delimiter: str) -> None:
    vectors = read_vectors(data_folder / "glove_twitter_25d_12k" / "glove.twitter.25d.12k.txt")
    path = data_folder / "word_vectors_eval" / name
    pearson, spearman, missing = as_gensim(vectors).evaluate_word_pairs(str(path), delimiter=delimiter)  # type: ignore[attr-defined]
    found = word_similarity(vectors, path)
    assert found.pearson == pytest.approx(pearson[0], abs=1e-6)
    assert found.spearman == pytest.approx(spearman[0], abs=1e-6)
    assert 100 * (1 - found.num / found.num_asked) == pytest.approx(missing)


def test_only_the_first_words_are_known_where_that_is_asked(tmp_path: Path) -> None:
    vectors = spelled_anyhow(1)
    lines = [f"w{i} w{i + 1} w{i + 2} w{i + 3}" for i in range(20)]
    (tmp_path / "q").write_text("\n".join([": all", *lines]))
    _, expected = as_gensim(vectors).evaluate_word_analogies(str(tmp_path / "q"), restrict_vocab=21)  # type: ignore[attr-defined]
    found = analogies(vectors, tmp_path / "q", among=21)[-1]
    assert (found.correct, found.num - found.correct) == (len(expected[-1]["correct"]), len(expected[-1]["incorrect"]))


def test_files_without_questions_or_pairs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("nothing to ask\n")
    vectors = spelled_anyhow(0)
    with pytest.raises(DataError, match="questions of four words"):
        analogies(vectors, tmp_path / "empty")
    with pytest.raises(DataError, match="two words and a number"):
        word_similarity(vectors, tmp_path / "empty")
    (tmp_path / "unknown").write_text("sea\tship\t7\nsea\tland\t5\n")
    with pytest.raises(DataError, match="two pairs of known words are required; 0 of 2"):
        word_similarity(vectors, tmp_path / "unknown")
