"""A diagnosis in words: the verdict first, then what the numbers leave open."""

from __future__ import annotations

from derin.core.messages import capital, format_number, translate
from derin.strategy.diagnosis import CANNOT_TELL, NONE, Diagnosis, Part, differences
from derin.strategy.numbers import number_text, tick_text

_NEARLY = 0.75  # of the principal part: from there on another part is worth a word
_SMALL = 0.0095  # below, a tenth of a percent says little


def verdict(diagnosis: Diagnosis) -> str:
    """What is wrong, in one or two sentences.

    Args:
        diagnosis: of numbers or of a run.
    """
    if diagnosis.principal in (NONE, CANNOT_TELL):
        top = max(diagnosis.parts, key=lambda part: part.value)
        words = {"name": translate(f"diagnosis.part_{top.name}"), "part": part_text(diagnosis, top)}
    if diagnosis.principal == NONE:
        return translate("diagnosis.none", **words)
    if diagnosis.principal == CANNOT_TELL:
        sentences = [translate("diagnosis.cannot_tell", **words)]
        if diagnosis.more_examples:
            sentences.append(translate("diagnosis.more_examples", counts=counts_text(diagnosis)))
        sure = diagnosis.worth_work
        if sure is not None:
            name = capital(translate(f"diagnosis.part_{sure.name}"))
            sentences.append(translate("diagnosis.surely", name=name, low=error_text(diagnosis, sure.low)))
        return " ".join(sentences)
    part = diagnosis.part(diagnosis.principal)
    assert part is not None
    more, less = differences(diagnosis.errors)[part.name]
    words = {"part": part_text(diagnosis, part)}
    also = "".join(
        " "
        + translate("diagnosis.also", name=capital(translate(f"diagnosis.part_{p.name}")), part=part_text(diagnosis, p))
        for p in diagnosis.parts
        if p is not part and p.low > 0 and p.value >= _NEARLY * part.value
    )
    if part.name == "avoidable_bias" and diagnosis.reference is None:
        return translate("diagnosis.avoidable_bias_zero", **words) + also
    words |= {"more": _error(diagnosis, more), "less": _error(diagnosis, less)}
    if part.name == "variance":
        words["set"] = translate(f"diagnosis.set_{more}")
    return translate(f"diagnosis.{part.name}", **words) + also


def counts_text(diagnosis: Diagnosis) -> str:
    """About how many more examples of which set would tell."""
    counts = [
        translate("diagnosis.of_set", count=num, set=translate(f"diagnosis.set_{name}"))
        for name, num in diagnosis.more_examples.items()
    ]
    *others, last = counts
    return translate("list.and", first=", ".join(others), last=last) if others else last


def remarks(diagnosis: Diagnosis) -> list[str]:
    """What the numbers leave open, and what another reference would change."""
    found = list(diagnosis.notes)
    reference, train = diagnosis.errors.get("reference"), diagnosis.errors["train"]
    if reference is not None and train.value < reference.value:
        words = {"train": error_text(diagnosis, train.value), "reference": error_text(diagnosis, reference.value)}
        found.append(translate("diagnosis.below_reference", **words))
    for level, principal in diagnosis.otherwise.items():
        value = error_text(diagnosis, diagnosis.levels[level])
        found.append(translate("diagnosis.otherwise", level=level, value=value, principal=principal_name(principal)))
    return found


def principal_name(principal: str) -> str:
    """The name of a part in the reader's language, also where there is none."""
    if principal in (NONE, CANNOT_TELL):
        return translate(f"diagnosis.is_{principal}")
    return translate(f"diagnosis.part_{principal}")


def part_text(diagnosis: Diagnosis, part: Part) -> str:
    """A part with its interval, where it has one."""
    value = error_text(diagnosis, part.value)
    if part.low == part.high:
        return value
    low, high = error_text(diagnosis, part.low), error_text(diagnosis, part.high)
    return translate("diagnosis.with_interval", value=value, low=low, high=high)


def error_text(diagnosis: Diagnosis, value: float) -> str:
    """An error in percent, or in the unit of its metric."""
    if not diagnosis.in_percent:
        return number_text(value)
    return format_number(value, ".2%" if 0 < abs(value) < _SMALL else ".1%")


def tick_of_error(diagnosis: Diagnosis, value: float) -> str:
    """A round error beside an axis."""
    return tick_text("accuracy", value) if diagnosis.in_percent else number_text(value)


def _error(diagnosis: Diagnosis, name: str) -> str:
    return error_text(diagnosis, diagnosis.errors[name].value)
