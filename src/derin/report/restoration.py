"""What a network restored beside the classical method, and the places where it is furthest from the truth."""

from __future__ import annotations

from derin.core.messages import translate
from derin.report.html import Html, join, tag
from derin.report.made_pictures import picture_of
from derin.strategy.numbers import split_name
from derin.strategy.record import RunRecord, is_number

_METHODS = ("non_local_means", "bicubic", "gray", "none")


def section(story: RunRecord, *, examples: bool = True) -> Html | None:
    """The section; None where the run is of another task or found nothing.

    Args:
        story: the run.
        examples: whether pictures of the data are shown.
    """
    found = story.part("findings")
    if story.part("task").get("name") != "restore" or found.get("method") not in _METHODS:
        return None
    if not all(is_number(found.get(name)) for name in ("num", "psnr", "method_psnr")):
        return None
    numbers = {"num": int(found["num"]), "psnr": float(found["psnr"]), "method_psnr": float(found["method_psnr"])}
    method = translate(f"restore.method_{found['method']}")
    told = translate("restore.beside", split=split_name(str(found.get("split"))), method=method, **numbers)
    shown = picture_of(story, "restored", "restore.sheet") if examples else None
    return join([tag("p", told), *([] if shown is None else [shown])])
