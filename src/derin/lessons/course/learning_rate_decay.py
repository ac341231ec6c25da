"""Learning rates that fall: the schedules' numbers, and why a noisy slope asks for one."""

from __future__ import annotations

import random

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_EPOCHS = 60
_DRAWS = random.Random(5)
_NOISE = tuple(round(_DRAWS.gauss(0, 1.5), 2) for _ in range(_EPOCHS + 1))

LESSON = CourseLesson(
    name="learning-rate-decay",
    area="B",
    rows=("B4",),
    title=Text("Learning-rate decay", "Öğrenme oranının azalması"),
    goals=(
        Text(
            "Compute the rate of any epoch under four schedules.",
            "Dört çizelgede herhangi bir epokun oranını hesaplamak.",
        ),
        Text(
            "Say why a constant rate does not come to rest on mini-batches.",
            "Sabit oranın mini yığınlarla neden durulmadığını söylemek.",
        ),
    ),
    story=(
        Text(
            "A rate begins at $\\alpha_0$ and falls with the epoch $t$. **Inverse**: $\\alpha_0/(1 + k "
            "t)$ with the decay $k$. **Exponential**: $\\alpha_0\\, q^t$. **Staircase**: halved every "
            "$T/3$ epochs. **Cosine**: half a wave, down to 0 at $T$.",
            "Oran $\\alpha_0$'dan başlar ve $t$ epoku ile düşer. **Ters**: $\\alpha_0/(1 + k t)$; azalma "
            "$k$. **Üstel**: $\\alpha_0\\, q^t$. **Basamaklı**: her $T/3$ epokta yarıya iner. "
            "**Kosinüs**: yarım dalga, $T$'de 0'a iner.",
        ),
        Text(
            "Why? Slopes of mini-batches are noisy. A weight $w$ on the loss $w^2/2$ sees $w + n$ "
            "instead of its slope $w$, where $n$ is the luck of the batch. A constant rate lets it "
            "jitter for ever; a falling one lets the noise average out. Below, $w$ has the constant rate "
            "$\\alpha_0$ and $x$ the inverse schedule, with the same luck.",
            "Neden? Mini yığınların eğimleri gürültülüdür. $w^2/2$ kaybındaki bir $w$ ağırlığı, $w$ "
            "eğimi yerine $w + n$ görür; $n$ yığının şansıdır. Sabit oran onu sonsuza dek titretir; "
            "düşen oranda gürültü ortalanıp gider. Aşağıda $w$ sabit $\\alpha_0$ oranıyla, $x$ ters "
            "çizelgeyle gider; şansları aynıdır.",
        ),
    ),
    question=Question(
        text=Text(
            "The rate is constant and each slope is noisy. Where is the weight after very many steps?",
            "Oran sabit, her eğim gürültülü. Çok uzun süre sonra ağırlık nerededir?",
        ),
        choices=(
            Text("At the bottom", "Dipte"),
            Text(
                "Jittering around the bottom, wider for a larger rate",
                "Dibin çevresinde titrer; oran büyükse daha geniş",
            ),
            Text("It wanders off", "Uzaklaşır"),
        ),
        right=1,
        why=Text(
            "Each step adds $-\\alpha n$ anew. A smaller rate narrows the jitter but walks slowly: so "
            "begin large, end small.",
            "Her adım yeniden $-\\alpha n$ ekler. Küçük oran titremeyi daraltır ama yavaş yürür: o hâlde "
            "büyük başlayıp küçük bitirin.",
        ),
    ),
    try_it=(
        Text(
            "Raise $\\alpha_0$ to 1: $w$ copies the noise, $x$ calms down.",
            "$\\alpha_0$'ı 1 yapın: $w$ gürültüyü kopyalar, $x$ durulur.",
        ),
        Text("Set $k = 0$: the two become one.", "$k = 0$ yapın: ikisi bir olur."),
        Text(
            "Set $k = 1$ and $\\alpha_0 = 0.2$ and step: 0.2, 0.1, 0.067, 0.05, 0.04, the course's own numbers.",
            "$k = 1$ ve $\\alpha_0 = 0.2$ yapıp adım atın: 0.2, 0.1, 0.067, 0.05, 0.04; dersin kendi sayıları.",
        ),
    ),
    figures=(
        Figure(
            kind="rollout",
            title=Text("The rate, epoch by epoch", "Oran, epok epok"),
            options={
                "values": [
                    {"id": "inv", "symbol": r"\alpha_{\mathrm{inv}}"},
                    {"id": "exp_", "symbol": r"\alpha_{\mathrm{exp}}"},
                    {"id": "stair", "symbol": r"\alpha_{\mathrm{step}}"},
                    {"id": "wave", "symbol": r"\alpha_{\cos}"},
                ],
                "steps": _EPOCHS,
                "bottom": 0,
                "top": 1,
            },
        ),
        Figure(
            kind="rollout",
            title=Text(
                "The weight: constant rate (w), inverse schedule (x)", "Ağırlık: sabit oran (w), ters çizelge (x)"
            ),
            options={
                "values": [{"id": "w", "symbol": "w"}, {"id": "x", "symbol": "x"}],
                "steps": _EPOCHS,
                "bottom": -2.5,
                "top": 4.5,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("a0", r"\alpha_0", 0.6, 0, 1, "first rate", "ilk oran", 0.05),
            given("k", "k", 0.2, 0, 2, "decay of the inverse schedule", "ters çizelgenin azalması", 0.05),
            given("q", "q", 0.95, 0.5, 1, "factor of the exponential schedule", "üstel çizelgenin çarpanı", 0.01),
            given("T", "T", 60, 6, 60, "length of the schedule", "çizelgenin uzunluğu", 3),
            given("n", "n", 0, -5, 5, "luck of the batch", "yığının şansı", slider=False),
            given("t", "t", 0, 0, 60, "epoch", "epok", 1, slider=False),
            given("w", "w", 4, -5, 5, "weight with a constant rate", "sabit oranlı ağırlık", slider=False),
            given("x", "x", 4, -5, 5, "weight with the inverse schedule", "ters çizelgeli ağırlık", slider=False),
        ),
        lines=(
            line("inv", r"\alpha_{\mathrm{inv}}", "a0/(1 + k*t)", "The rates of this epoch", "Bu epokun oranları"),
            line("exp_", r"\alpha_{\mathrm{exp}}", "a0*q^t"),
            line("stair", r"\alpha_{\mathrm{step}}", "a0*0.5^floor(3*t/T)"),
            line("wave", r"\alpha_{\cos}", "a0*(1 + cos(3.141592653589793*min(t/T, 1)))/2"),
            line("wn", "w'", "w - a0*(w + n)", "The step of the weights", "Ağırlıkların adımı"),
            line("xn", "x'", "x - inv*(x + n)"),
            line("tn", "t'", "t + 1"),
        ),
        sets=((Text("noise", "gürültü"), tuple({"n": value} for value in _NOISE)),),
        updates={"w": "wn", "x": "xn", "t": "tn"},
    ),
    formula=r"\alpha_{\mathrm{inv}} = \frac{\alpha_0}{1 + k t}, \quad \alpha_{\mathrm{exp}} = \alpha_0\, "
    r"q^t, \quad \alpha_{\mathrm{step}} = \alpha_0\, 2^{-\lfloor 3t/T \rfloor}, \quad "
    r"\alpha_{\cos} = \frac{\alpha_0}{2}\Big(1 + \cos \frac{\pi t}{T}\Big)",
    legend=(
        (r"\alpha_0", Text("first rate", "ilk oran")),
        ("t", Text("epoch, from 0", "epok, 0'dan")),
        ("k, q, T", Text("decay, factor and length", "azalma, çarpan ve uzunluk")),
        ("n", Text("noise of a mini-batch's slope", "mini yığın eğiminin gürültüsü")),
    ),
    code="derin train data.csv --target y --model mlp --schedule cosine --lr 0.01\nderin train "
    "data.csv --target y --model mlp --schedule exponential\n",
    exercise=Exercise(
        text=Text(
            "$\\alpha_0 = 0.2$ and $k = 1$. What is the rate of the inverse schedule at $t = 2$?",
            "$\\alpha_0 = 0.2$ ve $k = 1$. Ters çizelgenin $t = 2$'deki oranı kaçtır?",
        ),
        answer=0.0667,
        tolerance=0.0002,
        hints=(
            Text("Divide by $1 + k t$.", "$1 + k t$'ye bölün."),
            Text("$1 + 1 \\cdot 2 = 3$.", "$1 + 1 \\cdot 2 = 3$."),
            Text("$0.2/3$.", "$0.2/3$."),
        ),
        way=Text("$0.2/3 = 0.0667$.", "$0.2/3 = 0.0667$."),
    ),
    erratum=Text(
        "Document 003 prints 0.087 for this. It is 0.067: 0.2 divided by $1 + 1 \\cdot 2$.",
        "003 belgesi bunun için 0.087 yazar. Doğrusu 0.067'dir: 0.2 bölü $1 + 1 \\cdot 2$.",
    ),
    after=("mini-batches",),
)
