"""What a run ran on: versions, processor, devices. Recorded with every run, because bits depend on it."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from derin.version import __version__

# Extra → the module by whose presence it is told.
_EXTRAS = {
    "tensorboard": "tensorboard",
    "pandas": "pandas",
    "onnx": "onnxruntime",
    "hub": "huggingface_hub",
    "umap": "umap",
    "faces": "cryptography",
    "faces-index": "faiss",
    "postgres": "psycopg",
    "audio": "soundfile",
    "video": "av",
}
_PACKAGES = ("numpy", "pillow", "scikit-learn")
_BF16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")  # the last one is Arm's
# What may change the bits of a result, in words. Threads and plan are not here: a resumed run takes them over.
_TELLING = {
    "derin": "Derin",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "python": "Python",
    "machine": "the kind of machine",
    "processor": "the processor",
    "vector_instructions": "the vector instructions",
    "bf16": "the processor's bf16 instructions",
    "device": "the device",
    "device_name": "the device's model",
}


def environment(device: str = "cpu") -> dict[str, Any]:
    """What is known of this machine and installation, as JSON; takes a few milliseconds beside importing PyTorch.

    Args:
        device: where networks are computed: ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.

    Example:
        >>> found = environment()
        >>> found["device"], found["threads"] >= 1
        ('cpu', True)
    """
    import torch

    kind = device.partition(":")[0]
    packages = {name: _version(name) for name in _PACKAGES}
    return {
        "derin": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        **packages,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": _usable_cores(),
        "threads": torch.get_num_threads(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "bf16": _bf16(),
        "device": kind,
        "device_name": torch.cuda.get_device_name(device) if kind == "cuda" and torch.cuda.is_available() else None,
        "cuda": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "cuda_version": torch.version.cuda,
        "mps": torch.backends.mps.is_available(),
        "extras": {extra: importlib.util.find_spec(module) is not None for extra, module in _EXTRAS.items()},
        "DERIN_DATA": os.environ.get("DERIN_DATA"),
        "DERIN_CACHE": os.environ.get("DERIN_CACHE"),
    }


def differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """One sentence for each difference that may change the bits of a result.

    Args:
        recorded: what `environment` gave when the run was started.
        now: what it gives here.

    Example:
        >>> differences({"torch": "2.12.0", "device": "cpu"}, {"torch": "2.13.0", "device": "cpu"})
        ['The run was started with PyTorch 2.12.0 and goes on with 2.13.0; its numbers may differ in the last bits.']
    """
    sentences = []
    for key, words in _TELLING.items():
        before, after = recorded.get(key), now.get(key)
        if before != after:
            sentences.append(
                f"The run was started with {words} {_shown(before)} and goes on with {_shown(after)}; "
                "its numbers may differ in the last bits."
            )
    return sentences


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    return "unknown" if value is None else str(value)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _usable_cores() -> int:
    """How many cores this process may use, which in a container is fewer than there are."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_facts() -> str:
    """What Linux says about the first processor."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return ""


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _cpu_facts(), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _bf16() -> list[str]:
    """The instructions for bf16 that the processor has, where the system tells them."""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _cpu_facts(), re.MULTILINE)
    have = set(found[1].split()) if found else set()
    return [flag for flag in _BF16_FLAGS if flag in have]
