"""Charts as inline SVG: lines over epochs, a matrix, dots, bars. Colors are those of the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from derin.report.html import Html, join, tag

_WIDTH, _HEIGHT = 520, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 14, 42
_LADDER_WIDTH, _RUNG = 760, 40
_LINE = 14  # between two lines of small print
_LOG_RATIO = 20  # a loss that falls further than this is drawn on a logarithmic scale
_DOTS_UP_TO = 60  # epochs
_AXIS_GAP = 130  # least room between two axes that stand side by side
_NAMES_OF_AN_AXIS = 10

Spell = Callable[[float], str]
SpellCell = Callable[[str, str, int, float], str]


@dataclass(frozen=True)
class Series:
    """A line: its name, its class in the style sheet, and its points."""

    name: str
    style: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Scale:
    """From values to places along one side of a drawing."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high = (math.log(v) if self.logarithmic else v for v in (self.low, self.high))
        share = ((math.log(value) if self.logarithmic else value) - low) / ((high - low) or 1)
        return self.start + share * (self.end - self.start)


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two values.

    Example:
        >>> nice_ticks(0.03, 0.97)
        [0.2, 0.4, 0.6, 0.8]
    """
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two values, fewer where there are many.

    Example:
        >>> log_ticks(0.03, 2.5)
        [0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for multiples in ((1, 2, 5), (1,)):
        ticks = [round(m * 10.0**p, 12) for p in powers for m in multiples if low <= m * 10.0**p <= high]
        if len(ticks) <= 7:
            return ticks
    return ticks[:: -(-len(ticks) // 6)]


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    format_number: Spell,
    spell_tick: Spell,
    hover: Callable[[float, str, str], str],
    mark: tuple[float, str] | None = None,
    from_zero: bool = False,
    whole: bool = True,
) -> Html:
    """Lines over epochs, with a legend and a vertical mark.

    Args:
        series: the lines; those without points are left out.
        title: what is drawn, above the chart.
        x_label: beneath it.
        format_number: writes a value.
        spell_tick: writes a round value beside the axis.
        hover: writes what a point says: its place along, the line's name, its value written out.
        mark: a place along and what is there.
        from_zero: whether the scale begins at 0 where it is not logarithmic.
        whole: whether places along are whole numbers.
    """
    series = [s for s in series if s.points]
    xs = [x for s in series for x, _ in s.points]
    ys = [y for s in series for _, y in s.points]
    logarithmic = from_zero and min(ys) > 0 and max(ys) / min(ys) > _LOG_RATIO
    low, high = (min(ys), max(ys)) if logarithmic or not from_zero else (min(0, *ys), max(ys))
    if high == low:
        low, high = low - (abs(low) or 1) * 0.05, high + (abs(high) or 1) * 0.05
    if logarithmic:
        low, high = low / 1.15, high * 1.15
    elif not from_zero:
        low, high = low - (high - low) * 0.05, high + (high - low) * 0.05
    else:
        high += (high - low) * 0.05
    across = Scale(min(xs), max(xs), _LEFT, _WIDTH - _RIGHT)
    up = Scale(low, high, _HEIGHT - _BOTTOM, _TOP, logarithmic)
    parts = [
        _frame(
            across,
            up,
            (_whole_ticks if whole else nice_ticks)(min(xs), max(xs)),
            log_ticks(low, high) if logarithmic else None,
            spell_tick,
        )
    ]
    parts.append(_label(x_label, (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6))
    if mark is not None and min(xs) <= mark[0] <= max(xs):
        place = across(mark[0])
        line = tag("line", x1=place, x2=place, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="mark")
        parts.append(tag("g", line, tag("title", mark[1])))
    for s in series:
        path = " ".join(f"{'L' if i else 'M'}{across(x):.1f} {up(y):.1f}" for i, (x, y) in enumerate(s.points))
        parts.append(tag("path", d=path, class_=f"line {s.style}"))
        shown = "dot" if len(s.points) <= _DOTS_UP_TO else "dot unseen"
        parts += [
            tag(
                "circle",
                tag("title", hover(x, s.name, format_number(y))),
                cx=across(x),
                cy=up(y),
                r=3,
                class_=f"{shown} {s.style}",
            )
            for x, y in s.points
        ]
    legend = [] if len(series) == 1 else [tag("span", tag("i", class_=f"swatch {s.style}"), s.name) for s in series]
    if mark is not None:
        legend.append(tag("span", tag("i", class_="swatch mark"), mark[1]))
    return tag("figure", tag("figcaption", tag("b", title), tag("span", *legend, class_="legend")), _svg(parts, title))


def heat_map(
    counts: Sequence[Sequence[int]], names: Sequence[str], *, true: str, predicted: str, hover: SpellCell
) -> Html:
    """A confusion matrix: right and wrong answers in two colors, darker where the share of the row is larger."""
    num = len(names)
    cell = max(16.0, min(52.0, 440 / num))
    widest = max(_text_width(_short(name)) for name in names)
    slanted = widest > cell
    left, top = widest + 30, (widest * 0.72 if slanted else 6) + 30
    size = cell * num
    parts = [
        _label(predicted, left + size / 2, 13),
        tag("text", true, transform=f"translate(12 {top + size / 2:.0f}) rotate(-90)", class_="label middle"),
    ]
    for i, name in enumerate(names):
        middle = (i + 0.5) * cell
        parts.append(tag("text", _short(name), x=left - 6, y=top + middle + 4, class_="tick end"))
        place = f"translate({left + middle + (4 if slanted else 0):.1f} {top - 6:.1f})"
        turn = " rotate(-45)" if slanted else ""
        style = "tick" if slanted else "tick middle"
        parts.append(tag("text", _short(name), transform=place + turn, class_=style))
    for i, row in enumerate(counts):
        whole = sum(row)
        for j, count in enumerate(row):
            share = count / whole if whole else 0.0
            # The root keeps rare confusions visible; a cell that is not empty is never quite white.
            strength = 0.0 if not count else 0.08 + 0.92 * math.sqrt(share)
            style = "right" if i == j else "wrong"
            rectangle = tag(
                "rect",
                x=left + j * cell + 0.5,
                y=top + i * cell + 0.5,
                width=cell - 1,
                height=cell - 1,
                rx=2,
                class_=f"cell {style}" if count else "cell",
                style=f"fill-opacity:{strength:.2f}" if count else None,
            )
            number = None
            if count and cell > 20 and _text_width(str(count)) < cell:
                shade = "strong" if strength > 0.55 else "weak"
                number = tag(
                    "text", count, x=left + (j + 0.5) * cell, y=top + (i + 0.5) * cell + 4, class_=f"count {shade}"
                )
            parts.append(tag("g", rectangle, number, tag("title", hover(names[i], names[j], count, share))))
    width, height = left + size + (widest * 0.75 if slanted else 8), top + size + 6
    return tag(
        "figure",
        _svg(parts, f"{true} / {predicted}", width, height, natural=True),
        class_="matrix",
        style=f"flex-basis:{width:.0f}px",
    )


def scatter(
    points: Sequence[tuple[float, float]],
    *,
    x_label: str,
    y_label: str,
    format_number: Spell,
    hover: Callable[[float, float], str],
) -> Html:
    """Dots, with the line on which both numbers are equal."""
    values = [v for point in points for v in point]
    low, high = min(values), max(values)
    room = (high - low) * 0.04 or abs(low) or 1.0
    low, high = low - room, high + room
    across, up = Scale(low, high, _LEFT, _WIDTH - _RIGHT), Scale(low, high, _HEIGHT - _BOTTOM + 60, _TOP)
    parts = [
        _frame(across, up, nice_ticks(low, high), None, format_number),
        tag("line", x1=across(low), y1=up(low), x2=across(high), y2=up(high), class_="mark"),
        *(
            tag("circle", tag("title", hover(x, y)), cx=across(x), cy=up(y), r=3, class_="dot cloud val")
            for x, y in points
        ),
        _label(x_label, (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT + 54),
    ]
    return tag("figure", tag("figcaption", tag("b", y_label)), _svg(parts, y_label, _WIDTH, _HEIGHT + 60))


def histogram(
    values: Sequence[float], *, title: str, format_number: Spell, hover: Callable[[str, str, int], str]
) -> Html:
    """How often values of each size occur; a mark stands at zero."""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    num_bins = max(5, min(40, round(math.sqrt(len(values)) * 1.5)))
    width = (high - low) / num_bins
    counts = [0] * num_bins
    for value in values:
        counts[min(int((value - low) / width), num_bins - 1)] += 1
    across, up = Scale(low, high, _LEFT, _WIDTH - _RIGHT), Scale(0, max(counts) * 1.05, _HEIGHT - _BOTTOM, _TOP)
    parts = [_frame(across, up, nice_ticks(low, high), None, format_number, spell_up=lambda v: f"{v:g}")]
    edges = [low + i * width for i in range(num_bins + 1)]
    for (start, end), count in zip(pairwise(edges), counts):
        box = tag(
            "rect",
            tag("title", hover(format_number(start), format_number(end), count)),
            x=across(start) + 0.5,
            y=up(count),
            width=max(1.0, across(end) - across(start) - 1),
            height=up(0) - up(count),
            class_="bar",
        )
        parts.append(box)
    if low < 0 < high:
        parts.append(tag("line", x1=across(0), x2=across(0), y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="mark"))
    parts.append(_label(title, (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6))
    return tag("figure", tag("figcaption", tag("b", title)), _svg(parts, title))


@dataclass(frozen=True)
class Dot:
    """A point of a chart: its place, its class in the style sheet, and what it says."""

    x: float
    y: float
    style: str
    says: str


def dot_chart(
    dots: Sequence[Dot],
    *,
    title: str,
    x_label: str,
    spell_x: Spell,
    spell_y: Spell,
    names: Sequence[str] = (),
    logarithmic: bool = False,
    line: Sequence[tuple[float, float]] = (),
    levels: Sequence[tuple[float, str]] = (),
) -> Html:
    """Dots, with steps and horizontal levels where there are some.

    Args:
        dots: in the order in which they are drawn.
        title: above the chart.
        x_label: beneath it.
        spell_x, spell_y: write round values beside the axes.
        names: of the places 0, 1, … along, where these are no numbers.
        logarithmic: whether the scale along is.
        line: places of a line of steps, from left to right.
        levels: values with a name each, drawn all the way across.
    """
    xs, ys = [dot.x for dot in dots], [*(dot.y for dot in dots), *(value for value, _ in levels)]
    low, high = min(ys), max(ys)
    room = (high - low) * 0.06 or abs(low) * 0.05 or 1.0
    up = Scale(low - room, high + room, _HEIGHT - _BOTTOM, _TOP)
    if names:
        across = Scale(-0.5, len(names) - 0.5, _LEFT, _WIDTH - _RIGHT)
        ticks: list[float] = []
    else:
        first, last = min(xs), max(xs)
        if logarithmic:
            across = Scale(first / 1.2, last * 1.2, _LEFT, _WIDTH - _RIGHT, logarithmic=True)
            ticks = log_ticks(across.low, across.high)
        else:
            side = (last - first) * 0.04 or abs(first) * 0.05 or 1.0
            across = Scale(first - side, last + side, _LEFT, _WIDTH - _RIGHT)
            ticks = nice_ticks(across.low, across.high)
    parts = [_frame(across, up, ticks, None, spell_x, spell_up=spell_y)]
    parts += [
        tag("text", _short(name), x=across(i), y=up.start + 18, class_="tick middle") for i, name in enumerate(names)
    ]
    named: list[tuple[float, list[str]]] = []  # from the top; names that would cover each other share a line
    for value, says in sorted(levels, reverse=True):
        level = tag("line", x1=across.start, x2=across.end, y1=up(value), y2=up(value), class_="mark")
        parts.append(tag("g", level, tag("title", says)))
        if named and up(value) - named[-1][0] < _LINE:
            named[-1][1].append(says)
        else:
            named.append((up(value), [says]))
    parts += [tag("text", ", ".join(these), x=across.end, y=y - 5, class_="tick end") for y, these in named]
    if line:
        start, *rest = line
        path = f"M{across(start[0]):.1f} {up(start[1]):.1f}"
        path += "".join(f" H{across(x):.1f} V{up(y):.1f}" for x, y in rest)
        parts.append(tag("path", d=path, class_="line train"))
    parts += [
        tag("circle", tag("title", dot.says), cx=across(dot.x), cy=up(dot.y), r=4, class_=f"dot {dot.style}")
        for dot in dots
    ]
    parts.append(_label(x_label, (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6))
    return tag("figure", tag("figcaption", tag("b", title)), _svg(parts, title))


@dataclass(frozen=True)
class Axis:
    """One axis of `parallel_chart`.

    Args:
        name: above it.
        low, high: the values at its foot and its head.
        spell: writes a round value beside it.
        names: of the places 0, 1, …, where these are no numbers.
        logarithmic: whether its scale is.
    """

    name: str
    low: float
    high: float
    spell: Spell
    names: Sequence[str] = ()
    logarithmic: bool = False

    def ticks(self) -> list[tuple[float, str]]:
        """Round values with their words; of many names the ends."""
        if self.names:
            places = range(len(self.names)) if len(self.names) <= _NAMES_OF_AN_AXIS else (0, len(self.names) - 1)
            return [(float(place), _short(self.names[place])) for place in places]
        if self.low == self.high:
            return [(self.low, self.spell(self.low))]
        values = (log_ticks if self.logarithmic else nice_ticks)(self.low, self.high)
        return [(value, self.spell(value)) for value in values]


@dataclass(frozen=True)
class Strand:
    """A line across the axes of `parallel_chart`.

    Args:
        values: its place on each axis; None where it has none.
        style: its class in the style sheet.
        says: what it says when it is pointed at.
        opacity: from 0 to 1.
    """

    values: Sequence[float | None]
    style: str
    says: str
    opacity: float = 1.0


def parallel_chart(axes: Sequence[Axis], strands: Sequence[Strand], *, title: str) -> Html:
    """Parallel coordinates: every line crosses each axis where its value lies.

    Args:
        axes: two or more, from left to right.
        strands: in the order in which they are drawn.
        title: above the chart.

    Source: A. Inselberg, "The plane with parallel coordinates", The Visual Computer 1, 1985.
    """
    words = [axis.ticks() for axis in axes]
    left = max(_text_width(text) for _, text in words[0]) + 14
    gap = max(_AXIS_GAP, *(max(_text_width(text) for _, text in told) + 40 for told in words))
    gap = max(gap, *(_text_width(_short(axis.name)) + 12 for axis in axes))
    half = _text_width(_short(axes[-1].name)) / 2
    width = max(left, _text_width(_short(axes[0].name)) / 2) + gap * (len(axes) - 1) + half + 8
    start = width - half - 8 - gap * (len(axes) - 1)
    top, bottom = _TOP + 22, _HEIGHT - _TOP
    across = [start + place * gap for place in range(len(axes))]
    up = [Scale(axis.low, axis.high, bottom - 6, top + 6, axis.logarithmic) for axis in axes]
    parts = []
    for strand in strands:
        path, begins = "", True
        for x, scale, value in zip(across, up, strand.values, strict=True):
            if value is None:
                begins = True
                continue
            path += f" {'M' if begins else 'L'}{x:.1f} {scale(value):.1f}"
            begins = False
        faint = f"stroke-opacity:{strand.opacity:.2f}"
        parts.append(
            tag("path", tag("title", strand.says), d=path[1:], class_=f"line strand {strand.style}", style=faint)
        )
    for axis, x, scale, told in zip(axes, across, up, words):
        parts.append(tag("line", x1=x, x2=x, y1=top, y2=bottom, class_="axis"))
        parts.append(tag("text", tag("title", axis.name), _short(axis.name), x=x, y=_TOP + 4, class_="label middle"))
        for value, text in told:
            parts.append(tag("text", text, x=x - 6, y=scale(value) + 4, class_="tick end haloed"))
    return tag("figure", tag("figcaption", tag("b", title)), _svg(parts, title, width, _HEIGHT, natural=True))


def bars(shares: Sequence[tuple[str, float]], *, title: str, spell: Spell) -> Html:
    """Horizontal bars of shares of a whole, one beneath the other, with their names and values."""
    left, line = max(_text_width(_short(name)) for name, _ in shares) + 12, 30
    along = Scale(0.0, max(max(share for _, share in shares), 1e-9), left, _WIDTH - 60)
    parts = []
    for i, (name, share) in enumerate(shares):
        middle = i * line + line / 2
        parts.append(tag("text", _short(name), x=left - 8, y=middle + 4, class_="tick end"))
        parts.append(tag("rect", x=left, y=middle - 9, width=along(share) - left, height=18, rx=3, class_="bar"))
        parts.append(tag("text", spell(share), x=along(share) + 8, y=middle + 4, class_="label"))
    return tag("figure", tag("figcaption", tag("b", title)), _svg(parts, title, _WIDTH, len(shares) * line))


def interval_strip(value: float, low: float, high: float, format_number: Spell, title: str) -> Html:
    """A value and its interval on a short scale around them."""
    room = max(high - low, abs(value) * 0.01, 1e-9) * 0.6
    start, end = low - room, high + room
    scale = Scale(start, end, 10, 290)
    parts = [
        tag("line", x1=10, x2=290, y1=16, y2=16, class_="axis"),
        tag("line", x1=scale(low), x2=scale(high), y1=16, y2=16, class_="whisker"),
        tag("circle", cx=scale(value), cy=16, r=6, class_="dot val"),
        *(tag("text", format_number(bound), x=scale(bound), y=38, class_="tick middle") for bound in (low, high)),
    ]
    return _svg(parts, title, 300, 44, natural=True)


@dataclass(frozen=True)
class Rung:
    """A number of a `ladder`, and the step that leads to it from the rung before.

    Args:
        name: beside it.
        value, low, high: the number and its interval.
        step: what the step is called; empty where nothing leads here.
        is_marked: whether the step is the one to look at.
    """

    name: str
    value: float
    low: float
    high: float
    step: str = ""
    is_marked: bool = False


def ladder(rungs: Sequence[Rung], *, title: str, format_number: Spell, spell_tick: Spell) -> Html:
    """Numbers one below the other on one scale, with their intervals, and the steps from each to the next.

    Args:
        rungs: from the top.
        title: above the drawing.
        format_number: writes a value.
        spell_tick: writes a round value below the scale.
    """
    left = max(_text_width(rung.name) for rung in rungs) + 20
    high = max(max(rung.high, rung.value) for rung in rungs) * 1.02 or 1.0
    low = min(0.0, *(rung.low for rung in rungs))
    # Room at the right for the name of a step that begins at the far end of the scale.
    right = max(_text_width(rung.step) for rung in rungs) + 16
    end = _LADDER_WIDTH - right
    across, bottom = Scale(low, high, left, end), _RUNG * len(rungs) + 6
    parts = []
    for tick in nice_ticks(low, high):
        parts.append(tag("line", x1=across(tick), x2=across(tick), y1=6, y2=bottom, class_="grid"))
        parts.append(tag("text", spell_tick(tick), x=across(tick), y=bottom + 18, class_="tick middle"))
    for place, rung in enumerate(rungs):
        y, x = (place + 0.5) * _RUNG + 6, across(rung.value)
        parts.append(tag("text", rung.name, x=left - 12, y=y + 4, class_="label end"))
        if rung.step:
            before = across(rungs[place - 1].value)
            style = "step marked" if rung.is_marked else "step"
            parts.append(tag("line", x1=before, x2=before, y1=y - _RUNG, y2=y, class_="fall"))
            parts.append(tag("line", x1=before, x2=x, y1=y, y2=y, class_=style))
            far = max(before, x, across(rung.high)) + 12
            parts.append(tag("text", rung.step, x=far, y=y + 4, class_="label strong" if rung.is_marked else "tick"))
        if rung.high > rung.low:
            parts.append(tag("line", x1=across(rung.low), x2=across(rung.high), y1=y, y2=y, class_="whisker"))
        hover = f"{rung.name}: {format_number(rung.value)}"
        parts.append(tag("circle", tag("title", hover), cx=x, cy=y, r=5, class_="dot val"))
    return _svg(parts, title, _LADDER_WIDTH, bottom + 26, natural=True)


def _frame(
    across: Scale,
    up: Scale,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float] | None,
    format_number: Spell,
    spell_up: Spell | None = None,
) -> Html:
    """Axes with ticks and faint lines."""
    parts = []
    for tick in y_ticks if y_ticks is not None else nice_ticks(up.low, up.high):
        place = up(tick)
        parts.append(tag("line", x1=across.start, x2=across.end, y1=place, y2=place, class_="grid"))
        parts.append(tag("text", (spell_up or format_number)(tick), x=across.start - 8, y=place + 4, class_="tick end"))
    whole = all(float(tick).is_integer() for tick in x_ticks)
    for tick in x_ticks:
        written = f"{tick:g}" if whole and abs(tick) < 10_000 else format_number(tick)
        parts.append(tag("text", written, x=across(tick), y=up.start + 18, class_="tick middle"))
    parts.append(tag("line", x1=across.start, x2=across.end, y1=up.start, y2=up.start, class_="axis"))
    return join(parts)


def _whole_ticks(low: float, high: float) -> list[float]:
    """Ticks at whole epochs."""
    return sorted({float(round(tick)) for tick in nice_ticks(low, high, 8)} | {low})


def _label(text: str, x: float, y: float) -> Html:
    return tag("text", text, x=x, y=y, class_="label middle")


def _svg(
    parts: Sequence[Html], title: str, width: float = _WIDTH, height: float = _HEIGHT, *, natural: bool = False
) -> Html:
    """A drawing that fills its place, or one that is never larger than it was made."""
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        role="img",
        aria_label=title,
        style=f"max-width:{width:.0f}px" if natural else None,
    )


def _short(name: str) -> str:
    return name if len(name) <= 16 else name[:15] + "…"


def _text_width(text: str) -> float:
    """About how wide 12 px text is."""
    return 6.6 * len(text) + 4
