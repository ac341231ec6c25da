"""Writes report.html: the sections in order, the style, and nothing that has to be loaded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from derin.core.fields import refusing_misfits
from derin.core.files import write_bytes
from derin.core.messages import language, translate
from derin.report import (
    comparing,
    data,
    detection,
    diagnosis,
    examples,
    forecast,
    landmarks,
    learning,
    made_pictures,
    measurements,
    mistakes,
    network,
    other_methods,
    reproduce,
    restoration,
    segmentation,
    summary,
    tagging,
    text_baseline,
    translation,
    word_vectors,
)
from derin.report import language as language_model
from derin.report.html import Html, join, tag
from derin.strategy.numbers import task_name
from derin.strategy.record import RunRecord, read_record
from derin.version import __version__

# No script, no request: whatever a name in the data may hold, the browser does nothing with it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

# The sections that show pieces of the data.
_OF_THE_DATA = frozenset(
    {"examples", "comparing", "segmentation", "detection", "landmarks", "tagging", "translation", "forecast"}
)


def write_report(run: Path, *, pictures: bool = True) -> Path:
    """Writes the report of a run, finished or not, and returns its path.

    Args:
        run: the run's folder.
        pictures: whether examples of the data (pictures, texts, or rows) are embedded.

    Raises:
        UsageError: there is no run.
        RefusedFileError: one of the run's files is damaged.
        StorageError: the report cannot be written.
    """
    with refusing_misfits(f"The run {run}"):
        story = read_record(Path(run))
        page = render(story, pictures=pictures)
    path = story.path / "report.html"
    write_bytes(path, page.encode("utf-8"))
    return path


def render(story: RunRecord, *, pictures: bool = True) -> str:
    """The page as text."""
    name, source = summary.model_name(story), summary.data_name(story)
    title = translate("report.title", model=name, data=source)
    sections = [
        ("result", "summary.heading", summary.result(story)),
        ("made_pictures", "gan.heading", made_pictures.section(story) if pictures else None),
        ("diagnosis", "diagnosis.heading", diagnosis.section(story)),
        ("learning", "curves.heading", learning.learning(story)),
        ("measurements", "metrics.heading", measurements.measurements(story)),
        ("text_baseline", "text_baseline.heading", text_baseline.section(story)),
        ("other_methods", "other_methods.heading", other_methods.section(story)),
        ("language", "language.heading", language_model.section(story)),
        ("restoration", "restore.heading", restoration.section(story, examples=pictures)),
        ("segmentation", "segmentation.heading", segmentation.section(story, examples=pictures)),
        ("detection", "boxes.heading", detection.section(story, examples=pictures)),
        ("landmarks", "points.heading", landmarks.section(story, examples=pictures)),
        ("comparing", "comparing.heading", comparing.section(story, examples=pictures)),
        ("tagging", "tagging.heading", tagging.section(story, examples=pictures)),
        ("translation", "translation.heading", translation.section(story, examples=pictures)),
        ("forecast", "forecast.heading", forecast.section(story, examples=pictures)),
        ("word_vectors", "word-vectors.heading", word_vectors.section(story)),
        ("mistakes", mistakes.heading_key(story), mistakes.mistakes(story)),
        ("examples", "examples.heading", examples.examples(story) if pictures else None),
        ("data", "data.heading", data.data(story, names=pictures)),
        ("network", "network.heading", network.network(story)),
        ("plan", "plan.heading", network.plan(story)),
        ("reproduce", "reproduce.heading", reproduce.reproduce(story)),
    ]
    shown = [(anchor, translate(key), body) for anchor, key, body in sections if body is not None]
    date = str(story.record.get("started", ""))[:16].replace("T", " ")
    subtitle = " · ".join(part for part in (task_name(story.part("task").get("name")), date) if part)
    notice = _notice(story, pictures, {anchor for anchor, _, _ in shown})
    return whole_page(title, subtitle, shown, notice=notice, finished=story.finished)


def whole_page(
    title: str,
    subtitle: str,
    sections: Sequence[tuple[str, str, Html]],
    *,
    notice: Html | None = None,
    finished: bool = True,
) -> str:
    """A page that loads nothing: heading, table of contents and sections.

    Args:
        title: of the page.
        subtitle: beneath it.
        sections: anchor, heading and body of each.
        notice: above the contents.
        finished: whether what it tells of has come to its end.
    """
    navigation = tag(
        "nav",
        *(tag("a", heading, href=f"#{anchor}") for anchor, heading, _ in sections),
        aria_label=translate("report.contents"),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content=f"Derin {__version__}"),
        tag("title", title),
        tag("style", Html(_style())),
    )
    header = tag("header", tag("h1", title), tag("p", subtitle, class_="subtitle"), notice, navigation)
    unfinished = None if finished else tag("p", translate("report.unfinished"), class_="notice")
    bodies = (tag("section", tag("h2", heading), body, id=anchor) for anchor, heading, body in sections)
    footer = tag("footer", translate("report.made_by", version=__version__))
    body = tag("body", header, tag("main", unfinished, *bodies), footer)
    return "<!DOCTYPE html>\n" + tag("html", head, body, lang=language()) + "\n"


def _notice(story: RunRecord, pictures: bool, sections: Collection[str]) -> Html | None:
    """That the page holds pieces of the user's data, or that they were left out."""
    if not pictures:
        return tag("p", translate("report.without_pictures"), class_="notice")
    if _OF_THE_DATA.isdisjoint(sections):
        return None
    key = (
        "report.notice_pictures"
        if "pictures" in story.examples
        or not {"segmentation", "detection", "landmarks", "comparing"}.isdisjoint(sections)
        else "report.notice_rows"
    )
    return tag("p", join([translate(key)]), class_="notice")


def _style() -> str:
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")
