"""Backpropagation in a network of two inputs, two hidden units and one output: every slope as a number."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Given, Line, Question, Sheet
from derin.lessons.lesson import Text

# A network of two inputs, two hidden units and an output, which other lessons train, too.
START = {"w11": 0.4, "w12": -0.6, "w21": 0.7, "w22": 0.3, "b1": 0.1, "b2": -0.2, "v1": 0.8, "v2": -0.5, "c": 0.1}


def _symbol(name: str) -> str:
    return name[0] + (f"_{{{name[1:]}}}" if name[1:] else "")


def _parameter(name: str) -> Given:
    layer = Text("of the hidden layer", "gizli katmanın") if name[0] in "wb" else Text("of the output", "çıktının")
    en, tr = ("bias", "bias'ı") if name[0] in "bc" else ("weight", "ağırlığı")
    meaning = Text(f"{en} {layer.en}", f"{layer.tr} {tr}")
    return Given(id=name, symbol=_symbol(name), meaning=meaning, value=START[name], low=-3, high=3)


def _slope(name: str, formula: str, heading: Text | None = None) -> Line:
    return Line(id=f"d{name}", symbol=rf"\partial L/\partial {_symbol(name)}", formula=formula, heading=heading)


def _line(name: str, formula: str, heading: Text | None = None) -> Line:
    return Line(id=name, symbol=_symbol(name), formula=formula, heading=heading)


def _moved(name: str, heading: Text | None = None) -> Line:
    return Line(id=f"{name}n", symbol=f"{_symbol(name)}'", formula=f"{name} - eta*d{name}", heading=heading)


_NODES = {
    "x1": {"x": 70, "y": 90, "name": "x₁", "value": "x1"},
    "x2": {"x": 70, "y": 300, "name": "x₂", "value": "x2"},
    "a1": {"x": 320, "y": 90, "name": "a₁", "value": "a1", "gradient": "da1"},
    "a2": {"x": 320, "y": 300, "name": "a₂", "value": "a2", "gradient": "da2"},
    "p": {"x": 565, "y": 195, "name": "p", "value": "p", "gradient": "ds"},
}
_EDGES = [("x1", "a1", "w11"), ("x2", "a1", "w12"), ("x1", "a2", "w21"), ("x2", "a2", "w22")]
_EDGES += [("a1", "p", "v1"), ("a2", "p", "v2")]

FIGURE = Figure(
    kind="net",
    title=Text("Values, and in red the slopes of the loss", "Değerler ve kırmızıyla kaybın eğimleri"),
    options={
        "height": 390,
        "nodes": _NODES,
        "edges": [{"from": a, "to": b, "weight": w, "gradient": f"d{w}"} for a, b, w in _EDGES],
    },
)
SHEET = Sheet(
    givens=(
        Given(id="x1", symbol="x_1", meaning=Text("input", "girdi"), value=1, low=-2, high=2),
        Given(id="x2", symbol="x_2", meaning=Text("input", "girdi"), value=0.5, low=-2, high=2),
        Given(id="y", symbol="y", meaning=Text("wanted answer", "istenen yanıt"), value=1, low=0, high=1, step=1),
        Given(
            id="eta",
            symbol=r"\eta",
            meaning=Text("learning rate", "öğrenme oranı"),
            value=0.5,
            low=0,
            high=5,
            step=0.1,
        ),
        *map(_parameter, START),
    ),
    lines=(
        _line("z1", "w11*x1 + w12*x2 + b1", Text("Forward", "İleri")),
        _line("z2", "w21*x1 + w22*x2 + b2"),
        _line("a1", "tanh(z1)"),
        _line("a2", "tanh(z2)"),
        _line("s", "v1*a1 + v2*a2 + c"),
        _line("p", "sigmoid(s)"),
        _line("L", "-(y*ln(p) + (1 - y)*ln(1 - p))"),
        _slope("s", "p - y", Text("Backward: the output", "Geri: çıktı")),
        _slope("v1", "ds*a1"),
        _slope("v2", "ds*a2"),
        _slope("c", "ds"),
        _slope("a1", "ds*v1", Text("Backward: the hidden layer", "Geri: gizli katman")),
        _slope("a2", "ds*v2"),
        _slope("z1", "da1*(1 - a1^2)"),
        _slope("z2", "da2*(1 - a2^2)"),
        _slope("w11", "dz1*x1"),
        _slope("w12", "dz1*x2"),
        _slope("w21", "dz2*x1"),
        _slope("w22", "dz2*x2"),
        _slope("b1", "dz1"),
        _slope("b2", "dz2"),
        *(_moved(name, Text("The step", "Adım") if name == "w11" else None) for name in START),
    ),
    updates={name: f"{name}n" for name in START},
)

LESSON = CourseLesson(
    name="backpropagation",
    area="A",
    rows=("A4",),
    title=Text("Backpropagation, number by number", "Geri yayılım, sayı sayı"),
    goals=(
        Text(
            "Follow the slope of the loss back through two layers, and compute each one by hand.",
            "Kaybın eğimini iki katmandan geriye izlemek ve her birini elle hesaplamak.",
        ),
        Text(
            "Say why a network whose weights are all 0 does not learn.",
            "Bütün ağırlıkları 0 olan bir ağın neden öğrenmediğini söylemek.",
        ),
    ),
    story=(
        Text(
            "Two inputs $x_1, x_2$ go to two hidden units. Unit $j$ sums with its weights $w_{j1}, w_{j2}$ and bias "
            "$b_j$ to "
            "$z_j$ and gives $a_j = \\tanh z_j$. The output sums these with $v_1, v_2$ and $c$ to $s$, and $p = "
            "\\sigma(s)$ "
            "is its probability of 1.",
            "$x_1, x_2$ girdileri iki gizli birime gider. $j$ birimi $w_{j1}, w_{j2}$ ağırlıkları ve $b_j$ bias'ıyla "
            "$z_j$ "
            "toplamını bulur ve $a_j = \\tanh z_j$ verir. Çıktı bunları $v_1, v_2$ ve $c$ ile $s$'ye toplar; $p = "
            "\\sigma(s)$, "
            "onun 1 olasılığıdır.",
        ),
        Text(
            "The loss $L$ compares $p$ with the wanted answer $y$. A slope such as $\\partial L/\\partial w_{11}$ "
            "says by how "
            "much $L$ grows for each bit that $w_{11}$ grows. Every weight then moves against its slope, $\\eta$ "
            "times.",
            "Kayıp $L$, $p$'yi istenen $y$ ile karşılaştırır. $\\partial L/\\partial w_{11}$ gibi bir eğim, $w_{11}$ "
            "bir parça "
            "büyüyünce $L$'nin ne kadar büyüdüğünü söyler. Sonra her ağırlık, eğiminin $\\eta$ katı kadar tersine "
            "gider.",
        ),
    ),
    question=Question(
        text=Text(
            "Set all weights and biases to 0, then train. Which numbers will ever change?",
            "Bütün ağırlıkları ve bias'ları 0 yapıp eğitin. Hangi sayılar değişir?",
        ),
        choices=(
            Text("All of them", "Hepsi"),
            Text("Only the output's bias $c$", "Yalnız çıktının bias'ı $c$"),
            Text("None", "Hiçbiri"),
        ),
        right=1,
        why=Text(
            "With $v_1 = v_2 = 0$ no slope passes to the hidden layer, and with $a_1 = a_2 = \\tanh 0 = 0$ none "
            "reaches $v_1$ "
            "and $v_2$. Only $c$ has a slope, $p - y$. Try it below: set the sliders to 0 and press Step.",
            "$v_1 = v_2 = 0$ iken gizli katmana eğim geçmez; $a_1 = a_2 = \\tanh 0 = 0$ iken $v_1$ ve $v_2$'ye de "
            "ulaşmaz. "
            "Yalnız $c$'nin eğimi vardır: $p - y$. Aşağıda deneyin: kaydırıcıları 0 yapıp Adım'a basın.",
        ),
    ),
    try_it=(
        Text(
            "Press any number in the network: its line below shows where it came from.",
            "Ağdaki herhangi bir sayıya basın: aşağıdaki satırı nereden geldiğini gösterir.",
        ),
        Text(
            "Check a slope: raise $w_{11}$ by 0.1 and see by how much $L$ grows.",
            "Bir eğimi denetleyin: $w_{11}$'i 0.1 artırın ve $L$'nin ne kadar büyüdüğüne bakın.",
        ),
        Text(
            "Make $b_1$ 3: $a_1$ is near 1, its slope $1 - a_1^2$ near 0, and $w_{11}$ hardly learns.",
            "$b_1$'i 3 yapın: $a_1$ 1'e yakındır, eğimi $1 - a_1^2$ 0'a yakındır ve $w_{11}$ pek öğrenmez.",
        ),
    ),
    figures=(FIGURE,),
    sheet=SHEET,
    formula=r"\frac{\partial L}{\partial z_j} = \frac{\partial L}{\partial s}\, v_j\, (1 - a_j^2), \qquad "
    r"\frac{\partial L}{\partial w_{ji}} = \frac{\partial L}{\partial z_j}\, x_i",
    legend=(
        (r"\partial L/\partial s", Text("slope at the output: p − y", "çıktıdaki eğim: p − y")),
        ("v_j", Text("weight by which unit j reaches the output", "j biriminin çıktıya ulaştığı ağırlık")),
        ("1 - a_j^2", Text("slope of tanh at z", "tanh'ın z'deki eğimi")),
        ("x_i", Text("input i", "i girdisi")),
    ),
    code="derin trace mlp --input 1,0.5 --target 1 --classes 2 --out trace.html\n",
    exercise=Exercise(
        text=Text(
            "A network has $p = 0.7$, $y = 1$, $v_1 = 2$ and $a_1 = 0.5$. What is $\\partial L/\\partial z_1$?",
            "Bir ağda $p = 0.7$, $y = 1$, $v_1 = 2$ ve $a_1 = 0.5$. $\\partial L/\\partial z_1$ kaçtır?",
        ),
        answer=-0.45,
        tolerance=0.001,
        hints=(
            Text(
                "Begin at the output: $\\partial L/\\partial s = p - y$.",
                "Çıktıdan başlayın: $\\partial L/\\partial s = p - y$.",
            ),
            Text("Pass it through $v_1$: $-0.3 \\cdot 2$.", "$v_1$'den geçirin: $-0.3 \\cdot 2$."),
            Text("Then through tanh: times $1 - 0.5^2$.", "Sonra tanh'tan: $1 - 0.5^2$ ile çarpın."),
        ),
        way=Text(
            "$(0.7 - 1) \\cdot 2 \\cdot (1 - 0.25) = -0.3 \\cdot 2 \\cdot 0.75 = -0.45$.",
            "$(0.7 - 1) \\cdot 2 \\cdot (1 - 0.25) = -0.3 \\cdot 2 \\cdot 0.75 = -0.45$.",
        ),
    ),
    after=(),
)
