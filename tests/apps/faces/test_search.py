"""Exact search against distances of all pairs in float64."""

from __future__ import annotations

import numpy as np
import pytest

from derin.apps.faces import search
from derin.apps.faces.inverted_lists import InvertedLists, fit_lists
from derin.apps.faces.search import near_pairs, nearest_people, top_rows


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    rows = rng.standard_normal(shape)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def all_distances(queries: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    difference = queries[:, None].astype(np.float64) - embeddings[None].astype(np.float64)
    return np.sqrt((difference**2).sum(-1))


@pytest.mark.parametrize("num_queries", [1, 7])
@pytest.mark.parametrize("k", [1, 3])
def test_nearest_people_are_those_of_all_pairs(num_queries: int, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_MIN_BLOCK_ROWS", 50)
    monkeypatch.setattr(search, "_BLOCK_PRODUCTS", 1)
    rng = np.random.default_rng(0)
    embeddings, queries = unit(rng, 1013, 12), unit(rng, num_queries, 12)
    people = rng.integers(0, 300, 1013) * 10
    found, distances = nearest_people(embeddings, people, queries, k, max_per_person=int(np.bincount(people).max()))
    pairs = all_distances(queries, embeddings)
    for at, row in enumerate(pairs):
        per_person = {person: row[people == person].min() for person in set(people.tolist())}
        nearest = sorted(per_person, key=per_person.__getitem__)[:k]
        assert found[at].tolist() == nearest
        # Differences of equal float32 numbers in float64, summed in another order: some units in the last place.
        np.testing.assert_allclose(distances[at], [per_person[person] for person in nearest], rtol=1e-14)


def test_equal_embeddings_come_in_the_order_of_their_rows() -> None:
    same = np.tile(np.eye(1, 5, dtype=np.float32), (30, 1))
    found, distances = nearest_people(same, np.arange(30), same[:2], 4, max_per_person=1)
    assert distances.tolist() == [[0.0] * 4] * 2
    assert len({tuple(row) for row in found.tolist()}) == 1


def test_blocks_that_grow_better_and_better_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_MIN_BLOCK_ROWS", 16)
    monkeypatch.setattr(search, "_BLOCK_PRODUCTS", 1)
    rng = np.random.default_rng(1)
    embeddings, queries = unit(rng, 333, 8), unit(rng, 3, 8)
    for order in (np.argsort(embeddings @ queries[0]), np.argsort(-embeddings @ queries[0])):
        rows = top_rows(embeddings[order], queries, 5)
        expected = np.argsort(all_distances(queries, embeddings[order]), axis=1)[:, :5]
        assert [sorted(row) for row in rows.tolist()] == [sorted(row) for row in expected.tolist()]


def test_near_pairs_are_those_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_MIN_BLOCK_ROWS", 64)
    rng = np.random.default_rng(2)
    embeddings, others = unit(rng, 150, 6), unit(rng, 201, 6)
    found = {(a, b) for part in near_pairs(embeddings, others, 0.4) for a, b in zip(part[0], part[1], strict=True)}
    expected = {(a, b) for a, b in zip(*np.nonzero(all_distances(embeddings, others) <= 0.4), strict=True)}
    assert found == expected != set()


def test_lists_lead_to_what_is_nearest_and_forget_what_is_removed() -> None:
    pytest.importorskip("faiss")
    rng = np.random.default_rng(3)
    embeddings, queries, ids = unit(rng, 700, 6), unit(rng, 9, 6), np.arange(700) * 3
    centroids, fitted = fit_lists(embeddings)
    # At most one for each sixteen embeddings, less those of too few members.
    assert 20 < len(centroids) <= 700 // 16
    np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-6)
    assert np.bincount(fitted, minlength=len(centroids)).min() >= 8
    for number, centroid in enumerate(centroids):
        mean = embeddings[fitted == number].astype(np.float64).mean(0)
        np.testing.assert_allclose(centroid, mean / np.linalg.norm(mean), atol=1e-6)  # summed in float32
    inverted = InvertedLists(centroids, embeddings)
    lists = inverted.assign(embeddings)
    assert lists.tolist() == all_distances(embeddings, centroids).argmin(1).tolist()
    inverted.add(ids[:400], embeddings[:400], lists[:400])
    inverted.add(ids[400:], embeddings[400:], lists[400:])
    nearest = all_distances(queries, embeddings).argsort(1)
    # Eight more than asked for, since 8 bits a number let some trade places.
    every = inverted.candidates(queries, 11, num_probes=len(centroids)) // 3
    assert all(set(row[:3]) <= set(found) for row, found in zip(nearest, every, strict=True))
    few = inverted.candidates(queries, 700, num_probes=2)
    two = all_distances(queries, centroids).argsort(1)[:, :2]
    for found, chosen in zip(few, two, strict=True):
        assert sorted(found[found >= 0] // 3) == np.flatnonzero(np.isin(lists, chosen)).tolist()
    inverted.remove(ids[nearest[:, 0]])
    left = inverted.candidates(queries, 700, num_probes=len(centroids))
    assert not np.isin(left, ids[nearest[:, 0]]).any()
    assert {row[row >= 0].size for row in left} == {700 - len(set(nearest[:, 0]))}


def test_no_centroid_is_anybodys_embedding() -> None:
    pytest.importorskip("faiss")
    rng = np.random.default_rng(4)
    crowd = unit(rng, 1, 8) + 0.01 * rng.standard_normal((400, 8))
    alone = unit(rng, 5, 8)
    embeddings = np.concatenate([crowd / np.linalg.norm(crowd, axis=1, keepdims=True), alone]).astype(np.float32)
    for seed in range(5):
        assert all_distances(alone, fit_lists(embeddings, seed)[0]).min() > 1e-3
