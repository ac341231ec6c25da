r"""Formulas as MathML, which browsers draw by themselves: the part of LaTeX that the formulas of a trace use.

A command that is not known here is refused by name, lest a formula on a page silently lack a sign.
"""

from __future__ import annotations

import re
from html import escape

from derin.core.errors import UsageError

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_&]|\d+(?:\.\d+)?|\s+|.", re.DOTALL)

LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ", "partial": "∂",
    "infty": "∞", "nabla": "∇",
}  # fmt: skip
SIGNS = {
    "cdot": "⋅", "cdots": "⋯", "ldots": "…", "dots": "…", "times": "×", "odot": "⊙", "oslash": "⊘", "star": "⋆",
    "ast": "∗", "circ": "∘", "otimes": "⊗", "oplus": "⊕", "pm": "±", "mp": "∓", "div": "÷", "le": "≤", "leq": "≤",
    "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "equiv": "≡", "sim": "∼", "in": "∈", "notin": "∉",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "gets": "←", "mapsto": "↦", "mid": "∣", "vert": "|", "Vert": "‖",
    "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "lbrace": "{",
    "rbrace": "}", "top": "⊤", "prime": "′", "colon": ":", "land": "∧", "lor": "∨", "neg": "¬", "Leftrightarrow": "⇔",
    "Rightarrow": "⇒", "propto": "∝", "setminus": "∖", "cap": "∩", "cup": "∪", "subset": "⊂", "parallel": "∥",
}  # fmt: skip
_LARGE = {"sum": "∑", "prod": "∏", "int": "∫", "bigoplus": "⨁", "bigcup": "⋃"}
_NAMES = frozenset(
    (
        *(
            "exp",
            "log",
            "ln",
            "sin",
            "cos",
            "tan",
            "arctan",
            "tanh",
            "sinh",
            "cosh",
            "max",
            "min",
            "arg",
            "sign",
            "erf",
        ),
        *("det", "dim", "sup", "inf", "lim", "Pr", "argmax", "argmin"),
    )
)
_UNDER = _NAMES & {"max", "min", "argmax", "argmin", "sup", "inf", "lim"}
_SPACES = {",": "0.17em", ":": "0.22em", ";": "0.28em", "!": "-0.17em", " ": "0.25em", "quad": "1em", "qquad": "2em"}
ACCENTS = {
    "hat": "^",
    "bar": "¯",
    "tilde": "~",
    "vec": "→",
    "dot": "˙",
    "overline": "¯",
    "widehat": "^",
    "widetilde": "~",
}
_NO_BREAK = "\u00a0"  # a space
COMBINING = {"^": "\u0302", "¯": "\u0304", "~": "\u0303", "˙": "\u0307"}  # over a single letter
_FONTS = {"mathrm": "normal", "operatorname": "normal", "mathbf": "bold", "boldsymbol": "bold", "mathit": "italic"}
_TEXTS = frozenset({"text", "textrm", "mbox", "textit", "texttt"})
_ENVIRONMENTS = {
    "cases": ("{", ""), "matrix": ("", ""), "pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "aligned": ("", ""),
    "array": ("", ""),
}  # fmt: skip


def to_mathml(latex: str, *, block: bool = True) -> str:
    r"""A formula as a MathML element.

    Args:
        latex: without dollar signs.
        block: on a line of its own, where sums carry their bounds above and below.

    Raises:
        UsageError: the formula has a command that is not known here, or a brace that is not closed.

    Example:
        >>> to_mathml(r"\frac{a}{2}", block=False)
        '<math><mfrac><mi>a</mi><mn>2</mn></mfrac></math>'
    """
    body = _Parser(latex).whole()
    return f'<math display="block">{body}</math>' if block else f"<math>{body}</math>"


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, latex: str) -> None:
        self._latex = latex
        self._tokens = [token for token in _TOKEN.findall(latex) if not token.isspace()]
        # Words within \text{…} keep their spaces, so they are cut from the formula itself.
        self._starts = [match.start() for match in _TOKEN.finditer(latex) if not match.group().isspace()]
        self._place = 0

    def whole(self) -> str:
        body = self._row(until=())
        if self._place < len(self._tokens):
            raise self._refused(f"has {self._tokens[self._place]!r} without its beginning")
        return body

    def _peek(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _take(self) -> str:
        token = self._peek()
        if token is None:
            raise self._refused("ends too early")
        self._place += 1
        return token

    def _expect(self, token: str) -> None:
        found = self._take()
        if found != token:
            raise self._refused(f"needs {token!r} where {found!r} stands")

    def _refused(self, what: str) -> UsageError:
        return UsageError(f"The formula {self._latex!r} {what}; write it with what derin.explain.trace.mathml knows.")

    def _row(self, until: tuple[str, ...]) -> str:
        parts = []
        while (token := self._peek()) is not None and token not in until and token != "}":
            parts.append(self._scripted())
        return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"

    def _scripted(self) -> str:
        """An atom with what stands below and above it."""
        first = self._peek() or ""
        name = first[1:]
        base = self._atom()
        if name == "operatorname":
            name = re.sub("<[^>]*>", "", base)
        below = above = None
        while (sign := self._peek()) in ("_", "^", "'"):
            self._place += 1
            if sign == "'":
                above = "<mo>′</mo>"
            elif sign == "_":
                below = self._argument()
            else:
                above = self._argument()
        if below is None and above is None:
            return base
        under = name in _LARGE or name in _UNDER
        if below is not None and above is not None:
            element = "munderover" if under else "msubsup"
            return f"<{element}>{base}{below}{above}</{element}>"
        if below is not None:
            element = "munder" if under else "msub"
            return f"<{element}>{base}{below}</{element}>"
        element = "mover" if under else "msup"
        return f"<{element}>{base}{above}</{element}>"

    def _argument(self) -> str:
        if self._peek() == "{":
            self._place += 1
            body = self._row(until=("}",))
            self._expect("}")
            return body
        return self._atom()

    def _raw(self) -> str:
        """What stands between braces, letter by letter."""
        self._expect("{")
        start = self._starts[self._place - 1] + 1
        end = self._latex.find("}", start)
        if end < 0:
            raise self._refused("has a brace that is not closed")
        while self._take() != "}":
            pass
        return self._latex[start:end].replace("\\_", "_").replace("\\ ", " ")

    def _atom(self) -> str:
        token = self._take()
        if token == "{":
            self._place -= 1
            return self._argument()
        if token.startswith("\\"):
            return self._command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{escape(token)}</mi>"
        if token in "_^&}":
            raise self._refused(f"has {token!r} where a sign is required")
        return f'<mo stretchy="false">{escape(token)}</mo>' if token in "()[]|" else f"<mo>{_minus(token)}</mo>"

    def _command(self, name: str) -> str:
        if LETTERS.get(name):
            return f"<mi>{LETTERS[name]}</mi>"
        if name in SIGNS:
            return f"<mo>{escape(SIGNS[name])}</mo>"
        if name in _LARGE:
            return f"<mo>{_LARGE[name]}</mo>"
        if name in _NAMES:
            return f"<mi>{name}</mi>"
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]}"></mspace>'
        if name in ("{", "}", "|", "_", "%", "#", "&"):
            return f"<mo>{'‖' if name == '|' else escape(name)}</mo>"
        if name in ("frac", "tfrac", "dfrac"):
            return f"<mfrac>{self._argument()}{self._argument()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self._argument()}</msqrt>"
        if name in ACCENTS:
            base, accent = self._argument(), ACCENTS[name]
            letter = re.fullmatch(r"<mi>(.)</mi>", base)
            if letter and accent in COMBINING:
                return f"<mi>{letter[1]}{COMBINING[accent]}</mi>"
            return f'<mover accent="true">{base}<mo>{accent}</mo></mover>'
        if name in _FONTS:
            return f'<mi mathvariant="{_FONTS[name]}">{escape(self._raw())}</mi>'
        if name in _TEXTS:
            # Plain spaces at its ends would be dropped.
            return f"<mtext>{escape(self._raw()).replace(' ', _NO_BREAK)}</mtext>"
        if name in ("mathbb", "mathcal"):
            return f"<mi>{escape(self._raw())}</mi>"
        if name == "left":
            return self._fenced()
        if name == "underbrace":
            return f'<munder>{self._argument()}<mo stretchy="true">⏟</mo></munder>'
        if name in ("displaystyle", "limits", "nolimits", "big", "Big", "bigl", "bigr", "Bigl", "Bigr"):
            return ""
        if name == "begin":
            return self._environment()
        raise self._refused(f"has the command \\{name}, which is not known")

    def _fence(self) -> str:
        token = self._take()
        if token == ".":
            return ""
        name = token[1:]
        sign = SIGNS.get(name, name if name in "{}" else "‖" if name == "|" else "") if name else token
        return f'<mo stretchy="true">{escape(sign)}</mo>'

    def _fenced(self) -> str:
        opening = self._fence()
        body = self._row(until=("\\right",))
        self._expect("\\right")
        return f"<mrow>{opening}{body}{self._fence()}</mrow>"

    def _environment(self) -> str:
        name = self._raw()
        if name not in _ENVIRONMENTS:
            raise self._refused(f"has the environment {name}, which is not known")
        if name == "array":
            self._raw()
        rows, cells = [], []
        while True:
            cells.append(self._row(until=("&", "\\\\", "\\end")))
            token = self._take()
            if token == "&":
                continue
            rows.append("".join(f"<mtd>{cell}</mtd>" for cell in cells))
            cells = []
            if token == "\\end":
                break
        if self._raw() != name:
            raise self._refused(f"opens {name} and closes something else")
        table = "<mtable>" + "".join(f"<mtr>{row}</mtr>" for row in rows) + "</mtable>"
        left, right = (f'<mo stretchy="true">{sign}</mo>' if sign else "" for sign in _ENVIRONMENTS[name])
        return f"<mrow>{left}{table}{right}</mrow>"


def _minus(sign: str) -> str:
    return "−" if sign == "-" else escape(sign)
