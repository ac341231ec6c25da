"""What a run that goes on from weights of others took over, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.messages import translate

_MODES = ("head", "full", "freeze", "gradual")


def tuning_text(tuning: Mapping[str, Any]) -> str | None:
    """Which weights a run goes on from, what of the network learns and why; None for a run that began afresh.

    Args:
        tuning: ``finetune`` of ``run.json``.

    Example:
        >>> import os; os.environ["DERIN_LANG"] = "en"
        >>> tuning_text({"mode": "freeze:2", "reason": "", "weights": {"source": "mobilenet"}})
        'Going on from mobilenet: the first 2 layer groups stay, the others learn.'
        >>> del os.environ["DERIN_LANG"]
    """
    weights = tuning.get("weights")
    name, _, count = str(tuning.get("mode")).partition(":")
    if not isinstance(weights, Mapping) or not weights.get("source") or name not in _MODES:
        return None
    part = "frozen_head" if name == "head" and not tuning.get("features_computed_once") else name
    rates = [float(group["rate"]) for group in tuning.get("groups") or ()]
    if name == "full" and rates:
        part = "full_gently"
    how = translate(
        f"finetune.how_{part}", count=int(count) if count.isdecimal() else 0, share=f"{min(rates, default=1):g}"
    )
    if tuning.get("reason"):
        how += f" – {tuning['reason']}"
    licence = f" ({weights['license']})" if weights.get("license") else ""
    return translate("finetune.starts", weights=f"{weights['source']}{licence}", how=how)
