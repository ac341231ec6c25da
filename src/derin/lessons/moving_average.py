"""Exponentially weighted averages over daily temperatures, with bias correction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from derin.api.load import load
from derin.core.errors import DataError, UsageError
from derin.core.library_settings import data_folder
from derin.core.seeds import generator
from derin.data.schema import Kind
from derin.data.table import Dense
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, COLORS, GRAY, INK, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text

Floats = npt.NDArray[np.float64]

# Hourly measurements at Beijing's airport, 2010 to 2014. S. X. Chen, "Beijing PM2.5", UCI Machine Learning Repository,
# doi:10.24432/C5JS49.
_BEIJING, _BEIJING_COLUMN, _HOURS = "timeseries/pollution.csv", "TEMP", 24
_COURSE_BETA = 0.98


@dataclass(frozen=True, kw_only=True)
class MovingAverageOptions:
    """Options of the lesson.

    Args:
        series: a generated year, which is alike everywhere, or what was measured in Beijing from 2010 on, for which
            DERIN_DATA must have timeseries/pollution.csv.
        file: a CSV file with temperatures of your own, instead.
        column: of that file.
        per_day: how many of its rows make a day, whose mean is taken.
        days: how many of them are averaged and drawn.
        betas: one average for each.
        seed: of the generated year.
    """

    series: Literal["generated", "beijing"] = "generated"
    file: str | None = None
    column: str = "temperature"
    per_day: int = 1
    days: int = 365
    betas: tuple[float, ...] = (0.5, 0.9, 0.98)
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("moving-average", "per_day", self.per_day, 1, 100_000)
        require_range("moving-average", "days", self.days, 2, 100_000)
        if not self.betas:
            raise UsageError("moving-average.betas must hold at least one β; got none. Write betas=[0.9].")
        for beta in self.betas:
            require_range("moving-average", "betas", beta, 0.0, 0.99999)


def averages(values: Floats, beta: float, *, corrected: bool = True) -> Floats:
    """vₜ = β vₜ₋₁ + (1 − β) θₜ from v₀ = 0, divided by 1 − βᵗ where corrected.

    Example:
        >>> averages(np.array([10.0, 20.0]), 0.5, corrected=False).tolist(), averages(np.array([10.0]), 0.5).tolist()
        ([5.0, 12.5], [10.0])
    """
    found, value = np.empty_like(values), 0.0
    for day, theta in enumerate(values, start=1):
        value = beta * value + (1 - beta) * theta
        found[day - 1] = value / (1 - beta**day) if corrected else value
    return found


def generated_year(num_days: int, seed: int) -> Floats:
    """Degrees Celsius day by day: 18 − 10 cos(2π(d − 15)/365) + w_d, with weather w_d = 0.6 w_{d−1} + 2.4 ε_d.

    ε are independent standard normal numbers. Winter is coldest in the middle of January, and a warm day is often
    followed by another.
    """
    noise = generator(seed, "temperatures").standard_normal(num_days)
    weather, values = 0.0, np.empty(num_days)
    for day in range(num_days):
        weather = 0.6 * weather + 2.4 * noise[day]
        values[day] = 18 - 10 * math.cos(2 * math.pi * (day - 15) / 365) + weather
    return values


def temperatures(options: MovingAverageOptions) -> tuple[str, Floats]:
    """Where the days come from, and their temperatures."""
    if options.file is not None:
        return options.file, daily(options.file, options.column, options.per_day, options.days)
    if options.series == "generated":
        return str(Text("a generated year", "üretilmiş bir yıl")), generated_year(options.days, options.seed)
    folder = data_folder()
    if folder is None or not (folder / _BEIJING).is_file():
        where = "DERIN_DATA is not set" if folder is None else f"{folder} has none"
        raise DataError(
            f"moving-average: series=beijing reads {_BEIJING} of DERIN_DATA; {where}. Set it, or use file=…."
        )
    source = Text("Beijing, daily means from 1 January 2010", "Pekin, 1 Ocak 2010'dan başlayan günlük ortalamalar")
    return str(source), daily(folder / _BEIJING, _BEIJING_COLUMN, _HOURS, options.days)


def daily(path: str | Path, column: str, per_day: int, num_days: int) -> Floats:
    """The daily means of a column of a CSV file.

    Raises:
        DataError: there is no such column of numbers, too few rows, or a value is missing.
    """
    table = load(path)
    known = [c.name for c in table.schema.columns if c.kind is Kind.NUMBER]
    if column not in known:
        raise DataError(f"{path} has no column of numbers named {column!r}; it has {', '.join(known)}.")
    data = table[column]
    assert isinstance(data, Dense)
    values = np.asarray(data.values, dtype=np.float64)[: per_day * num_days]
    whole = len(values) // per_day
    if whole < 2 or not np.isfinite(values).all():
        raise DataError(
            f"{path}, column {column!r}: an average needs at least two days of {per_day} rows without missing values; "
            f"got {len(values)} rows, {int((~np.isfinite(values)).sum())} of them without a value."
        )
    return values[: whole * per_day].reshape(whole, per_day).mean(axis=1)


def run(options: MovingAverageOptions) -> Outcome:
    """Averages one series with several β, and shows what the correction does in the first days."""
    source, days = temperatures(options)
    span = Text(
        "β = {beta:g}: about the last {days:.0f} days; the day {days:.0f} days ago has {left:.0%} of today's weight",
        "β = {beta:g}: yaklaşık son {days:.0f} gün; {days:.0f} gün öncesinin ağırlığı bugünkünün {left:.0%}'(s)i",
    )
    rows = []
    lines = [Text("Temperatures: {source}", "Sıcaklıklar: {source}").fill(source=source)]
    for beta in options.betas:
        memory = 1 / (1 - beta)
        rows.append({"beta": beta, "days": memory, "left": beta**memory, "last": float(averages(days, beta)[-1])})
        lines.append(span.fill(**rows[-1]))
    first, second = (1 - _COURSE_BETA) * _COURSE_BETA, 1 - _COURSE_BETA
    whole = 1 - _COURSE_BETA**2
    corrected = float(averages(days, _COURSE_BETA)[1])
    plain = float(averages(days, _COURSE_BETA, corrected=False)[1])
    lines.append(
        Text(
            "Day 2, β = 0.98: v₂ = {first:.4f} θ₁ + {second:.2f} θ₂ = {plain:.3f} °C, far too near to 0; "
            "divided by 1 − β² = {whole:.4f}: {corrected:.3f} °C",
            "2. gün, β = 0,98: v₂ = {first:.4f} θ₁ + {second:.2f} θ₂ = {plain:.3f} °C, 0'a fazla yakın; "
            "1 − β² = {whole:.4f} ile bölününce: {corrected:.3f} °C",
        ).fill(first=first, second=second, plain=plain, whole=whole, corrected=corrected)
    )
    numbers = {
        "source": source,
        "averages": rows,
        "day2": {
            "theta": [float(days[0]), float(days[1])],
            "weights": [first, second],
            "divisor": whole,
            "plain": plain,
            "corrected": corrected,
        },
    }
    return Outcome(numbers=numbers, lines=tuple(lines), pictures={"temperatures.png": draw(days, options.betas)})


def draw(days: Floats, betas: tuple[float, ...]) -> bytes:
    """The days with their averages, and the first weeks with and without correction."""
    figure = new_figure(9.0, 3.6)
    left, right = figure.subplots(1, 2, width_ratios=[5, 3])
    along = np.arange(1, len(days) + 1)
    left.plot(along, days, ".", color=GRAY, markersize=3, label=str(Text("day", "gün")))
    for beta, color in zip(betas, COLORS[1:2] + COLORS[0:1] + COLORS[2:]):
        left.plot(along, averages(days, beta), color=color, linewidth=1.6, label=f"β = {beta:g}")
    day, degrees = Text("day", "gün"), Text("temperature, °C", "sıcaklık, °C")
    style(left, title=str(Text("Averages", "Ortalamalar")), x_label=str(day), y_label=str(degrees))
    legend(left, loc="best")

    beta, weeks = max(betas), slice(0, min(len(days), 60))
    right.plot(along[weeks], days[weeks], ".", color=GRAY, markersize=4)
    right.plot(
        along[weeks],
        averages(days, beta, corrected=False)[weeks],
        color=ORANGE,
        linestyle="--",
        label=str(Text("without correction, from 0", "düzeltmesiz, 0'dan")),
    )
    right.plot(along[weeks], averages(days, beta)[weeks], color=BLUE, label=str(Text("corrected", "düzeltilmiş")))
    right.axhline(0, color=INK, linewidth=0.6)
    first_days = Text("The first days, β = {beta:g}", "İlk günler, β = {beta:g}")
    style(right, title=first_days.fill(beta=beta), x_label=str(day))
    legend(right, loc="best")
    return png(figure)


LESSON = Lesson(
    name="moving-average",
    rows=("B2",),
    title=Text("Exponentially weighted averages", "Üstel ağırlıklı ortalamalar"),
    about=Text(
        "Each day's average is β of yesterday's and 1 − β of today's temperature. It remembers about 1/(1 − β) days: "
        "older ones have less than 1/e of today's weight. The larger β, the smoother the curve and the later it "
        "follows. Since it begins at 0, its first values are too small; division by 1 − βᵗ mends that. Momentum, "
        "RMSprop and Adam average gradients in this way.",
        "Her günün ortalaması, dünkü ortalamanın β katı ile bugünkü sıcaklığın 1 − β katının toplamıdır. Yaklaşık "
        "1/(1 − β) günü hatırlar: daha eskilerin ağırlığı bugünkünün 1/e'sinden azdır. β büyüdükçe eğri düzleşir ve "
        "gecikir. 0'dan başladığı için ilk değerleri küçük kalır; 1 − βᵗ ile bölmek bunu düzeltir. Momentum, RMSprop "
        "ve Adam gradyanların ortalamasını böyle alır.",
    ),
    formula=r"v_t = \beta\, v_{t-1} + (1-\beta)\, \theta_t, \qquad \hat v_t = \frac{v_t}{1-\beta^t}, \qquad "
    r"\hat v_2 = \frac{0.0196\,\theta_1 + 0.02\,\theta_2}{0.0396} \ (\beta = 0.98)",
    run=run,
    options=MovingAverageOptions,
)
