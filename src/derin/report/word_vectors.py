"""What word vectors have learned: the neighbors of some words, and a map of frequent ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from derin.core.arrays import read_npz
from derin.core.errors import DataError, RefusedFileError
from derin.core.messages import translate
from derin.data.text.vectors import WordVectors
from derin.explain.word_map import word_map
from derin.report.html import Html, join, table, tag
from derin.strategy.record import RunRecord, is_number

_TASKS = ("word-vectors", "glove")
_MOST_BYTES = 64 << 20
_MOST_WORDS = 2_000  # of a map; a damaged record may hold more


def section(story: RunRecord) -> Html | None:
    """The section; None where the run is of another task or found nothing."""
    found = story.part("findings")
    if story.part("task").get("name") not in _TASKS or not found:
        return None
    parts = [_size(found), _neighbors(found), _map(story, found)]
    return join(parts) if any(part is not None for part in parts) else None


def _size(found: Mapping[str, Any]) -> Html | None:
    words, dim = found.get("words"), found.get("dim")
    if not is_number(words) or not is_number(dim):
        return None
    return tag("p", translate("word-vectors.size", words=int(words), dim=int(dim)))


def _neighbors(found: Mapping[str, Any]) -> Html | None:
    rows = []
    listed = found.get("neighbors")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], list):
            pairs = [pair for pair in entry[1] if isinstance(pair, list) and len(pair) == 2 and is_number(pair[1])]
            rows.append([str(entry[0]), ", ".join(f"{word} {cosine:.2f}" for word, cosine in pairs)])
    if not rows:
        return None
    return join(
        [
            tag("h3", translate("word-vectors.neighbors")),
            tag("p", translate("word-vectors.cosine")),
            table([translate("word-vectors.word"), translate("word-vectors.nearest")], rows),
        ]
    )


def _map(story: RunRecord, found: Mapping[str, Any]) -> Html | None:
    path, words = story.path / "word_map.npz", found.get("map")
    if not isinstance(words, list) or not 5 <= len(words) <= _MOST_WORDS or not path.exists():
        return None
    try:
        values = read_npz(path, max_bytes=_MOST_BYTES, names=("values",))["values"].astype(np.float32)
        vectors = WordVectors(tuple(map(str, words)), values)
    except (ValueError, KeyError, DataError) as error:
        raise RefusedFileError(f"The file {path} is damaged ({error}); train the run again.") from None
    drawn = word_map(vectors, vectors.words)
    return join(
        [tag("h3", translate("word-vectors.map")), tag("p", translate("word-vectors.map_note")), Html(drawn.svg())]
    )
