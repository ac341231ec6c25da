"""Gradient descent on a parabola: one weight, one rate, and what too large a rate does."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

LESSON = CourseLesson(
    name="gradient-descent",
    area="A",
    rows=("A13", "B5"),
    title=Text("Gradient descent and its rate", "Gradyan inişi ve oranı"),
    goals=(
        Text(
            "Take a step of gradient descent by hand, and say where a rate leads.",
            "Gradyan inişinin bir adımını elle atmak ve bir oranın nereye götürdüğünü söylemek.",
        ),
        Text(
            "Say which rate is too small, which is best and from which on it diverges.",
            "Hangi oranın çok küçük, hangisinin en iyi olduğunu ve hangisinden sonra ıraksandığını söylemek.",
        ),
    ),
    story=(
        Text(
            "One weight $w$ is to make the loss $L = w^2 - 10 w + 25$ small. Its slope $g = 2 w - 10$ "
            "says which way is up: where $g$ is negative, the loss falls to the right.",
            "Tek bir ağırlık $w$, $L = w^2 - 10 w + 25$ kaybını küçültecek. Eğim $g = 2 w - 10$ hangi "
            "yönün yokuş yukarı olduğunu söyler: $g$ eksiyse kayıp sağa doğru düşer.",
        ),
        Text(
            "A step goes against the slope, by $\\eta$ times: $w' = w - \\eta g$, with the learning rate "
            "$\\eta$. With **momentum** $\\mu$ it goes by a speed $s$ instead, which keeps the share "
            "$\\mu$ of what it was; $\\mu = 0$ is plain descent.",
            "Bir adım eğimin $\\eta$ katı kadar tersine gider: $w' = w - \\eta g$; $\\eta$ öğrenme "
            "oranıdır. **Momentum** $\\mu$ varsa adım bir $s$ hızıyla atılır; hız, önceki değerinin "
            "$\\mu$ kadarını korur. $\\mu = 0$ yalın iniştir.",
        ),
    ),
    question=Question(
        text=Text(
            "From $w = 0$ with the rate $\\eta = 1$: where does it go?",
            "$w = 0$'dan $\\eta = 1$ oranıyla başlanıyor: nereye gider?",
        ),
        choices=(
            Text("To the bottom, $w = 5$, at once", "Hemen dibe, $w = 5$'e"),
            Text("To and fro between 0 and 10, for ever", "Sonsuza dek 0 ile 10 arasında gidip gelir"),
            Text("Away, farther with each step", "Her adımda daha uzağa kaçar"),
        ),
        right=1,
        why=Text(
            "The distance from 5 is multiplied by $1 - 2\\eta$ in each step. At $\\eta = 1$ that is "
            "$-1$: it stays as far, on the other side. Above 1 it grows; at $\\eta = ½$ one step is "
            "enough.",
            "5'e uzaklık her adımda $1 - 2\\eta$ ile çarpılır. $\\eta = 1$'de bu $-1$'dir: uzaklık "
            "değişmez, yalnız öteki yana geçilir. 1'in üstünde büyür; $\\eta = ½$'de tek adım yeter.",
        ),
    ),
    try_it=(
        Text(
            "Slide $\\eta$ from 0.05 up to 1.1: the whole way below changes at once. Where does it begin "
            "to jump over the bottom?",
            "$\\eta$'yı 0.05'ten 1.1'e kaydırın: alttaki yolun tümü hemen değişir. Dibin üzerinden "
            "atlamaya nerede başlıyor?",
        ),
        Text(
            "Drag the point on the curve and press Step: each step is long where it is steep.",
            "Eğri üzerindeki noktayı sürükleyip Adım'a basın: eğimin dik olduğu yerde adım uzundur.",
        ),
        Text(
            "Set $\\eta = 0.02$ and $\\mu = 0.9$: a rate that is far too small arrives, and overshoots on the way.",
            "$\\eta = 0.02$ ve $\\mu = 0.9$ yapın: çok küçük kalan oran bile varır, yolda da hedefi aşar.",
        ),
    ),
    figures=(
        Figure(
            kind="curve",
            title=Text("The loss: drag the weight", "Kayıp: ağırlığı sürükleyin"),
            options={
                "x": "w",
                "values": [{"id": "L", "symbol": "L"}],
                "low": -3,
                "high": 13,
                "bottom": -6,
                "top": 66,
            },
        ),
        Figure(
            kind="rollout",
            title=Text("The weight, step by step", "Ağırlık, adım adım"),
            options={
                "values": [{"id": "w", "symbol": "w"}, {"id": "five", "symbol": r"w^{\ast}"}],
                "steps": 24,
                "bottom": -3,
                "top": 13,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("w", "w", 0, -3, 13, "weight", "ağırlık"),
            given("eta", r"\eta", 0.1, 0, 1.2, "learning rate", "öğrenme oranı", 0.01),
            given("mu", r"\mu", 0, 0, 0.95, "momentum", "momentum", 0.05),
            given("s", "s", 0, -20, 20, "speed", "hız", slider=False),
        ),
        lines=(
            line("L", "L", "w^2 - 10*w + 25", "Where we are", "Bulunduğumuz yer"),
            line("g", "g", "2*w - 10"),
            line("sn", "s'", "mu*s + g", "The step", "Adım"),
            line("wn", "w'", "w - eta*sn"),
            line("Ln", "L'", "wn^2 - 10*wn + 25"),
            line("five", r"w^{\ast}", "10/2", "For comparison", "Karşılaştırmak için"),
            line("f", "f", "1 - 2*eta"),
        ),
        updates={"w": "wn", "s": "sn"},
    ),
    formula=r"s' = \mu s + g, \qquad w' = w - \eta\, s', \qquad g = \frac{\partial L}{\partial w} = 2w - 10",
    legend=(
        ("w, g", Text("weight, and slope of the loss there", "ağırlık ve kaybın oradaki eğimi")),
        (r"\eta", Text("learning rate", "öğrenme oranı")),
        (r"\mu, s", Text("momentum and speed", "momentum ve hız")),
        (r"w^{\ast}", Text("where the loss is least", "kaybın en az olduğu yer")),
        (
            "f",
            Text(
                "by which a step without momentum multiplies the distance from there",
                "momentumsuz bir adımın oraya uzaklığı çarptığı sayı",
            ),
        ),
    ),
    code="derin lesson quadratic -o learning_rate=0.1\nderin train points.csv --target y --model mlp "
    "--lr 0.1   # a rate of your own, for your data\n",
    exercise=Exercise(
        text=Text(
            "From $w = 2$ one step is taken with $\\eta = 0.25$ and no momentum. Where does it lead?",
            "$w = 2$'den $\\eta = 0.25$ ile, momentumsuz bir adım atılıyor. Nereye varılır?",
        ),
        answer=3.5,
        tolerance=0.005,
        hints=(
            Text("First the slope at 2.", "Önce 2'deki eğim."),
            Text("$g = 2 \\cdot 2 - 10 = -6$.", "$g = 2 \\cdot 2 - 10 = -6$."),
            Text("$w' = 2 - 0.25 \\cdot (-6)$.", "$w' = 2 - 0.25 \\cdot (-6)$."),
        ),
        way=Text(
            "$w' = 2 + 1.5 = 3.5$: the distance from 5 went from 3 to 1.5, times $1 - 2 \\cdot 0.25 = 0.5$.",
            "$w' = 2 + 1.5 = 3.5$: 5'e uzaklık 3'ten 1.5'e indi, $1 - 2 \\cdot 0.25 = 0.5$ katına.",
        ),
    ),
    erratum=Text(
        "Document 000 says that the gradient is the direction in which the error falls most. It is "
        "the direction in which it grows most; one walks against it.",
        "000 belgesi gradyanın, hatanın en çok düştüğü yön olduğunu söyler. Gradyan en çok arttığı "
        "yöndür; ona karşı yürünür.",
    ),
    after=("optimizers",),
)
