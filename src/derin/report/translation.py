"""What searching a trained translator found: BLEU, whose fault its mistakes are, sentences, and where it looked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.messages import translate
from derin.report.html import Html, join, table, tag
from derin.strategy.numbers import count_text, split_name
from derin.strategy.record import RunRecord, is_number

_CELL, _MOST_PIECES, _LETTER = 22, 32, 7.2
_ACROSS = 2  # letters that fit across a cell; longer pieces are written upright
_MOST_EXAMPLES, _MOST_LETTERS = 24, 400


def section(story: RunRecord, *, examples: bool = True) -> Html | None:
    """The section; None where the run is of another task or found nothing."""
    found = story.part("findings")
    if story.part("task").get("name") != "translation" or not found:
        return None
    parts = [_scores(found), _by_length(found), _blame(found)]
    if examples:
        parts += [_examples(found), _alignments(found)]
    return join(parts) if any(part is not None for part in parts) else None


def _scores(found: Mapping[str, Any]) -> Html | None:
    if not all(is_number(found.get(name)) for name in ("num_sentences", "beam_size", "length_power")):
        return None
    note = translate(
        "translation.measured",
        count=int(found["num_sentences"]),
        split=split_name(str(found.get("split"))),
        beam=int(found["beam_size"]),
        alpha=float(found["length_power"]),
    )
    rows = []
    for name in ("greedy", "beam", "lookup"):
        part = found.get(name)
        if isinstance(part, Mapping) and all(is_number(part.get(key)) for key in ("bleu", "chrf", "exact_match")):
            rows.append(
                [
                    translate(f"translation.{name}", beam=int(found["beam_size"])),
                    f"{part['bleu']:.2f}",
                    f"{part['chrf']:.2f}",
                    f"{part['exact_match']:.1%}",
                ]
            )
    if not rows:
        missing = found.get("note")
        return tag("p", note, " ", str(missing) if missing else "")
    head = [translate(f"translation.{key}") for key in ("search", "bleu", "chrf", "exact")]
    beam = found.get("beam")
    signature = beam.get("bleu_signature") if isinstance(beam, Mapping) else None
    return join(
        [
            tag("p", note),
            table(head, rows, numeric=(1, 2, 3)),
            _lookup_wins(found),
            tag("p", str(signature), class_="quiet") if signature else None,
        ]
    )


def _lookup_wins(found: Mapping[str, Any]) -> Html | None:
    """A sentence where the network translates worse than the training pairs do by themselves."""
    parts = [part if isinstance(part := found.get(name), Mapping) else {} for name in ("beam", "lookup")]
    bleu, lookup = (part.get("bleu") for part in parts)
    if not is_number(bleu) or not is_number(lookup) or float(bleu) >= float(lookup):
        return None
    return tag("p", translate("translation.lookup_wins", bleu=float(bleu), lookup=float(lookup)), class_="notice")


def _by_length(found: Mapping[str, Any]) -> Html | None:
    bins = found.get("by_length")
    if not isinstance(bins, list):
        return None
    rows = [
        [f"{part['from']}–{part['to']}", count_text(part["num"]), f"{part['bleu']:.1f}"]
        for part in bins
        if isinstance(part, Mapping) and all(is_number(part.get(key)) for key in ("from", "to", "num", "bleu"))
    ]
    if len(rows) < 2:
        return None
    head = [translate(f"translation.{key}") for key in ("words", "sentences", "bleu")]
    return join([tag("h3", translate("translation.by_length")), table(head, rows, numeric=(1, 2))])


def _blame(found: Mapping[str, Any]) -> Html | None:
    blame = found.get("blame")
    if not isinstance(blame, Mapping):
        return None
    counts, shares = blame.get("counts"), blame.get("shares")
    if not isinstance(counts, Mapping) or not isinstance(shares, Mapping):
        return None
    if not all(is_number(counts.get(n)) for n in ("none", "search", "model")):
        return None
    if not all(is_number(shares.get(n)) for n in ("search", "model")):
        return None
    rows = [[translate("translation.none"), count_text(counts["none"]), ""]] + [
        [translate(f"translation.fault_{name}"), count_text(counts[name]), f"{shares[name]:.1%}"]
        for name in ("search", "model")
    ]
    head = [translate(f"translation.{key}") for key in ("fault", "sentences", "share")]
    larger = "search" if shares["search"] > shares["model"] else "model"
    wrong = counts["search"] + counts["model"]
    advice = translate(f"translation.advice_{larger}", share=float(shares[larger])) if wrong else None
    return join(
        [
            tag("h3", translate("translation.blame")),
            tag("p", translate("translation.blame_note"), class_="quiet"),
            table(head, rows, numeric=(1, 2)),
            tag("p", advice) if advice else None,
        ]
    )


def _examples(found: Mapping[str, Any]) -> Html | None:
    examples = found.get("examples")
    if not isinstance(examples, list):
        return None
    rows = []
    for example in examples[:_MOST_EXAMPLES]:
        if isinstance(example, Mapping) and all(isinstance(example.get(k), str) for k in _TEXTS):
            cells = [str(example[key])[:_MOST_LETTERS] for key in _TEXTS]
            score = example.get("chrf")
            rows.append([*cells, f"{score:.0f}" if is_number(score) else "", _fault(example.get("fault"))])
    if not rows:
        return None
    head = [translate(f"translation.{key}") for key in ("source", "reference", "said", "chrf", "fault")]
    return join([tag("h3", translate("translation.examples")), table(head, rows, numeric=(3,))])


_TEXTS = ("source", "reference", "beam")


def _fault(name: Any) -> str:
    """The fault in one word: what stands before the colon in the table of faults."""
    return translate(f"translation.fault_{name}").split(":")[0] if name in ("search", "model") else "–"


def _alignments(found: Mapping[str, Any]) -> Html | None:
    pictures = found.get("alignments")
    drawn = [svg for picture in pictures if (svg := _picture(picture))] if isinstance(pictures, list) else []
    if not drawn:
        return None
    return join(
        [
            tag("h3", translate("translation.alignments")),
            tag("p", translate("translation.alignments_note"), class_="quiet"),
            tag("div", *drawn, class_="charts"),
        ]
    )


def _picture(picture: Any) -> Html | None:
    """The weights as squares, rows for what was said, columns for what was read."""
    if not isinstance(picture, Mapping):
        return None
    source, target, weights = (picture.get(name) for name in ("source", "target", "weights"))
    if not (isinstance(source, list) and isinstance(target, list) and isinstance(weights, list)):
        return None
    square = len(weights) == len(target) and all(isinstance(r, list) and len(r) == len(source) for r in weights)
    if not square or not 0 < max(len(source), len(target)) <= _MOST_PIECES:
        return None
    if not all(is_number(value) for row in weights for value in row):
        return None
    read, said = ([str(piece).strip() or "␣" for piece in pieces] for pieces in (source, target))
    left = 12 + _LETTER * max(map(len, said))
    longest = max(map(len, read))
    upright = longest > _ACROSS
    top = 12 + _LETTER * longest if upright else 24
    parts: list[Html] = []
    for column, piece in enumerate(read):
        middle = left + (column + 0.5) * _CELL
        if upright:
            place = f"translate({middle + 4:.1f} {top - 6:.1f}) rotate(-90)"
            parts.append(tag("text", piece, transform=place, class_="tick"))
        else:
            parts.append(tag("text", piece, x=middle, y=top - 6, class_="tick middle"))
    for row, piece in enumerate(said):
        parts.append(tag("text", piece, x=left - 6, y=top + (row + 0.5) * _CELL + 4, class_="tick end"))
        for column, value in enumerate(weights[row]):
            hover = translate("translation.cell", said=piece, read=read[column], weight=float(value))
            strength = f"fill-opacity:{min(max(float(value), 0.0), 1.0):.2f}"
            parts.append(
                tag(
                    "rect",
                    tag("title", hover),
                    x=left + column * _CELL + 0.5,
                    y=top + row * _CELL + 0.5,
                    width=_CELL - 1,
                    height=_CELL - 1,
                    class_="cell right",
                    style=strength,
                )
            )
    width, height = left + _CELL * len(read) + 6, top + _CELL * len(said) + 6
    label = translate("translation.alignments")
    svg = tag(
        "svg",
        *parts,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        role="img",
        aria_label=label,
        style=f"max-width:{width:.0f}px",
    )
    return tag("figure", svg, class_="matrix", style=f"flex-basis:{width:.0f}px")
