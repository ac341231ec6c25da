"""What Derin says of pictures that are painted and dreamed, in English."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "painting.step": "step {step:,}",
    "painting.steps": "steps",
    "painting.total": "total cost",
    "painting.content": "α · content",
    "painting.style": "β · style",
    "painting.roughness": "γ · roughness",
    "painting.answer": "what the layers answer",
    "painting.wrote": "{width} × {height} pixels in {path}.",
    "painting.wrote_strip": "How it came about: {path}.",
    "painting.costs": "Total cost {before} → {after}; content {content}, style {style} "
    "(1: nothing of it is there, 0: all of it).",
    "painting.dreamed": "{num:,} {num:=octave|octaves}; the layers answered {before} at the first step and "
    "{after} at the last.",
}
