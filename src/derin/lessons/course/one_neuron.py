"""One neuron by two rules: the perceptron's own, and the gradient of the logistic loss."""

from __future__ import annotations

from typing import Any

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Given, Line, Question, Sheet
from derin.lessons.lesson import Text


def _corners(*answers: float) -> tuple[dict[str, float], ...]:
    corners = ((0, 0), (0, 1), (1, 0), (1, 1))
    return tuple({"x1": a, "x2": b, "y": answer} for (a, b), answer in zip(corners, answers, strict=True))


def _input(name: str, symbol: str) -> Given:
    return Given(id=name, symbol=symbol, meaning=Text("input", "girdi"), value=0, low=-0.5, high=1.5)


def _weight(name: str, symbol: str, value: float, meaning: Text) -> Given:
    return Given(id=name, symbol=symbol, meaning=meaning, value=value, low=-4, high=4)


_OF_THE_PERCEPTRON = Text("weight of the perceptron", "perceptronun ağırlığı")
_OF_THE_LOGISTIC = Text("weight of the logistic unit", "lojistik birimin ağırlığı")


def _plane(value: str, score: str, title: Text) -> Figure:
    options: dict[str, Any] = {
        "x": "x1",
        "y": "x2",
        "value": value,
        "level": 0.5,
        "low": -0.5,
        "high": 1.5,
        "answer": "y",
    }
    options["edge"] = {"value": score, "level": 0}
    return Figure(kind="plane", title=title, options=options)


LESSON = CourseLesson(
    name="one-neuron",
    area="A",
    rows=("A1", "A3"),
    title=Text("One neuron, two rules", "Bir nöron, iki kural"),
    goals=(
        Text(
            "Say when a perceptron changes its weights, and when a logistic unit does.",
            "Perceptronun ve lojistik birimin ağırlıklarını ne zaman değiştirdiğini söylemek.",
        ),
        Text(
            "Compute one step of either rule by hand, and check it.",
            "Her iki kuralın bir adımını elle hesaplamak ve denetlemek.",
        ),
    ),
    story=(
        Text(
            "A neuron reads two numbers, the inputs $x_1$ and $x_2$. It multiplies each by a weight, adds a bias, and "
            "asks "
            "whether the sum $z = w_1 x_1 + w_2 x_2 + b$ is above 0. Where $z = 0$ its answer tips over: in the plane "
            "of "
            "the inputs that is a straight line.",
            "Bir nöron iki sayı okur: $x_1$ ve $x_2$ girdileri. Her birini bir ağırlıkla çarpar, bias ekler ve "
            "toplamın, "
            "yani $z = w_1 x_1 + w_2 x_2 + b$ değerinin 0'ın üstünde olup olmadığına bakar. Yanıtı $z = 0$ olan yerde "
            "değişir: girdi düzleminde burası bir doğrudur.",
        ),
        Text(
            "The **perceptron** (Rosenblatt 1958) answers $o = 1$ or $o = 0$ and compares with the wanted answer $y$. "
            "Only "
            "where they differ does it move, by $\\eta$ times the input, and $\\eta$ is the learning rate.",
            "**Perceptron** (Rosenblatt 1958) $o = 1$ ya da $o = 0$ yanıtını verir ve istenen $y$ ile karşılaştırır. "
            "Yalnız ikisi farklıysa ağırlıklarını girdinin $\\eta$ katı kadar değiştirir; $\\eta$ öğrenme oranıdır.",
        ),
        Text(
            "The **logistic unit** has weights $v_1, v_2$ and a bias $c$ of its own. It turns its sum $s$ into a "
            "probability $p$ between 0 and 1 and pays a loss $L$, which is large where $p$ is far from $y$. It moves "
            "against the slope of that loss, every time.",
            "**Lojistik birimin** kendi ağırlıkları $v_1, v_2$ ve bias'ı $c$ vardır. Toplamı $s$'yi 0 ile 1 arasında "
            "bir "
            "olasılığa, $p$'ye çevirir; $p$, $y$'den uzaksa kayıp $L$ büyüktür. Her adımda bu kaybın eğiminin tersine "
            "gider.",
        ),
    ),
    question=Question(
        text=Text(
            "All four corners of AND are answered rightly. Which of the two still changes its weights when you go on?",
            "AND'in dört köşesi de doğru yanıtlanıyor. Devam ederseniz hangisi ağırlıklarını değiştirmeyi sürdürür?",
        ),
        choices=(
            Text("Neither: there is nothing left to learn", "Hiçbiri: öğrenilecek bir şey kalmadı"),
            Text("The perceptron", "Perceptron"),
            Text("The logistic unit", "Lojistik birim"),
            Text("Both", "İkisi de"),
        ),
        right=2,
        why=Text(
            "The perceptron's error $y - o$ is exactly 0 at every corner, so nothing moves. For the logistic unit $p "
            "- y$ "
            "is never exactly 0: it goes on pushing $p$ towards 0 and 1, and the loss falls on.",
            "Perceptronun hatası $y - o$ her köşede tam 0'dır, bu yüzden hiçbir şey değişmez. Lojistik birimde $p - y$ "
            "hiçbir zaman tam 0 olmaz: $p$'yi 0'a ve 1'e doğru itmeyi sürdürür, kayıp düşmeye devam eder.",
        ),
    ),
    try_it=(
        Text(
            "Press **Run** and watch both lines find their place. Then read $e$ and $\\partial L/\\partial s$: which "
            "one stays 0?",
            "**Yürüt**'e basın, iki doğrunun yerini bulmasını izleyin. Sonra $e$ ile $\\partial L/\\partial s$'ye "
            "bakın: "
            "hangisi 0'da kalıyor?",
        ),
        Text(
            "Choose XOR and run again: the perceptron circles for ever, the logistic unit settles at $p = ½$ "
            "everywhere.",
            "XOR'u seçip yeniden yürütün: perceptron sonsuza dek dolanır, lojistik birim her yerde $p = ½$'ye oturur.",
        ),
        Text(
            "Drag a point: each rule follows it in its own way.",
            "Bir noktayı sürükleyin: her kural onu kendince izler.",
        ),
    ),
    figures=(
        _plane("o", "z", Text("Perceptron", "Perceptron")),
        _plane("p", "s", Text("Logistic unit", "Lojistik birim")),
    ),
    sheet=Sheet(
        givens=(
            _input("x1", "x_1"),
            _input("x2", "x_2"),
            Given(id="y", symbol="y", meaning=Text("wanted answer", "istenen yanıt"), value=0, low=0, high=1, step=1),
            Given(
                id="eta",
                symbol=r"\eta",
                meaning=Text("learning rate", "öğrenme oranı"),
                value=0.5,
                low=0,
                high=2,
                step=0.05,
            ),
            _weight("w1", "w_1", -1, _OF_THE_PERCEPTRON),
            _weight("w2", "w_2", 1.5, _OF_THE_PERCEPTRON),
            _weight("b", "b", 0.5, Text("bias of the perceptron", "perceptronun bias'ı")),
            _weight("v1", "v_1", -1, _OF_THE_LOGISTIC),
            _weight("v2", "v_2", 1.5, _OF_THE_LOGISTIC),
            _weight("c", "c", 0.5, Text("bias of the logistic unit", "lojistik birimin bias'ı")),
        ),
        lines=(
            Line(id="z", symbol="z", formula="w1*x1 + w2*x2 + b", heading=Text("The perceptron", "Perceptron")),
            Line(id="o", symbol="o", formula="step(z)"),
            Line(id="e", symbol="e", formula="y - o"),
            Line(id="w1n", symbol="w_1'", formula="w1 + eta*e*x1"),
            Line(id="w2n", symbol="w_2'", formula="w2 + eta*e*x2"),
            Line(id="bn", symbol="b'", formula="b + eta*e"),
            Line(id="s", symbol="s", formula="v1*x1 + v2*x2 + c", heading=Text("The logistic unit", "Lojistik birim")),
            Line(id="p", symbol="p", formula="sigmoid(s)"),
            Line(id="L", symbol="L", formula="-(y*ln(p) + (1 - y)*ln(1 - p))"),
            Line(id="ds", symbol=r"\partial L/\partial s", formula="p - y"),
            Line(id="v1n", symbol="v_1'", formula="v1 - eta*ds*x1"),
            Line(id="v2n", symbol="v_2'", formula="v2 - eta*ds*x2"),
            Line(id="cn", symbol="c'", formula="c - eta*ds"),
        ),
        sets=(
            (Text("AND", "AND"), _corners(0, 0, 0, 1)),
            (Text("OR", "OR"), _corners(0, 1, 1, 1)),
            (Text("XOR", "XOR"), _corners(0, 1, 1, 0)),
        ),
        updates={"w1": "w1n", "w2": "w2n", "b": "bn", "v1": "v1n", "v2": "v2n", "c": "cn"},
    ),
    formula=r"\mathbf{w} \leftarrow \mathbf{w} + \eta\,(y - o)\,\mathbf{x} \qquad "
    r"\mathbf{v} \leftarrow \mathbf{v} - \eta\,\frac{\partial L}{\partial \mathbf{v}} = \mathbf{v} - \eta\,(p - "
    r"y)\,\mathbf{x}",
    legend=(
        (r"\mathbf{w}, \mathbf{v}", Text("weights, the bias among them", "ağırlıklar, bias da içlerinde")),
        (r"\mathbf{x}", Text("inputs, with a 1 for the bias", "girdiler, bias için bir 1 ile")),
        ("y", Text("wanted answer, 0 or 1", "istenen yanıt, 0 ya da 1")),
        ("o", Text("answer of the perceptron: 1 where z > 0", "perceptronun yanıtı: z > 0 ise 1")),
        (r"p = \sigma(s)", Text("probability of 1, 1 ∕ (1 + e⁻ˢ)", "1 olasılığı, 1 ∕ (1 + e⁻ˢ)")),
        (r"\eta", Text("learning rate", "öğrenme oranı")),
    ),
    code="derin train points.csv --target y --model perceptron   # points.csv: x1,x2,y\n",
    exercise=Exercise(
        text=Text(
            "A perceptron has $w_1 = 0.5$, $w_2 = -0.5$, $b = -0.2$ and learns with $\\eta = 0.1$. It is shown $x_1 = "
            "1$, "
            "$x_2 = 1$ and the wanted answer $y = 1$. What is $b$ after this step?",
            "Bir perceptronda $w_1 = 0.5$, $w_2 = -0.5$, $b = -0.2$ ve $\\eta = 0.1$. Ona $x_1 = 1$, $x_2 = 1$ ve "
            "istenen "
            "yanıt $y = 1$ gösteriliyor. Bu adımdan sonra $b$ kaçtır?",
        ),
        answer=-0.1,
        tolerance=0.0005,
        hints=(
            Text("First the sum: is $z$ above 0?", "Önce toplam: $z$ 0'ın üstünde mi?"),
            Text(
                "$z = 0.5 - 0.5 - 0.2 = -0.2$, so $o = 0$. What is $y - o$?",
                "$z = 0.5 - 0.5 - 0.2 = -0.2$, öyleyse $o = 0$. $y - o$ kaç?",
            ),
            Text(
                "The bias has the input 1: $b' = b + \\eta\\,(y - o)$.",
                "Bias'ın girdisi 1'dir: $b' = b + \\eta\\,(y - o)$.",
            ),
        ),
        way=Text(
            "$z = -0.2$, so $o = 0$ and $y - o = 1$. Then $b' = -0.2 + 0.1 \\cdot 1 = -0.1$.",
            "$z = -0.2$, öyleyse $o = 0$ ve $y - o = 1$. Buradan $b' = -0.2 + 0.1 \\cdot 1 = -0.1$.",
        ),
    ),
    after=("xor",),
    covers=("perceptron",),
)
