"""How the names of published weights become the names of a model of this zoo: by rules that stand written down."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class KeyMap:
    r"""One naming scheme of published weights and its rules.

    Args:
        scheme: who names tensors so: ``"torchvision"``, ``"timm"``, …
        rules: pairs of a regular expression for a whole foreign name and its replacement (``\1`` stands for the first
            group); the first that fits counts.
        unused: regular expressions for foreign names that are known and carry nothing that the model needs, such as
            the running count of a batch norm.

    Example:
        >>> names = KeyMap("torchvision", rules=((r"fc\.(.*)", r"output.\1"),), unused=(r".*num_batches_tracked",))
        >>> names.translate("fc.weight"), names.translate("bn1.num_batches_tracked"), names.translate("head.bias")
        ('output.weight', '', None)
    """

    scheme: str
    rules: tuple[tuple[str, str], ...]
    unused: tuple[str, ...] = ()

    def translate(self, name: str) -> str | None:
        """Our name for a foreign one; ``""`` where it is known and not needed, None where no rule knows it."""
        for pattern, replacement in self._rules:
            if found := pattern.fullmatch(name):
                return found.expand(replacement)
        return "" if any(pattern.fullmatch(name) for pattern in self._unused) else None

    def knows(self, names: Iterable[str]) -> bool:
        """Whether every one of these foreign names is known."""
        return all(self.translate(name) is not None for name in names)

    @cached_property
    def _rules(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple((re.compile(pattern), replacement) for pattern, replacement in self.rules)

    @cached_property
    def _unused(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern) for pattern in self.unused)
