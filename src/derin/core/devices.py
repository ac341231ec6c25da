"""The device on which numbers are computed, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derin.core.errors import UsageError

if TYPE_CHECKING:
    import torch


def device_named(name: str) -> torch.device:
    """The device that was asked for, checked; ``auto`` takes an accelerator where there is one."""
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
        if device.type == "meta":
            raise RuntimeError("it holds no numbers.")
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"The device {name!r} cannot be used here: {reason} Use --device cpu or auto.") from error
    return device
