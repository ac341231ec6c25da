"""What the data was: columns, counts, and everything that was noticed while reading it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from derin.core.messages import capital, translate
from derin.report.html import Html, folded, join, table, tag
from derin.strategy.assumptions import localized
from derin.strategy.numbers import count_text, shape_text, split_name
from derin.strategy.record import SPLITS, RunRecord, is_number
from derin.strategy.split_sizes import split_reasons

_MAX_LINES = 200  # of a table; a report of a million findings would help nobody
_OPEN_UP_TO = 30


def data(story: RunRecord, *, names: bool) -> Html | None:
    """The section on the data.

    Args:
        names: whether files and rows are named, or only counted.
    """
    if not story.part("data"):
        return None
    return join(
        [
            _source(story),
            *(tag("p", _localized(story, note)) for note in _list(story, "notes")),
            _counts(story),
            _duplicates(story, names),
            _findings(story, names),
            _columns(story),
        ]
    )


def _source(story: RunRecord) -> Html:
    found = story.part("data")
    source, fingerprint = found.get("source"), found.get("fingerprint")
    rows = [
        [capital(translate("data.source")), tag("code", source) if source else translate("value.missing")],
        [capital(translate("data.fingerprint")), tag("code", str(fingerprint or "")[:16] + "…")],
    ]
    return tag("dl", *(tag("div", tag("dt", key), tag("dd", value)) for key, value in rows))


def _counts(story: RunRecord) -> Html | None:
    """Examples by class and split."""
    counts = {s: c for s, c in story.part("data", "reading", "counts").items() if isinstance(c, Mapping)}
    splits = [s for s in SPLITS if s in counts] or [s for s in SPLITS if is_number(story.part("data", "splits").get(s))]
    if not splits:
        return None
    sizes = story.part("data", "splits")
    classes = list(dict.fromkeys(str(name) for s in splits for name in counts.get(s, {})))
    head = [translate("class.name"), *(split_name(s) for s in splits), translate("data.total")]
    named = [name for name in classes if name]
    rows = []
    for name in named[:_MAX_LINES]:
        numbers = [counts.get(s, {}).get(name, 0) for s in splits]
        rows.append([name, *(count_text(n) for n in numbers), count_text(sum(n for n in numbers if is_number(n)))])
    if len(named) > _MAX_LINES:
        rows.append([translate("list.more", count=len(named) - _MAX_LINES), *[""] * (len(splits) + 1)])
    totals = [sizes.get(s, sum(n for n in counts.get(s, {}).values() if is_number(n))) for s in splits]
    foot = [
        capital(translate("data.total")),
        *(count_text(n) for n in totals),
        count_text(sum(n for n in totals if is_number(n))),
    ]
    if not named:
        head[0] = ""
    whole = {split: float(size) for split, size in zip(splits, totals) if is_number(size)}
    reasons = split_reasons(whole, tells_shares=story.part("task").get("headline") == "accuracy")
    counted = table(head, rows, numeric=range(1, len(head)), foot=foot)
    return join(
        [
            _foldable(translate("data.counts"), counted, len(rows)),
            *(tag("p", reason, class_="quiet") for reason in reasons),
        ]
    )


def _duplicates(story: RunRecord, names: bool) -> Html | None:
    groups = [g for g in _list(story, "duplicates") if isinstance(g, Mapping)]
    if not groups:
        return None
    leaks = [g for g in groups if len({str(s) for s in g.get("splits", [])}) > 1]
    num_groups, num_leaks = _total(story, "num_duplicates", len(groups)), _total(story, "leaks", len(leaks))
    parts: list[Any] = [tag("p", translate("data.duplicates", count=num_groups))]
    if leaks:
        parts.append(tag("p", translate("data.leaks", count=num_leaks), class_="warning"))
        if names:
            lines = [
                tag(
                    "li",
                    tag("code", ", ".join(map(str, g.get("names", [])))),
                    " ",
                    translate("data.in_splits", splits=", ".join(split_name(s) for s in SPLITS if s in g["splits"])),
                )
                for g in leaks[:_MAX_LINES]
            ]
            if num_leaks > len(lines):
                lines.append(tag("li", translate("list.more", count=num_leaks - len(lines))))
            parts.append(
                folded(translate("list.more", count=len(lines)), tag("ul", *lines))
                if len(lines) > 10
                else tag("ul", *lines)
            )
    return join(parts)


def _findings(story: RunRecord, names: bool) -> Html:
    """Each exception with its reason, grouped where it came often."""
    findings = [f for f in _list(story, "findings") if isinstance(f, Mapping)]
    heading = tag("h3", translate("data.findings"))
    if not findings:
        return join([heading, tag("p", translate("data.no_findings"), class_="quiet")])
    often: Counter[tuple[str, str]] = Counter()
    for f in findings:
        # One finding may stand for many lines of a file.
        often[str(f.get("outcome")), str(f.get("reason"))] += _count(f)
    summary = table(
        [translate("data.outcome"), translate("data.reason"), translate("data.how_often")],
        [
            [_outcome(outcome), _localized(story, reason), count_text(num)]
            for (outcome, reason), num in often.most_common(_MAX_LINES)
        ],
        numeric=(2,),
    )
    if not names:
        return join([heading, summary])
    rows = [
        [tag("code", f.get("where")), _outcome(str(f.get("outcome"))), _localized(story, f.get("reason"))]
        for f in findings[:_MAX_LINES]
    ]
    if len(findings) > _MAX_LINES:
        rows.append([translate("list.more", count=sum(map(_count, findings[_MAX_LINES:]))), "", ""])
    each = table([translate("data.where"), translate("data.outcome"), translate("data.reason")], rows)
    return join([heading, summary, folded(capital(translate("data.where")), each)])


def _total(story: RunRecord, name: str, listed: int) -> int:
    """A number of the record, which lists some of what it counts."""
    number = story.part("data", "reading").get(name)
    return max(number, listed) if isinstance(number, int) else listed


def _count(finding: Mapping[str, Any]) -> int:
    number = finding.get("count", 1)
    return number if isinstance(number, int) else 1


def _columns(story: RunRecord) -> Html | None:
    """What each column means."""
    schema = story.part("data").get("schema")
    columns = [c for c in schema if isinstance(c, Mapping)] if isinstance(schema, list) else []
    if not columns:
        return None
    head = [translate(f"data.{name}") for name in ("column", "kind", "role", "shape", "note")]
    rows = [
        [
            c.get("name"),
            c.get("kind"),
            c.get("role"),
            shape_text(c.get("shape")),
            _localized(story, c.get("note")),
        ]
        for c in columns
    ]
    return _foldable(translate("data.columns"), table(head, rows[:_MAX_LINES]), len(rows))


def _foldable(heading: str, body: Html, num_rows: int) -> Html:
    return folded(heading, body) if num_rows > _OPEN_UP_TO else join([tag("h3", heading), body])


def _outcome(outcome: str) -> str:
    return translate(f"data.{outcome}") if outcome in ("skipped", "converted", "noted") else outcome


def _localized(story: RunRecord, text: Any) -> str:
    return localized(story.record, text)


def _list(story: RunRecord, name: str) -> list[Any]:
    found = story.part("data", "reading").get(name)
    return found if isinstance(found, list) else []
