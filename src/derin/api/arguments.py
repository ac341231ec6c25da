"""Arguments as people and files of settings give them, each of its type before anything is done with it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from derin.core.errors import UnknownNameError, UsageError
from derin.train.config import TrainConfig

_TEXT, _WHOLE, _NUMBER, _MAP = "text", "a whole number", "a number", "settings by name"
_TYPES: dict[str, tuple[type, ...]] = {
    _TEXT: (str,),
    _WHOLE: (int,),
    _NUMBER: (int, float),
    _MAP: (Mapping,),
    "a list": (list, tuple),
    "a path": (str, Path),
    "true or false": (bool,),
}
# What each argument of `derin.api.prepare.prepare` may be; None stands for what is found out.
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "task": (_TEXT,),
    "target": (_TEXT,),
    "weight_column": (_TEXT,),
    "group_column": (_TEXT,),
    "ignore": ("a list",),
    "target_kind": (_TEXT,),
    "kinds": (_MAP,),
    "date_order": (_TEXT,),
    "missing": ("a list",),
    "size": (_WHOLE,),
    "class_weights": (_TEXT, "a list"),
    "label_smoothing": (_NUMBER,),
    "loss_weights": (_MAP,),
    "adversarial": (_TEXT, _NUMBER),
    "model_options": (_MAP,),
    "weights": ("a path",),
    "preprocess": (_TEXT,),
    "finetune": (_TEXT,),
    "reader_options": (_MAP,),
    "inputs": (_MAP,),
    "download": ("true or false",),
}
# Arguments that come as objects in Python and have no form in a file.
_OF_PYTHON = ("data", "config", "progress", "reading_recipe", "download")


def check_arguments(given: Mapping[str, Any]) -> None:
    """Refuses an argument of another type than it has.

    Args:
        given: arguments of `prepare` and settings of `TrainConfig` by name; what has no type of its own here, such as
            a network, is passed over.

    Raises:
        UsageError: naming the argument, what it must be and what came.
        UnknownNameError: a setting that does not exist.

    Example:
        >>> check_arguments({"task": 2})
        Traceback (most recent call last):
        derin.core.errors.UsageError: The argument task must be text; got 2.
    """
    settings = {}
    for name, value in given.items():
        if value is None:
            continue
        wanted = _ARGUMENTS.get(name)
        if wanted is not None and not any(_is(value, kind) for kind in wanted):
            shown = repr(value)
            raise UsageError(f"The argument {name} must be {' or '.join(wanted)}; got {shown[:60]}.")
        if name in _SETTINGS:
            settings[name] = str(value) if name == "plan" and isinstance(value, Path) else value
    TrainConfig.from_json(settings)


def check_names(given: Mapping[str, Any], where: str) -> None:
    """Refuses what a file of settings may not say.

    Args:
        given: settings by name.
        where: the file, as the beginning of a sentence.

    Raises:
        UnknownNameError: a name that is no setting; lists near matches.
    """
    from derin.api.prepare import prepare

    known = {*inspect.signature(prepare).parameters, *_SETTINGS} - {*_OF_PYTHON, "settings"}
    for name in given:
        if name not in known:
            raise UnknownNameError(f"setting of {where}", name, known)


_SETTINGS = frozenset(field.name for field in fields(TrainConfig))


def _is(value: Any, kind: str) -> bool:
    if kind == "a list":
        # Arrays and series are lists too; a text is not.
        return not isinstance(value, str | bytes | Mapping) and (
            isinstance(value, Sequence) or hasattr(value, "__array__")
        )
    if isinstance(value, bool):
        return kind == "true or false"
    return isinstance(value, _TYPES[kind]) or (kind in (_WHOLE, _NUMBER) and _is_scalar(value, kind))


def _is_scalar(value: Any, kind: str) -> bool:
    """Whether it is a number of NumPy, whose kinds are not Python's own."""
    letters = "iu" if kind == _WHOLE else "iuf"
    return getattr(getattr(value, "dtype", None), "kind", "") in tuple(letters) and getattr(value, "shape", None) == ()
