"""`derin.load`."""

from __future__ import annotations

from derin.data.load import load

__all__ = ["load"]
