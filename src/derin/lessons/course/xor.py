"""XOR: the best line gets three of four, a hidden layer of two units all four."""

from __future__ import annotations

from typing import Any

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Given, Line, Question, Sheet
from derin.lessons.lesson import Text


def _given(name: str, symbol: str, value: float, en: str, tr: str) -> Given:
    return Given(id=name, symbol=symbol, meaning=Text(en, tr), value=value, low=-3, high=3, step=0.1)


def _input(name: str, symbol: str) -> Given:
    return Given(id=name, symbol=symbol, meaning=Text("input", "girdi"), value=0, low=-0.5, high=1.5)


def _plane(value: str, edge: dict[str, Any] | bool, title: Text) -> Figure:
    options = {
        "x": "x1",
        "y": "x2",
        "value": value,
        "level": 0.5,
        "low": -0.5,
        "high": 1.5,
        "answer": "y",
        "edge": edge,
    }
    return Figure(kind="plane", title=title, options=options)


_CORNERS = tuple({"x1": a, "x2": b, "y": float(a != b)} for a in (0.0, 1.0) for b in (0.0, 1.0))

LESSON = CourseLesson(
    name="xor",
    area="A",
    rows=("A1",),
    title=Text("XOR: three of four, then four", "XOR: dörtte üç, sonra dörtte dört"),
    goals=(
        Text(
            "Show that no line gets more than three corners of XOR right.",
            "Hiçbir doğrunun XOR'un üçten çok köşesini doğru ayıramadığını göstermek.",
        ),
        Text(
            "Build the hidden layer that gets all four, weight by weight.",
            "Dördünü de ayıran gizli katmanı, ağırlık ağırlık kurmak.",
        ),
    ),
    story=(
        Text(
            "XOR asks for 1 where exactly one of the inputs $x_1, x_2$ is 1. A single unit answers 1 where "
            "$z = w_1 x_1 + w_2 x_2 + b$ is above 0: one straight line, with $w_1, w_2$ its weights and $b$ its bias.",
            "XOR, $x_1, x_2$ girdilerinden tam biri 1 olduğunda 1 ister. Tek bir birim $z = w_1 x_1 + w_2 x_2 + b$ "
            "0'ın "
            "üstündeyse 1 der: bu, ağırlıkları $w_1, w_2$ ve bias'ı $b$ olan tek bir doğrudur.",
        ),
        Text(
            "Two hidden units first answer easier questions: $h_1$ with the bias $c_1$ and $h_2$ with the bias $c_2$ "
            "both "
            "look at $x_1 + x_2$. The output unit reads only them, with the weights $v_1, v_2$ and the bias $d$.",
            "Önce iki gizli birim daha kolay soruları yanıtlar: $c_1$ bias'lı $h_1$ ve $c_2$ bias'lı $h_2$, ikisi de "
            "$x_1 + x_2$'ye bakar. Çıktı birimi yalnız onları okur; ağırlıkları $v_1, v_2$, bias'ı $d$'dir.",
        ),
    ),
    question=Question(
        text=Text(
            "You may place one line as you like. How many of the four corners can it get right at most?",
            "Bir doğruyu dilediğiniz gibi koyabilirsiniz. Dört köşeden en çok kaçını doğru ayırır?",
        ),
        choices=(Text("2", "2"), Text("3", "3"), Text("4", "4")),
        right=1,
        why=Text(
            "Three: cut off one corner. Four is impossible: the two corners that want 1 need $w_1 + b > 0$ and "
            "$w_2 + b > 0$, so $w_1 + w_2 + 2b > 0$; the other two need $b ≤ 0$ and $w_1 + w_2 + b ≤ 0$, so "
            "$w_1 + w_2 + 2b ≤ 0$.",
            "Üç: bir köşeyi kesin. Dört olamaz: 1 isteyen iki köşe $w_1 + b > 0$ ve $w_2 + b > 0$ ister, toplamı "
            "$w_1 + w_2 + 2b > 0$; öteki ikisi $b ≤ 0$ ve $w_1 + w_2 + b ≤ 0$ ister, toplamı $w_1 + w_2 + 2b ≤ 0$.",
        ),
    ),
    try_it=(
        Text(
            "Move $w_1$, $w_2$ and $b$ until the left picture says 3 of 4. Can you find another three?",
            "Soldaki şekil 3 diyene dek $w_1$, $w_2$ ve $b$'yi oynatın. Başka bir üçlü bulabilir misiniz?",
        ),
        Text(
            "On the right, change $c_2$ to $-0.5$: both hidden units ask the same question, and XOR is lost.",
            "Sağda $c_2$'yi $-0.5$ yapın: iki gizli birim aynı soruyu sorar ve XOR yitirilir.",
        ),
    ),
    figures=(
        _plane("o", {"value": "z", "level": 0}, Text("One unit", "Tek birim")),
        _plane("q", False, Text("With two hidden units", "İki gizli birimle")),
    ),
    sheet=Sheet(
        givens=(
            _input("x1", "x_1"),
            _input("x2", "x_2"),
            Given(id="y", symbol="y", meaning=Text("wanted answer", "istenen yanıt"), value=0, low=0, high=1, step=1),
            _given("w1", "w_1", 1, "weight of the single unit", "tek birimin ağırlığı"),
            _given("w2", "w_2", -1, "weight of the single unit", "tek birimin ağırlığı"),
            _given("b", "b", 0.5, "bias of the single unit", "tek birimin bias'ı"),
            _given("c1", "c_1", -0.5, "bias of the first hidden unit", "birinci gizli birimin bias'ı"),
            _given("c2", "c_2", -1.5, "bias of the second hidden unit", "ikinci gizli birimin bias'ı"),
            _given("v1", "v_1", 1, "weight of the first hidden unit", "birinci gizli birimin ağırlığı"),
            _given("v2", "v_2", -1, "weight of the second hidden unit", "ikinci gizli birimin ağırlığı"),
            _given("d", "d", -0.5, "bias of the output", "çıktının bias'ı"),
        ),
        lines=(
            Line(id="z", symbol="z", formula="w1*x1 + w2*x2 + b", heading=Text("One unit", "Tek birim")),
            Line(id="o", symbol="o", formula="step(z)"),
            Line(
                id="h1",
                symbol="h_1",
                formula="step(x1 + x2 + c1)",
                heading=Text("With two hidden units", "İki gizli birimle"),
            ),
            Line(id="h2", symbol="h_2", formula="step(x1 + x2 + c2)"),
            Line(id="r", symbol="r", formula="v1*h1 + v2*h2 + d"),
            Line(id="q", symbol="q", formula="step(r)"),
        ),
        sets=((Text("XOR", "XOR"), _CORNERS),),
    ),
    formula=r"q = \varphi\Big(v_1\,\varphi(x_1 + x_2 + c_1) + v_2\,\varphi(x_1 + x_2 + c_2) + d\Big)",
    legend=(
        (r"\varphi(z)", Text("1 where z > 0, else 0", "z > 0 ise 1, değilse 0")),
        ("h_1, h_2", Text("answers of the hidden units", "gizli birimlerin yanıtları")),
        ("v_1, v_2, d", Text("weights and bias of the output", "çıktının ağırlıkları ve bias'ı")),
    ),
    code="from derin.lessons.course.experiment import Experiment\n\n"
    "points = ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0))\n"
    "for hidden in ((), (4,)):\n"
    "    experiment = Experiment(points=points, hidden=hidden, test_share=0, learning_rate=1.0)\n"
    "    print(hidden, experiment.train(500).predict([row[:2] for row in points]).round(2))\n",
    exercise=Exercise(
        text=Text(
            "In the network on the right, what is $r$ at the corner $x_1 = 1$, $x_2 = 1$, with the weights that it "
            "begins "
            "with?",
            "Sağdaki ağda, başlangıç ağırlıklarıyla, $x_1 = 1$, $x_2 = 1$ köşesinde $r$ kaçtır?",
        ),
        answer=-0.5,
        tolerance=0.005,
        hints=(
            Text("Both hidden units see $x_1 + x_2 = 2$.", "İki gizli birim de $x_1 + x_2 = 2$ görür."),
            Text("$2 - 0.5$ and $2 - 1.5$ are both above 0.", "$2 - 0.5$ ve $2 - 1.5$'in ikisi de 0'ın üstündedir."),
            Text("$r = 1 \\cdot h_1 - 1 \\cdot h_2 - 0.5$.", "$r = 1 \\cdot h_1 - 1 \\cdot h_2 - 0.5$."),
        ),
        way=Text(
            "$h_1 = 1$ and $h_2 = 1$, so $r = 1 - 1 - 0.5 = -0.5$ and $q = 0$: the answer that XOR wants.",
            "$h_1 = 1$ ve $h_2 = 1$, öyleyse $r = 1 - 1 - 0.5 = -0.5$ ve $q = 0$: XOR'un istediği yanıt.",
        ),
    ),
    after=("backpropagation",),
)
