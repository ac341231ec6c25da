"""The page on which a trained network runs, in a real browser: its numbers are Derin's, whatever it is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.browser import NO_BROWSER, Browser, Visit, find_browser, scripted
from tests.lessons.course.test_accessibility import AXE, FINDINGS

import derin
from derin.api.explain_live import explain_live
from derin.core.errors import UsageError
from derin.explain.activations import activations

pytestmark = pytest.mark.slow

# The page computes in 64 bits what Derin does in 32, in numbers of about 1.
TOLERANCE = 1e-5


def trained(data: Any, out: Path, **options: Any) -> Path:
    """A run of one epoch: what a network has learned does not matter here."""
    quick = {"epochs": 1, "plan": "plain", "threads": 1, "report": False, "compare": False, "out": out}
    return Path(derin.fit(data, **quick, **options).path)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(1)
    pictures = random.integers(0, 120, (60, 16, 18), dtype=np.uint8)
    return trained((pictures, np.arange(60) % 3), tmp_path_factory.mktemp("live") / "shapes", model="lenet5")


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("iris", tmp_path_factory.mktemp("live") / "iris", model="mlp")


@pytest.fixture(scope="module")
def page(shapes: Path) -> Path:
    path = shapes.parent / "shapes.html"
    explain_live(derin.open(shapes), run=shapes).save(path)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip(NO_BROWSER)
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def test_a_convolutional_network_gives_derins_maps_and_answer(shapes: Path, page: Path, visit: Visit) -> None:
    """Of pixels that no example had: every map of its layers, the answer, and each listed sum."""
    pixels = np.random.default_rng(3).integers(0, 256, (16, 18, 1), dtype=np.uint8)
    script = f"""
      derinLive.input.pixels.set({pixels.ravel().tolist()}); derinLive.compute();
      const {{ trace, data }} = derinLive, values = {{}};
      for (const {{ name, nodes }} of derinLive.strips) values[nodes[0].title] = [...trace.values.get(name).data];
      let apart = 0, cells = 0;
      for (const node of data.nodes) {{
        if (node.kind !== "operation") continue;
        const numbers = trace.values.get(node.name);
        for (let offset = 0; offset < numbers.size; offset += Math.max(1, Math.floor(numbers.size / 40))) {{
          const at = numbers.index(offset);
          apart = Math.max(apart, Math.abs(derinLive.forward(node.name, at).value - numbers.at(at)));
          cells += 1;
        }}
      }}
      found.push(values, [...trace.values.get(data.output).data], apart, cells)"""
    values, answer, apart, cells = scripted(page, script, visit)
    model = derin.open(shapes)
    (expected,) = model.predictions([pixels])
    assert dict(zip(model.classes or (), answer)) == pytest.approx(dict(expected.probabilities), abs=TOLERANCE)
    x = model.preparation.to_model_input(torch.from_numpy(pixels[None]))
    for layer, title in (("c1", "c1 · convolution"), ("s2", "s2 · avg_pool2d")):
        (maps,) = activations(model.network, x, [layer])
        assert values[title] == pytest.approx(maps.maps.flatten().tolist(), abs=TOLERANCE)
    # Whole arrays and single cells are two ways to one number, in 64 bits.
    assert cells > 400
    assert apart < 1e-12


def test_a_dense_network_reads_rows(flowers: Path, visit: Visit) -> None:
    page = flowers.parent / "iris.html"
    explain_live(derin.open(flowers), run=flowers).save(page)
    row = {"sepal length (cm)": 6.1, "sepal width (cm)": 2.5, "petal length (cm)": 4.9, "petal width (cm)": 1.3}
    script = f"""
      const row = {json.dumps(row)};
      for (const name in row) {{
        const field = document.querySelector(`input[data-field="${{name}}"]`);
        field.value = row[name]; field.dispatchEvent(new Event("input"));
      }}
      derinLive.compute();
      found.push([...derinLive.trace.values.get(derinLive.data.output).data])"""
    (answer,) = scripted(page, script, visit)
    model = derin.open(flowers)
    (expected,) = model.predictions([row])
    assert dict(zip(model.classes or (), answer)) == pytest.approx(dict(expected.probabilities), abs=TOLERANCE)


TEXTS = [
    "the cat isn't on the mat",
    "Good film, very GOOD ...",
    "bad!! film :-) https://a.org/x?y=1, 1.234,5 and 12a",
    "",
    "Ankara’nın nüfusu 5.864.049, IŞIK İstanbul'da <br/> söndü 漢字 ｅ e\u0301 a@b.org #konu",
]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    rows = [*TEXTS[:3], "the mat is good", "a very bad cat"] * 12
    path = folder / "reviews.csv"
    path.write_text("text,label\n" + "".join(f'"{text}",{n % 2}\n' for n, text in enumerate(rows)))
    return path


@pytest.mark.parametrize("model", ["text_lstm", "text_gru", "text_cnn"])
def test_a_network_of_texts_gives_derins_answer(model: str, reviews: Path, visit: Visit) -> None:
    """Of texts of several lengths, words that are unknown, and none at all; the page cuts them itself."""
    run = trained(
        str(reviews), reviews.parent / model, model=model, target="label", model_options={"dim": 6, **SMALL[model]}
    )
    opened = derin.open(run)
    page = reviews.parent / f"{model}.html"
    explain_live(opened, run=run).save(page)
    script = f"""
      for (const text of {json.dumps(TEXTS)}) {{
        derinLive.input.text = text; derinLive.compute();
        found.push([derinLive.input.tokens, [...derinLive.trace.values.get(derinLive.data.output).data]]);
      }}
      found.push(derinLive.strips.map((strip) => [strip.nodes.length, strip.title()]))"""
    *answers, strips = scripted(page, script, visit, "lang=en")
    for text, (tokens, answer) in zip(TEXTS, answers, strict=True):
        assert (tokens or [0]) == opened.preparation.read([text])[0].tolist()
        if text:
            (expected,) = opened.predictions([text])
            assert dict(zip(opened.classes or (), answer)) == pytest.approx(dict(expected.probabilities), abs=TOLERANCE)
    if model == "text_lstm":
        assert [24, "recurrent.layers.0 · forget gate f"] in strips
        assert [24, "recurrent.layers.1 · cell state c"] in strips


SMALL: dict[str, dict[str, Any]] = {"text_lstm": {"hidden": 5}, "text_gru": {"hidden": 5}, "text_cnn": {"filters": 4}}


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("transformer_lm", {"dim": 12, "num_heads": 3, "num_layers": 2, "hidden": 10}),
        ("lstm_lm", {"dim": 7, "hidden": 9, "num_layers": 1}),
    ],
)
def test_a_language_model_says_what_comes_next(
    model: str, options: dict[str, Any], tmp_path: Path, visit: Visit
) -> None:
    (tmp_path / "text.txt").write_text("the cat sat on the mat.\nışık söndü.\n" * 30, encoding="utf-8")
    run = trained(str(tmp_path / "text.txt"), tmp_path / "run", task="lm", model=model, model_options=options)
    opened = derin.open(run)
    explain_live(opened, run=run).save(tmp_path / "page.html")
    script = """
      derinLive.input.text = "the ışı?"; derinLive.compute();
      found.push(derinLive.input.tokens, [...derinLive.trace.values.get(derinLive.data.output).data])"""
    tokens, answer = scripted(tmp_path / "page.html", script, visit)
    preparation: Any = opened.preparation
    assert tokens == [preparation.start_token, *preparation.read("the ışı?")[0].tolist()]
    with torch.no_grad():
        expected = opened.network(torch.tensor([tokens]))[0].softmax(dim=2).flatten().tolist()
    assert answer[: len(expected)] == pytest.approx(expected, abs=TOLERANCE)


def test_drawing_clicking_and_keys(page: Path, browser: Browser) -> None:
    """Keys draw, a click on a map shows its cell, a term leads on, and a file is read as Derin reads it."""
    browser.open(page)
    browser.run("document.querySelector('[data-tool=clear]').click(); document.getElementById('board').focus()")
    assert browser.run("derinLive.input.pixels.every((one) => one === 0)")
    browser.press("ArrowRight", " ", "ArrowDown", " ")
    assert browser.run("derinLive.input.pixels.filter((one) => one > 128).length") >= 2
    browser.run("document.querySelectorAll('[data-strip=convolution] button')[2].click()")
    cell: Any = browser.run("({...document.getElementById('cell').dataset})")
    assert (cell["node"], cell["cell"]) == ("convolution", "0,2,0,0")
    assert float(cell["sum"]) == pytest.approx(float(cell["value"]), abs=1e-12)
    browser.run("document.querySelector('#cell .link').click()")
    assert browser.run("derinLive.state.node") != "convolution"
    pixels = np.random.default_rng(5).integers(0, 256, (16, 18, 3), dtype=np.uint8)
    rgba = np.concatenate([pixels, np.full((16, 18, 1), 255, dtype=np.uint8)], axis=2)
    browser.run(f"derinLive.input.take(Uint8ClampedArray.from({rgba.ravel().tolist()}))")
    gray = np.asarray(Image.fromarray(pixels).convert("L"))
    assert browser.run("[...derinLive.input.pixels]") == gray.ravel().tolist()


@pytest.mark.parametrize(("language", "word", "width"), [("en", "Answer", 1280), ("tr", "Yanıt", 400)])
def test_it_speaks_both_languages_and_fits(page: Path, browser: Browser, language: str, word: str, width: int) -> None:
    browser.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
    browser.open(page)
    browser.run(f"if (derinLive.state.language !== '{language}') document.getElementById('language').click()")
    assert word in browser.run("document.getElementById('given').innerText")
    assert browser.run("document.documentElement.scrollWidth") <= width
    if AXE.exists():
        browser.run(f"{AXE.read_text(encoding='utf-8')}; 1")
        assert json.loads(browser.run(FINDINGS)) == []


def test_a_page_without_its_weights_is_small(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    data = json.loads(text.split('type="application/json">')[1].split("</script>")[0])
    weights = sum(len(one["data"]) for one in data["values"].values())
    assert len(text.encode()) - weights < 1_000_000
    assert "default-src 'none'" in text


def test_what_a_page_cannot_show_gets_a_sentence(shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = derin.open(shapes)
    monkeypatch.setattr("derin.explain.live.network.MOST_WEIGHTS", 1000)
    with pytest.raises(UsageError, match=r"at most 1,000 parameters; lenet5 has 20,791\. Train a smaller one"):
        explain_live(model)
    monkeypatch.setattr("derin.explain.live.network.MOST_WEIGHTS", 100_000)
    monkeypatch.setattr("derin.explain.live.network.MOST_PRODUCTS", 1000)
    with pytest.raises(UsageError, match=r"at most 1,000 multiplications; lenet5 has \d+,\d+\."):
        explain_live(model)
