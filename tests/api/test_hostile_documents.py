"""Cards, records, logs and states in which values are of other forms: only documented errors leave the product.

The documents of one small run are altered at random, a fixed number of times each.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import derin
from derin.core.errors import DerinError, RefusedFileError, UsageError
from derin.report.page import write_report

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, 1e300, 2**62, -(10**18)),
    *("", "x", "\x1b[2J", "../x", "nan", "9" * 100),
    *([], [1], ["a"], [[]], {}, {"a": 1}, [None]),
]
ROWS = "a,b,d,t,y\n" + "".join(f"{i},{-i},2024-01-{1 + i % 28:02d},w{i % 3},k{i % 3}\n" for i in range(60))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "rows.csv").write_text(ROWS)
    options: dict[str, Any] = {"model": "mlp", "model_options": {"hidden": [4]}, "epochs": 2, "plan": "plain"}
    derin.fit(folder / "rows.csv", out=folder / "run", threads=1, report=False, quiet=True, **options)
    return folder / "run"


def alter(document: Any, rng: random.Random) -> None:
    """Takes out or replaces one value, any depth being as probable as another."""
    by_depth: dict[int, list[tuple[Any, Any]]] = defaultdict(list)
    waiting = [(document, 1)]
    while waiting:
        holder, depth = waiting.pop()
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            by_depth[depth].append((holder, key))
            if isinstance(value, dict | list):
                waiting.append((value, depth + 1))
    holder, key = rng.choice(by_depth[rng.choice(list(by_depth))])
    if rng.random() < 0.3:
        del holder[key]
    else:
        holder[key] = rng.choice(VALUES)


def altered(run: Path, place: Path, name: str, rng: random.Random) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(run, place)
    for path in place.glob(name):
        lines = path.suffix == ".jsonl"
        text = path.read_text()
        document = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
        alter(document if lines else document.get("document", document), rng)
        path.write_text("".join(json.dumps(line) + "\n" for line in document) if lines else json.dumps(document))
    return place


def look_at(run: Path) -> None:
    found = derin.Run(run)
    assert repr(found)
    assert found._repr_html_()
    assert isinstance(found.diagnosis, list)
    write_report(run)


def use(run: Path) -> None:
    model = derin.open(run)
    model.predict([{"a": 1, "b": 2, "d": "2024-01-02", "t": "w1"}])
    model.evaluate(str(run.parent / "rows.csv"), split="all")


def go_on(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"finished": False} if isinstance(record, dict) else record))
    derin.fit(out=run, resume=True, report=False, quiet=True)


@pytest.mark.parametrize(
    ("name", "work", "times"),
    [
        ("run.json", look_at, 30),
        ("log.jsonl", look_at, 15),
        ("model/card.json", use, 40),
        ("run.json", go_on, 8),
        ("state/*.json", go_on, 6),
    ],
    ids=["record", "log", "card", "record resumed", "state resumed"],
)
@pytest.mark.filterwarnings("ignore")
def test_only_documented_errors_leave_altered_documents(
    name: str, work: Callable[[Path], None], times: int, run: Path
) -> None:
    rng = random.Random(0)
    for _ in range(times):
        place = altered(run, run.parent / "altered", name, rng)
        with contextlib.suppress(DerinError):
            work(place)


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card["preparation"]["inputs"]["input"]["columns"].pop(),
        lambda card: card["task"]["classes"].append("more"),
        lambda card: card["model"].update(num_outputs=7),
        lambda card: card.update(preparation=[1]),
        lambda card: card["preparation"].update(kind=[[]]),
        lambda card: card["training"].update(seed="x"),
        lambda card: card.update(data="x"),
    ],
)
def test_a_card_whose_parts_do_not_fit_is_refused_when_it_is_opened(change: Callable[[Any], Any], run: Path) -> None:
    place = run.parent / "altered"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(run / "model", place)
    card = json.loads((place / "card.json").read_text())
    change(card)
    (place / "card.json").write_text(json.dumps(card))
    with pytest.raises(RefusedFileError):
        derin.open(place)


@pytest.mark.parametrize(
    "options",
    [
        {"plan": 1.5},
        {"model_options": "x"},
        {"task": 2},
        {"label_smoothing": "x"},
        {"seed": {"a": 1}},
        {"epochs": 1.5},
        {"epochs": True},
        {"threads": 1_000_000},
        {"learning_rate": float("inf")},
        {"size": "x"},
        {"ignore": "a"},
        {"class_weights": 3},
        {"augment": 5},
        {"inputs": []},
    ],
    ids=str,
)
def test_arguments_of_another_type_are_refused_by_name(options: dict[str, Any], run: Path) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        derin.fit(run.parent / "rows.csv", out=run.parent / "new", report=False, quiet=True, **options)


@pytest.mark.parametrize("path", ["x" * 5_000, "a\0b"])
def test_a_path_that_no_system_takes_is_refused(path: str) -> None:
    for work in (derin.load, derin.open, derin.Run, lambda p: derin.fit("iris", out=p, epochs=1)):
        with pytest.raises(UsageError, match="cannot be looked up"):
            work(path)
