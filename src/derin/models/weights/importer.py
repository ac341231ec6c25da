"""The one place that reads pickled weights: a process of its own, started as ``python -m … IN OUT``.

`torch.load` runs with ``weights_only``, which refuses every object but tensors and plain containers. What it finds is
written as safetensors, which the process that asked reads with the strict reader; no object crosses over. Memory and
the size of what is written are limited by the size of the file: a small file may claim to hold a huge tensor.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Where trainers keep the weights among other things of theirs; the first that is there counts.
_WRAPPERS = ("state_dict", "net_state_dict", "model")
_SPARE_BYTES = 1 << 30  # memory beside the tensors, which lie there up to three times while they are converted
_COPIES = 3


def plain_tensors(loaded: Any) -> dict[str, Any]:
    """The tensors by name within what a trainer saved.

    Raises:
        ValueError: something other than tensors is among the weights.

    Example:
        >>> import torch
        >>> list(plain_tensors({"epoch": 3, "state_dict": {"module.fc.bias": torch.zeros(2)}}))
        ['fc.bias']
    """
    import torch

    found = loaded
    for name in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    if not isinstance(found, Mapping) or not found:
        raise ValueError("it holds no table of tensors")
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise ValueError(f"{str(name)[:60]!r} is no tensor")
    # nn.DataParallel puts this before every name.
    prefix = "module." if all(name.startswith("module.") for name in found) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in found.items()}


def main(source: str, target: str) -> int:
    """Converts a file; a refusal is one line on stderr and exit code 1."""
    import torch

    from derin.core.tensors import save_tensors

    try:
        loaded = torch.load(source, map_location="cpu", weights_only=True)
        tensors = plain_tensors(loaded)
        save_tensors(Path(target), tensors)
    except Exception as error:  # noqa: BLE001 – whatever a hostile file provokes, the parent gets one line
        sys.stderr.write((str(error).strip() or type(error).__name__).splitlines()[0][:200])
        return 1
    return 0


def limit_resources(file_bytes: int) -> None:
    """Limits this process where the system can: memory beyond what it has now, and the size of files it writes."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return  # Windows and macOS know no such limit
    allowed = pages * resource.getpagesize() + _COPIES * file_bytes + _SPARE_BYTES
    for kind, most in ((resource.RLIMIT_AS, allowed), (resource.RLIMIT_FSIZE, _COPIES * file_bytes + (1 << 20))):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    import torch  # noqa: F401 – its own memory is no part of the limit

    limit_resources(Path(sys.argv[1]).stat().st_size)
    sys.exit(main(*sys.argv[1:]))
