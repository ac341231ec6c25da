"""Word vectors from a text in one call, and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derin.api.fit import fit
from derin.api.run import Run
from derin.core.errors import UnknownNameError, UsageError
from derin.data.text.vectors import WordVectors
from derin.tasks.metrics.analogies import AnalogyGroup, Similarity, analogies, word_similarity

# Method → network and task.
METHODS = {
    "skip-gram": ("skip_gram", "word-vectors"),
    "cbow": ("cbow", "word-vectors"),
    "glove": ("glove", "glove"),
}
_OF_INPUTS = ("window", "min_count", "max_size", "sample", "power", "lowercase", "language", "hierarchical")
_OF_NETWORK = ("dim", "negatives", "x_max")
# What GloVe, which counts pairs of words, has no use for.
_PREDICTING_ONLY = ("sample", "power", "hierarchical", "negatives")
# Where the questions lie below the folder of local data.
_QUESTIONS, _PAIRS = "word_vectors_eval/questions-words.txt", "word_vectors_eval/EN-WS-353-ALL.txt"


def train_word_vectors(data: Any = None, *, method: str | None = None, **options: Any) -> Run:
    """Learns a vector for each word of a text.

    Args:
        data: a text file, a folder of them, a named set, or a table with one column of text; None goes on with a run.
        method: ``"skip-gram"`` (the default), ``"cbow"`` or ``"glove"``.
        options: of the vectors (dim, window, min_count, max_size, lowercase, language; skip-gram and CBOW: negatives,
            hierarchical, sample, power; GloVe: x_max), of reading (encoding), and all that `derin.fit` takes: epochs,
            batch_size, learning_rate, seed, threads, out, resume.

    Returns:
        the run; `derin.api.vectors.open_word_vectors` reads its vectors.

    Raises:
        UsageError: an option that the method does not have.
        DataError: too little text.
    """
    if method is not None and method not in METHODS:
        raise UnknownNameError("method of word vectors", method, METHODS)
    chosen = method or "skip-gram"
    given = {name: value for name, value in options.items() if value is not None}
    unused = [name for name in given if name in (_PREDICTING_ONLY if chosen == "glove" else ("x_max",))]
    if unused and (method is not None or not given.get("resume")):
        raise UsageError(f"The method {chosen!r} has no option {unused[0]!r}; leave it out.")
    inputs = {name: given.pop(name) for name in _OF_INPUTS if name in given}
    network = {name: given.pop(name) for name in _OF_NETWORK if name in given}
    encoding = given.pop("encoding", None)
    if given.get("resume") and data is None and method is None:
        # A run knows its method; what is given beside must be as it was.
        names: dict[str, Any] = {}
    else:
        model, task = METHODS[chosen]
        names = {"model": model, "task": task}
    return fit(
        data,
        inputs=inputs or None,
        model_options=network or None,
        reader_options=None if encoding is None else {"encoding": encoding},
        **names,
        **given,
    )


@dataclass(frozen=True)
class Evaluation:
    """How good word vectors are.

    Args:
        groups: of analogies, all of them together in the end; None where no questions were asked.
        similarity: beside what people say; None where no pairs were compared.
        questions: the file of the analogies.
        pairs: the file of the pairs.
    """

    groups: Sequence[AnalogyGroup] | None
    similarity: Similarity | None
    questions: Path | None
    pairs: Path | None

    def to_json(self) -> dict[str, Any]:
        return {
            "analogies": None if self.groups is None else [group.to_json() for group in self.groups],
            "similarity": None if self.similarity is None else self.similarity.to_json(),
        }


def evaluate_word_vectors(
    vectors: WordVectors, questions: str | Path | None = None, pairs: str | Path | None = None, *, among: int = 300_000
) -> Evaluation:
    """Analogies by group and the likeness of words, by the rules of word2vec's program and of gensim.

    Args:
        vectors: the commonest words first.
        questions: a file like ``questions-words.txt``.
        pairs: a file like WordSim-353. Where neither is named, both are looked for in the folder of local data
            (``DERIN_DATA``).
        among: only so many words, from the first on, are known.

    Raises:
        UsageError: no file was named, and none is in the folder of local data.
        DataError: a file holds no questions or pairs.
    """
    if questions is None and pairs is None:
        questions, pairs = _local(_QUESTIONS), _local(_PAIRS)
        if questions is None and pairs is None:
            raise UsageError(
                "Word vectors are measured on questions: name a file of analogies (--questions) or of pairs (--pairs), "
                f"or set DERIN_DATA to a folder with {_QUESTIONS}."
            )
    asked, compared = (None if path is None else Path(path) for path in (questions, pairs))
    return Evaluation(
        None if asked is None else analogies(vectors, asked, among=among),
        None if compared is None else word_similarity(vectors, compared, among=among),
        asked,
        compared,
    )


def _local(name: str) -> Path | None:
    from derin.core.library_settings import data_folder

    folder = data_folder()
    return folder / name if folder is not None and (folder / name).is_file() else None
