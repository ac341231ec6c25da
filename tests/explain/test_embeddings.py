"""Activations and their layouts, checked against scikit-learn and against what is known of the data."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from tests.explain.networks import pictures, residual

from derin.core.errors import MissingExtraError, ShapeError, UnknownNameError, UsageError
from derin.explain.embedding_page import EmbeddingPage
from derin.explain.embeddings import layer_activations, project


def clusters(num=40, dim=7, seed=0):
    """Three clouds that are far apart."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(num) % 3
    centers = 20 * np.eye(3, dim)
    return (centers[kinds] + rng.normal(size=(num, dim))).astype(np.float32), kinds


def test_principal_components_are_those_of_scikit_learn_up_to_their_signs():
    values, _ = clusters()
    ours, theirs = project(values, dim=3), PCA(3).fit(values)
    np.testing.assert_allclose(np.abs(ours.points), np.abs(theirs.transform(values)), atol=1e-3)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_, atol=1e-5)


def test_directions_that_do_not_exist_are_zero():
    found = project(np.arange(6.0)[:, None], dim=3)
    assert (found.points[:, 1:] == 0).all()
    assert found.explained == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("dim", [2, 3])
def test_tsne_keeps_neighbors_together_and_is_repeated_by_its_seed(dim):
    values, kinds = clusters()
    points = project(values, method="tsne", dim=dim, seed=3).points
    assert points.shape == (40, dim)
    away = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(40)
    # A few strays are t-SNE's nature, and which depends on how its threads add up; chance is a third.
    assert (kinds[away.argmin(axis=1)] == kinds).mean() >= 0.8
    if dim == 2:
        assert np.array_equal(points, project(values, method="tsne", dim=2, seed=3).points)


def test_tsne_bears_examples_that_are_all_alike():
    assert np.isfinite(project(np.ones((9, 4)), method="tsne").points).all()


def test_activations_are_those_of_the_layer_in_evaluation_mode():
    network, x = residual(), pictures(7)
    network.train()
    name, before_output = layer_activations(network, [x[:4], x[4:]])
    assert name == "output"
    network.eval()
    with torch.no_grad():
        torch.testing.assert_close(network.output(torch.from_numpy(before_output)), network(x))
        maps = network.stem(x).mean((2, 3)).numpy()
    np.testing.assert_allclose(layer_activations(network, [x], "stem")[1], maps, atol=1e-6)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_wrong_use_is_named():
    network, x = residual(), pictures(5)
    with pytest.raises(UsageError, match="stem"):
        layer_activations(network, [x], "stam")
    with pytest.raises(UsageError, match="name a layer"):
        layer_activations(torch.nn.Sequential(torch.nn.AvgPool2d(2), torch.nn.Flatten()), [x])
    with pytest.raises(ShapeError, match="units"):
        layer_activations(torch.nn.Sequential(torch.nn.Flatten(0)), [x], "0")
    with pytest.raises(UnknownNameError, match="tsne"):
        project(np.ones((9, 4)), method="tsn")
    with pytest.raises(UsageError, match="dim=4"):
        project(np.ones((9, 4)), dim=4)
    with pytest.raises(UsageError, match="at least 5 examples"):
        project(np.ones((3, 4)))


def test_a_network_without_dense_layers_is_looked_at_before_its_last_convolution():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.Conv2d(3, 2, 1), torch.nn.AdaptiveAvgPool2d(1)
    )
    x = pictures(5)[:, :1]
    name, values = layer_activations(network, [x])
    assert name == "2"
    np.testing.assert_allclose(values, network[:2](x).mean((2, 3)).detach().numpy(), rtol=1e-6)


def test_a_missing_umap_is_answered_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "derin\[umap\]"'):
        project(np.ones((9, 4)), method="umap")


def page(num=11, dim=2, **changes):
    rng = np.random.default_rng(0)
    settings = {
        "title": "Examples",
        "subtitle": "of <b>something</b>",
        "points": rng.normal(size=(num, dim)).astype(np.float32),
        "axes": ["1", "2", "3"][:dim],
        "names": ["</script><script>alert(1)</script>", *(f"n{i}" for i in range(1, num))],
        "groups": ["cat", "dog", "owl"],
        "truth": np.arange(num) % 3,
        "predicted": np.where(np.arange(num) == 4, -1, np.arange(num) % 3),
        "wrong": np.arange(num) == 4,
        "confidence": np.linspace(0, 1, num).astype(np.float32),
        "pictures": rng.integers(0, 256, (num, 8, 6, 3), dtype=np.uint8),
    }
    return EmbeddingPage(**{**settings, **changes})


def embedded(text):
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', text, re.DOTALL).group(1))


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


@pytest.mark.parametrize("dim", [2, 3])
def test_the_page_holds_every_point_on_one_scale(dim):
    given = page(dim=dim)
    found = embedded(given.render())
    places = numbers(found["points"], "<u2").reshape(11, dim) / 32767.5 - 1
    # Distances are kept but for one factor.
    wanted = np.linalg.norm(given.points[:, None] - given.points[None], axis=2)
    ratio = np.linalg.norm(places[:, None] - places[None], axis=2)[0, 1:] / wanted[0, 1:]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-3)
    assert numbers(found["predicted"], "<u2").tolist() == [0, 1, 2, 0, 65535, 2, 0, 1, 2, 0, 1]
    assert numbers(found["wrong"], "u1").nonzero()[0].tolist() == [4]


def test_the_page_loads_nothing_and_runs_no_name():
    text = page().render()
    assert text.count("<script") == 2
    assert "&lt;b&gt;something" in text
    assert embedded(text)["names"][0].startswith("</script>")
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:)", text)
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src 'none'" in text


def test_the_page_speaks_turkish(monkeypatch):
    monkeypatch.setenv("DERIN_LANG", "tr")
    text = page().render()
    assert "yalnız yanlışlar" in text
    assert embedded(text)["language"] == "tr"


def test_small_pictures_stand_in_their_places_on_the_sheets():
    import io

    from PIL import Image

    given = np.zeros((500, 64, 48, 1), np.uint8)
    given[::2] = 255
    found = embedded(page(num=500, pictures=given, names=["n"] * 500).render())
    width, height = found["tile"]
    assert (width, height) == (48, 64)
    assert len(found["sheets"]) == -(-500 // found["per_sheet"])
    for place in (0, 1, 337, 498, 499):
        sheet, within = divmod(place, found["per_sheet"])
        line, column = divmod(within, found["per_line"])
        with Image.open(io.BytesIO(base64.b64decode(found["sheets"][sheet].partition(",")[2]))) as picture:
            pixel = picture.convert("L").getpixel((column * width + width // 2, line * height + height // 2))
        assert abs(pixel - (255 if place % 2 == 0 else 0)) < 6


def test_a_page_with_an_entry_missing_is_refused():
    with pytest.raises(UsageError, match="one entry everywhere"):
        page(names=["a", "b"])
