"""What is wrong with a run and what to do next: the ladder of errors, the verdict, and the commands to try."""

from __future__ import annotations

from derin.core.messages import translate
from derin.report.charts import Rung, ladder
from derin.report.html import Html, join, tag
from derin.strategy.diagnosis import Diagnosis, differences
from derin.strategy.diagnosis_text import error_text, part_text, remarks, tick_of_error, verdict
from derin.strategy.record import RunRecord
from derin.strategy.run_diagnosis import curve_sentences, diagnosis_of


def section(story: RunRecord) -> Html | None:
    """The diagnosis of a run; None where its networks have no error, or nothing was measured yet."""
    if not story.monitor or not story.metrics:
        return None
    found = diagnosis_of(story)
    if found is None:
        return tag("p", translate("fit.no_validation"))
    return join(
        [
            tag("p", verdict(found), class_="verdict"),
            _ladder(found),
            *(tag("p", sentence) for sentence in curve_sentences(story)),
            *(tag("p", sentence, class_="quiet") for sentence in remarks(found)),
            _remedies(found),
        ]
    )


def _ladder(found: Diagnosis) -> Html:
    """Reference, training, training-dev, dev and test on one scale, and between them the parts of the error."""
    steps = {more: name for name, (more, _) in differences(found.errors).items()}
    rungs = []
    for place, error in found.errors.items():
        part = found.part(steps.get(place, ""))
        name = f"{translate(f'diagnosis.set_{place}')}  {error_text(found, error.value)}"
        step = "" if part is None else f"{translate(f'diagnosis.part_{part.name}')} {part_text(found, part)}"
        rungs.append(
            Rung(
                name,
                error.value,
                error.low,
                error.high,
                step,
                part is not None and part.name == found.principal,
            )
        )
    return tag(
        "div",
        ladder(
            rungs,
            title=translate("diagnosis.ladder"),
            format_number=lambda value: error_text(found, value),
            spell_tick=lambda value: tick_of_error(found, value),
        ),
    )


def _remedies(found: Diagnosis) -> Html | None:
    if not found.suggestions:
        return None
    items = (tag("li", each.why, tag("pre", tag("code", each.command))) for each in found.suggestions)
    return join([tag("h3", translate("remedy.heading")), tag("ol", *items, class_="remedies")])
