"""Word vectors beside gensim: speed of skip-gram with negative samples, what the vectors are worth, and equal scores.

python benchmarks/word_vectors.py --threads 2 speed        # the same words, dimensions, epochs; median of the rounds
python benchmarks/word_vectors.py scores                   # published vectors, measured by both
python benchmarks/word_vectors.py neighbours TEXT…         # what defaults alone find in texts, and how long it takes
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from derin.api.load import load
from derin.api.prepare import prepare
from derin.api.word_vectors import evaluate_word_vectors, open_word_vectors, train_word_vectors
from derin.data.table import Table
from derin.data.text.corpus_preparation import CorpusPreparation
from derin.data.text.vectors import WordVectors, read_vectors
from derin.tasks.metrics.analogies import analogies, word_similarity

EVALUATION = "word_vectors_eval"
PUBLISHED = "glove_twitter_25d_12k/glove.twitter.25d.12k.txt"


def sentences_of(table: Table) -> list[list[str]]:
    """The words of the training text as Derin cuts them, which both sides get."""
    prepared = prepare(table, task="word-vectors", threads=1)
    assert isinstance(prepared.preparation, CorpusPreparation)
    corpus = prepared.preparation.encode_table(table).of(table.splits["train"])
    words = prepared.preparation.encoder.vocabulary.tokens
    ends = np.flatnonzero(np.diff(corpus.sentences)) + 1
    return [[words[token] for token in part] for part in np.split(corpus.tokens, ends)]


def of_gensim(sentences: list[list[str]], options: argparse.Namespace) -> tuple[float, WordVectors]:
    """Words per second and the vectors."""
    from gensim.models import Word2Vec

    model = Word2Vec(vector_size=options.dim, window=5, min_count=1, sg=1, negative=5, workers=options.threads, seed=1)
    model.build_vocab(sentences)
    started = time.perf_counter()
    model.train(sentences, total_examples=len(sentences), epochs=options.epochs)
    seconds = time.perf_counter() - started
    num_words = sum(map(len, sentences))
    return num_words * options.epochs / seconds, WordVectors(tuple(model.wv.index_to_key), model.wv.vectors)


def of_derin(table: Table, num_words: int, options: argparse.Namespace) -> tuple[float, WordVectors]:
    """Words per second of the training steps and their batches, and the vectors."""
    with tempfile.TemporaryDirectory() as folder:
        run = train_word_vectors(
            table, dim=options.dim, epochs=options.epochs, threads=options.threads, out=folder + "/run", report=False
        )
        seconds = sum(epoch["train_seconds"] for epoch in run.history)
        return num_words * options.epochs / seconds, open_word_vectors(run.path)


def speed(options: argparse.Namespace) -> None:
    table = load(options.data, task="word-vectors")
    table = table.with_splits({"train": np.sort(np.concatenate(list(table.splits.values())))})
    sentences = sentences_of(table)
    num_words = sum(map(len, sentences))
    print(
        f"{options.data}: {num_words:,} words, {options.epochs} epochs, {options.dim} numbers, "
        f"{options.threads} threads"
    )
    rates: dict[str, list[float]] = {"derin": [], "gensim": []}
    last: dict[str, WordVectors] = {}
    for _ in range(options.rounds):
        for name, (rate, vectors) in (
            ("derin", of_derin(table, num_words, options)),
            ("gensim", of_gensim(sentences, options)),
        ):
            rates[name].append(rate)
            last[name] = vectors
    for name, found in rates.items():
        print(f"{name}: median {statistics.median(found):,.0f} words/s, from {min(found):,.0f} to {max(found):,.0f}")
        print(f"  {worth(last[name])}")
    ratios = [ours / theirs for ours, theirs in zip(rates["derin"], rates["gensim"], strict=True)]
    print(f"derin / gensim: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


def worth(vectors: WordVectors) -> str:
    """Scores of English vectors."""
    found = evaluate_word_vectors(vectors)
    assert found.groups is not None
    assert found.similarity is not None
    whole = found.groups[-1]
    return (
        f"WordSim-353 Spearman {found.similarity.spearman:.3f} ({found.similarity.num} pairs), "
        f"analogies {whole.accuracy:.3f} ({whole.num} questions)"
    )


def scores(options: argparse.Namespace) -> None:
    from gensim.models import KeyedVectors

    data = Path(os.environ["DERIN_DATA"])
    vectors = read_vectors(data / PUBLISHED)
    peer = KeyedVectors.load_word2vec_format(str(data / PUBLISHED), no_header=True)
    questions, pairs = data / EVALUATION / "questions-words.txt", data / EVALUATION / "EN-WS-353-ALL.txt"
    (theirs, _), ours = peer.evaluate_word_analogies(str(questions)), analogies(vectors, questions)[-1].accuracy
    print(f"analogies: derin {ours:.7f}, gensim {theirs:.7f}, difference {abs(ours - theirs):.1e}")
    (pearson, spearman, _), like = peer.evaluate_word_pairs(str(pairs)), word_similarity(vectors, pairs)
    for name, ours, theirs in (("Pearson", like.pearson, pearson[0]), ("Spearman", like.spearman, spearman[0])):
        print(f"WordSim-353 {name}: derin {ours:.7f}, gensim {theirs:.7f}, difference {abs(ours - theirs):.1e}")


def neighbours(options: argparse.Namespace) -> None:
    for text in options.texts:
        with tempfile.TemporaryDirectory() as folder:
            settings: dict[str, Any] = {"threads": options.threads, "method": options.method}
            run = train_word_vectors(text, out=folder + "/run", report=False, **settings)
            record = run.record
            loss = run.metrics["val"]["loss"] if "val" in run.metrics else run.metrics["train"]["loss"]
            print(
                f"{text}: {record['findings']['words']:,} words, {record['epochs']} epochs, "
                f"best {record['best_epoch']}, {record['seconds']:.1f} s, loss {loss:.3f}"
            )
            for word, near in record["findings"]["neighbors"]:
                print(f"  {word}: {', '.join(other for other, _ in near)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser("speed")
    part.add_argument("--data", default="imdb_reviews")
    part.add_argument("--dim", type=int, default=100)
    part.add_argument("--epochs", type=int, default=5)
    part.add_argument("--rounds", type=int, default=3)
    part.set_defaults(run=speed)
    parts.add_parser("scores").set_defaults(run=scores)
    part = parts.add_parser("neighbours")
    part.add_argument("texts", nargs="+")
    part.add_argument("--method", default="skip-gram")
    part.set_defaults(run=neighbours)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
