"""Activations and their slopes, and what many layers of them do to a slope."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_FUNCTIONS = (
    ("sig", r"\sigma", "sigmoid(z)", "sig*(1 - sig)"),
    ("tan", r"\tanh", "tanh(z)", "1 - tan^2"),
    ("rel", r"\mathrm{ReLU}", "relu(z)", "step(z)"),
    ("lea", r"\mathrm{leaky}", "max(z, k*z)", "step(z) + k*(1 - step(z))"),
)

LESSON = CourseLesson(
    name="activations",
    area="A",
    rows=("A5",),
    title=Text("Activations and their slopes", "Aktivasyonlar ve eğimleri"),
    goals=(
        Text(
            "Compute an activation and its slope at any place.",
            "Bir aktivasyonu ve eğimini herhangi bir yerde hesaplamak.",
        ),
        Text(
            "Say why sigmoids let deep networks forget, and what ReLU does about it.",
            "Sigmoid'in derin ağlarda eğimi neden yok ettiğini ve ReLU'nun buna karşı ne yaptığını söylemek.",
        ),
    ),
    story=(
        Text(
            "A unit's sum $z$ passes through an activation $a = g(z)$. Without one, layers collapse: "
            "$W_2 (W_1 x)$ is $(W_2 W_1) x$, a single layer, however many there are.",
            "Bir birimin toplamı $z$, $a = g(z)$ aktivasyonundan geçer. Onsuz katmanlar birleşir: $W_2 "
            "(W_1 x)$, $(W_2 W_1) x$'tir; kaç katman olursa olsun tek katman.",
        ),
        Text(
            "On the way back a slope is multiplied by $g'(z)$ at each layer. Behind $n$ layers it has "
            "become $g'(z)^n$ (with all weights 1 and the same $z$, to keep it simple).",
            "Geri yolda eğim her katmanda $g'(z)$ ile çarpılır. $n$ katman geride $g'(z)^n$ olmuştur "
            "(yalın olsun diye bütün ağırlıklar 1, $z$ hep aynı).",
        ),
        Text(
            "For the **output** the question decides: a probability of yes or no takes the sigmoid, one "
            "of several classes softmax, any number none at all. ReLU at the end of a regression would "
            "forbid it every negative answer.",
            "**Çıktıda** soruya bakılır: evet-hayır olasılığı sigmoid, birkaç sınıftan biri softmax, "
            "herhangi bir sayı hiçbirini ister. Regresyonun sonundaki ReLU, bütün eksi yanıtları "
            "yasaklardı.",
        ),
    ),
    question=Question(
        text=Text("How steep is the sigmoid where it is steepest?", "Sigmoid en dik yerinde ne kadar diktir?"),
        choices=(Text("1", "1"), Text("½", "½"), Text("¼", "¼")),
        right=2,
        why=Text(
            "$\\sigma' = \\sigma (1 - \\sigma)$ is largest at $\\sigma = ½$: a quarter. Ten layers leave "
            "at most $0.25^{10}$, a millionth, of a slope. tanh reaches 1, ReLU is 1 everywhere on its "
            "right side.",
            "$\\sigma' = \\sigma (1 - \\sigma)$, $\\sigma = ½$'de en büyüktür: dörtte bir. On katman, "
            "eğimin en çok $0.25^{10}$'unu, milyonda birini bırakır. tanh 1'e ulaşır, ReLU sağ yanında "
            "her yerde 1'dir.",
        ),
    ),
    try_it=(
        Text(
            "Drag the point to $z = 4$: which of the four have hardly any slope left?",
            "Noktayı $z = 4$'e sürükleyin: dördünden hangisinin eğimi neredeyse kalmadı?",
        ),
        Text(
            "Raise $n$ to 10 at $z = 0.5$ and compare the four slopes behind ten layers.",
            "$z = 0.5$'te $n$'yi 10 yapın ve on katman gerideki dört eğimi karşılaştırın.",
        ),
        Text(
            "Go to $z = -1$: ReLU passes nothing back, a leaky one its $k$.",
            "$z = -1$'e gidin: ReLU geriye hiçbir şey geçirmez, sızıntılısı $k$ kadarını geçirir.",
        ),
    ),
    figures=(
        Figure(
            kind="curve",
            title=Text("The functions", "Fonksiyonlar"),
            options={
                "x": "z",
                "values": [{"id": name, "symbol": symbol} for name, symbol, _, _ in _FUNCTIONS],
                "low": -5,
                "high": 5,
                "bottom": -1.4,
                "top": 2.4,
            },
        ),
        Figure(
            kind="curve",
            title=Text("Their slopes", "Eğimleri"),
            options={
                "x": "z",
                "values": [{"id": f"d{name}", "symbol": f"{symbol}'"} for name, symbol, _, _ in _FUNCTIONS],
                "low": -5,
                "high": 5,
                "bottom": -0.3,
                "top": 1.3,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("z", "z", 0.5, -5, 5, "sum of the unit", "birimin toplamı"),
            given("k", "k", 0.01, 0, 0.5, "slope of leaky ReLU on the left", "sızıntılı ReLU'nun soldaki eğimi", 0.01),
            given("n", "n", 5, 1, 30, "layers", "katman sayısı", 1),
        ),
        lines=(
            *(
                line(name, symbol, value, *(("The functions", "Fonksiyonlar") if name == "sig" else ()))
                for name, symbol, value, _ in _FUNCTIONS
            ),
            *(
                line(f"d{name}", f"{symbol}'", slope, *(("Their slopes", "Eğimleri") if name == "sig" else ()))
                for name, symbol, _, slope in _FUNCTIONS
            ),
            *(
                line(
                    f"n{name}",
                    f"({symbol}')^n",
                    f"d{name}^n",
                    *(("Behind n layers", "n katman geride") if name == "sig" else ()),
                )
                for name, symbol, _, _ in _FUNCTIONS
            ),
        ),
    ),
    formula=r"\sigma(z) = \frac{1}{1 + e^{-z}}, \quad \sigma' = \sigma (1 - \sigma), \qquad \tanh' = 1 - "
    r"\tanh^2, \qquad \mathrm{ReLU}(z) = \max(0, z)",
    legend=(
        ("z", Text("sum of a unit", "bir birimin toplamı")),
        (r"\sigma", Text("sigmoid, from 0 to 1", "sigmoid, 0'dan 1'e")),
        (r"\mathrm{leaky}", Text("z on the right, k·z on the left", "sağda z, solda k·z")),
        ("n", Text("layers that a slope has come through", "eğimin içinden geçtiği katman sayısı")),
    ),
    code="derin lesson activations\nderin lesson linear-collapse\nderin train "
    "data.csv --target y --model mlp --option activation=relu\n",
    exercise=Exercise(
        text=Text(
            "A tanh unit gives $a = 0.6$, and the slope $\\partial L/\\partial a = 2$ comes back to it. "
            "What is $\\partial L/\\partial z$?",
            "Bir tanh birimi $a = 0.6$ veriyor ve ona $\\partial L/\\partial a = 2$ eğimi geliyor. "
            "$\\partial L/\\partial z$ kaçtır?",
        ),
        answer=1.28,
        tolerance=0.002,
        hints=(
            Text("The slope of tanh needs only $a$, not $z$.", "tanh'ın eğimi için $z$ değil, yalnız $a$ gerekir."),
            Text("It is $1 - a^2 = 1 - 0.36$.", "Eğim $1 - a^2 = 1 - 0.36$'dır."),
            Text("Multiply it by 2.", "2 ile çarpın."),
        ),
        way=Text("$2 \\cdot (1 - 0.6^2) = 2 \\cdot 0.64 = 1.28$.", "$2 \\cdot (1 - 0.6^2) = 2 \\cdot 0.64 = 1.28$."),
    ),
    after=("zero-initialization",),
)
