r"""Formulas as one line of text, for the terminal: ``\frac{a}{b}`` becomes ``(a)/(b)``."""

from __future__ import annotations

import re

from derin.explain.trace.mathml import ACCENTS, COMBINING, LETTERS, SIGNS

_INNER = r"\{([^{}]*)\}"
_LARGE = {"sum": "Σ", "prod": "Π"}


def to_text(latex: str) -> str:
    r"""A formula as text.

    Args:
        latex: what `derin.explain.trace.mathml.to_mathml` reads.

    Example:
        >>> to_text(r"y_{ij} = \frac{\partial L}{\partial x} \cdot \sum_{k} a_{ik} b_k")
        'y_ij = (∂ L)/(∂ x) · Σ_k a_ik b_k'
    """
    text = re.sub(r"\\(left|right|limits|displaystyle|[bB]igg?[lr]?)(?![A-Za-z])", "", latex)
    text = re.sub(r"\\(begin|end)\{array\}(\{[^}]*\})?|\\(begin|end)\{\w+\}", " ", text)
    text = text.replace(r"\{", "\x01").replace(r"\}", "\x02").replace(r"\_", "\x03")
    text = re.sub(r"\\\\", "; ", text).replace("&", " ")
    before = None
    while before != text:
        before = text
        text = re.sub(
            rf"\\(?:text|textrm|mathrm|mathbf|boldsymbol|operatorname|mathit|mathbb|mathcal|mbox){_INNER}", r"\1", text
        )
        for name, accent in ACCENTS.items():
            text = re.sub(rf"\\{name}(?:{_INNER}|\s+(\w))", rf"\1\2{COMBINING.get(accent, '')}", text)
        text = re.sub(rf"\\[td]?frac{_INNER}\s*{_INNER}", lambda m: f" {_bracketed(m[1])}/{_bracketed(m[2])} ", text)
        text = re.sub(rf"\\sqrt{_INNER}", r"√(\1)", text)
        text = re.sub(rf"([_^]){_INNER}", lambda m: m[1] + _bracketed(m[2]), text)
    text = text.replace("{", "").replace("}", "").replace("\x01", "{").replace("\x02", "}").replace("\x03", "_")
    text = re.sub(r"\\([A-Za-z]+) ?", _word, text)
    text = re.sub(r"\\[,;:! ]", " ", text)
    return re.sub(r"\s+", " ", text).replace("( ", "(").replace(" )", ")").replace("^ ", "^").strip()


def _bracketed(text: str) -> str:
    return text if re.fullmatch(r"\w*|\\[A-Za-z]+|\w\W?", text.strip()) else f"({text.strip()})"


def _word(match: re.Match[str]) -> str:
    name, after = match[1], match.string[match.end() : match.end() + 1]
    if name in LETTERS:
        return LETTERS[name] + (" " if match[0].endswith(" ") else "")
    if name in _LARGE:
        return _LARGE[name]
    if name in SIGNS:
        return f" {'·' if name == 'cdot' else SIGNS[name]} "
    return name if after in ("_", "^", "(") else f"{name} "
