"""The course's pages have no serious finding of axe-core, and are used by the keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser import NO_BROWSER, Browser, find_browser

from derin.lessons.course.site import build_course

pytestmark = pytest.mark.slow

AXE = Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js"
# What the others are made of is here: cards, terms, settings, tables of numbers, a network in SVG, canvases, inputs.
PAGES = ("index", "glossary", "playground", "zero-initialization", "convolution")
FINDINGS = """axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .map(({ id, nodes }) => [id, nodes[0].html.slice(0, 200)])))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_course(tmp_path_factory.mktemp("site") / "pages").parent


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip(NO_BROWSER)
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def test_axe_finds_nothing_serious(site: Path, browser: Browser) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not there: make test-slow fetches it with npm")
    script, found = AXE.read_text(encoding="utf-8"), {}
    for number, name in enumerate(PAGES):
        browser.open(site / f"{name}.html")
        browser.run("document.getElementById('reveal')?.click()")
        if number % 2:
            browser.run("document.getElementById('theme').click(); document.getElementById('language').click()")
        browser.run(f"{script}; 1")
        found[name] = json.loads(browser.run(FINDINGS))
    assert {name: findings for name, findings in found.items() if findings} == {}


@pytest.mark.parametrize(("name", "given"), [("linear-regression", "x1"), ("attention", "qx"), ("softmax", "z1")])
def test_what_is_dragged_is_moved_by_arrows(name: str, given: str, site: Path, browser: Browser) -> None:
    browser.open(site / f"{name}.html")
    browser.run("document.getElementById('reveal').click()")
    value: Any = f"derinCourse.sheet.values[{given!r}]"
    before, others = browser.run(value), "Object.values(derinCourse.sheet.values).join()"
    browser.run("document.querySelector('canvas[role=application]').focus()")
    browser.press("ArrowUp" if name == "softmax" else "ArrowRight")
    assert browser.run(value) > before
    moved = browser.run(others)
    browser.press("Enter", "ArrowDown")
    assert browser.run(others) != moved
