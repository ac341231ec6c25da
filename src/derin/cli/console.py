"""What every command shares: people's text on stderr, one JSON document on stdout, errors in one sentence."""

from __future__ import annotations

import functools
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TextIO, TypeVar

import typer

from derin.cli.stopping import exit_code, what_is_kept

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH_OF_FILES = 1_000  # letters in a line

P = ParamSpec("P")
R = TypeVar("R")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout; text goes to stderr.")]


def console(*, json_output: bool = False) -> Console:
    """Where text for people goes: stdout, or stderr when stdout is kept for JSON.

    Into a file or another program go whole lines, however long; only a terminal has a width to keep to.
    """
    out = _printable_console()(stderr=json_output, highlight=False, soft_wrap=False, emoji=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = _WIDTH_OF_FILES
    return out


@functools.cache
def _printable_console() -> type[Console]:
    """A console that prints no code of the terminal but its own, wherever the text came from."""
    from rich.console import Console
    from rich.text import Text

    from derin.core.printable import printable_lines

    class PrintableConsole(Console):
        def render_str(self, text: str, **settings: Any) -> Text:
            return super().render_str(printable_lines(text), **settings)

    return PrintableConsole


def plain(text: str) -> str:
    """A name or text on one line, in which square brackets mean nothing to rich."""
    from rich.markup import escape

    from derin.core.printable import printable

    return escape(printable(text))


def print_json(document: Any) -> None:
    """One JSON document on stdout; numbers that are not finite become null."""
    from derin.core.strict_json import dump_json

    print(dump_json(document, indent=2).decode())


def silence(stream: TextIO) -> None:
    """Sends what a stream still holds nowhere, so that the end of the process says nothing of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def model_options(pairs: list[str] | None, flag: str = "--option") -> dict[str, Any]:
    """``name=value`` pairs, the value as JSON where it is JSON, else as text."""
    from derin.core.errors import UsageError

    options: dict[str, Any] = {}
    for pair in pairs or []:
        name, sign, text = pair.partition("=")
        if not sign or not name:
            raise UsageError(f"{flag} must be name=value; got {pair!r}.")
        try:
            options[name] = json.loads(text)
        except json.JSONDecodeError:
            options[name] = text
    return options


def column_kinds(settings: list[str] | None) -> dict[str, str] | None:
    """What `--kind column=category` says, by column; a name may hold an equals sign.

    Example:
        >>> column_kinds(["zip=category", "a=b=number"])
        {'zip': 'category', 'a=b': 'number'}
    """
    from derin.core.errors import UsageError

    found = {}
    for setting in settings or ():
        name, sign, kind = setting.rpartition("=")
        if not sign or not name:
            raise UsageError(f"--kind must be COLUMN=KIND, such as zip=category; got {setting!r}.")
        found[name] = kind
    return found or None


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr while (done, total) is told; nothing where stderr is no terminal or nothing is told."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not Console(stderr=True).is_terminal,
    )
    task = None

    def tell(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            bar.start()
            task = bar.add_task(label, total=total)
        bar.update(task, completed=done, total=total)
        if done >= total:
            # Only one thing at a time may move on a terminal, and training has a bar of its own.
            bar.remove_task(task)
            bar.stop()
            task = None

    try:
        yield tell
    finally:
        bar.stop()


def _warn_plainly(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    """Derin's own warnings as a sentence; others with the place that they came from."""
    from derin.core.errors import DerinWarning
    from derin.core.printable import printable_lines

    place = "" if issubclass(category, DerinWarning) else f"{filename}:{lineno}: {category.__name__}: "
    print(f"{place}{printable_lines(str(message))}", file=sys.stderr)


def cli_errors(command: Callable[P, R], *, group: str = "") -> Callable[P, R]:
    """Turns Derin's errors into one sentence on stderr and the right exit code; all else stays a traceback.

    Args:
        command: the function behind it.
        group: that the command belongs to, as ``"embed"`` of ``derin embed train``.
    """
    name = " ".join(filter(None, ("derin", group, command.__name__.replace("_", "-").rstrip("-"))))

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        from derin.core.errors import DerinError
        from derin.core.printable import printable

        warnings.showwarning = _warn_plainly
        try:
            return command(*args, **kwargs)
        except DerinError as error:
            print(f"{name}: {printable(error)}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            print(*filter(None, ("Interrupted.", what_is_kept())), file=sys.stderr)
            raise typer.Exit(exit_code()) from None
        except BrokenPipeError:
            # The reader of a pipe (`| head`) has gone: nothing is left to say, also not at interpreter exit.
            silence(sys.stdout)
            raise typer.Exit(1) from None

    return wrapper


def save_figure(figure: Any, path: Path) -> None:
    """Writes a drawing whole or not at all, in the format of the ending; PNG where there is none."""
    from derin.core.files import open_atomically

    with open_atomically(path) as file:
        figure.savefig(file, format=path.suffix.lstrip(".") or "png")
