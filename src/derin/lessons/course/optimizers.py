"""Four optimizers in one landscape: with one rate for all the rate decides, so each gets its own, too."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Given, Line, Question, Sheet, given, line
from derin.lessons.lesson import Text

# Number in the ids, name, and what each keeps from step to step.
_WALKERS = (
    (1, Text("gradient descent", "gradyan inişi"), ""),
    (2, Text("momentum", "momentum"), "m"),
    (3, Text("RMSprop", "RMSprop"), "s"),
    (4, Text("Adam", "Adam"), "ms"),
)
_START = (-4.0, 1.5)
_RAVINE = {"a": 0.1, "b": 2.0, "c": 0.0, "e": 0.0}
_SADDLE = {"a": 1.0, "b": -1.0, "c": 1.0, "e": 0.0}
_PLATEAU = {"a": 0.0, "b": 0.0, "c": 0.0, "e": 2.0}
_OWN = {"r1": 0.7, "r2": 0.1, "r3": 0.1, "r4": 0.3}


def _places(u: float, v: float) -> dict[str, float]:
    return {f"{letter}{k}": value for k, _, _ in _WALKERS for letter, value in (("u", u), ("v", v))}


def _givens() -> tuple[Given, ...]:
    found = [
        given(f"r{k}", rf"\eta_{k}", 0.05, 0, 1, f"rate of {name.en}", f"öğrenme oranı: {name.tr}", 0.01)
        for k, name, _ in _WALKERS
    ]
    for k, name, kept in _WALKERS:
        for axis, start in zip("uv", _START, strict=True):
            found.append(
                given(
                    f"{axis}{k}", f"{axis}_{k}", start, -5, 5, f"place of {name.en}", f"konum: {name.tr}", slider=False
                )
            )
            found += [
                given(
                    f"{memory}{axis}{k}",
                    f"{memory}_{{{axis}{k}}}",
                    0,
                    0,
                    5,
                    f"memory of {name.en}",
                    f"bellek: {name.tr}",
                    slider=False,
                )
                for memory in kept
            ]
    found.append(given("t", "t", 0, 0, 1000, "steps so far", "şimdiye dek adım", 1, slider=False))
    found += [
        given(letter, letter, value, -2, 3, "shape of the landscape", "arazinin biçimi", slider=False)
        for letter, value in _RAVINE.items()
    ]
    return tuple(found)


def _lines() -> tuple[Line, ...]:
    found = []
    for k, name, kept in _WALKERS:
        heading = name.en[0].upper() + name.en[1:], name.tr[0].upper() + name.tr[1:]
        found.append(line(f"h{k}", f"h_{k}", f"exp(-(u{k}^2 + v{k}^2)/2)", *heading))
        found.append(line(f"L{k}", f"L_{k}", f"a*u{k}^2/2 + b*v{k}^2/2 + c*v{k}^4/4 + e*(1 - h{k})"))
        for axis, slope in (("u", f"(a + e*h{k})*u{k}"), ("v", f"(b + e*h{k})*v{k} + c*v{k}^3")):
            g, m, s = f"g{axis}{k}", f"m{axis}{k}", f"s{axis}{k}"
            found.append(line(g, f"g_{{{axis}{k}}}", slope))
            if kept == "m":
                found.append(line(f"{m}n", f"m_{{{axis}{k}}}'", f"0.9*{m} + {g}"))
            if kept == "ms":
                found.append(line(f"{m}n", f"m_{{{axis}{k}}}'", f"0.9*{m} + 0.1*{g}"))
            if "s" in kept:
                share = 0.99 if kept == "s" else 0.999
                found.append(line(f"{s}n", f"s_{{{axis}{k}}}'", f"{share}*{s} + {round(1 - share, 3)}*{g}^2"))
            step = {
                "": g,
                "m": f"{m}n",
                "s": f"{g}/(sqrt({s}n) + 0.00000001)",
                "ms": f"{m}n/(1 - 0.9^(t + 1))/(sqrt({s}n/(1 - 0.999^(t + 1))) + 0.00000001)",
            }[kept]
            found.append(line(f"{axis}{k}n", f"{axis}_{k}'", f"{axis}{k} - r{k}*{step}"))
    return (*found, line("tn", "t'", "t + 1", "Steps", "Adımlar"))


_MOVED = (*(f"{axis}{k}" for k, _, _ in _WALKERS for axis in "uv"), "t")
_KEPT = tuple(f"{memory}{axis}{k}" for k, _, kept in _WALKERS for memory in kept for axis in "uv")

LESSON = CourseLesson(
    name="optimizers",
    area="B",
    rows=("B3", "B5"),
    title=Text("The optimizers' race", "Eniyileyicilerin yarışı"),
    goals=(
        Text(
            "Take a step of momentum, RMSprop and Adam by hand.",
            "Momentum, RMSprop ve Adam'ın birer adımını elle atmak.",
        ),
        Text(
            "Say why a race in which all have one learning rate says little about optimizers.",
            "Hepsinin aynı öğrenme oranıyla koştuğu bir yarışın eniyileyiciler hakkında neden az şey "
            "söylediğini açıklamak.",
        ),
    ),
    story=(
        Text(
            "Two weights $u, v$ make a landscape $L = a u^2/2 + b v^2/2 + c v^4/4 + e (1 - h)$ with $h = "
            "e^{-(u^2 + v^2)/2}$. With $a = 0.1, b = 2$ and the rest 0 it is a **ravine**: steep across, "
            "flat along. With $a = 1, b = -1, c = 1$ it has a **saddle** at 0, from which it falls on "
            "two sides. With $e = 2$ alone it is a **plateau** around a hole: far out there is hardly "
            "any slope. Walker $k$ has the slopes $g_{uk}, g_{vk}$ and a rate $\\eta_k$ of its own.",
            "İki ağırlık $u, v$ bir arazi oluşturur: $L = a u^2/2 + b v^2/2 + c v^4/4 + e (1 - h)$, $h = "
            "e^{-(u^2 + v^2)/2}$. $a = 0.1, b = 2$ ve kalanlar 0 iken bir **vadidir**: enine dik, boyuna "
            "düz. $a = 1, b = -1, c = 1$ ile 0'da bir **eyer noktası** vardır, iki yanından aşağı "
            "inilir. Yalnız $e = 2$ ile, bir çukurun çevresinde **düzlüktür**: uzakta eğim yok gibidir. "
            "$k$ yürüyücüsünün eğimleri $g_{uk}, g_{vk}$, kendi öğrenme oranı $\\eta_k$'dir.",
        ),
        Text(
            "**Gradient descent** goes by the slope. **Momentum** goes by a speed $m$ that gathers "
            "slopes: what zigzags cancels, what keeps its sign grows up to tenfold. **RMSprop** divides "
            "each slope by the root of $s$, the running mean of its square: flat and steep directions "
            "get steps of one size. **Adam** does both, and corrects for having begun at 0.",
            "**Gradyan inişi** eğime göre gider. **Momentum**, eğimleri biriktiren bir $m$ hızıyla "
            "gider: zikzaklar birbirini götürür, işaretini koruyan on katına dek büyür. **RMSprop** her "
            "eğimi, karesinin kayan ortalaması $s$'nin köküne böler: düz ve dik yönlerde adımlar aynı "
            "boyda olur. **Adam** ikisini birden yapar ve 0'dan başlamış olmayı düzeltir.",
        ),
    ),
    question=Question(
        text=Text(
            "In the ravine all four get the rate 0.05; gradient descent comes in last by far. What "
            "happens when each gets the rate that suits it?",
            "Vadide dördü de 0.05 oranıyla koşuyor; gradyan inişi açık ara sonuncu oluyor. Her biri "
            "kendine uyan oranla koşarsa ne olur?",
        ),
        choices=(
            Text("The order stays: it is the weakest", "Sıra değişmez: en zayıfı odur"),
            Text("It overtakes some of the others", "Ötekilerin bazılarını geçer"),
            Text("All arrive in the same step", "Hepsi aynı adımda varır"),
        ),
        right=1,
        why=Text(
            "Its best rate here is 0.7, fourteen times larger: after 60 steps its loss is below those of "
            "momentum and Adam. A rate means something else to each of them, so one rate for all "
            "compares rates, not optimizers.",
            "Buradaki en iyi oranı 0.7'dir, on dört kat büyük: 60 adım sonra kaybı momentum ve "
            "Adam'ınkinden küçüktür. Oran her biri için başka bir anlam taşır; herkese aynı oran, "
            "eniyileyicileri değil oranları karşılaştırır.",
        ),
    ),
    try_it=(
        Text(
            "Choose **each with its own rate**, then move one rate at a time: the whole path changes at once.",
            "**Her birine kendi oranı**'nı seçin, sonra oranları tek tek oynatın: yolun tümü hemen değişir.",
        ),
        Text(
            "Drag the common start. Where is RMSprop nearly as straight as a ruler?",
            "Ortak başlangıcı sürükleyin. RMSprop nerede neredeyse cetvel gibi düz gider?",
        ),
        Text(
            "Choose **saddle**: exactly at $v = 0$ none of them leaves it. Move the start a hair off. "
            "Then the **plateau**: who gets off it?",
            "**Eyer noktası**'nı seçin: tam $v = 0$'da hiçbiri oradan ayrılmaz. Başlangıcı kıl payı "
            "kaydırın. Sonra **düzlük**: kim oradan kurtuluyor?",
        ),
    ),
    figures=(
        Figure(
            kind="path",
            title=Text("Sixty steps; beside each name its loss now", "Altmış adım; adların yanında şimdiki kayıp"),
            options={
                "walkers": [{"x": f"u{k}", "y": f"v{k}", "name": name, "loss": f"L{k}"} for k, name, _ in _WALKERS],
                "value": "L1",
                "names": ["u1", "v1"],
                "low": -5,
                "high": 5,
                "bottom": -2.2,
                "top": 2.2,
                "steps": 60,
                "levels": 9,
                "together": True,
            },
        ),
        Figure(
            kind="rollout",
            title=Text("The loss, step by step", "Kayıp, adım adım"),
            options={
                "values": [{"id": f"L{k}", "symbol": f"L_{k}"} for k, _, _ in _WALKERS],
                "steps": 60,
                "bottom": -0.4,
                "top": 3.2,
            },
        ),
    ),
    sheet=Sheet(
        givens=_givens(),
        lines=_lines(),
        starts=(
            (Text("ravine, one rate for all", "vadi, herkese aynı oran"), {**_RAVINE, **_places(*_START)}),
            (
                Text("ravine, each with its own rate", "vadi, her birine kendi oranı"),
                {**_RAVINE, **_OWN, **_places(*_START)},
            ),
            (Text("saddle, one rate for all", "eyer noktası, herkese aynı oran"), {**_SADDLE, **_places(-3, 0.05)}),
            (
                Text("saddle, each with its own rate", "eyer noktası, her birine kendi oranı"),
                {**_SADDLE, "r1": 0.9, "r2": 0.1, "r3": 0.1, "r4": 0.5, **_places(-3, 0.05)},
            ),
            (Text("plateau, one rate for all", "düzlük, herkese aynı oran"), {**_PLATEAU, **_places(-2.6, 1.2)}),
        ),
        updates={name: f"{name}n" for name in (*_MOVED, *_KEPT)},
    ),
    formula=r"m' = \beta_1 m + (1 - \beta_1)\, g, \quad s' = \beta_2 s + (1 - \beta_2)\, g^2, \quad w' = "
    r"w - \eta\, \frac{m'/(1 - \beta_1^{t})}{\sqrt{s'/(1 - \beta_2^{t})} + \epsilon}",
    legend=(
        ("g", Text("slope by the weight w, here u or v", "w ağırlığına göre eğim; burada u ya da v")),
        ("m, s", Text("running means of the slope and of its square", "eğimin ve karesinin kayan ortalamaları")),
        (
            r"\beta_1, \beta_2",
            Text(
                "0.9 and 0.999; RMSprop has 0.99 and no m, momentum 0.9 m + g and no s",
                "0,9 ve 0,999; RMSprop'ta 0,99 vardır ve m yoktur, momentumda 0,9 m + g vardır ve s yoktur",
            ),
        ),
        (r"\eta, \epsilon", Text("rate, and 10⁻⁸ against a division by 0", "öğrenme oranı ve 0'a bölmeye karşı 10⁻⁸")),
        ("t", Text("number of the step, from 1", "adımın numarası, 1'den")),
    ),
    code="derin lesson optimizer-paths\nderin search data.csv --target y   # finds a rate for each "
    "optimizer on your data\n",
    exercise=Exercise(
        text=Text(
            "Adam's very first step: the slope is 200 and the rate 0.01. How far does the weight move "
            "(without its sign)?",
            "Adam'ın ilk adımı: eğim 200, öğrenme oranı 0.01. Ağırlık ne kadar gider (işaretsiz)?",
        ),
        answer=0.01,
        tolerance=0.0001,
        hints=(
            Text(
                "$m' = 0.1 \\cdot 200$, and the correction divides by $1 - 0.9$.",
                "$m' = 0.1 \\cdot 200$; düzeltme $1 - 0.9$'a böler.",
            ),
            Text(
                "So the corrected $m$ is 200, and the corrected $s$ is $200^2$.",
                "Düzeltilmiş $m$ 200, düzeltilmiş $s$ $200^2$ olur.",
            ),
            Text("$\\eta \\cdot 200/\\sqrt{200^2}$.", "$\\eta \\cdot 200/\\sqrt{200^2}$."),
        ),
        way=Text(
            "$0.01 \\cdot 200/200 = 0.01$: the first step of Adam is one rate long, whatever the slope is.",
            "$0.01 \\cdot 200/200 = 0.01$: eğim ne olursa olsun Adam'ın ilk adımı bir öğrenme oranı boyundadır.",
        ),
    ),
    after=(),
)
