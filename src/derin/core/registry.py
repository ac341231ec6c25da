"""Names to things: explicit, typed, lazy tables that answer an unknown name with near matches."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar, cast

from derin.core.errors import UnknownNameError, UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """A table from names to things that are imported when they are first asked for.

    Args:
        kind: what the names stand for, used in messages (``"model"``).
        table: name → ``"package.module:attribute"``.

    Example:
        >>> codecs = Registry("codec", {"json": "json:dumps"})
        >>> codecs["json"]([1, 2])
        '[1, 2]'
        >>> "yaml" in codecs
        False
    """

    def __init__(self, kind: str, table: Mapping[str, str]) -> None:
        self.kind = kind
        self._targets: dict[str, str] = dict(table)
        self._loaded: dict[str, T] = {}

    def add(self, name: str, thing: T) -> None:
        """Registers a thing of one's own; a name that exists is refused."""
        if name in self:
            raise UsageError(f"The {self.kind} name {name!r} is registered already; choose another name.")
        self._loaded[name] = thing

    def __getitem__(self, name: str) -> T:
        if not isinstance(name, str):
            raise UnknownNameError(self.kind, repr(name), self)
        if name not in self._loaded:
            if name not in self._targets:
                raise UnknownNameError(self.kind, name, self)
            module, _, attribute = self._targets[name].partition(":")
            self._loaded[name] = cast(T, getattr(importlib.import_module(module), attribute))
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._targets or name in self._loaded)

    def __iter__(self) -> Iterator[str]:
        yield from self._targets
        yield from (name for name in self._loaded if name not in self._targets)

    def __len__(self) -> int:
        return sum(1 for _ in self)
