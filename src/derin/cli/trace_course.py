"""`derin trace --expr` and `derin trace --example`: what is traced without a network of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from derin.cli.console import console, print_json


def trace_words(text: str, words: list[str], out: Path | None, *, json_output: bool) -> None:
    """Traces an expression whose names have the values ``name=number`` of the words.

    Raises:
        UsageError: a word is no ``name=number``, or the expression cannot be traced.
    """
    from derin.core.errors import UsageError
    from derin.explain.trace.expression import as_trace, trace_expression
    from derin.explain.trace.expression_text import expression_document, render_expression

    values: dict[str, float] = {}
    for word in words:
        name, _, number = (part.strip() for part in word.partition("="))
        try:
            value = float(number)
        except ValueError:
            raise UsageError(f"--expr takes values as NAME=NUMBER, such as a=5; got {word!r}.") from None
        if name in values:
            raise UsageError(f"Every name of --expr takes one value; {name!r} got two.")
        values[name] = value
    found = trace_expression(text, values)
    if out is not None:
        from derin.explain.trace.writing import save

        save(as_trace(found), out, title=text.strip())
    _tell(render_expression(found), expression_document(found), out, json_output=json_output)


def trace_example(name: str, loss: str | None, out: Path | None, *, json_output: bool) -> None:
    """Works an example of the course; Markdown and text show the errata beside it, other files are those of its trace.

    Raises:
        UnknownNameError: there is no such example, or it has no such loss.
    """
    from derin.core.errors import UnknownNameError
    from derin.core.files import write_bytes
    from derin.explain.trace.example_text import example_document, render_example_markdown, render_example_text
    from derin.explain.trace.examples import EXAMPLES, LOSSES, trace_3_3_3_3

    if name not in EXAMPLES:
        raise UnknownNameError("example", name, EXAMPLES)
    if loss is not None and loss not in LOSSES:
        raise UnknownNameError("loss of the example", loss, LOSSES)
    worked = EXAMPLES[name]()
    if out is not None:
        renderers = {".md": render_example_markdown, ".txt": render_example_text}
        if out.suffix.lower() in renderers:
            write_bytes(out, renderers[out.suffix.lower()](worked).encode("utf-8"))
        else:
            from derin.explain.trace.writing import save

            save(trace_3_3_3_3(loss or "binary"), out, title=name)
    _tell(render_example_text(worked), example_document(worked), out, json_output=json_output)


def _tell(text: str, document: dict[str, Any], out: Path | None, *, json_output: bool) -> None:
    from derin.core.messages import translate

    if json_output:
        print_json(document | {"out": None if out is None else str(out)})
    else:
        console().print(text if out is None else translate("trace.wrote", path=out), markup=False, soft_wrap=True)
