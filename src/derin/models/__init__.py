"""The zoo: networks by name, one family per file, and networks of one's own written down layer by layer."""

from __future__ import annotations

from derin.models.building import build, from_spec
from derin.models.info import ModelInfo, NoOptions
from derin.models.registry import MODELS

__all__ = ["MODELS", "ModelInfo", "NoOptions", "build", "from_spec"]
