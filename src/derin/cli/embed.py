"""`derin embed`: word vectors trained, asked, measured, drawn and written for other programs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from derin.cli.console import JsonFlag, cli_errors, console, print_json, progress_bar
from derin.cli.stopping import exit_code, keeping, resuming

Vectors = Annotated[Path, typer.Argument(help="A run of derin embed train, or a file of word2vec or GloVe.")]
Among = Annotated[int | None, typer.Option(help="Look at the first so many words only.", show_default=False)]

_TEXT, _METHOD, _TRAINING, _RUN = "Text", "Method", "Training", "Run"

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Word vectors: train them on a text, or ask those that others published.\n\n"
    "Example: [bold]derin embed train corpus.txt[/bold]",
)


def train(
    data: Annotated[
        str | None,
        typer.Argument(help="A text file, a folder of them, a named set; may be left out with --resume."),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="skip-gram (the default), cbow or glove.", rich_help_panel=_METHOD)
    ] = None,
    dim: Annotated[int | None, typer.Option(help="Numbers per word; else 100.", rich_help_panel=_METHOD)] = None,
    window: Annotated[
        int | None, typer.Option(help="Largest distance of two words; else 5, GloVe 10.", rich_help_panel=_METHOD)
    ] = None,
    negatives: Annotated[
        int | None, typer.Option(help="Samples per predicted word; else 5.", rich_help_panel=_METHOD)
    ] = None,
    hierarchical: Annotated[
        bool, typer.Option("--hierarchical", help="Predict by a Huffman tree instead.", rich_help_panel=_METHOD)
    ] = False,
    sample: Annotated[
        float | None,
        typer.Option(help="Words of a larger share are thinned out; else 0.001, 0 never.", rich_help_panel=_METHOD),
    ] = None,
    x_max: Annotated[
        float | None,
        typer.Option(help="GloVe: a pair counts fully from so many meetings on; else 10.", rich_help_panel=_METHOD),
    ] = None,
    min_count: Annotated[
        int | None, typer.Option(help="Rarer words are left out; else 5.", rich_help_panel=_TEXT)
    ] = None,
    max_size: Annotated[
        int | None, typer.Option(help="Largest number of words; else all.", rich_help_panel=_TEXT)
    ] = None,
    lowercase: Annotated[
        bool | None,
        typer.Option(
            "--lowercase/--keep-case", help="Whether Sea and sea are one; they are by default.", rich_help_panel=_TEXT
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="tr for Turkish letters; else found out.", rich_help_panel=_TEXT)
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the files, such as cp1254; else found out.", rich_help_panel=_TEXT)
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the text.", rich_help_panel=_TRAINING)] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Words per step; GloVe: pairs.", rich_help_panel=_TRAINING)
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--lr", "--learning-rate", help="At its highest.", rich_help_panel=_TRAINING)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.", rich_help_panel=_TRAINING)] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Stop after so long.", rich_help_panel=_TRAINING)] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, mps.", rich_help_panel=_TRAINING)] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.", rich_help_panel=_TRAINING)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; else runs/NAME-NUMBER.", rich_help_panel=_RUN)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run at --out.", rich_help_panel=_RUN)
    ] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a named set that is not on this machine.", rich_help_panel=_RUN)
    ] = False,
    report: Annotated[bool, typer.Option(help="Write report.html.", rich_help_panel=_RUN)] = True,
    json_output: JsonFlag = False,
) -> None:
    """Learn a vector for each word of a text.

    Example: [bold]derin embed train corpus.txt --method cbow --dim 50[/bold]
    """
    from derin.api.word_vectors import train_word_vectors
    from derin.core.messages import translate
    from derin.core.printable import printable
    from derin.train.progress import ProgressBar

    terminal = console(json_output=json_output)
    with progress_bar(translate("data.fetching" if download else "data.reading")) as progress:
        run = train_word_vectors(
            data,
            method=method,
            dim=dim,
            window=window,
            negatives=negatives,
            hierarchical=hierarchical or None,
            sample=sample,
            x_max=x_max,
            min_count=min_count,
            max_size=max_size,
            lowercase=lowercase,
            language=language,
            encoding=encoding,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            max_seconds=max_seconds,
            device=device,
            threads=threads,
            out=out,
            resume=resume or None,
            report=report,
            download=download or None,
            progress=progress,
            callbacks=[keeping("derin embed train", out if resume else None), ProgressBar(terminal)],
            command=shlex.join(["derin", *sys.argv[1:]]),
        )
    if not run.finished:
        command = resuming("derin embed train", run.path)
        terminal.print(
            translate("run.interrupted", step=run.record["steps"], command=command), markup=False, soft_wrap=True
        )
    else:
        for word, near in run.record["findings"]["neighbors"]:
            listed = ", ".join(other for other, _ in near)
            terminal.print(printable(f"{word}: {listed}"), markup=False, soft_wrap=True)
        terminal.print(translate("run.saved", run=str(run.path)), markup=False, soft_wrap=True)
        if run.report.exists():
            terminal.print(translate("run.report", address=run.report.resolve().as_uri()), markup=False, soft_wrap=True)
    if json_output:
        print_json(_document(run))
    if not run.finished:
        raise typer.Exit(exit_code())


def neighbours(
    vectors: Vectors,
    words: Annotated[list[str], typer.Argument(help="One word or several.")],
    num: Annotated[int, typer.Option(help="How many neighbors of each.")] = 10,
    among: Among = None,
    json_output: JsonFlag = False,
) -> None:
    """The words that are most like a word, with their cosines.

    Example: [bold]derin embed neighbours runs/corpus-1 ankara deniz[/bold]
    """
    from derin.api.vectors import open_word_vectors
    from derin.core.printable import printable

    opened = open_word_vectors(vectors)
    found = [(word, opened.neighbors(word, num, among=among)) for word in words]
    if json_output:
        print_json([{"input": word, "neighbors": near} for word, near in found])
        return
    terminal = console()
    for word, near in found:
        if len(found) > 1:
            terminal.print(printable(word), style="bold", markup=False)
        _print_pairs(terminal, near)


def analogy(
    vectors: Vectors,
    first: Annotated[str, typer.Argument(help="Such as man.")],
    second: Annotated[str, typer.Argument(help="Such as king: to the first as what is asked is to the third.")],
    third: Annotated[str, typer.Argument(help="Such as woman.")],
    num: Annotated[int, typer.Option(help="How many answers.")] = 5,
    among: Among = None,
    json_output: JsonFlag = False,
) -> None:
    """What is to the third word as the second is to the first: king − man + woman.

    Example: [bold]derin embed analogy glove.6B.100d.txt man king woman[/bold]
    """
    from derin.api.vectors import open_word_vectors

    found = open_word_vectors(vectors).analogy(first, second, third, num, among=among)
    if json_output:
        print_json({"input": [first, second, third], "answers": found})
        return
    _print_pairs(console(), found)


def evaluate(
    vectors: Vectors,
    questions: Annotated[
        Path | None, typer.Option(help="Analogies, like questions-words.txt.", show_default=False)
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Pairs of words with a number, like WordSim-353.", show_default=False)
    ] = None,
    among: Annotated[int, typer.Option(help="Only the first so many words are known.")] = 300_000,
    json_output: JsonFlag = False,
) -> None:
    """Measure vectors on analogies and on how alike people find words; without files those in DERIN_DATA are taken.

    Example: [bold]derin embed evaluate glove.6B.100d.txt --questions questions-words.txt[/bold]
    """
    from rich.markup import escape
    from rich.table import Table

    from derin.api.vectors import open_word_vectors
    from derin.api.word_vectors import evaluate_word_vectors
    from derin.core.messages import translate
    from derin.core.printable import printable

    measured = evaluate_word_vectors(open_word_vectors(vectors), questions, pairs, among=among)
    if json_output:
        print_json(measured.to_json())
        return
    terminal = console()
    if measured.groups is not None:
        table = Table(box=None)
        table.add_column(translate("embed.group"))
        for key in ("embed.right", "embed.asked", "embed.accuracy"):
            table.add_column(translate(key), justify="right")
        for group in measured.groups:
            share = f"{group.accuracy:.3f}" if group.num else "–"
            table.add_row(escape(printable(group.name)), str(group.correct), str(group.num), share)
        terminal.print(table)
    if measured.similarity is not None:
        numbers = measured.similarity.to_json()
        terminal.print(translate("embed.similarity", path=str(measured.pairs), **numbers), markup=False, soft_wrap=True)


def map_(
    vectors: Vectors,
    words: Annotated[list[str] | None, typer.Argument(help="Words to show; else frequent ones.")] = None,
    num: Annotated[int, typer.Option(help="How many frequent words.")] = 300,
    method: Annotated[str, typer.Option(help='tsne, pca, or umap (pip install "derin\\[umap]").')] = "tsne",
    seed: Annotated[int, typer.Option(help="Of t-SNE and UMAP.")] = 0,
    out: Annotated[Path, typer.Option(help="The map: .html, .svg, .png or .pdf.")] = Path("words.html"),
    json_output: JsonFlag = False,
) -> None:
    """Draw words in the plane, alike ones close together.

    Example: [bold]derin embed map runs/corpus-1 --num 500 --out words.svg[/bold]
    """
    from derin.api.vectors import open_word_vectors
    from derin.core.messages import translate
    from derin.explain.word_map import word_map

    drawn = word_map(open_word_vectors(vectors), words or None, num=num, method=method, seed=seed)
    drawn.save(out)
    if json_output:
        places = [[word, *point] for word, point in zip(drawn.words, drawn.points.tolist(), strict=True)]
        print_json({"path": str(out), "method": method, "words": places})
        return
    console().print(translate("embedding.wrote", address=out.resolve().as_uri()), markup=False, soft_wrap=True)


def convert(
    vectors: Vectors,
    out: Annotated[Path, typer.Argument(help="The file to write.")],
    form: Annotated[
        str | None,
        typer.Option(help="word2vec, word2vec-binary or glove; else binary for .bin, else word2vec text."),
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Write vectors in a form that other programs read.

    Example: [bold]derin embed convert runs/corpus-1 vectors.bin[/bold]
    """
    from derin.api.vectors import open_word_vectors
    from derin.core.messages import translate

    opened = open_word_vectors(vectors)
    chosen = form or ("word2vec-binary" if out.suffix.lower() == ".bin" else "word2vec")
    num_left = opened.save(out, chosen)
    num_words = len(opened) - num_left
    if json_output:
        print_json({"path": str(out), "form": chosen, "words": num_words, "dim": opened.dim, "left_out": num_left})
        return
    terminal = console()
    for reason, count in opened.report.summary().get("skipped", {}).items():
        terminal.print(translate("embed.skipped", count=count, reason=reason), markup=False, soft_wrap=True)
    if num_left:
        reason = translate("embed.space_within", form=chosen)
        terminal.print(translate("embed.skipped", count=num_left, reason=reason), markup=False, soft_wrap=True)
    terminal.print(
        translate("embed.wrote", words=num_words, dim=opened.dim, path=str(out)), markup=False, soft_wrap=True
    )


def _print_pairs(terminal: Any, pairs: list[tuple[str, float]]) -> None:
    from derin.core.printable import printable

    width = max((len(printable(word)) for word, _ in pairs), default=0)
    for word, cosine in pairs:
        terminal.print(f"{printable(word):<{width}}  {cosine:.4f}", markup=False, soft_wrap=True)


def _document(run: Any) -> dict[str, Any]:
    """The promised JSON form."""
    record = run.record
    return {
        "run": str(run.path),
        "model": record["model"]["name"],
        "task": record["task"]["name"],
        "epochs": record.get("epochs"),
        "seconds": record.get("seconds"),
        "stopped": record.get("stopped"),
        "metrics": run.metrics,
        **{name: record.get("findings", {}).get(name) for name in ("words", "dim", "neighbors")},
    }


for _command in (train, neighbours, analogy, evaluate, map_, convert):
    app.command(_command.__name__.rstrip("_"))(cli_errors(_command, group="embed"))
