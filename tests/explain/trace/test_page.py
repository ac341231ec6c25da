"""The page of a trace in a real browser: cells, keys, languages, colors. The numbers are checked from the CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.browser import Visit, scripted
from torch import nn

from derin.explain.trace.page import render_page
from derin.explain.trace.table import render_table
from derin.explain.trace.trace import Trace, trace

Arrays = Mapping[tuple[str, str], np.ndarray]


class Small(nn.Module):
    """One of everything that the page explains cell by cell, on odd distinct sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, stride=2, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.dense = nn.Linear(3 * 2 * 3, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(self.pool(torch.tanh(self.conv(x))).flatten(1))


def small_trace() -> Trace:
    torch.manual_seed(3)
    model = Small().double()
    return trace(model, torch.randn(2, 2, 7, 11, dtype=torch.float64), torch.tensor([4, 1]), optimizer="adam")


@pytest.fixture(scope="module")
def traced() -> Trace:
    return small_trace()


@pytest.fixture(scope="module")
def page(traced: Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "trace.html"
    path.write_text(render_page(traced, title="Small"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def arrays(traced: Trace) -> Arrays:
    """Everything that the CSV holds, by quantity and name."""
    found: dict[tuple[str, str], dict[tuple[int, ...], float]] = {}
    for row in csv.DictReader(io.StringIO(render_table(traced))):
        index = tuple(map(int, row["index"].split()))
        found.setdefault((row["quantity"], row["name"]), {})[index] = float(row["number"])
    made = {}
    for key, cells in found.items():
        array = np.empty([size + 1 for size in np.max([*cells], axis=0).astype(int)] if () not in cells else ())
        for index, number in cells.items():
            array[index] = number
        made[key] = array
    return made


class _Elements(HTMLParser):
    """Attributes and text of elements with an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.root: dict[str, str | None] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "html":
            self.root = found
        if found.get("id"):
            self.attributes[str(found["id"])] = found


def test_ten_random_cells_have_the_sums_of_their_formulas(page: Path, arrays: Arrays, visit: Visit) -> None:
    """Ten kinds of cells, each at a random place, computed once more from the numbers in the CSV."""
    random = np.random.default_rng(11)
    value = {name: array for (quantity, name), array in arrays.items() if quantity == "value"}
    gradient = {name: array for (quantity, name), array in arrays.items() if quantity == "gradient"}
    wide = np.pad(value["x"], ((0, 0), (0, 0), (1, 1), (1, 1)))
    maps, dense = value["convolution"], value["addmm"]

    def window(n: int, row: int, column: int) -> np.ndarray:
        return wide[n, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]

    def at(array: np.ndarray) -> tuple[int, ...]:
        return tuple(int(random.integers(size)) for size in array.shape)

    cases: list[tuple[str, str, tuple[int, ...], float]] = []
    n, f, row, column = at(maps)
    summed = (window(n, row, column) * value["conv.weight"][f]).sum() + value["conv.bias"][f]
    cases.append(("convolution", "value", (n, f, row, column), summed))
    f, c, k, m = at(value["conv.weight"])
    places = np.ndindex(maps.shape[0], *maps.shape[2:])
    summed = sum(gradient["convolution"][n, f, p, q] * window(n, p, q)[c, k, m] for n, p, q in places)
    cases.append(("conv.weight", "gradient", (f, c, k, m), summed))
    (f,) = at(value["conv.bias"])
    cases.append(("conv.bias", "gradient", (f,), gradient["convolution"][:, f].sum()))
    n, c, y, z = at(value["x"])
    reached = [
        gradient["convolution"][n, f, p, q] * value["conv.weight"][f, c, y + 1 - 2 * p, z + 1 - 2 * q]
        for f, p, q in np.ndindex(*maps.shape[1:])
        if 0 <= y + 1 - 2 * p < 3 and 0 <= z + 1 - 2 * q < 3
    ]
    cases.append(("x", "gradient", (n, c, y, z), sum(reached)))
    index = at(maps)
    cases.append(("convolution", "gradient", index, gradient["tanh"][index] * (1 - np.tanh(maps[index]) ** 2)))
    n, unit = at(dense)
    inputs = value["view"][n]
    cases.append(("addmm", "value", (n, unit), inputs @ value["dense.weight"][unit] + value["dense.bias"][unit]))
    (unit,) = at(value["dense.bias"])
    cases.append(("dense.bias", "gradient", (unit,), gradient["addmm"][:, unit].sum()))
    n, k = at(value["view"])
    cases.append(("view", "gradient", (n, k), gradient["addmm"][n] @ value["dense.weight"][:, k]))
    n, unit = at(dense)
    scores = np.exp(dense[n]) / np.exp(dense[n]).sum()
    own = (scores[unit] - (unit == value["target"][n])) / len(dense)
    cases.append(("addmm", "gradient", (n, unit), own))
    picked = -(dense - np.log(np.exp(dense).sum(axis=1, keepdims=True)))[[0, 1], value["target"].astype(int)]
    cases.append(("nll_loss_forward", "value", (), picked.mean()))

    steps = [
        f"derinTrace.select({name!r}, {side!r}, {list(index)}); found.push({{...derinTrace.cell()}})"
        for name, side, index, _ in cases
    ]
    shown = scripted(page, ";".join(steps), visit)
    assert len(shown) == 10
    for (name, side, index, expected), cell in zip(cases, shown, strict=True):
        assert (cell["node"], cell["side"], cell["cell"]) == (name, side, ",".join(map(str, index)))
        assert float(cell["value"]) == pytest.approx(expected, rel=1e-9, abs=1e-12), (name, side)
        assert float(cell["sum"]) == pytest.approx(expected, rel=1e-9, abs=1e-12), (name, side)


def test_every_listed_sum_is_the_number_that_it_explains(page: Path, visit: Visit) -> None:
    """All nodes, values and gradients, every cell of the small and every seventh of the large arrays."""
    script = """
      for (const node of derinTrace.data.nodes) for (const side of ["value", "gradient"]) {
        const numbers = derinTrace.trace[side === "value" ? "values" : "gradients"].get(node.name);
        if (!numbers) continue;
        let cells = 0, apart = 0, silent = 0;
        for (let offset = 0; offset < numbers.size; offset += numbers.size > 50 ? 7 : 1) {
          const at = numbers.index(offset);
          const parts = side === "value" ? derinTrace.forward(node.name, at) : derinTrace.backward(node.name, at);
          const own = node.kind !== "operation" && side === "value" || node.name === derinTrace.data.output;
          if (own) continue;
          if (!parts) { silent += 1; continue; }
          const sum = side === "value" ? parts.value : parts.reduce((all, part) => all + part.value, 0);
          cells += 1;
          apart = Math.max(apart, Math.abs(sum - numbers.at(at)));
        }
        found.push({ name: node.name, side, cells, apart, silent });
      }"""
    checked = scripted(page, script, visit)
    assert {row["name"] for row in checked} >= {"x", "conv.weight", "tanh", "view", "t", "addmm", "_log_softmax"}
    assert sum(row["cells"] for row in checked) > 250
    assert [row for row in checked if row["silent"] or row["apart"] > 1e-12] == []


def test_keys_step_through_all_phases(page: Path, visit: Visit) -> None:
    script = """
      const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      const { state } = derinTrace, where = document.getElementById("where");
      const tell = () => found.push([state.step, state.side, where.textContent]);
      const last = derinTrace.data.steps.length - 1;
      press("Home"); tell(); press("ArrowLeft"); tell(); press("ArrowRight"); tell(); press("ArrowRight"); tell();
      press("ArrowLeft"); tell(); press("End"); tell(); press("ArrowRight"); tell();
      for (let step = 0; step <= last; step++) { derinTrace.goto(step); tell(); }
      const cell = document.querySelector("#numbers button"); cell.focus(); cell.click();
      found.push([document.getElementById("cell").dataset.cell, cell.getAttribute("aria-label")])"""
    *steps, (cell, label) = scripted(page, script, visit)
    last = steps[5][0]
    assert [step for step, _, _ in steps[:7]] == [0, 0, 1, 2, 1, last, last]
    assert steps[0][2] == f"1 / {last + 1} · forward pass"
    assert steps[5][2].endswith("update")
    assert [step for step, _, _ in steps[7:]] == list(range(last + 1))
    assert [side for _, side, _ in steps[7:]] == sorted(
        (s for _, s, _ in steps[7:]), key=["value", "gradient", "update"].index
    )
    assert cell in label


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("forward pass", "Gradient", "Fold modules", "8 terms", "Türkçe")),
        ("tr", ("ileri yayılım", "Gradyan", "Modülleri katla", "English")),
    ],
)
def test_a_fragment_names_node_cell_language_and_colors(
    page: Path, visit: Visit, language: str, words: tuple[str, ...]
) -> None:
    shown = visit(page, f"node=convolution&cell=1,2,3,4&lang={language}&theme=dark")
    found = _Elements(shown)
    assert found.root["lang"] == language
    assert found.root["data-theme"] == "dark"
    assert (found.attributes["cell"]["data-node"], found.attributes["cell"]["data-cell"]) == ("convolution", "1,2,3,4")
    body = shown[shown.index("<body") : shown.index('<script id="data"')]
    assert all(word in body for word in words if not word[0].isdigit())
    assert "<math" in body


def test_decimals_are_written_as_the_language_writes_them(page: Path, visit: Visit) -> None:
    script = """for (const spoken of ["en", "tr"]) {
      derinTrace.state.language = spoken; derinTrace.goto(0);
      found.push(document.querySelector("#cell .result b").textContent) }"""
    english, turkish = scripted(page, script, visit)
    assert "." in english
    assert turkish == english.replace(".", ",")


def test_nothing_is_loaded_and_no_text_of_the_model_is_run(traced: Trace, tmp_path: Path, visit: Visit) -> None:
    text = render_page(traced, title="</title><script>document.body.dataset.run = 1</script>")
    (tmp_path / "hostile.html").write_text(text, encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"']+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, which browsers do not fetch
    assert "default-src 'none'" in text
    shown = visit(tmp_path / "hostile.html")
    assert "data-run" not in shown
    assert "&lt;script&gt;document" in shown


def test_of_arrays_beyond_the_limit_a_summary_is_shown(
    traced: Trace, tmp_path: Path, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derin.explain.trace.page._MOST_NUMBERS", 800)
    page = tmp_path / "short.html"
    page.write_text(render_page(traced, title="Short"), encoding="utf-8")
    script = """
      for (let step = 0; step < derinTrace.data.steps.length; step++) derinTrace.goto(step);
      derinTrace.select("x");
      found.push(document.getElementById("summary").textContent, document.getElementById("numbers").textContent);
      derinTrace.select("addmm", "value", [1, 2]);
      found.push(document.querySelector("#cell .result").textContent)"""
    summary, numbers, small = scripted(page, script, visit)
    low = float(traced.values["x"].min())
    assert f"least −{abs(low):.5g}" in summary
    assert "Too large for this page" in numbers
    assert "dense · linear[1, 2] = " in small


def test_modules_of_a_deep_network_are_folded_and_unfold(tmp_path: Path, visit: Visit) -> None:
    torch.manual_seed(5)
    blocks = [nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3)) for _ in range(12)]
    found = trace(nn.Sequential(*blocks, nn.Linear(3, 2)), torch.randn(1, 3), torch.tensor([1]))
    page = tmp_path / "deep.html"
    page.write_text(render_page(found, title="Deep"), encoding="utf-8")
    script = """
      const count = (kind) => document.querySelectorAll(`.box${kind}`).length;
      found.push(count(""), count(".folded"));
      document.querySelector(".box.folded").dispatchEvent(new MouseEvent("click"));
      found.push(count(""), count(".folded"))"""
    boxes, folded, boxes_after, folded_after = scripted(page, script, visit)
    assert folded >= 12
    assert boxes < 70
    assert boxes_after > boxes
    assert folded_after >= folded - 1
