"""What every lesson keeps: two languages, options with defaults and meanings, numbers for programs, small pictures."""

from __future__ import annotations

import ast
import inspect
import io
import json
import math
import re
import string
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import derin
from derin.layers.options import read_options
from derin.lessons.registry import LESSONS

SOURCE = Path(derin.__file__).parent


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_describes_itself(name: str) -> None:
    lesson = LESSONS[name]
    assert lesson.name == name
    assert lesson.rows
    assert all(re.fullmatch(r"[A-M]\d{1,2}", row) for row in lesson.rows)
    for text in (lesson.title, lesson.about):
        assert text.en
        assert text.tr
        assert text.en != text.tr
    assert lesson.formula
    assert lesson.formula.count("{") == lesson.formula.count("}")
    assert "$" not in lesson.formula


@pytest.mark.parametrize("name", LESSONS)
def test_every_option_has_a_default_and_a_meaning(name: str) -> None:
    options = LESSONS[name].options
    read_options(options, {}, where=name)
    described = set(re.findall(r"^    (\w+): ", inspect.getdoc(options) or "", re.MULTILINE))
    assert described == {f.name for f in fields(options)}


@pytest.mark.slow  # its numbers are asserted by a quick test of its own
@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_speaks_turkish_and_draws_small_pictures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "tr")
    lesson = LESSONS[name]
    found = lesson.run(lesson.options())
    assert found.lines
    assert not any("{" in line for line in found.lines)
    assert all(map(math.isfinite, numbers_in(json.loads(json.dumps(found.numbers)))))
    for picture, data in found.pictures.items():
        suffix = Path(picture).suffix
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == suffix[1:].upper()
        assert len(data) < {".png": 80_000, ".gif": 400_000}[suffix], picture


def test_both_languages_of_every_text_have_the_same_placeholders() -> None:
    wrong, seen = [], 0
    for path in [*(SOURCE / "lessons").glob("*.py"), SOURCE / "cli" / "lesson.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text"):
                continue
            texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            if len(texts) == 2:
                seen += 1
                one, other = ({field for _, field, _, _ in string.Formatter().parse(text) if field} for text in texts)
                if one != other:
                    wrong.append(f"{path.name}:{node.lineno}")
    assert seen > 50
    assert not wrong


def numbers_in(document: Any) -> list[float]:
    """Every number of a JSON document."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        return [number for part in document for number in numbers_in(part)]
    return [document] if isinstance(document, int | float) else []
