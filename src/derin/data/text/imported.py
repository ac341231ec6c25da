"""Word vectors that were learned elsewhere, on their way to the embedding of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError

if TYPE_CHECKING:
    from derin.data.text.encoder import TextEncoder
    from derin.data.text.vectors import WordVectors


def imported_vectors(
    vectors: str | WordVectors | None, tokenizer: str, *, limit: int | None = None
) -> WordVectors | None:
    """The word vectors that the user named, or none.

    Args:
        vectors: path of a file of word2vec or GloVe, or vectors that were read already.
        tokenizer: of the texts, which must give words.
        limit: so many of a file are read, the first.

    Raises:
        UsageError: the tokens are no words.
        DataError: the file holds no vectors.
    """
    if vectors is None:
        return None
    if tokenizer != "words":
        raise UsageError(f"Word vectors belong to words; got the tokenizer {tokenizer!r}. Leave one of the two out.")
    if not isinstance(vectors, str):
        return vectors
    from derin.data.text.vectors import read_vectors

    return read_vectors(vectors, limit=limit)


def vectors_of(encoder: TextEncoder, vectors: WordVectors | None, seed: int) -> npt.NDArray[np.float32] | None:
    """A vector for each token of a vocabulary; see `embedding_matrix`."""
    if vectors is None:
        return None
    from derin.data.text.vectors import embedding_matrix

    return embedding_matrix(encoder.vocabulary.tokens, vectors, seed)[0]
