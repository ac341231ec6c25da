"""Makes the pages and pictures of docs/lessons again from the lessons themselves. Called by ``make docs``.

``python docs/make_lesson_pages.py NAME …`` makes only those; the list in docs/lessons/README.md is always made.
Pictures are those of the default options, in English; what is printed stands in both languages.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from derin.core.errors import UsageError
from derin.layers.options import options_to_json
from derin.lessons.lesson import Lesson, Outcome
from derin.lessons.registry import LESSONS

PAGES = Path(__file__).resolve().parent / "lessons"
LARGEST = {".png": 80_000, ".gif": 400_000}  # bytes


def main(names: Sequence[str]) -> None:
    """Writes the pages of these lessons, or of all, and the list."""
    PAGES.mkdir(exist_ok=True)
    order = list(LESSONS)
    for name in names or order:
        chosen = LESSONS[name]
        found = spoken_in("tr", chosen), spoken_in("en", chosen)
        pictures = {picture_name(chosen, name): data for name, data in found[1].pictures.items()}
        for file, data in pictures.items():
            largest = LARGEST[Path(file).suffix]
            if len(data) > largest:
                raise UsageError(f"The picture {file} has {len(data):,} bytes; the docs allow {largest:,}. Draw less.")
            (PAGES / file).write_bytes(data)
        text = page(chosen, found[1], found[0], list(pictures), order)
        (PAGES / f"{name}.md").write_text(text, encoding="utf-8")
        print(name)
    (PAGES / "README.md").write_text(contents(order), encoding="utf-8")


def spoken_in(language: str, chosen: Lesson) -> Outcome:
    """What a lesson says with its default options in a language."""
    os.environ["DERIN_LANG"] = language
    return chosen.run(chosen.options())


def picture_name(chosen: Lesson, name: str) -> str:
    """All pictures lie in one folder, so that the lesson's name goes before."""
    return f"{chosen.name}-{name}"


def page(chosen: Lesson, english: Outcome, turkish: Outcome, pictures: Sequence[str], order: Sequence[str]) -> str:
    """The page of a lesson: texts side by side, formula, command, what it prints, pictures, options."""
    parts = [
        f"# {chosen.title.en}",
        "| English | Türkçe |\n| --- | --- |\n"
        f"| **{chosen.title.en}** | **{chosen.title.tr}** |\n| {chosen.about.en} | {chosen.about.tr} |",
        f"$$\n{chosen.formula}\n$$",
    ]
    parts += [f"![{chosen.title.en}]({name})" for name in pictures]
    parts.append(printed(f"$ derin lesson {chosen.name}", english.lines))
    parts.append(printed(f"$ DERIN_LANG=tr derin lesson {chosen.name}", turkish.lines))
    table = options_table(chosen)
    if table:
        parts.append(f"## Options\n\nGiven as `-o NAME=VALUE`{flags(chosen)}.\n\n{table}")
    source = f"../../src/derin/lessons/{Path(inspect.getfile(chosen.run)).name}"
    rows = ", ".join(chosen.rows)
    parts.append(f"Course row {rows} · [the program]({source}) · [all lessons](README.md){neighbors(chosen, order)}")
    return "\n\n".join(parts) + "\n"


def printed(command: str, lines: Sequence[str]) -> str:
    """A command and what it prints."""
    return "```console\n" + "\n".join([command, *(line.rstrip() for line in lines)]) + "\n```"


def options_table(chosen: Lesson) -> str:
    """The options with their defaults and what the class says of them."""
    if not fields(chosen.options):
        return ""
    meanings = dict(described(chosen.options))
    lines = ["| option | default | meaning |", "| --- | --- | --- |"]
    for name, value in options_to_json(chosen.options()).items():
        default = "–" if value is None else f"`{value}`"
        lines.append(f"| `{name}` | {default} | {meanings[name]} |")
    return "\n".join(lines)


def described(options: type) -> Iterator[tuple[str, str]]:
    """Names and meanings from the Args section of a docstring."""
    _, _, section = (inspect.getdoc(options) or "").partition("Args:\n")
    entry = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
    for match in entry.finditer(section):
        yield match[1], " ".join(match[2].split()).replace("|", "\\|")


def flags(chosen: Lesson) -> str:
    """Which of the options are flags of the command, too."""
    own = [f"`--{f.name}`" for f in fields(chosen.options) if f.name in ("points", "kernel", "image")]
    return f", and {' and '.join(own)} as a flag" if own else ""


def neighbors(chosen: Lesson, order: Sequence[str]) -> str:
    """Links to the lessons before and after."""
    place = order.index(chosen.name)
    before = f" · before: [{order[place - 1]}]({order[place - 1]}.md)" if place else ""
    after = f" · next: [{order[place + 1]}]({order[place + 1]}.md)" if place + 1 < len(order) else ""
    return before + after


def contents(order: Sequence[str]) -> str:
    """The list of all lessons in course order."""
    lines = [
        "# Lessons",
        "",
        "The fundamentals of the course as short programs. Each uses Derin's own parts (layers, optimizers, losses),",
        "prints its numbers and draws its picture. `derin lesson` lists them, `derin lesson NAME` runs one; with",
        "`DERIN_LANG=tr` they speak Turkish, and `--json` gives the numbers to a program. Read in this order, they are",
        "the way from one neuron to a convolution.",
        "",
        "| row | lesson | what it shows | ne gösterir |",
        "| --- | --- | --- | --- |",
    ]
    for name in order:
        chosen = LESSONS[name]
        lines.append(f"| {', '.join(chosen.rows)} | [{name}]({name}.md) | {chosen.title.en} | {chosen.title.tr} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
