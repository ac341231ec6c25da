"""JSON from files that may be damaged or hostile: what the standard reader lets through is refused here."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from derin.core.errors import RefusedFileError
from derin.core.printable import whole_pairs

_MAX_DEPTH = 64
_MAX_DIGITS = 20  # 2⁶⁴ has 20; longer integers overflow wherever they are used
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# Of what `printable` escapes, that which JSON does not escape by itself; outside of strings there is none of it.
_MOVING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse_json(data: bytes, where: str) -> Any:
    """The document that the bytes hold.

    Args:
        data: UTF-8 without a byte order mark.
        where: what is read, for the message.

    Raises:
        RefusedFileError: not UTF-8, not JSON, a name given twice in one object, a number that is not finite or has more
            than 20 digits, a character that is half of a pair, or more than 64 levels of nesting.

    Example:
        >>> parse_json(b'{"a": [1, 2.5, null]}', "example")
        {'a': [1, 2.5, None]}
        >>> parse_json(b"[NaN]", "It")
        Traceback (most recent call last):
        derin.core.errors.RefusedFileError: It is refused: it holds NaN, which is no JSON number; restore it.
    """
    try:
        if _depth(data) > _MAX_DEPTH:
            raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep")
        document = json.loads(
            data.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_integer,
            object_pairs_hook=_unique,
        )
        if _SURROGATE.search(data):
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        problem = "it is not UTF-8 text"
    except json.JSONDecodeError as error:
        problem = f"it is not JSON ({error.msg} at character {error.pos})"
    except (ValueError, RecursionError) as error:
        problem = str(error)
    else:
        return document
    raise RefusedFileError(f"{where} is refused: {problem}; restore it.")


def dump_json(document: Any, *, indent: int | None = None, compact: bool = False) -> bytes:
    """UTF-8 JSON with null in place of NaN and infinities, names in their order.

    What would move a cursor or turn the direction of writing where the document is printed stands as an escape of
    JSON, which readers take back; a half of a pair, which no reader has to accept, as `printable.whole_pairs` has it.

    Example:
        >>> dump_json({"loss": float("nan"), "name": "ağ", "file": "caf\\udce9"}).decode()
        '{"loss": null, "name": "ağ", "file": "caf\\\\\\\\xe9"}'
    """
    separators = (",", ":") if compact else None
    text = json.dumps(_plain(document), ensure_ascii=False, indent=indent, separators=separators, allow_nan=False)
    if not text.isascii() or "\x7f" in text:
        text = _MOVING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text.encode("utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return whole_pairs(value)
    if isinstance(value, dict):
        return {whole_pairs(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _depth(data: bytes) -> int:
    """The deepest nesting, found without parsing, so that no stack can run out."""
    depth = deepest = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"it holds {text}, which is no JSON number")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds the number {text[:20]}, which is too large")
    return number


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise ValueError(f"it holds an integer of {len(text)} digits")
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the name {twice[:40]!r} is given twice in one object")
    return found
