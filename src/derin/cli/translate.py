"""`derin translate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from derin.api.translate import BEAM_SIZE, LENGTH_POWER
from derin.cli.console import JsonFlag, console, print_json


def translate(
    run: Annotated[Path, typer.Argument(help="A run of --task translation, or a bundle.")],
    texts: Annotated[list[str] | None, typer.Argument(help="What to translate.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with a text in each line.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the translations to a file, one in each line.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="A person's translations, one in each line: BLEU, chrF and exact matches.")
    ] = None,
    beam: Annotated[int, typer.Option(help="Hypotheses kept at each step; 1 is greedy search.")] = BEAM_SIZE,
    alpha: Annotated[
        float, typer.Option(help="Length normalization: log P / length^alpha is compared.")
    ] = LENGTH_POWER,
    num_best: Annotated[int, typer.Option("--n", help="Translations shown of each text, at most --beam.")] = 1,
    attention: Annotated[
        Path | None, typer.Option(help="A picture (.png) of where the translation of the one text looked.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Translate with a trained network.

    Example: [bold]derin translate runs/multi30k_en_de-1 "A dog runs in the snow." --attention look.png[/bold]
    """
    from derin.api.model import open
    from derin.api.translate import alignment, score_translations
    from derin.api.translate import translate as run_search
    from derin.core.errors import UsageError
    from derin.core.files import write_bytes

    if blank := [text for text in texts or [] if not text.strip()]:
        raise UsageError(f"derin translate: something to translate is required; got {blank[0]!r}.")
    model = open(run, device=device)
    given = [*(texts or []), *(_sources(model, file) if file is not None else [])]
    if not given:
        raise UsageError('derin translate needs a text or --file; got neither. Try: derin translate RUN "a text".')
    if attention is not None and (len(given) != 1 or attention.suffix.lower() != ".png"):
        raise UsageError(f"--attention draws one text into a .png file; got {len(given)} texts and {attention.name}.")
    meant = None if reference is None else _lines(reference)
    if meant is not None and len(meant) != len(given):
        raise UsageError(f"--reference needs one line for each text; got {len(meant)} lines and {len(given)} texts.")
    answers = run_search(model, given, beam_size=beam, length_power=alpha, num_best=num_best)
    document: dict[str, Any] = {
        "translations": [{"input": text, **answer.to_json()} for text, answer in zip(given, answers)]
    }
    if meant is not None:
        # An empty line is none to translate, and has no score.
        scored = [place for place, text in enumerate(given) if text.strip()]
        texts_of = ([answers[place].text for place in scored], [meant[place] for place in scored])
        document["scores"] = score_translations(*texts_of).to_json()
        document["left_out_of_scores"] = len(given) - len(scored)
    if attention is not None:
        found = alignment(model, given[0], answers[0].text)
        write_bytes(attention, found.png())
        document["attention"] = {"picture": str(attention), **found.to_json()}
    if out is not None:
        write_bytes(out, "".join(f"{answer.text}\n" for answer in answers).encode("utf-8"))
    if json_output:
        print_json(document)
    elif out is None:
        _print(answers)
    _print_rest(document, out, json_output=json_output)


def _print(answers: list[Any]) -> None:
    from derin.core.printable import printable

    terminal = console()
    for answer in answers:
        terminal.print(printable(answer.text), markup=False, soft_wrap=True)
        for text, log_prob in answer.alternatives:
            terminal.print(f"  {log_prob:8.2f}  {printable(text)}", markup=False, soft_wrap=True)


def _print_rest(document: dict[str, Any], out: Path | None, *, json_output: bool) -> None:
    from derin.core.messages import translate

    terminal = console(json_output=json_output)
    if "scores" in document:
        scores = document["scores"]
        said = translate("translate.scores", bleu=scores["bleu"], chrf=scores["chrf"], exact=scores["exact_match"])
        terminal.print(said, markup=False, soft_wrap=True)
        terminal.print(scores["bleu_signature"], markup=False, soft_wrap=True)
        if num_empty := document["left_out_of_scores"]:
            terminal.print(translate("translate.empty_lines", count=num_empty), markup=False, soft_wrap=True)
    if "attention" in document:
        said = translate("translate.attention", path=document["attention"]["picture"])
        terminal.print(said, markup=False, soft_wrap=True)
    if out is not None:
        said = translate("translate.written", count=len(document["translations"]), path=str(out))
        terminal.print(said, markup=False, soft_wrap=True)


def _sources(model: Any, path: Path) -> list[str]:
    """The texts of a file: its lines, or the side that the translator reads, where it holds pairs as in training."""
    from derin.data.recipe import ReadOptions
    from derin.readers.pairs import read_pairs

    options = ReadOptions(found=model.recipe.found, inputs_only=True)
    table = read_pairs(path, name=path.name, options=options)
    texts: list[str] = table[table.inputs[0].name].texts()  # type: ignore[attr-defined]
    return texts


def _lines(path: Path) -> list[str]:
    """The lines of a file, empty ones among them."""
    from derin.core.errors import DataError
    from derin.readers.decoding import lines_of, read_text

    lines = lines_of(read_text(path).text)
    if not lines:
        raise DataError(f"{path}: a text in each line is required; the file is empty.")
    return lines
