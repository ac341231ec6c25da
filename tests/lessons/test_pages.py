"""docs/lessons has a page for every lesson, its pictures, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derin.lessons.registry import LESSONS

LARGEST = {".png": 80_000, ".gif": 400_000}  # bytes
PAGES = Path(__file__).resolve().parents[2] / "docs" / "lessons"


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_has_its_page(name: str) -> None:
    lesson = LESSONS[name]
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    for wanted in (lesson.title.en, lesson.title.tr, lesson.formula, lesson.about.en, lesson.about.tr):
        assert wanted in page
    assert f"$ derin lesson {name}\n" in page
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert links
    assert [link for link in links if not (PAGES / link).exists()] == []
    pictures = [PAGES / link for link in links if Path(link).suffix in LARGEST]
    assert [path.name for path in pictures if path.stat().st_size > LARGEST[path.suffix]] == []


def test_the_list_is_in_course_order_and_nothing_lies_about() -> None:
    contents = (PAGES / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(([\w-]+)\.md\)", contents) == list(LESSONS)
    linked = {"README.md"}
    for page in PAGES.glob("*.md"):
        linked |= set(re.findall(r"\]\(([\w.-]+)\)", page.read_text(encoding="utf-8")))
    assert {path.name for path in PAGES.iterdir()} <= linked
