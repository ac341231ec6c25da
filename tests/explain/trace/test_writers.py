"""What a trace becomes as text, Markdown, LaTeX and CSV: nothing is lost, and what is written out adds up."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from torch import nn

from derin.core.errors import UsageError
from derin.explain.trace.latex import render_latex
from derin.explain.trace.markdown import render_markdown
from derin.explain.trace.mathml import to_mathml
from derin.explain.trace.operations import OPERATIONS
from derin.explain.trace.plain_formula import to_text
from derin.explain.trace.table import render_table
from derin.explain.trace.telling import in_rows
from derin.explain.trace.text import render_text
from derin.explain.trace.trace import Trace, trace
from derin.explain.trace.updates import UPDATES, UpdateSettings, trace_update
from derin.explain.trace.writing import FORMS, require_form, save


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


@pytest.fixture(scope="module")
def traced() -> Trace:
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(3, 5), nn.Sigmoid(), nn.Linear(5, 2)).double()
    return trace(model, torch.randn(2, 3, dtype=torch.float64), torch.tensor([1, 0]), optimizer="adam")


def formulas() -> list[str]:
    """Every formula that a trace can show."""
    found = [
        formula for entry in OPERATIONS.values() for formula in (entry.formula, entry.gradient_formula, *entry.symbols)
    ]
    settings = UpdateSettings(weight_decay=0.1, dampening=0.1)
    for name in UPDATES:
        state = trace_update(name, [1.0], [2.0], settings=settings).state
        found += [
            text
            for part in trace_update(name, [1.0], [2.0], state, settings).parts
            for text in (part.symbol, part.formula)
        ]
    return [formula for formula in found if formula]


def test_every_number_stands_in_the_csv_with_all_its_digits(traced: Trace) -> None:
    rows = list(csv.DictReader(io.StringIO(render_table(traced))))
    computed = [part for update in traced.updates for part in update.parts if part.formula]
    arrays = [*traced.values.values(), *traced.gradients.values(), *(part.value for part in computed)]
    assert len(rows) == sum(array.size for array in arrays)
    for row in rows:
        index = tuple(map(int, row["index"].split()))
        if row["quantity"].startswith("update:"):
            update = next(update for update in traced.updates if update.name == row["name"])
            array = update[row["quantity"].removeprefix("update:")]
        else:
            array = (traced.values if row["quantity"] == "value" else traced.gradients)[row["name"]]
        assert float(row["number"]) == float(array[index])


def test_sums_that_are_written_out_give_the_numbers_beside_them(traced: Trace) -> None:
    lines = [line for line in render_text(traced, title="Small").splitlines() if re.search(r"\] = .* = ", line)]
    names = {"sigmoid": lambda x: 1 / (1 + math.exp(-x))}
    checked = 0
    for line in lines:
        _, written, result = line.rsplit(" = ", 2)
        if re.fullmatch(r"[-+0-9.e() ·,]*|sigmoid\([-0-9.e]+\)", written):
            value = eval(written.replace("·", "*"), {"__builtins__": {}}, names)  # our own text
            assert value == pytest.approx(float(result), rel=1e-4, abs=1e-6), line
            checked += 1
    assert checked >= 10 + 10 + 4  # two examples with five hidden units, their sigmoids, two outputs


@pytest.mark.parametrize("render", [render_text, render_markdown, render_latex])
@pytest.mark.parametrize(("language", "heading"), [("en", "Backward pass"), ("tr", "Geri yayılım")])
def test_every_phase_and_parameter_is_told(
    traced: Trace, render: object, language: str, heading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIN_LANG", language)
    assert callable(render)
    text = render(traced, title="Small")
    assert heading in text
    assert text.count("0.weight") >= 3  # given, its gradient, its update
    loss = f"{traced.loss:.7g}"
    assert (loss if language == "en" else loss.replace(".", ",")) in text


def test_markdown_and_latex_close_what_they_open(traced: Trace) -> None:
    markdown = render_markdown(traced, title="Small")
    assert markdown.count("$$\n") % 2 == 0
    assert markdown.count("```") % 2 == 0
    latex = render_latex(traced, title="50 % of a_b & c")
    assert r"\title{50 \% of a\_b \& c}" in latex
    opened, closed = (re.findall(rf"\\{word}\{{(\w+)\}}", latex) for word in ("begin", "end"))
    assert sorted(opened) == sorted(closed)
    bare = re.sub(r"\\[{}]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert latex.count(r"\[") == latex.count(r"\]")


def test_every_formula_becomes_mathml_and_plain_text() -> None:
    written = formulas()
    assert len(written) > 200
    for formula in written:
        root = ElementTree.fromstring(to_mathml(formula))
        assert root.tag == "math"
        children = {
            "mfrac": 2,
            "msub": 2,
            "msup": 2,
            "msubsup": 3,
            "munderover": 3,
            "munder": 2,
            "mover": 2,
            "msqrt": 1,
        }
        for element in root.iter():
            assert len(element) == children.get(element.tag, len(element)), formula
        assert "\\" not in to_text(formula), formula
        assert "{" not in to_text(formula).replace(r"\{", ""), formula


@pytest.mark.parametrize("formula", [r"\unknown x", "{x", "x}", r"\left( x", r"\begin{picture} x \end{picture}"])
def test_a_formula_that_cannot_be_drawn_is_refused(formula: str) -> None:
    with pytest.raises(UsageError, match="formula"):
        to_mathml(formula)


def test_many_numbers_are_told_in_a_line() -> None:
    numbers = np.arange(1, 66, dtype=np.float64).reshape(5, 13)
    assert in_rows(numbers) == ["1 … 65, mean 33 (65 numbers)"]
    assert len(in_rows(numbers[:, :12])) == 5


@pytest.mark.parametrize("form", FORMS)
def test_the_name_of_the_file_chooses_the_form(traced: Trace, form: str, tmp_path: Path) -> None:
    save(traced, tmp_path / f"trace{form}", title="Small")
    starts = {
        ".html": "<!doctype html>",
        ".md": "# Small",
        ".tex": r"\documentclass",
        ".csv": "quantity,",
        ".txt": "Small\n",
    }
    assert (tmp_path / f"trace{form}").read_text(encoding="utf-8").startswith(starts[form])


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\.html.*trace\.pdf"):
        require_form(Path("trace.pdf"))
