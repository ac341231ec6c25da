"""`derin score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from derin.cli.console import JsonFlag, console, plain, print_json

if TYPE_CHECKING:
    from derin.tasks.scoring import TextScore


def score(
    run: Annotated[Path, typer.Argument(help="A run of --task lm, or a bundle.")],
    texts: Annotated[list[str], typer.Argument(help="Sentences.")],
    tokens: Annotated[bool, typer.Option("--tokens", help="Also show how probable each token is.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Say how probable a trained language model finds sentences, the most probable first.

    Example: [bold]derin score runs/food-1 "The apple and pear salad" "The apple and pair salad"[/bold]
    """
    from derin.api.model import open
    from derin.api.score import score as score_sentences

    scores = score_sentences(open(run, device=device), texts)
    if json_output:
        print_json([found.to_json() for found in scores])
        return
    _print(sorted(scores, key=lambda found: -found.log_probability), tokens=tokens)


def _print(scores: list[TextScore], *, tokens: bool) -> None:
    from rich.table import Table

    from derin.core.messages import translate

    terminal = console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header in ("ln P", translate("score.perplexity"), translate("score.tokens")):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column(translate("score.text"))
    for found in scores:
        numbers = (f"{found.log_probability:.2f}", f"{found.perplexity:.2f}", f"{len(found.tokens):,}")
        table.add_row(*numbers, plain(found.text))
    terminal.print(table)
    if tokens:
        for found in scores:
            terminal.print()
            pairs = zip(found.tokens, found.log_probabilities)
            line = "  ".join(f"{_shown(token)} {log_probability:.2f}" for token, log_probability in pairs)
            terminal.print(line, markup=False, soft_wrap=True)


def _shown(token: str) -> str:
    """A token on one line: blanks as signs."""
    return token.replace("\n", "↵").replace("\t", "⇥").replace(" ", "␣")
