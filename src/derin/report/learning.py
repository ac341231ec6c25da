"""The curves, and of two networks against each other which is ahead."""

from __future__ import annotations

from collections.abc import Mapping

from derin.core.messages import capital, format_number, translate
from derin.report.charts import Series, line_chart
from derin.report.html import Html, join, tag
from derin.strategy.making import making_sentences
from derin.strategy.numbers import is_share, metric_name, metric_text, split_name, tick_text
from derin.strategy.record import RunRecord, is_number


def learning(story: RunRecord) -> Html | None:
    """Loss, headline and learning rate over the epochs; of two networks that play a game, who is ahead."""
    if not story.history:
        return None
    epochs = {line.get("epoch") for line in story.history}
    made = [] if story.monitor else making_sentences(story)
    heading = translate("flow.heading" if story.part("task").get("name") == "flow" else "gan.ahead")
    words = tag("div", tag("h3", heading), *map(_paragraph, made), class_="words") if made else None
    if len(epochs) < 2:
        return join([tag("p", translate("curves.one_epoch"), class_="quiet"), words])
    charts = [_losses(story), _headline(story), *_running(story), _rate(story)]
    return join([words, tag("div", *charts, _running_note(story), class_="charts")])


def _paragraph(sentence: str) -> Html:
    return tag("p", sentence)


def _losses(story: RunRecord) -> Html | None:
    running = story.curve("running", "loss")
    series = [
        Series(translate("curves.running"), "running", running),
        Series(split_name("train"), "train", story.curve("train", "loss")),
        Series(split_name("val"), "val", story.curve("val", "loss")),
    ]
    return _chart(story, series, "loss", from_zero=True)


def _headline(story: RunRecord) -> Html | None:
    name = story.monitor
    if name in ("loss", ""):
        return None
    series = [Series(split_name(split), split, story.curve(split, name)) for split in ("train", "val")]
    return _chart(story, series, name)


def _running(story: RunRecord) -> list[Html | None]:
    """What else the task gave to the log while training: shares on one chart, losses on another."""
    names = [str(name) for name in story.history[-1].get("running") or {} if name != "loss"]
    groups = [[n for n in names if is_share(n)], [n for n in names if not is_share(n)]]
    styles = ("train", "val", "rate", "running")
    return [
        _chart(
            story,
            [
                Series(metric_name(name), styles[place % len(styles)], story.curve("running", name))
                for place, name in enumerate(group)
            ],
            group[0],
            # One line needs no legend, and stands under its name.
            title=translate("curves.shares" if is_share(group[0]) else "curves.losses") if group[1:] else None,
        )
        for group in groups
        if group
    ]


def _chart(
    story: RunRecord, series: list[Series], metric: str, *, from_zero: bool = False, title: str | None = None
) -> Html | None:
    if not any(s.points for s in series):
        return None
    best = _best_epoch(story)

    def spelled(value: float) -> str:
        return metric_text(metric, value)

    return line_chart(
        series,
        title=capital(metric_name(metric) if title is None else title),
        x_label=translate("curves.epoch"),
        format_number=spelled,
        spell_tick=lambda value: tick_text(metric, value),
        hover=_hover,
        mark=None if best is None else (best, translate("curves.best", epoch=best)),
        from_zero=from_zero,
    )


def _rate(story: RunRecord) -> Html | None:
    """The learning rate, where it changed."""
    points = [
        (float(line["epoch"]), float(line["learning_rate"]))
        for line in story.history
        if is_number(line.get("learning_rate")) and is_number(line.get("epoch"))
    ]
    if len({rate for _, rate in points}) < 2:
        return None
    return line_chart(
        [Series(translate("curves.rate"), "rate", points)],
        title=capital(translate("curves.rate")),
        x_label=translate("curves.epoch"),
        format_number=lambda value: format_number(value, ".3g"),
        spell_tick=lambda value: format_number(value, ".3g"),
        hover=_hover,
    )


def _hover(epoch: float, series: str, value: str) -> str:
    return translate("curves.point", epoch=int(epoch), series=series, value=value)


def _best_epoch(story: RunRecord) -> int | None:
    """The epoch whose state was kept."""
    best = story.record.get("best_epoch")
    if not is_number(best):
        kept = [line.get("epoch") for line in story.history if line.get("best") is True and "val" in line]
        best = kept[-1] if kept else None
    return int(best) if is_number(best) and "val" in story.metrics else None


def _running_note(story: RunRecord) -> Html | None:
    """What the curve of the running loss is, with what is at work only while training."""
    if not story.monitor or not story.curve("running", "loss"):
        return None
    at_work = [translate(f"curves.with_{name}") for name, is_on in _only_in_training(story).items() if is_on]
    how = translate("curves.at_work", what=", ".join(at_work)) if at_work else ""
    return tag("p", translate("curves.running_meaning", how=how), class_="quiet beside")


def _only_in_training(story: RunRecord) -> dict[str, bool]:
    options, layers = story.part("model", "spec", "options"), story.part("model").get("layers")
    kinds = [str(row.get("kind")) for row in layers if isinstance(row, Mapping)] if isinstance(layers, list) else []
    return {
        "augmentation": bool(story.record.get("augmentation")),
        "dropout": any("drop" in name and value for name, value in options.items())
        or any("drop" in kind.lower() for kind in kinds),
        "smoothing": bool(story.part("task").get("label_smoothing")),
        "adversarial": bool(story.part("adversarial")),
    }
