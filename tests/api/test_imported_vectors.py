"""Word vectors of a run become the first embedding of any network of words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from derin.api.prepare import prepare
from derin.api.vectors import open_word_vectors
from derin.api.word_vectors import train_word_vectors
from derin.core.errors import UsageError

WORDS = ["the", "a", "cat", "dog", "sees", "hears", "red", "green", "house", "sea"]
DIM = 8


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vectors") / "text.txt"
    drawn = np.random.default_rng(0).choice(WORDS, size=(300, 5))
    path.write_text("\n".join(" ".join(line) for line in drawn), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(text: Path) -> Path:
    settings: dict[str, Any] = {"dim": DIM, "min_count": 1, "epochs": 1, "report": False, "threads": 1}
    return train_word_vectors(text, out=text.parent / "run", **settings).path


@pytest.mark.parametrize("model", ["lstm_lm", "neural_lm", "transformer_lm"])
def test_a_language_model_begins_with_the_vectors_of_a_run(model: str, text: Path, run: Path) -> None:
    options = {"num_heads": 2} if model == "transformer_lm" else {}
    inputs = {"tokenizer": "words", "vectors": str(run)}
    made = prepare(text, task="lm", model=model, model_options=options, inputs=inputs, threads=1)
    require_vectors(made, run)


@pytest.mark.parametrize("model", ["text_average", "text_cnn", "text_lstm"])
def test_a_classifier_begins_with_the_vectors_of_a_run(model: str, run: Path, tmp_path: Path) -> None:
    lines = [f"the {WORDS[2 + i % 2]} sees a house {i}\t{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "labelled.tsv").write_text("\n".join(lines), encoding="utf-8")
    inputs = {"tokenizer": "words", "vectors": str(run)}
    require_vectors(prepare(tmp_path / "labelled.tsv", model=model, inputs=inputs, threads=1), run)


def test_characters_have_no_vectors(text: Path, run: Path) -> None:
    with pytest.raises(UsageError, match="Word vectors belong to words; got the tokenizer 'characters'"):
        prepare(text, task="lm", inputs={"tokenizer": "characters", "vectors": str(run)})


def require_vectors(made: Any, run: Path) -> None:
    vectors = open_word_vectors(run)
    columns: Any = getattr(made.preparation, "input", made.preparation)  # a stream is no column
    tokens = columns.encoder.vocabulary.tokens
    weight = made.model.embedding.weight.detach()
    for word in ("cat", "house"):
        place = vectors.words.index(word)
        torch.testing.assert_close(weight[tokens.index(word)], torch.from_numpy(vectors.values[place]), rtol=0, atol=0)
