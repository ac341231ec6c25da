"""The logistic loss beside the squared one, over the weight: which has a valley and which a plateau."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

LESSON = CourseLesson(
    name="logistic-loss",
    area="A",
    rows=("A3", "A7"),
    title=Text("Which loss for a probability?", "Olasılık için hangi kayıp?"),
    goals=(
        Text("Derive the logistic loss from the likelihood.", "Lojistik kaybı olabilirlikten türetmek."),
        Text(
            "Say why the squared loss lets a unit that is badly wrong stand still.",
            "Çok yanılan bir birimin kare kayıpla neden yerinde saydığını söylemek.",
        ),
    ),
    story=(
        Text(
            "A unit reads $x$ and says with probability $p = \\sigma(w x)$ that the answer is 1. The "
            "wanted answer is $y$, 0 or 1. Of what it said, the probability of what happened is $p^{y} "
            "(1 - p)^{1 - y}$: that is $p$ for $y = 1$ and $1 - p$ for $y = 0$. **Maximum likelihood** "
            "wants it large; its negative logarithm is the logistic loss $L$, which wants to be small.",
            "Bir birim $x$'i okur ve yanıtın $p = \\sigma(w x)$ olasılıkla 1 olduğunu söyler. İstenen "
            "yanıt $y$, 0 ya da 1'dir. Söylediğine göre, gerçekleşenin olasılığı $p^{y} (1 - p)^{1 - "
            "y}$'dir: $y = 1$ ise $p$, $y = 0$ ise $1 - p$. **En büyük olabilirlik** bunu büyük ister; "
            "eksi logaritması, küçülmesi istenen lojistik kayıp $L$'dir.",
        ),
        Text(
            "The squared loss $Q = (p - y)^2$ would do as well, one might think. Look at the slopes: $L' "
            "= (p - y)\\, x$, but $Q' = 2 (p - y)\\, p (1 - p)\\, x$. The factor $p(1 - p)$ is nearly 0 "
            "exactly where the unit is sure and wrong. The bend of $L$ is nowhere negative (it is "
            "**convex**: one valley), that of $Q$ is.",
            "Kare kayıp $Q = (p - y)^2$ de iş görür sanılabilir. Eğimlere bakın: $L' = (p - y)\\, x$, "
            "ama $Q' = 2 (p - y)\\, p (1 - p)\\, x$. $p(1 - p)$ çarpanı, tam da birimin emin ve yanlış "
            "olduğu yerde 0'a yakındır. $L$'nin eğriliği hiçbir yerde eksi değildir (**dışbükeydir**: "
            "tek vadi), $Q$'nunki eksi olur.",
        ),
    ),
    question=Question(
        text=Text(
            "$y = 1$, but the unit says $p = 0.001$. Which loss pulls it back harder?",
            "$y = 1$, ama birim $p = 0.001$ diyor. Hangi kayıp onu daha güçlü geri çeker?",
        ),
        choices=(
            Text("The squared one", "Kare kayıp"),
            Text("The logistic one, about 500 times as hard", "Lojistik kayıp, yaklaşık 500 kat"),
            Text("Both alike", "İkisi de aynı"),
        ),
        right=1,
        why=Text(
            "$p - y$ is $-0.999$ for both, but the squared one multiplies it by $2 p (1 - p) \\approx "
            "0.002$. The worse the error, the less it learns.",
            "$p - y$ ikisinde de $-0.999$'dur; ama kare kayıp onu $2 p (1 - p) \\approx 0.002$ ile "
            "çarpar. Hata büyüdükçe daha az öğrenir.",
        ),
    ),
    try_it=(
        Text(
            "Drag the weight to $-5$: $L$ is a slope there, $Q$ a plateau.",
            "Ağırlığı $-5$'e sürükleyin: orada $L$ bir yokuş, $Q$ bir düzlüktür.",
        ),
        Text(
            "Press Run from there and watch both walkers: $w$ goes by $L$, $u$ by $Q$.",
            "Oradan Yürüt'e basıp iki yürüyücüyü izleyin: $w$, $L$ ile; $u$, $Q$ ile gider.",
        ),
        Text("Set $y = 0$: everything is mirrored.", "$y = 0$ yapın: her şey aynadaki gibi döner."),
    ),
    figures=(
        Figure(
            kind="curve",
            title=Text("Both losses over the weight", "Ağırlık üzerinde iki kayıp"),
            options={
                "x": "w",
                "values": [{"id": "L", "symbol": "L"}, {"id": "Q", "symbol": "Q"}],
                "low": -6,
                "high": 6,
                "bottom": -0.3,
                "top": 4,
            },
        ),
        Figure(
            kind="rollout",
            title=Text(
                "Forty steps: w by the logistic loss, u by the squared one", "Kırk adım: w lojistik, u kare kayıpla"
            ),
            options={
                "values": [{"id": "w", "symbol": "w"}, {"id": "u", "symbol": "u"}],
                "steps": 40,
                "bottom": -6,
                "top": 6,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("w", "w", -4, -6, 6, "weight, logistic loss", "ağırlık, lojistik kayıp"),
            given("u", "u", -4, -6, 6, "weight, squared loss", "ağırlık, kare kayıp"),
            given("x", "x", 1, -2, 2, "input", "girdi"),
            given("y", "y", 1, 0, 1, "wanted answer", "istenen yanıt", 1),
            given("eta", r"\eta", 0.5, 0, 3, "learning rate", "öğrenme oranı"),
        ),
        lines=(
            line("p", "p", "sigmoid(w*x)", "The logistic loss at w", "w'de lojistik kayıp"),
            line("M", "p^y (1 - p)^{1 - y}", "y*p + (1 - y)*(1 - p)"),
            line("L", "L", "-ln(M)"),
            line("dL", "L'", "(p - y)*x"),
            line("cL", "L''", "p*(1 - p)*x^2"),
            line("Q", "Q", "(p - y)^2", "The squared loss at w", "w'de kare kayıp"),
            line("dQ", "Q'", "2*(p - y)*p*(1 - p)*x"),
            line("cQ", "Q''", "2*p*(1 - p)*(p*(1 - p) + (p - y)*(1 - 2*p))*x^2"),
            line("wn", "w'", "w - eta*dL", "The steps", "Adımlar"),
            line("o", "o", "sigmoid(u*x)"),
            line("un", "u'", "u - eta*2*(o - y)*o*(1 - o)*x"),
        ),
        updates={"w": "wn", "u": "un"},
    ),
    formula=r"L = -\big(y \ln p + (1 - y) \ln (1 - p)\big), \qquad L' = (p - y)\, x, \qquad Q' = 2 (p - "
    r"y)\, p (1 - p)\, x",
    legend=(
        ("p", Text("probability of 1 that the unit gives", "birimin verdiği 1 olasılığı")),
        ("y", Text("wanted answer", "istenen yanıt")),
        ("L, Q", Text("logistic and squared loss", "lojistik ve kare kayıp")),
        ("L', L''", Text("slope and bend by the weight", "ağırlığa göre eğim ve eğrilik")),
        ("o", Text("probability that the second walker gives", "ikinci yürüyücünün verdiği olasılık")),
    ),
    code="derin lesson logistic-regression\nderin train data.csv --target y --model logistic\n",
    exercise=Exercise(
        text=Text("$y = 1$ and $p = 0.8$. What is the logistic loss?", "$y = 1$ ve $p = 0.8$. Lojistik kayıp kaçtır?"),
        answer=0.2231,
        tolerance=0.001,
        hints=(
            Text("For $y = 1$ only $\\ln p$ is left.", "$y = 1$ için yalnız $\\ln p$ kalır."),
            Text("$\\ln 0.8 = -0.223$.", "$\\ln 0.8 = -0.223$."),
            Text("Mind the sign.", "İşarete dikkat."),
        ),
        way=Text("$-\\ln 0.8 = 0.223$.", "$-\\ln 0.8 = 0.223$."),
    ),
    erratum=Text(
        "Document 003 prints the cost without its minus sign and with $\\hat y$ in the place of $y$. "
        "For $y = 1$ and $\\hat y = 0.8$ that gives $-0.5004$.",
        "003 belgesi maliyeti eksi işareti olmadan ve $y$ yerine $\\hat y$ ile yazar. $y = 1$ ve "
        "$\\hat y = 0.8$ için bu $-0.5004$ verir.",
    ),
    after=("softmax",),
)
