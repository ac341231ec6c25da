"""The worked example for the terminal and as Markdown: every number, what made it, and the slides' errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, SupportsFloat

import numpy as np

from derin.core.messages import format_number
from derin.explain.trace.example_errata import (
    ERRATA,
    SLIDE_NEW_WEIGHTS,
    Erratum,
    InTwoLanguages,
)
from derin.explain.trace.examples import Array, BackwardPass, Layer, WorkedExample, loss_of

_DIGITS = ".6f"
# Where a layer comes from and goes to, in the letters of the slides.
_LETTERS = {"ij": ("i", "j"), "jk": ("j", "k"), "kl": ("k", "l")}
_SUMS = {"ij": "h1_in", "jk": "h2_in", "kl": "z"}
_ENTERING = {"ij": "x", "jk": "h1_out", "kl": "h2_out"}

_TITLE = InTwoLanguages("The worked example 3-3-3-3", "Çözümlü örnek: 3-3-3-3")
_FORWARD = InTwoLanguages("Forward pass", "İleri yayılım")
_LOSSES = InTwoLanguages("The two losses", "İki kayıp")
_BACKWARD = {
    "binary": InTwoLanguages(
        "Backward pass and new weights: summed binary cross-entropy, the loss on the slides",
        "Geri yayılım ve yeni ağırlıklar: toplam ikili çapraz entropi, slaytların kaybı",
    ),
    "categorical": InTwoLanguages(
        "Backward pass and new weights: categorical cross-entropy, the loss that belongs to softmax",
        "Geri yayılım ve yeni ağırlıklar: kategorik çapraz entropi, softmax'a ait olan kayıp",
    ),
}
_ERRATA = InTwoLanguages("Where the slides are wrong", "Slaytların yanlışları")
_MENDED_IS = InTwoLanguages(
    "“Mended” is what the line gives when its one slip is put right and the numbers before it are left as printed.",
    "“Düzeltilmiş”, önceki sayılar basıldığı gibi bırakılıp yalnız o satırdaki yanlış giderilince çıkan değerdir.",
)
_OUTCOME = InTwoLanguages(
    "Loss (summed binary) before the step: {before}; after the right step: {after}; with the weights that the slides "
    "arrive at: {slides}.",
    "Kayıp (toplam ikili) adımdan önce: {before}; doğru adımdan sonra: {after}; slaytların vardığı ağırlıklarla: "
    "{slides}.",
)
_AFTER = InTwoLanguages(
    "Loss before the step {before}, after it {after}.", "Adımdan önce kayıp {before}, sonra {after}."
)
_HEADINGS = {
    "unit": InTwoLanguages("unit", "birim"),
    "sum": InTwoLanguages("weighted sum", "ağırlıklı toplam"),
    "output": InTwoLanguages("output", "çıkış"),
    "quantity": InTwoLanguages("quantity", "nicelik"),
    "factors": InTwoLanguages("factors", "çarpanlar"),
    "value": InTwoLanguages("value", "değer"),
    "parameter": InTwoLanguages("parameter", "parametre"),
    "gradient": InTwoLanguages("gradient", "gradyan"),
    "new": InTwoLanguages("new value", "yeni değer"),
    "slide": InTwoLanguages("slide", "slayt"),
    "slides": InTwoLanguages("on the slides", "slaytta"),
    "printed": InTwoLanguages("printed", "basılı"),
    "mended": InTwoLanguages("mended", "düzeltilmiş"),
    "right": InTwoLanguages("right", "doğru"),
    "reason": InTwoLanguages("why", "neden"),
    "loss": InTwoLanguages("loss", "kayıp"),
}


@dataclass(frozen=True)
class _Heading:
    text: str


@dataclass(frozen=True)
class _Sentence:
    text: str


@dataclass(frozen=True)
class _Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


_Block = _Heading | _Sentence | _Table


def render_example_text(worked: WorkedExample) -> str:
    """The example as text for the terminal, in the language that is spoken."""
    lines = [str(_TITLE), "=" * len(str(_TITLE)), ""]
    for block in _blocks(worked):
        if isinstance(block, _Heading):
            lines += [block.text, "-" * len(block.text), ""]
        elif isinstance(block, _Sentence):
            lines += [block.text, ""]
        elif _column("reason") in block.columns:
            lines += _one_below_the_other(block)
        else:
            lines += [*_in_columns(block), ""]
    return "\n".join(lines)


def render_example_markdown(worked: WorkedExample) -> str:
    """The example as Markdown, in the language that is spoken."""
    lines = [f"# {_TITLE}", ""]
    for block in _blocks(worked):
        if isinstance(block, _Heading):
            lines += [f"## {block.text}", ""]
        elif isinstance(block, _Sentence):
            lines += [block.text, ""]
        else:
            lines += [f"| {' | '.join(block.columns)} |", "|" + " --- |" * len(block.columns)]
            lines += [f"| {' | '.join(cell.replace('_', chr(92) + '_') for cell in row)} |" for row in block.rows]
            lines.append("")
    return "\n".join(lines)


def example_document(worked: WorkedExample) -> dict[str, Any]:
    """What ``--json`` tells: all arrays of the example, and the errata with their three answers."""
    return {
        "forward": {
            name: getattr(worked, name).tolist() for name in ("h1_in", "h1_out", "h2_in", "h2_out", "logits", "output")
        },
        "losses": {name: found.loss for name, found in worked.backward.items()},
        "backward": {
            name: {
                "d_output": found.d_output.tolist(),
                "loss_after": found.loss_after,
                "layers": {
                    layer.name: {
                        "delta": layer.delta.tolist(),
                        "gradient": layer.gradient.tolist(),
                        "new_weights": layer.new_weights.tolist(),
                        "new_biases": layer.new_biases.tolist(),
                    }
                    for layer in found.layers
                },
            }
            for name, found in worked.backward.items()
        },
        "errata": [
            {
                "slide": erratum.slide,
                "quantity": erratum.quantity,
                "printed": erratum.printed if isinstance(erratum.printed, str) else list(erratum.printed),
                "mended": None if erratum.mended is None else erratum.mended(worked).tolist(),
                "right": erratum.right if isinstance(erratum.right, str) else erratum.right(worked).tolist(),
                "reason": str(erratum.reason),
            }
            for erratum in ERRATA
        ],
    }


def loss_with_the_slides_weights(worked: WorkedExample) -> float:
    """The summed binary loss of the network with the new weights that the slides end with."""
    return loss_of("binary", SLIDE_NEW_WEIGHTS, worked.biases, worked.inputs, worked.target)


def _blocks(worked: WorkedExample) -> Iterator[_Block]:
    yield _Heading(str(_FORWARD))
    layers = (
        ("h1", "ij", worked.inputs, worked.h1_in, worked.h1_out, "relu"),
        ("h2", "jk", worked.h1_out, worked.h2_in, worked.h2_out, "σ"),
        ("o", "kl", worked.h2_out, worked.logits, worked.output, "softmax"),
    )
    for name, key, entering, sums, outputs, activation in layers:
        rows = []
        for unit in range(3):
            products = zip(entering, worked.weights[key][:, unit], strict=True)
            terms = " + ".join(f"{_short(value)}·{_short(weight)}" for value, weight in products)
            total = f"{terms} + {_short(worked.biases[key][unit])} = {_spelled(sums[unit])}"
            rows.append((f"{name}_{unit + 1}", total, f"{activation} = {_spelled(outputs[unit])}"))
        yield _Table((_column("unit"), _column("sum"), _column("output")), tuple(rows))
    yield _Heading(str(_LOSSES))
    first, *others = worked.output
    rest = " ".join(f"− ln(1 − {_spelled(value)})" for value in others)
    yield _Table(
        (_column("loss"), _column("value")),
        (
            ("categorical", f"−ln {_spelled(first)} = {_spelled(worked.backward['categorical'].loss)}"),
            ("binary", f"−ln {_spelled(first)} {rest} = {_spelled(worked.backward['binary'].loss)}"),
        ),
    )
    for name, heading in _BACKWARD.items():
        yield _Heading(str(heading))
        yield from _backward(worked, worked.backward[name], with_slides=name == "binary")
    yield _Heading(str(_ERRATA))
    yield _Sentence(str(_MENDED_IS))
    columns = ("slide", "quantity", "printed", "mended", "right", "reason")
    yield _Table(tuple(_column(column) for column in columns), tuple(_erratum(worked, erratum) for erratum in ERRATA))
    right = worked.backward["binary"]
    losses = {"before": right.loss, "after": right.loss_after, "slides": loss_with_the_slides_weights(worked)}
    yield _Sentence(str(_OUTCOME).format(**{name: _spelled(loss) for name, loss in losses.items()}))


def _backward(worked: WorkedExample, found: BackwardPass, *, with_slides: bool) -> Iterator[_Block]:
    """Layer by layer from the output: what arrives, the factor of the activation, and each parameter's step."""
    arriving = tuple((f"∂E/∂o_{unit + 1}", _spelled(value)) for unit, value in enumerate(found.d_output))
    yield _Table((_column("quantity"), _column("value")), arriving)
    for place, layer in enumerate(found.layers):
        if place:
            yield _Table(
                (_column("quantity"), _column("factors"), _column("value")), _sent_back(found.layers[place - 1], layer)
            )
        yield _Table((_column("quantity"), _column("factors"), _column("value")), _deltas(layer))
        columns = ["parameter", "gradient", "new", *(["slides"] if with_slides else [])]
        yield _Table(
            tuple(_column(column) for column in columns), tuple(_steps(worked, layer, with_slides=with_slides))
        )
    yield _Sentence(str(_AFTER).format(before=_spelled(found.loss), after=_spelled(found.loss_after)))


def _sent_back(above: Layer, layer: Layer) -> tuple[tuple[str, str, str], ...]:
    """∂E/∂(output of the layer): through every unit of the layer above."""
    return tuple(
        (f"∂E/∂{_ENTERING[above.name]}{unit + 1}", _sum_of_products(above.weights[unit], above.delta), _spelled(value))
        for unit, value in enumerate(layer.above)
    )


def _deltas(layer: Layer) -> tuple[tuple[str, str, str], ...]:
    """∂E/∂(weighted sum): what arrives times the derivative of the activation, for softmax a row of its Jacobian."""
    rows = []
    for unit, delta in enumerate(layer.delta):
        if layer.slope.ndim == 2:
            factors = _sum_of_products(layer.above, layer.slope[:, unit])
        else:
            factors = _sum_of_products(layer.above[unit : unit + 1], layer.slope[unit : unit + 1])
        rows.append((f"∂E/∂{_SUMS[layer.name]}{unit + 1}", factors, _spelled(delta)))
    return tuple(rows)


def _steps(worked: WorkedExample, layer: Layer, *, with_slides: bool) -> Iterator[tuple[str, ...]]:
    source, goal = _LETTERS[layer.name]
    rate = _short(worked.learning_rate)
    for row, column in np.ndindex(layer.weights.shape):
        gradient = layer.gradient[row, column]
        factors = _sum_of_products(layer.entering[row : row + 1], layer.delta[column : column + 1])
        step = f"{_short(layer.weights[row, column])} − {rate}·{_bracketed(gradient)}"
        cells = (
            f"W_{source}{row + 1}{goal}{column + 1}",
            f"{factors} = {_spelled(gradient)}",
            f"{step} = {_spelled(layer.new_weights[row, column])}",
        )
        yield (*cells, _printed(SLIDE_NEW_WEIGHTS[layer.name][row, column])) if with_slides else cells
    for unit, delta in enumerate(layer.delta):
        step = f"{_short(layer.biases[unit])} − {rate}·{_bracketed(delta)}"
        cells = (f"b_{goal}{unit + 1}", _spelled(delta), f"{step} = {_spelled(layer.new_biases[unit])}")
        yield (*cells, "—") if with_slides else cells


def _erratum(worked: WorkedExample, erratum: Erratum) -> tuple[str, ...]:
    printed = erratum.printed if isinstance(erratum.printed, str) else _list(map(_printed, erratum.printed))
    mended = "" if erratum.mended is None else _list(map(_spelled, erratum.mended(worked)))
    right = erratum.right if isinstance(erratum.right, str) else _list(map(_spelled, erratum.right(worked)))
    return str(erratum.slide), erratum.quantity, printed, mended, right, str(erratum.reason)


def _sum_of_products(first: Array, second: Array) -> str:
    return " + ".join(f"{_factor(one)}·{_factor(other)}" for one, other in zip(first, second, strict=True))


def _column(name: str) -> str:
    """A heading of a column."""
    return str(_HEADINGS[name])


def _spelled(value: SupportsFloat) -> str:
    # A gradient of −0 is 0.
    return format_number(float(value) + 0.0, _DIGITS)


def _bracketed(value: SupportsFloat) -> str:
    return f"({_spelled(value)})" if float(value) < 0 else _spelled(value)


def _factor(value: SupportsFloat) -> str:
    """Without zeros at the end, and in brackets where a sign would stand beside a dot."""
    text = format(float(value) + 0.0, _DIGITS).rstrip("0").rstrip(".")
    spelled = format_number(float(text), f".{len(text.partition('.')[2])}f")
    return f"({spelled})" if float(value) < 0 else spelled


def _short(value: SupportsFloat) -> str:
    """Given numbers, and results cut to what a line can hold."""
    return format_number(float(value), ".6g")


def _printed(value: SupportsFloat) -> str:
    """With all the digits that the slides have."""
    return format_number(float(value), ".10g")


def _list(words: Iterable[str]) -> str:
    return "  ".join(words)


def _in_columns(table: _Table) -> list[str]:
    widths = [max(len(row[place]) for row in (table.columns, *table.rows)) for place in range(len(table.columns))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (table.columns, *table.rows)
    ]


def _one_below_the_other(table: _Table) -> list[str]:
    """Rows that are too long for a line: one value a line, each with its heading."""
    lines = []
    width = max(map(len, table.columns))
    for row in table.rows:
        for place, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
            if cell:
                lines.append(f"{'' if place == 0 else '  '}{column.ljust(width)}  {cell}")
        lines.append("")
    return lines
