"""The map of words: alike words lie close, names do not cover each other, and no word breaks the page."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derin.core.errors import UsageError
from derin.data.text.vectors import WordVectors
from derin.explain.word_map import word_map

RNG = np.random.default_rng(8)
CENTERS = RNG.standard_normal((4, 12)) * 3
GROUPS = np.arange(60) % 4
VALUES = (CENTERS[GROUPS] + 0.3 * RNG.standard_normal((60, 12))).astype(np.float32)
WORDS = tuple(f"word{i}" if i else "<a&b>" for i in range(60))
VECTORS = WordVectors(WORDS, VALUES)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_words_of_a_group_lie_next_to_each_other(method: str) -> None:
    points = word_map(VECTORS, WORDS, method=method).points
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (GROUPS[distances.argmin(axis=1)] == GROUPS).all()


def test_the_drawing_holds_every_word_and_names_that_do_not_overlap() -> None:
    drawn = word_map(VECTORS, WORDS, method="pca")
    root = ElementTree.fromstring(drawn.svg())
    names = {"svg": "http://www.w3.org/2000/svg"}
    dots = root.findall("svg:circle", names)
    assert [dot.findtext("svg:title", namespaces=names) for dot in dots] == list(WORDS)
    boxes = [
        (float(t.get("x", "")), float(t.get("y", "")), 6.2 * len(t.text or "")) for t in root.findall("svg:text", names)
    ]
    assert 4 < len(boxes) < 60
    for i, (x, y, width) in enumerate(boxes):
        assert not any(x < a + w and a < x + width and abs(y - b) < 10 for a, b, w in boxes[:i])


@pytest.mark.parametrize("name", ["map.html", "map.svg", "map.png"])
def test_maps_are_written_in_every_form(tmp_path: Path, name: str) -> None:
    word_map(VECTORS, WORDS, method="pca").save(tmp_path / name)
    if name.endswith(".png"):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 400
    else:
        page = (tmp_path / name).read_text(encoding="utf-8")
        assert "&lt;a&amp;b&gt;" in page
        assert "<a&b>" not in page
        assert "<script" not in page


def test_frequent_words_are_taken_where_none_are_named() -> None:
    assert word_map(VECTORS, num=20, method="pca").words[0] in WORDS
    assert len(word_map(VECTORS, num=20, method="pca").words) == 20


def test_too_few_and_unknown_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 5 words; got 2"):
        word_map(VECTORS, ["word1", "word2", "word2"])
    with pytest.raises(UsageError, match="'whale' has no vector"):
        word_map(VECTORS, ["whale", *WORDS])
    with pytest.raises(UsageError, match="A drawing is written as"):
        word_map(VECTORS, WORDS, method="pca").save(tmp_path / "map.xyz")
