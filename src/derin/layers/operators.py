"""Looking on while torch's operators run, below its Python functions: what they draw, what they multiply."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


def passing_through(see: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]) -> AbstractContextManager[Any] | None:
    """Within it, each operator that runs in this thread is handed to a function, which calls it or something else.

    Args:
        see: gets the operator with its arguments and returns what the operator should have given.

    Returns:
        None where torch has no such mode under the name that is known here; it is not promised to stay.

    Example:
        >>> import torch
        >>> names = []
        >>> def see(operator, arguments, options):
        ...     names.append(str(operator))
        ...     return operator(*arguments, **options)
        >>> with passing_through(see):
        ...     _ = torch.ones(2) + 1
        >>> names
        ['aten.ones.default', 'aten.add.Tensor']
    """
    try:
        from torch.utils._python_dispatch import TorchDispatchMode
    except ImportError:
        return None

    class Mode(TorchDispatchMode):
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            """Nothing is compiled here; the default would import torch's compiler, which takes a second."""
            return False

        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            return see(func, args, kwargs or {})

    return Mode()
