"""Approximate search: its recall is what it says, and it follows what is enrolled and removed."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.apps.faces.conftest import DIM

from derin.apps.faces.gallery import Gallery
from derin.core.errors import MissingExtraError, RefusedFileError, UsageError

pytest.importorskip("faiss")


def clustered(num: int, seed: int) -> np.ndarray:
    """Around 40 centers, the same for every seed."""
    rng, centers = np.random.default_rng(seed), np.random.default_rng(0).standard_normal((40, DIM))
    rows = centers[rng.integers(0, 40, num)] + 0.5 * rng.standard_normal((num, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def people(embeddings: np.ndarray, first: int = 0) -> list[tuple[str, np.ndarray]]:
    return [(f"person {first + at}", row) for at, row in enumerate(embeddings)]


def nearest(embeddings: np.ndarray, queries: np.ndarray) -> list[list[str]]:
    return [[f"person {at}"] for at in (queries.astype(np.float64) @ embeddings.astype(np.float64).T).argmax(1)]


def agreement(found: list[list[str]], expected: list[list[str]]) -> float:
    return float(np.mean([a == b for a, b in zip(found, expected, strict=True)]))


def test_an_index_finds_the_nearest_as_often_as_it_says(open_gallery: Callable[..., Gallery]) -> None:
    embeddings, queries, more = clustered(2000, 1), clustered(200, 2), clustered(200, 3)
    with open_gallery() as gallery, open_gallery() as other:
        gallery.enrol_many(people(embeddings), compare=False)
        with pytest.raises(UsageError, match="has no index to search by; build one"):
            gallery.search(queries, exact=False)
        other.search(queries[:1])
        report = gallery.build_index(num_queries=200)
        assert (gallery.index, report.num_queries) == (report, 200)
        assert (report.recall >= 0.99, report.num_embeddings) == (True, 2000)
        assert report.num_bytes is not None
        assert report.num_bytes > 2000 * DIM
        for opened in (gallery, other):
            # Of 200 queries at most four may be missed where the true rate is one in a hundred (97 % of the time).
            assert agreement(opened.search(queries, exact=False).names, nearest(embeddings, queries)) >= 0.98
        gallery.enrol_many(people(more, 2000), compare=False)
        assert agreement(other.search(more, exact=False).names, [[name] for name, _ in people(more, 2000)]) >= 0.98
        gone = [f"person {at}" for at in range(0, 2200, 2)]
        gallery.remove(*gone)
        left = np.concatenate([embeddings, more])[1::2]
        expected = [[f"person {2 * int(name[0].removeprefix('person ')) + 1}"] for name in nearest(left, queries)]
        for opened in (gallery, other):
            assert opened.search(queries).names == expected
            assert agreement(opened.search(queries, exact=False).names, expected) >= 0.98
        everybody = gallery.search(queries[:2], 1100, exact=False).names
        assert [len(set(row)) for row in everybody] == [1100, 1100]
        gallery.drop_index()
        assert other.index is None
        with pytest.raises(UsageError, match="has no index"):
            other.search(queries, exact=False)


def test_an_index_that_cannot_be_is_a_sentence(open_gallery: Callable[..., Gallery]) -> None:
    with open_gallery() as gallery:
        gallery.enrol_many(people(clustered(99, 1)), compare=False)
        with pytest.raises(UsageError, match=r"needs at least 100 embeddings; the gallery .* has 99"):
            gallery.build_index()
        with pytest.raises(UsageError, match="at most 1; got 2"):
            gallery.build_index(recall=2)
        with pytest.raises(UsageError, match="exactly by 'mean'"):
            gallery.search(clustered(1, 2), by="mean", exact=False)


@pytest.mark.parametrize("key", [None, "a long secret"])
def test_whoever_is_removed_leaves_no_row_of_the_index_behind(key: str | None, place: Path) -> None:
    if key:
        pytest.importorskip("cryptography")
    with Gallery.open(place, model="a", dim=DIM, key=key) as gallery:
        gallery.enrol_many(people(clustered(300, 1)), compare=False)
        gallery.build_index()
        gallery.remove(*(f"person {at}" for at in range(0, 300, 3)))
    with closing(sqlite3.connect(place)) as file:
        left = dict(file.execute("SELECT embedding, list FROM listed"))
        assert set(left) == {embedding for (embedding,) in file.execute("SELECT id FROM embeddings")}
        assert len(left) == 200
        # A number of four bytes, or behind a nonce of 12 and before a tag of 16.
        assert {len(value) for value in left.values()} == {32 if key else 4}
        sizes = {len(value) for (value,) in file.execute("SELECT value FROM centroids")}
        assert sizes == {4 * DIM + 28 * (key is not None)}
        file.execute("DELETE FROM listed WHERE embedding = ?", (min(left),))
        file.commit()
    with (
        Gallery.open(place, model="a", dim=DIM, key=key) as gallery,
        pytest.raises(RefusedFileError, match="an index of other embeddings"),
    ):
        gallery.search(clustered(1, 2), exact=False)


def test_an_index_of_earlier_times_goes_when_the_gallery_is_opened(place: Path) -> None:
    with Gallery.open(place, model="a", dim=DIM) as gallery:
        gallery.enrol_many(people(clustered(100, 1)), compare=False)
    with closing(sqlite3.connect(place)) as file:
        file.executescript("DROP TABLE listed; DROP TABLE centroids")
        file.executemany("INSERT INTO gallery VALUES (?, '\"x\"')", [("index",), ("centroids",), ("lists",)])
        file.execute("PRAGMA user_version = 2")
        file.commit()
    with Gallery.open(place, model="a", dim=DIM) as gallery:
        assert gallery.index is None
        assert gallery._store.value("lists") is None
        assert gallery.build_index().recall == 1.0
        assert gallery.search(clustered(100, 1), exact=False).distances.max() < 1e-6


def test_without_faiss_it_is_said_what_to_install(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Gallery.open(place, model="a", dim=DIM) as gallery:
        gallery.enrol_many(people(clustered(100, 1)), compare=False)
        monkeypatch.setitem(sys.modules, "faiss", None)
        with pytest.raises(MissingExtraError, match=r'pip install "derin\[faces-index\]"'):
            gallery.build_index()
        assert gallery.index is None
