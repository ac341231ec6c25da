"""The README.md of a bundle, for people and for the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.fields import is_number
from derin.core.printable import printable
from derin.core.strict_json import dump_json

_SPLITS = ("test", "val", "train")
_MOST_CLASSES = 20


def readme(card: Mapping[str, Any]) -> bytes:
    """A short page made of a card's model, task, data, metrics and licence; what the card does not say is left out.

    Example:
        >>> page = readme({"model": {"name": "lenet5"}, "data": {"name": "digits"}, "license": "mit"}).decode()
        >>> page.splitlines()[:5]
        ['---', 'library_name: derin', 'license: "mit"', '---', '# lenet5 on digits']
    """
    model, task, data = _part(card, "model"), _part(card, "task"), _part(card, "data")
    published = _part(card, "published")
    name = model.get("name") or model.get("class") or "Model"
    head = ["library_name: derin"]
    if isinstance(card.get("license"), str):
        head.append(f"license: {dump_json(card['license']).decode()}")  # a JSON string is a YAML string
    lines = ["---", *head, "---", f"# {_text(name)}" + (f" on {_text(data['name'])}" if data.get("name") else ""), ""]
    facts = {
        "Model": name,
        "Task": task.get("name"),
        "Classes": _classes(task.get("classes")),
        "Data": data.get("name"),
        "Trained with": f"Derin {card['derin']}" if "derin" in card and not published else None,
        "Weights": published.get("origin") or published.get("file"),
        "License": card.get("license"),
    }
    lines += [f"- {what}: {_text(value)}" for what, value in facts.items() if value]
    lines += _metrics_table(_part(card, "metrics"))
    # A network of the user's own class is opened with that class, whose code is not here.
    given = "" if model.get("name") is not None or "class" not in model else ", model=…"
    use = [
        "",
        "In this folder:" if not given else "In this folder, with the network built as for training in place of …:",
        "",
        "```python",
        "import derin",
        "",
        f'model = derin.open("."{given})',
        "print(model)  # model.predict takes what the data above was made of: paths, rows, arrays",
        "```",
    ]
    return ("\n".join([*lines, *use]) + "\n").encode("utf-8")


def _metrics_table(metrics: Mapping[str, Any]) -> list[str]:
    splits = [split for split in _SPLITS if isinstance(metrics.get(split), Mapping)]
    names = dict.fromkeys(name for split in splits for name, value in metrics[split].items() if is_number(value))
    if not names:
        return []
    rows = [
        f"| {_text(name)} | " + " | ".join(_number(metrics[split].get(name)) for split in splits) + " |"
        for name in names
    ]
    return ["", "| metric | " + " | ".join(splits) + " |", "|---|" + "---:|" * len(splits), *rows]


def _classes(classes: Any) -> str | None:
    if not isinstance(classes, list | tuple) or not classes:
        return None
    rest = len(classes) - _MOST_CLASSES
    return ", ".join(str(name) for name in classes[:_MOST_CLASSES]) + (f" and {rest} more" if rest > 0 else "")


def _part(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = card.get(name)
    return part if isinstance(part, Mapping) else {}


def _number(value: Any) -> str:
    return f"{value:.4g}" if is_number(value) else ""


def _text(value: Any) -> str:
    """One line of Markdown that shows the value and does nothing else."""
    line = printable(" ".join(str(value).split()))
    for sign in "\\`*_[]<>|#":
        line = line.replace(sign, "\\" + sign)
    return line
