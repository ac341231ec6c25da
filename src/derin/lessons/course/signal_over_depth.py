"""The size of a signal layer by layer: what width, deviation of the weights and activation make of it."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

LESSON = CourseLesson(
    name="signal-over-depth",
    area="A",
    rows=("A6",),
    title=Text("How large should the first weights be?", "İlk ağırlıklar ne kadar büyük olmalı?"),
    goals=(
        Text(
            "Compute by which factor a layer changes the size of a signal.",
            "Bir katmanın sinyalin büyüklüğünü hangi çarpanla değiştirdiğini hesaplamak.",
        ),
        Text("Derive the rules of Xavier and He from it.", "Xavier ve He kurallarını buradan türetmek."),
    ),
    story=(
        Text(
            "A layer adds up $n$ products: $z = \\sum_i w_i a_i$. Its weights are drawn at random with mean 0 and "
            "deviation $s$. If the inputs have the mean square $q$, then $\\mathrm{Var}(z) = n s^2 q$: each product "
            "brings $s^2 q$, and there are $n$ of them.",
            "Bir katman $n$ çarpımı toplar: $z = \\sum_i w_i a_i$. Ağırlıkları, ortalaması 0 ve standart sapması $s$ "
            "olacak biçimde rastgele çekilir. Girdilerin kareleri ortalaması $q$ ise $\\mathrm{Var}(z) = n s^2 q$ "
            "olur: her çarpım $s^2 q$ getirir ve $n$ tane vardır.",
        ),
        Text(
            "The activation lets a part $k$ of that through: near zero $\\tanh$ is as good as linear, $k = 1$; ReLU "
            "cuts one half away, $k = \\frac{1}{2}$. So a layer multiplies the mean square by $f = k n s^2$, and "
            "thirty layers by $f^{30}$. On the way back the gradient meets the same factor.",
            "Aktivasyon bunun $k$ kadarını geçirir: sıfır yakınında $\\tanh$ doğrusal sayılır, $k = 1$; ReLU yarısını "
            "keser, $k = \\frac{1}{2}$. Böylece bir katman kareler ortalamasını $f = k n s^2$ ile, otuz katman "
            "$f^{30}$ ile çarpar. Geri dönüşte gradyan aynı çarpanla karşılaşır.",
        ),
        Text(
            "**Xavier** takes $s^2 = \\frac{1}{n}$, so that $f = 1$ for $k = 1$. **He** takes $s^2 = \\frac{2}{n}$, so "
            "that $f = 1$ for ReLU. A **Step** goes one layer deeper.",
            "**Xavier** $s^2 = \\frac{1}{n}$ alır ve $k = 1$ için $f = 1$ olur. **He** $s^2 = \\frac{2}{n}$ alır ve "
            "ReLU için $f = 1$ olur. Bir **Adım** bir katman derine iner.",
        ),
    ),
    question=Question(
        text=Text(
            "ReLU, 200 units in each layer, weights with $s = 0.05$. What is left of a signal after 30 layers?",
            "ReLU, her katmanda 200 birim, $s = 0.05$ olan ağırlıklar. 30 katman sonra bir sinyalden ne kalır?",
        ),
        choices=(
            Text("About a half", "Yaklaşık yarısı"),
            Text("About a thousandth", "Yaklaşık binde biri"),
            Text("Less than a millionth", "Milyonda birinden az"),
        ),
        right=2,
        why=Text(
            "$f = \\frac{1}{2} \\cdot 200 \\cdot 0.05^2 = 0.25$, and $0.25^{30} \\approx 10^{-18}$ of the mean square: "
            "the numbers themselves are a billion times smaller, and so is the gradient.",
            "$f = \\frac{1}{2} \\cdot 200 \\cdot 0.05^2 = 0.25$ ve kareler ortalamasının $0.25^{30} \\approx 10^{-18}$ "
            "katı kalır: sayıların kendisi milyarda birine iner, gradyan da öyle.",
        ),
    ),
    try_it=(
        Text(
            "Move $s$ until the orange line is level: that is the value in the line $s_0$.",
            "$s$'yi turuncu çizgi düz olana dek oynatın: $s_0$ satırındaki değer budur.",
        ),
        Text(
            "Set $k = 1$: now Xavier keeps the size, and He lets it explode.",
            "$k = 1$ yapın: şimdi büyüklüğü Xavier korur, He ise patlatır.",
        ),
        Text(
            "Double $n$ and see how much smaller $s_0$ becomes.",
            "$n$'yi iki katına çıkarın ve $s_0$'ın ne kadar küçüldüğüne bakın.",
        ),
    ),
    figures=(
        Figure(
            kind="rollout",
            title=Text(
                "Powers of ten of the size, layer by layer: your own weights, Xavier's, He's",
                "Katman katman büyüklüğün on üzeri kuvveti: sizin ağırlıklarınız, Xavier, He",
            ),
            options={
                "values": [
                    {"id": "lq", "symbol": r"\ell"},
                    {"id": "lx", "symbol": r"\ell_X"},
                    {"id": "lh", "symbol": r"\ell_H"},
                ],
                "steps": 30,
                "bottom": -10,
                "top": 10,
            },
        ),
        Figure(
            kind="curve",
            title=Text("The factor of one layer over s", "s üzerinde bir katmanın çarpanı"),
            options={
                "x": "s",
                "values": [{"id": "f", "symbol": "f"}],
                "low": 0,
                "high": 0.2,
                "bottom": 0,
                "top": 4,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("n", "n", 200, 2, 1000, "units of a layer", "bir katmanın birimleri", 1),
            given("s", "s", 0.05, 0.005, 0.2, "deviation of the weights", "ağırlıkların standart sapması", 0.005),
            given("k", "k", 0.5, 0.1, 1, "what the activation lets through", "aktivasyonun geçirdiği pay", 0.05),
            given("q", "q", 1, 0.01, 10, "mean square of the signal", "sinyalin kareler ortalaması", slider=False),
            given("x", "q_X", 1, 0.01, 10, "with Xavier's weights", "Xavier ağırlıklarıyla", slider=False),
            given("h", "q_H", 1, 0.01, 10, "with He's weights", "He ağırlıklarıyla", slider=False),
        ),
        lines=(
            line("v", r"\mathrm{Var}(z)", "n*s^2*q", "One layer", "Bir katman"),
            line("qn", "q'", "k*v"),
            line("f", "f", "k*n*s^2"),
            line("e", "f^{30}", "f^30"),
            line("s0", "s_0", "sqrt(1/(k*n))", "The deviation that keeps the size", "Büyüklüğü koruyan sapma"),
            line("sx", "s_X", "sqrt(1/n)", "The two rules", "İki kural"),
            line("sh", "s_H", "sqrt(2/n)"),
            line("xn", "q_X'", "k*n*sx^2*x"),
            line("hn", "q_H'", "k*n*sh^2*h"),
            line("lq", r"\ell", "ln(q)/ln(100)", "The size, as a power of ten", "Büyüklük, on üzeri kuvvet olarak"),
            line("lx", r"\ell_X", "ln(x)/ln(100)"),
            line("lh", r"\ell_H", "ln(h)/ln(100)"),
        ),
        updates={"q": "qn", "x": "xn", "h": "hn"},
    ),
    formula=r"\mathrm{Var}(z) = n s^2 q, \qquad f = k n s^2, \qquad s_0 = \sqrt{\frac{1}{k n}}",
    legend=(
        ("n", Text("units of a layer", "bir katmanın birimleri")),
        ("s", Text("deviation of the weights", "ağırlıkların standart sapması")),
        ("q", Text("mean square of the signal, a its root", "sinyalin kareler ortalaması, a onun kökü")),
        ("k", Text("1 where the activation is linear, 1/2 for ReLU", "aktivasyon doğrusalsa 1, ReLU için 1/2")),
        (r"\ell", Text("power of ten of the size a", "a büyüklüğünün on üzeri kuvveti")),
        ("f", Text("factor of one layer", "bir katmanın çarpanı")),
        ("s_0", Text("the deviation with f = 1", "f = 1 veren sapma")),
    ),
    code="import torch\n\nfrom derin.layers import Dense\nfrom derin.models.sequential import Sequential\n\n"
    'layers = [Dense(200, activation="relu", initializer="he") for _ in range(30)]\n'
    "network = Sequential(layers, input_shape=(200,), seed=0)\n"
    "x = torch.randn(64, 200)\nprint(network(x).square().mean() / x.square().mean())\n",
    exercise=Exercise(
        text=Text(
            "ReLU and $n = 50$. Which deviation $s$ keeps the size of the signal?",
            "ReLU ve $n = 50$. Hangi standart sapma $s$ sinyalin büyüklüğünü korur?",
        ),
        answer=0.2,
        tolerance=0.001,
        hints=(
            Text("$f = k n s^2$ has to be 1.", "$f = k n s^2$, 1 olmalıdır."),
            Text("For ReLU $k = \\frac{1}{2}$.", "ReLU için $k = \\frac{1}{2}$."),
            Text("$s^2 = \\frac{2}{50}$.", "$s^2 = \\frac{2}{50}$."),
        ),
        way=Text(
            "$s = \\sqrt{\\frac{2}{50}} = \\sqrt{0.04} = 0.2$, the rule of He.",
            "$s = \\sqrt{\\frac{2}{50}} = \\sqrt{0.04} = 0.2$; He kuralı.",
        ),
    ),
    after=("batch-norm",),
    covers=("signal-over-depth",),
)
