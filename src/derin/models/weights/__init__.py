"""Published weights: known files, readers that run no code, and names mapped by explicit rules."""

from __future__ import annotations

from derin.models.weights.published import Published, load_published

__all__ = ["Published", "load_published"]
