"""Every command that is printed anywhere is one that the command line understands as it stands."""

from __future__ import annotations

import ast
import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.conftest import DATA
from tests.stand_ins import (
    take_weights_from_here,
    write_faces,
    write_named_sets,
    write_what_help_names,
    write_what_is_ones_own,
)
from typer.testing import CliRunner

import derin
from derin.cli.main import app
from derin.core.messages import LANGUAGES, catalogue
from derin.lessons.course.registry import COURSE

SOURCE = Path(derin.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
COMMAND_LINE: Any = typer.main.get_command(app)
# What stands in a sentence for something that the reader knows: a name in capitals, dots, a value that is filled in.
_LEFT_OPEN = re.compile(r"…|\.\.\.|\{[^}]*\}")


def commands_below(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands with the words that lead to them."""
    yield path, command
    for name in getattr(command, "commands", {}):
        yield from commands_below(command.commands[name], (*path, name))


ALL = dict(commands_below(COMMAND_LINE))
OPTIONS = {
    option
    for command in ALL.values()
    for parameter in command.params
    for option in (*parameter.opts, *parameter.secondary_opts)
}


@functools.cache
def understand(line: str) -> None:
    """Parses a command line as the command would, without running it."""
    words = shlex.split(line, comments=True)
    assert words[0] == "derin", line
    path, rest = (), words[1:]
    while rest and (*path, rest[0]) in ALL:
        path, rest = (*path, rest[0]), rest[1:]
    assert path, f"{line!r} names no command"
    try:
        ALL[path].make_context(" ".join(path), rest)
    except Exception as error:  # noqa: BLE001 - the class of its errors has no public name
        # A command that is only named, such as `derin summary`, is no line to be typed.
        if rest or type(error).__name__ not in ("MissingParameter", "NoArgsIsHelpError"):
            pytest.fail(f"{line!r}: {getattr(error, 'message', error)}")


def in_help() -> list[str]:
    texts = "\n".join(command.help or "" for command in ALL.values())
    return re.findall(r"\[bold\](derin [^\[]+)\[/bold\]", texts)


def in_pages() -> list[str]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```(?:sh|console)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            lines = (line.removeprefix("$ ") for line in block.splitlines())
            found += [line for line in lines if line.startswith("derin ")]
        outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        found += re.findall(r"`(?:DERIN_\w+=\w+ )?(derin [a-z][^`]*)`", outside)
    return found


@functools.cache
def texts_of_the_source() -> tuple[str, ...]:
    """Everything that the code may print: its strings, what is filled in as ``{}``, and both catalogues."""
    return tuple(_texts_of_the_source())


def _texts_of_the_source() -> Iterator[str]:
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
        inner |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
                yield node.value
    for spoken in LANGUAGES:
        for message in catalogue(spoken).values():
            yield from message if isinstance(message, tuple) else (message,)


def in_the_source() -> list[str]:
    found = []
    for text in texts_of_the_source():
        found += [re.sub(r"\s+", " ", line) for line in re.findall(r"`(derin [a-z][^`]*)`", text)]
    return found


def in_the_course() -> list[str]:
    return [line for name in COURSE for line in COURSE[name].code.splitlines() if line.startswith("derin ")]


@pytest.mark.parametrize("where", [in_help, in_pages, in_the_source, in_the_course], ids=lambda where: where.__name__)
def test_every_printed_command_is_understood(where: Any) -> None:
    found = where()
    assert len(found) > 5
    for line in found:
        if not _LEFT_OPEN.search(line):
            understand(line)


# Data on which the runs stand that the examples of --help begin from.
RUNS_ON = (
    "digits",
    "iris",
    "mnist",
    "fashion_mnist",
    "food",
    "tinyshakespeare",
    "multi30k_en_de",
    "airline_passengers",
)
QUICK = ["--epochs", "1", "--threads", "1"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* classes of the network do not occur")
def test_examples_of_help_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*words: str) -> None:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, f"derin {shlex.join(words)}: {result.output}{result.exception}"

    monkeypatch.chdir(tmp_path)
    for name, folder in (("DERIN_DATA", "copies"), ("DERIN_CACHE", "cache")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    write_what_is_ones_own(tmp_path)
    write_what_help_names(tmp_path)
    write_named_sets(tmp_path / "copies")
    take_weights_from_here(tmp_path / "copies", monkeypatch)
    if DATA is not None:
        write_faces(tmp_path, tmp_path / "copies", DATA)
    for name in RUNS_ON:
        task = ["--task", "lm"] if name in ("tinyshakespeare", "food") else []
        run("train", name, *task, *QUICK, "--plan", "plain")
    run("embed", "train", "corpus.txt", *QUICK)
    for task in ("gan", "flow"):
        run("train", "digits", "--task", task, "--out", f"runs/{task}", *QUICK, "--plan", "plain")
    for line in dict.fromkeys(in_help()):
        words = shlex.split(line)[1:]
        # These need the internet, a second network, a hundred people, thousands of sounds, a detector that has found
        # three boxes, a network that has learned to see, a flow that was told of scenes, and the data at hand.
        left = {"fetch", "reembed", "index", "compare-pipelines", "--box", "style", "dream", "--text"} | (
            {"faces"} if DATA is None else set()
        )
        if not left & set(words):
            run(*words, *(QUICK if "train" in words[:2] and "--epochs" not in words else []))


def test_every_option_that_a_text_names_is_one_of_a_command() -> None:
    named: dict[str, str] = {}
    for text in texts_of_the_source():
        for option in re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]*)(?![\w=]*\{)", text):
            named.setdefault(option, text)
    assert {"--patience", "--max-seconds", "--download"} <= set(named)
    others = {
        "--index-url",
        "--upgrade",
        "--help",
        "--logdir",
        "--share",
    }  # of pip, of every command, of TensorBoard, of CSS
    assert {option: text for option, text in named.items() if option not in OPTIONS | others} == {}


def test_every_command_that_a_text_names_is_there() -> None:
    names = {path[0] for path in ALL if path}
    named = {word for text in texts_of_the_source() for word in re.findall(r"(?<![\w./-])derin ([a-z][a-z-]+)\b", text)}
    assert named - names == {"resimler"}  # Turkish: "Derin pictures"


def test_a_run_that_is_gone_on_with_is_kept_from_the_first_moment(tmp_path: Path) -> None:
    from derin.cli.stopping import keeping, what_is_kept

    run = derin.fit("iris", out=tmp_path / "run", epochs=1, report=False).path
    for going_on, said in (
        (None, "Nothing was saved yet."),
        (run, f"derin train --resume --out {run}"),
        (tmp_path / "x", "yet."),
    ):
        keeping("derin train", going_on)
        told = what_is_kept()
        assert told is not None
        assert told.endswith(said)
