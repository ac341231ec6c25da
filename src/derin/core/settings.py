"""What a person may set: one table from which arguments, options of commands, files of settings and docs are made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from derin.core.errors import UsageError

TEXT, WHOLE, NUMBER, FLAG = "text", "a whole number", "a number", "true or false"
MAP, LIST, PATH, FUNCTION = "settings by name", "a list", "a path", "a function"
NETWORK, CONFIG, ANY = "a network", "a config of its own", "anything"
_TYPES: dict[str, tuple[type, ...]] = {
    TEXT: (str,),
    WHOLE: (int,),
    NUMBER: (int, float),
    MAP: (Mapping,),
    LIST: (list, tuple),
    PATH: (str, Path),
    FLAG: (bool,),
    ANY: (object,),
}
_LONGEST_SHOWN = 60  # letters of a value that is refused


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One thing that may be set.

    Args:
        name: in Python, in files of settings and in run.json.
        help: what it is, in one line.
        kinds: what its value may be, in words; see the constants of this module.
        default: what holds where nothing is said; None where it is found out.
        group: the heading that it stands under.
        flags: its options of the command line; none where it can only be said in Python.
        repeats: whether the option of the command line may come several times.
    """

    name: str
    help: str
    kinds: tuple[str, ...]
    default: Any = None
    group: str = ""
    flags: tuple[str, ...] = ()
    repeats: bool = False

    def check(self, value: Any) -> None:
        """Refuses a value of another kind.

        Raises:
            UsageError: naming the setting, what it must be and what came.
        """
        if value is not None and not any(is_kind(value, kind) for kind in self.kinds):
            wanted = " or ".join(self.kinds)
            raise UsageError(f"The argument {self.name} must be {wanted}; got {repr(value)[:_LONGEST_SHOWN]}.")


def setting(
    default: Any,
    help: str,
    *kinds: str,
    group: str,
    flags: str | None = None,
    repeats: bool = False,
) -> Any:
    """A field of a dataclass that is a `Setting`.

    Args:
        default: of the field.
        help: see `Setting`.
        kinds: see `Setting`.
        group: see `Setting`.
        flags: with a space between them; None is that of the name, and an empty text none.
        repeats: see `Setting`.
    """
    metadata = {"help": help, "kinds": kinds, "group": group, "flags": flags, "repeats": repeats}
    return field(default=default, metadata=metadata)


def settings_of(kind: type[Any]) -> tuple[Setting, ...]:
    """The settings that the fields of a dataclass are.

    Example:
        >>> @dataclass
        ... class Little:
        ...     num_steps: int = setting(3, "Steps.", WHOLE, group="Training")
        >>> settings_of(Little)[0].flags
        ('--num-steps',)
    """
    found = []
    for each in fields(kind):
        about = dict(each.metadata)
        if not about:
            continue
        flags = about.pop("flags")
        named = f"--{each.name.replace('_', '-')}" if flags is None else flags
        found.append(Setting(name=each.name, default=each.default, flags=tuple(named.split()), **about))
    return tuple(found)


def is_kind(value: Any, kind: str) -> bool:
    """Whether a value is what a word of this module says."""
    if kind == FUNCTION:
        return callable(value)
    if kind == NETWORK:
        return callable(getattr(value, "state_dict", None))
    if kind == CONFIG:
        return hasattr(value, "__dataclass_fields__")
    if kind == LIST:
        # Arrays and series are lists too; a text is not.
        return not isinstance(value, str | bytes | Mapping) and (
            isinstance(value, Sequence) or hasattr(value, "__array__")
        )
    if isinstance(value, bool):
        return kind in (FLAG, ANY)
    return isinstance(value, _TYPES[kind]) or (kind in (WHOLE, NUMBER) and _is_scalar(value, kind))


def spelled(value: Any) -> str:
    """The value of an option as `read_options` reads it.

    Example:
        >>> spelled((0.9, 0.999)), spelled(True), spelled(1e-7)
        ('0.9/0.999', 'true', '1e-07')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "/".join(map(spelled, value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def read_value(text: str, usual: Any) -> Any:
    """The value that `spelled` wrote, in the type of a usual one; None where it is none.

    Example:
        >>> read_value("0.9/0.99", (0.5, 0.5)), read_value("true", False), read_value("x", 1.0)
        ((0.9, 0.99), True, None)
    """
    if isinstance(usual, bool):
        return {"true": True, "false": False}.get(text.lower())
    if isinstance(usual, str):
        return text
    if isinstance(usual, tuple):
        parts = tuple(read_value(part, 0.0) for part in text.split("/"))
        return None if None in parts else parts
    try:
        number = float(text)
    except ValueError:
        return None
    if isinstance(usual, int):
        return int(number) if number.is_integer() else None
    return number if math.isfinite(number) else None


def _is_scalar(value: Any, kind: str) -> bool:
    """Whether it is a number of NumPy, whose kinds are not Python's own."""
    letters = "iu" if kind == WHOLE else "iuf"
    return getattr(getattr(value, "dtype", None), "kind", "") in tuple(letters) and getattr(value, "shape", None) == ()
