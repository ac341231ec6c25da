"""`derin label`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json
from derin.cli.explain_embeddings import Target

if TYPE_CHECKING:
    from derin.api.label import LabelSet
    from derin.strategy.human_error import HumanError, ReaderError


def label(
    what: Annotated[str, typer.Argument(metavar="RUN|DATA", help="A run, or data whose examples have one class each.")],
    answers: Annotated[
        list[Path] | None,
        typer.Option(help="What people answered: a file that the page saved; repeatable.", show_default=False),
    ] = None,
    num: Annotated[int | None, typer.Option(help="Examples; 100 if left out.", show_default=False)] = None,
    width: Annotated[
        float | None,
        typer.Option(help="In place of --num: as many as an interval of this width takes.", show_default=False),
    ] = None,
    expect: Annotated[
        float | None,
        typer.Option(help="The error that is expected of people; else the network's, or 0.05.", show_default=False),
    ] = None,
    split: Annotated[str, typer.Option(help="Whose examples are shown.")] = "val",
    target: Target = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the page; else label/ in the run, or here.", show_default=False)
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Measure the error of people: a page that shows examples without their labels, and what the answers say.

    The page opens from disk and takes answers by keyboard, of several readers; nothing leaves the browser but the file
    that it saves. With --answers the error of each reader, that of the majority of three or more, and how far they
    agree are printed with their intervals, and recorded beside the run: derin diagnose takes them as the human level.

    Example: [bold]derin label runs/mnist-1 --num 120[/bold]
    """
    from derin.api.label import examples_to_label

    asked = examples_to_label(what, split=split, target=target, num=num, width=width, expect=expect, seed=seed)
    if answers:
        found = asked.read_answers(*answers)
        path = None if asked.run is None else found.save(asked.run)
        if json_output:
            print_json({**found.to_json(), "file": None if path is None else str(path)})
        else:
            _print(found, asked, path)
        return
    folder = out if out is not None else Path("label") if asked.run is None else asked.run / "label"
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "label.html"
    asked.page().save(page)
    if json_output:
        print_json({**asked.to_json(), "page": str(page)})
        return
    from derin.core.messages import translate

    command = shlex.join(["derin", "label", what, *([] if split == "val" else ["--split", split]), "--answers"])
    for sentence in (*asked.sentences(), translate("errors.wrote", path=page)):
        console().print(sentence, markup=False, soft_wrap=True)
    console().print(translate("label.next", command=f"{command} answers.csv"), markup=False, soft_wrap=True)


def _print(found: HumanError, asked: LabelSet, path: Path | None) -> None:
    from derin.core.messages import translate
    from derin.core.printable import printable

    def say(key: str, **values: object) -> None:
        console().print(translate(key, **values), markup=False, soft_wrap=True)

    def say_error(name: str, error: ReaderError) -> None:
        measured = error.measured
        bounds = {"error": measured.value, "low": measured.low, "high": measured.high}
        say("label.mistakes", name=name, num=error.num_mistakes, examples=error.num_examples, **bounds)

    for name, reader in found.readers.items():
        say_error(printable(name), reader)
    if found.majority is not None:
        say_error(translate("label.majority"), found.majority)
    for each in found.agreement:
        pair = ", ".join(map(printable, each.readers))
        readers = pair if len(each.readers) == 2 else translate("label.all_readers")
        if each.kappa is None:
            say("label.no_kappa", readers=readers)
        else:
            say(
                "label.agreement",
                readers=readers,
                num=each.num_examples,
                kappa=each.kappa,
                low=each.low,
                high=each.high,
            )
    if path is not None:
        say("label.recorded", path=path, run=asked.what)
    else:
        best = min((*found.readers.values(), *([found.majority] if found.majority else [])), key=_error)
        say("label.by_hand", error=f"{best.num_mistakes / best.num_examples:.4g}:{best.num_examples}")


def _error(error: ReaderError) -> float:
    return error.measured.value
