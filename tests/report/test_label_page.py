"""The page that asks people, in a real browser: several readers, keys, what is kept, and the file that it saves."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.browser import NO_BROWSER, Browser, find_browser

from derin.core.errors import UsageError
from derin.report.label_page import COLUMNS, LabelPage

ROWS = (40, 7, 31)


def page_of(**changed: Any) -> LabelPage:
    how: dict[str, Any] = {"title": "Which <x>?", "lines": ["one & two"], "key": "k", "rows": ROWS}
    how |= {"shown": [[("", f"text {row}")] for row in ROWS], "classes": ["cat", "=dog", "bird"]}
    return LabelPage(**{**how, **changed})


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip(NO_BROWSER)
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def opened(browser: Browser, page: LabelPage, path: Path) -> Browser:
    """The page, as if it had never been opened."""
    page.save(path)
    browser.open(path)
    browser.run("localStorage.clear()")
    browser.open(path)
    return browser


def saved(page: Browser) -> list[tuple[str, ...]]:
    page.run("URL.createObjectURL = (blob) => { window.handedOver = blob; return '#'; }")
    page.run("document.getElementById('export').click()")
    lines = list(csv.reader(io.StringIO(page.run("window.handedOver.text()"))))
    assert tuple(lines[0]) == COLUMNS
    return [tuple(line) for line in lines[1:]]


def text_of(page: Browser, selector: str) -> str:
    found: str = page.run(f"document.querySelector({selector!r}).textContent")
    return found


def test_several_readers_answer_by_keys_and_nothing_is_lost(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    page = opened(browser, page_of(), tmp_path / "label.html")
    assert text_of(page, "h1") == "Which <x>?"
    page.press("Enter")  # no name yet: the field has the focus
    page.run("document.activeElement.blur()")
    page.press("1")
    assert "name" in text_of(page, "#message")
    page.press(*"Ada", "Enter", "2", "?", "ArrowLeft", "3")
    assert text_of(page, "#count") == "2 of 3 answered"
    assert text_of(page, "#shown") == "text 31"
    page.open(tmp_path / "label.html")
    page.run("const r = document.getElementById('reader'); r.value = 'Can'; r.dispatchEvent(new Event('change'))")
    assert text_of(page, "#count") == "0 of 3 answered"
    page.press("1", "1", "1")
    assert "All are answered" in text_of(page, "#message")
    assert saved(page) == [
        *(("k", "40", "Ada", "'=dog"), ("k", "7", "Ada", "bird")),
        *(("k", str(row), "Can", "cat") for row in ROWS),
    ]


def test_of_many_classes_one_is_found_by_typing(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIN_LANG", "tr")
    classes = [f"tür {i}" for i in range(40)] + ["ISPANAK"]
    page = opened(browser, page_of(classes=classes), tmp_path / "label.html")
    page.press(*"Ada", "Enter")
    page.run("document.activeElement.blur(); document.getElementById('search').focus()")
    page.press(*"ıspa", "Enter", *"17", "Enter", "?")
    assert [line[3] for line in saved(page)] == ["ISPANAK", "tür 17", "?"]


def test_pictures_that_no_page_holds_are_refused() -> None:
    picture = np.zeros((80, 90, 3), dtype=np.uint8)
    with pytest.raises(UsageError, match="--num"):
        page_of(picture=lambda place: picture, most_bytes=300).render()
