"""The page of mistakes in a real browser: it opens from disk, scrolls, takes tags, keeps them and hands them over."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.browser import NO_BROWSER, Browser, find_browser

from derin.core.messages import Message
from derin.report.errors_page import ErrorsPage, PageRow, PageTag
from derin.strategy.error_tags import rank_tags

NUM, EXAMPLES = 5_000, 60_000
COLUMNS = ("row", "name", "true", "predicted", "probability", "loss", "tags", "own_tags", "label_wrong", "shown")


def page_of(num: int = NUM, **changed: Any) -> ErrorsPage:
    rows = [
        PageRow(
            row=7 * i,
            name=f"dogs/{i}.png" if i % 2 else str(7 * i),
            true="dog" if i % 3 else 'a <b> & "c"',
            predicted="cat",
            probability=float("nan") if i == 1 else 0.5 + i % 50 / 100,
            loss=9.0 - i / NUM,
            shown=f"text {i},\nsecond line" if i % 5 == 0 else "",
            tags=[0, 2] if i % 4 == 0 else [1, 2],
            own_tags=["given"] if i == 3 else [],
            label_wrong=i == 3,
        )
        for i in range(num)
    ]
    tags = [
        PageTag(name=Message("errors.tag_blurry"), carrying=21_000, is_pair=False),
        PageTag(name=Message("errors.tag_dark"), carrying=None, is_pair=False),
        PageTag(name="dog → cat", carrying=None, is_pair=True),
    ]
    how: dict[str, Any] = {"title": "Mistakes of <x>", "lines": ["one & two"], "key": "k", "columns": COLUMNS}
    return ErrorsPage(**{**how, "rows": rows, "tags": tags, "num_examples": EXAMPLES, **changed})


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip(NO_BROWSER)
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The page of 5,000 mistakes, as if it had never been opened."""
    monkeypatch.setenv("DERIN_LANG", "en")
    page_of().save(tmp_path / "errors.html")
    browser.open(tmp_path / "errors.html")
    browser.run("localStorage.clear()")
    browser.open(tmp_path / "errors.html")
    return browser


def text_of(page: Browser, selector: str) -> str:
    found: str = page.run(f"document.querySelector({selector!r}).textContent")
    return found


def exported(page: Browser) -> list[dict[str, str]]:
    """What the button hands over."""
    page.run("URL.createObjectURL = (blob) => { window.handedOver = blob; return '#'; }")
    page.run("document.getElementById('export').click()")
    return list(csv.DictReader(io.StringIO(page.run("window.handedOver.text()"))))


def ceilings(page: Browser) -> list[list[str]]:
    found: list[list[str]] = page.run(
        "[...document.querySelectorAll('#tags tr')].map((line) => [...line.cells].map((cell) => cell.innerText.trim()))"
    )
    return found


def test_nothing_is_loaded_from_elsewhere_and_names_are_no_markup(page: Browser) -> None:
    text = page_of().render()
    assert set(re.findall(r"https?://[^\s\"'<>)]+", text)) == set()
    assert text_of(page, "h1") == "Mistakes of <x>"
    assert text_of(page, ".row .true") == 'a <b> & "c"'
    assert page.run("document.querySelectorAll('header b').length") == 0


def test_of_five_thousand_rows_those_that_are_seen_exist(page: Browser) -> None:
    assert text_of(page, "#count") == "5,000 of 5,000"
    frame = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    for place in (0, 1_234, 4_999, 17):
        page.run(f"document.getElementById('list').scrollTop = {place * 92}; {frame}")
        seen = page.run("[...document.querySelectorAll('.row:not([hidden])')].map((row) => row.id)")
        assert f"row-{7 * place}" in seen
        assert page.run("document.querySelectorAll('.row').length") < 40


def test_keys_tag_and_what_was_tagged_is_there_after_a_reload(page: Browser, tmp_path: Path) -> None:
    page.press("ArrowDown", "n", *"late", "Enter", "ArrowDown", "2", "w", "End", "w")
    page.open(tmp_path / "errors.html")
    lines = {int(line["row"]): line for line in exported(page)}
    assert list(lines) == [7 * i for i in range(NUM)]
    own = {row: line["own_tags"] for row, line in lines.items() if line["own_tags"]}
    assert own == {7: "late", 14: "late", 21: "given"}
    assert [row for row, line in lines.items() if line["label_wrong"] == "1"] == [14, 21, 7 * (NUM - 1)]
    assert lines[0]["shown"] == "text 0,\nsecond line"
    assert lines[0]["true"] == 'a <b> & "c"'
    assert (lines[0]["tags"], lines[7]["probability"]) == ("blurry; dog → cat", "")


def test_what_is_exported_runs_in_no_spreadsheet(page: Browser) -> None:
    page.press("n", *"=1+2", "Enter")
    assert exported(page)[0]["own_tags"] == "'=1+2"


def test_ceilings_are_those_of_the_library_at_once(page: Browser) -> None:
    counts = {"blurry": (1_250, 21_000), "dark": 3_750, "dog → cat": 5_000, "given": 3}
    ranked = rank_tags(counts, num_mistakes=NUM, num_examples=EXAMPLES)
    page.press("1", "ArrowDown", "1", "ArrowDown", "w")
    for expected, line in zip(ranked, ceilings(page), strict=True):
        name, count, share, gain, after, within = line
        assert name.removeprefix("1").strip() == expected.tag
        assert count == f"{expected.count:,}"
        assert (share, gain) == (f"{expected.share:.1%}", f"{expected.gain:.2%}")
        assert after == f"{expected.error_after:.2%}"
        assert within == ("" if expected.error_within is None else f"{expected.error_within:.1%}")
    title = page.run("document.querySelector('#tags tr td:nth-child(3)').title")
    low, high = ranked[0].interval
    assert title == f"95 % interval: {low:.1%} – {high:.1%}"
    # The given one and the new one are wrong labels.
    assert f"{(NUM - 2) / EXAMPLES:.2%}" in text_of(page, "#corrected")


def test_filters_keep_what_they_say(page: Browser) -> None:
    page.run("[...document.querySelectorAll('#tags button')].find((one) => one.textContent === 'blurry').click()")
    assert text_of(page, "#count") == "1,250 of 5,000"
    page.run("const s = document.getElementById('true'); s.value = 'dog'; s.dispatchEvent(new Event('change'))")
    assert text_of(page, "#count") == f"{sum(i % 4 == 0 and i % 3 != 0 for i in range(NUM)):,} of 5,000"
    page.press("/", *"dogs/999")
    assert text_of(page, "#count") == "0 of 5,000"
    assert page.run("document.getElementById('card').hidden")


def test_in_turkish_words_and_numbers_are_turkish(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIN_LANG", "tr")
    page_of(key="tr").save(tmp_path / "tr.html")
    browser.open(tmp_path / "tr.html")
    assert browser.run("document.documentElement.lang") == "tr"
    assert text_of(browser, "#count") == "5.000 / 5.000"
    lines = {line[0]: line for line in ceilings(browser)}
    assert lines["bulanık"][1:5] == ["1.250", "%25,0", "%2,08", "%6,25"]
    # The file speaks one language, whoever exports it.
    assert exported(browser)[0]["tags"] == "blurry; dog → cat"


def test_pictures_are_bounded_and_it_is_said_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    noise = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    small = noise[:28, :28, :1]
    pictures = [noise, small, noise, small, small]
    whole = page_of(5, pictures=lambda place: pictures[place]).render()
    kinds = re.findall(r"data:image/(\w+);base64", whole)
    assert kinds == ["webp", "png", "webp", "png", "png"]
    assert "left out" not in whole
    addresses = re.findall(r'"(data:image/[^"]+)"', whole)
    most = sum(map(len, addresses[:3])) + 1
    cut = page_of(5, pictures=lambda place: pictures[place], most_bytes=most).render()
    assert re.findall(r'"(data:image/[^"]+)"', cut) == addresses[:3]
    assert "pictures of 2 mistakes are left out" in cut
