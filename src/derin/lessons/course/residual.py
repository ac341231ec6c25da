"""The residual connection: a signal and its slope through many layers, without and with a way around."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

LESSON = CourseLesson(
    name="residual",
    area="E",
    rows=("A6", "E4", "E5"),
    title=Text("The way around: residual connections", "Yan yol: artık bağlantılar"),
    goals=(
        Text(
            "Carry a signal and its slope through a layer, plain and residual, by hand.",
            "Bir sinyali ve eğimini düz ve artık bağlantılı bir katmandan elle geçirmek.",
        ),
        Text(
            "Say why a plain network becomes worse when it becomes deeper.",
            "Düz bir ağın derinleşince neden kötüleştiğini söylemek.",
        ),
    ),
    story=(
        Text(
            "Each **Step** is one layer farther up. A plain layer makes $a' = \\tanh(w a)$ of its input "
            "$a$. The slope of the output by the very first input is the product of all layers' slopes: "
            "$g' = g \\cdot w\\,(1 - a'^2)$. Fifty factors below 1 leave nothing; above 1 they explode, "
            "$1.5^{50}$ is 600 millions.",
            "Her **Adım** bir katman yukarısıdır. Düz bir katman, girdisi $a$'dan $a' = \\tanh(w a)$ "
            "üretir. Çıktının en baştaki girdiye göre eğimi, bütün katmanların eğimlerinin çarpımıdır: "
            "$g' = g \\cdot w\\,(1 - a'^2)$. 1'den küçük elli çarpan geriye hiçbir şey bırakmaz; 1'den "
            "büyükse patlar: $1.5^{50}$ 600 milyondur.",
        ),
        Text(
            "A residual layer **adds** what it makes to what came: $r' = r + t$ with $t = \\tanh(w r)$. "
            "Its slope is $h' = h \\cdot (1 + w (1 - t^2))$: the 1 is the way around, on which a slope "
            "comes through untouched. With $w = 0$ the layer does nothing, and a deeper network is at "
            "least as good as a shallower one.",
            "Artık bağlantılı katman ürettiğini gelene **ekler**: $t = \\tanh(w r)$ ile $r' = r + t$. "
            "Eğimi $h' = h \\cdot (1 + w (1 - t^2))$'dir: 1, eğimin dokunulmadan geçtiği yan yoldur. $w "
            "= 0$ iken katman hiçbir şey yapmaz; daha derin ağ en az sığ olan kadar iyidir.",
        ),
    ),
    question=Question(
        text=Text(
            "All layers have $w = 0$. What is left of the signal after 30 layers?",
            "Bütün katmanlarda $w = 0$. 30 katman sonra sinyalden ne kalır?",
        ),
        choices=(
            Text("Nothing in either", "İkisinde de hiçbir şey"),
            Text(
                "Nothing in the plain one, all of it in the residual one",
                "Düz olanda hiçbir şey, artık bağlantılıda tümü",
            ),
            Text("All of it in both", "İkisinde de tümü"),
        ),
        right=1,
        why=Text(
            "The plain layer says $\\tanh 0 = 0$ and forgets; the residual one says $r + 0$. To do "
            "nothing is the easiest thing for it, and hard to learn for the plain one.",
            "Düz katman $\\tanh 0 = 0$ der ve unutur; artık bağlantılı $r + 0$ der. Hiçbir şey yapmamak "
            "onun için en kolayıdır, düz katman için ise öğrenmesi zordur.",
        ),
    ),
    try_it=(
        Text(
            "Slide $w$ from 0 to 1.5: where does the slope $g$ vanish, and where does $h$ still live?",
            "$w$'yi 0'dan 1.5'e kaydırın: $g$ eğimi nerede yok oluyor, $h$ nerede yaşıyor?",
        ),
        Text(
            "Make $w$ negative: the plain signal flips its sign at each layer.",
            "$w$'yi eksi yapın: düz sinyal her katmanda işaret değiştirir.",
        ),
        Text(
            "At $w = 0.2$ the residual signal grows slowly: real networks normalize it.",
            "$w = 0.2$'de artık bağlantılı sinyal yavaşça büyür: gerçek ağlar onu normalleştirir.",
        ),
    ),
    figures=(
        Figure(
            kind="rollout",
            title=Text("The signal, layer by layer", "Sinyal, katman katman"),
            options={
                "values": [{"id": "a", "symbol": "a"}, {"id": "r", "symbol": "r"}],
                "steps": 30,
                "bottom": -1.5,
                "top": 6,
            },
        ),
        Figure(
            kind="rollout",
            title=Text("Its slope, as a power of ten", "Eğimi, on üzeri olarak"),
            options={
                "values": [{"id": "lg", "symbol": r"\log_{10} |g|"}, {"id": "lh", "symbol": r"\log_{10} |h|"}],
                "steps": 30,
                "bottom": -12,
                "top": 6,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("w", "w", 0.6, -1.5, 1.5, "weight of every layer", "her katmanın ağırlığı", 0.05),
            given("a", "a", 1, -3, 3, "signal, plain", "sinyal, düz"),
            given("r", "r", 1, -3, 3, "signal, residual", "sinyal, artık bağlantılı"),
            given("g", "g", 1, -3, 3, "slope so far, plain", "şimdiye dek eğim, düz", slider=False),
            given("h", "h", 1, -3, 3, "slope so far, residual", "şimdiye dek eğim, artık bağlantılı", slider=False),
        ),
        lines=(
            line("an", "a'", "tanh(w*a)", "A plain layer", "Düz katman"),
            line("gn", "g'", "g*w*(1 - an^2)"),
            line("t", "t", "tanh(w*r)", "A residual layer", "Artık bağlantılı katman"),
            line("rn", "r'", "r + t"),
            line("hn", "h'", "h*(1 + w*(1 - t^2))"),
            line("lg", r"\log_{10} |g|", "ln(abs(g) + 10^(-30))/ln(10)", "As powers of ten", "On üzeri olarak"),
            line("lh", r"\log_{10} |h|", "ln(abs(h) + 10^(-30))/ln(10)"),
        ),
        updates={"a": "an", "g": "gn", "r": "rn", "h": "hn"},
    ),
    formula=r"a' = F(a): \ \ \frac{\partial a'}{\partial a} = F'(a), \qquad r' = r + F(r): \ \ "
    r"\frac{\partial r'}{\partial r} = 1 + F'(r)",
    legend=(
        ("F", Text("what a layer computes, here tanh(w·a)", "bir katmanın hesapladığı, burada tanh(w·a)")),
        ("a, r", Text("signal in the plain and in the residual network", "düz ve artık bağlantılı ağda sinyal")),
        ("g, h", Text("slope of the signal by the first input", "sinyalin ilk girdiye göre eğimi")),
    ),
    code="derin train images/ --model resnet18\nderin train images/ --model plain18   # the same "
    "depth without the way around\n",
    exercise=Exercise(
        text=Text(
            "A residual layer's $F$ has the slope $-0.2$ everywhere. By what factor does a slope come "
            "through ten of them?",
            "Bir artık katmanın $F$'sinin eğimi her yerde $-0.2$. Bir eğim on katmandan hangi çarpanla geçer?",
        ),
        answer=0.1074,
        tolerance=0.001,
        hints=(
            Text("One layer multiplies by $1 + F'$.", "Bir katman $1 + F'$ ile çarpar."),
            Text("That is 0.8.", "Bu 0.8'dir."),
            Text("$0.8^{10}$.", "$0.8^{10}$."),
        ),
        way=Text(
            "$0.8^{10} = 0.107$. Ten plain layers would leave $0.2^{10} = 0.0000001$.",
            "$0.8^{10} = 0.107$. On düz katman $0.2^{10} = 0.0000001$ bırakırdı.",
        ),
    ),
    after=("batch-norm",),
)
