"""Word vectors from runs, bundles and published files alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from derin.core.errors import UsageError
from derin.core.files import usable_path
from derin.data.text.vectors import WordVectors, read_vectors


def open_word_vectors(source: str | Path) -> WordVectors:
    """The vectors of a run, of a bundle, or of a file of word2vec or GloVe.

    Args:
        source: the folder or the file.

    Raises:
        UsageError: nothing is there, or the run has no word vectors.
        DataError: the file is none of these.
    """
    path = usable_path(source, "The word vectors")
    if path.is_dir():
        from derin.api.bundles import load_model
        from derin.tasks.word_vectors import vectors_of

        network, _, preparation, _ = load_model(path)
        return vectors_of(network, preparation)
    if not path.exists():
        raise UsageError(f"There is nothing at {path}; name a run, or a file of word2vec or GloVe.")
    return read_vectors(path)


def with_vectors_of_a_run(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of inputs with the vectors themselves where a run was named that learned them."""
    path = inputs.get("vectors")
    if not isinstance(path, str | Path) or not Path(path).is_dir():
        return inputs
    return {**inputs, "vectors": open_word_vectors(path)}
