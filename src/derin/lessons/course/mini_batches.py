"""All examples in a step, or one: two walkers in the landscape of the same four points."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_POINTS = ((-1.5, -2.6), (1.5, 4.6), (-0.5, 0.9), (0.5, 1.1))


def _sum(form: str) -> str:
    return " + ".join(form.format(x=f"X{k}", y=f"Y{k}") for k in range(1, 5))


LESSON = CourseLesson(
    name="mini-batches",
    area="B",
    rows=("B1",),
    title=Text("A step for all, or for one", "Hepsi için bir adım ya da biri için"),
    goals=(
        Text("Count steps and epochs for a batch size.", "Bir yığın boyu için adımları ve epokları saymak."),
        Text(
            "Say why the loss of single examples jumps, and why it is done all the same.",
            "Tek tek örneklerin kaybının neden sıçradığını ve bunun neden yine de yapıldığını söylemek.",
        ),
    ),
    story=(
        Text(
            "Four points $(X_k, Y_k)$ want a line. The **batch** walker $(m, b)$ looks at all four "
            "before each step and goes by their mean slope. The **stochastic** walker $(p, q)$ looks at "
            "one point $(x, y)$, steps, and goes on to the next: four steps in one **epoch**, one pass "
            "over all.",
            "Dört nokta $(X_k, Y_k)$ bir doğru ister. **Yığın** yürüyücüsü $(m, b)$ her adımdan önce "
            "dördüne de bakar ve ortalama eğime göre gider. **Stokastik** yürüyücü $(p, q)$ tek bir $(x, "
            "y)$ noktasına bakar, adım atar, sonrakine geçer: bir **epokta**, yani hepsinin üzerinden "
            "bir geçişte dört adım.",
        ),
        Text(
            "Its slope is right only on the average: it zigzags, and with a constant rate it never comes "
            "to rest. But a step costs a quarter. **Mini-batches** of, say, 32 to 512 examples stand "
            "between: the noise falls with the root of their size, and a processor does them at once.",
            "Eğimi yalnız ortalamada doğrudur: zikzak çizer, sabit oranla hiç durulmaz. Ama adımı dörtte "
            "bire mal olur. Örneğin 32 ile 512 örneklik **mini yığınlar** arada durur: gürültü, "
            "boylarının kareköküyle azalır; işlemci onları bir kerede işler.",
        ),
    ),
    question=Question(
        text=Text(
            "Both have gone once over the four points. Which has the smaller loss?",
            "İkisi de dört noktanın üzerinden bir kez geçti. Hangisinin kaybı daha küçüktür?",
        ),
        choices=(
            Text("The batch: its slope is exact", "Yığın: eğimi kesindir"),
            Text("The stochastic one: it has made four steps", "Stokastik olan: dört adım atmıştır"),
            Text("They are equal", "Eşittir"),
        ),
        right=1,
        why=Text(
            "Four rough steps get farther than one exact one. Later, near the bottom, it is the other "
            "way round: the exact one comes to rest, the rough one does not.",
            "Dört kaba adım, tek kesin adımdan uzağa gider. Sonra, dibe yakınken tersi olur: kesin olan "
            "durulur, kaba olan durulmaz.",
        ),
    ),
    try_it=(
        Text(
            "Press Step four times and read $J_m$ and $J_p$. The batch walker moves only when the epoch is over.",
            "Dört kez Adım'a basıp $J_m$ ve $J_p$'yi okuyun. Yığın yürüyücüsü yalnız epok bitince adım atar.",
        ),
        Text(
            "Raise $\\eta$: which walker jitters, and how wide?",
            "$\\eta$'yı artırın: hangi yürüyücü, ne genişlikte titriyor?",
        ),
        Text(
            "Drag the start to the very bottom: one stays, one walks away.",
            "Başlangıcı tam dibe sürükleyin: biri kalır, biri yürür gider.",
        ),
    ),
    figures=(
        Figure(
            kind="path",
            title=Text("Forty steps of slope (across) and bias (up)", "Kırk adım: eğim (yatay) ve bias (dikey)"),
            options={
                "walkers": [
                    {"x": "m", "y": "b", "name": Text("batch", "yığın"), "loss": "Jm"},
                    {"x": "p", "y": "q", "name": Text("stochastic", "stokastik"), "loss": "Jp"},
                ],
                "value": "Jm",
                "names": ["m", "b"],
                "low": -1,
                "high": 5,
                "bottom": -1.5,
                "top": 3.5,
                "steps": 40,
                "levels": 8,
                "together": True,
            },
        ),
        Figure(
            kind="rollout",
            title=Text(
                "Losses over all four points; the loss of the one point",
                "Dört noktanın tümündeki kayıplar; tek noktanın kaybı",
            ),
            options={
                "values": [
                    {"id": "Jm", "symbol": "J_m"},
                    {"id": "Jp", "symbol": "J_p"},
                    {"id": "L", "symbol": "L", "dots": True},
                ],
                "steps": 40,
                "bottom": -0.2,
                "top": 5,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("eta", r"\eta", 0.12, 0, 0.5, "learning rate", "öğrenme oranı", 0.01),
            given("m", "m", 0, -1, 5, "slope, batch", "eğim, yığın", slider=False),
            given("b", "b", 3, -1.5, 3.5, "bias, batch", "bias, yığın", slider=False),
            given("p", "p", 0, -1, 5, "slope, stochastic", "eğim, stokastik", slider=False),
            given("q", "q", 3, -1.5, 3.5, "bias, stochastic", "bias, stokastik", slider=False),
            given("t", "t", 0, 0, 1000, "steps so far", "şimdiye dek adım", 1, slider=False),
            given("x", "x", 0, -2, 2, "input of the point at hand", "eldeki noktanın girdisi", slider=False),
            given("y", "y", 0, -4, 6, "its answer", "yanıtı", slider=False),
            *(
                given(f"{letter}{k}", f"{letter}_{k}", point[place], -4, 6, f"point {k}", f"{k}. nokta", slider=False)
                for k, point in enumerate(_POINTS, 1)
                for place, letter in enumerate("XY")
            ),
        ),
        lines=(
            line(
                "Jm",
                "J_m",
                f"({_sum('(m*{x} + b - {y})^2')})/4",
                "All four points: the batch",
                "Dört noktanın tümü: yığın",
            ),
            line("gm", "g_m", f"({_sum('(m*{x} + b - {y})*{x}')})/2"),
            line("gb", "g_b", f"({_sum('(m*{x} + b - {y})')})/2"),
            line("E", "E", "floor((t + 1)/4) - floor(t/4)", "Is the epoch over? (1: yes)", "Epok bitti mi? (1: evet)"),
            line("mn", "m'", "m - E*eta*gm"),
            line("bn", "b'", "b - E*eta*gb"),
            line("e", "e", "p*x + q - y", "One point: the stochastic walker", "Tek nokta: stokastik yürüyücü"),
            line("L", "L", "e^2"),
            line("pn", "p'", "p - eta*2*e*x"),
            line("qn", "q'", "q - eta*2*e"),
            line("Jp", "J_p", f"({_sum('(p*{x} + q - {y})^2')})/4", "Its loss over all four", "Onun dördündeki kaybı"),
            line("tn", "t'", "t + 1", "Steps", "Adımlar"),
        ),
        sets=((Text("four points", "dört nokta"), tuple({"x": x, "y": y} for x, y in _POINTS)),),
        updates={name: f"{name}n" for name in ("m", "b", "p", "q", "t")},
    ),
    formula=r"J = \frac{1}{n} \sum_{i=1}^{n} L_i, \qquad w' = w - \eta\, \frac{1}{B} \sum_{i=1}^{B} "
    r"\frac{\partial L_i}{\partial w}, \qquad S = \lceil n/B \rceil",
    legend=(
        ("n, B", Text("number of examples, and of those in a batch", "örnek sayısı ve bir yığındakilerin sayısı")),
        ("L_i, J", Text("loss of an example, and mean of all", "bir örneğin kaybı ve hepsinin ortalaması")),
        (r"m, b; p, q", Text("slope and bias of either walker", "iki yürüyücünün eğimi ve bias'ı")),
        ("S", Text("steps of an epoch", "bir epokun adım sayısı")),
        ("E", Text("1 in the last step of an epoch", "epokun son adımında 1")),
    ),
    code="derin lesson mini-batches\nderin train data.csv --target y --model mlp --batch-size 64\n",
    exercise=Exercise(
        text=Text(
            "60 000 pictures, batches of 128, the last one smaller. How many steps has an epoch?",
            "60 000 resim, 128'lik yığınlar, sonuncusu daha küçük. Bir epokta kaç adım vardır?",
        ),
        answer=469,
        tolerance=0.4,
        hints=(
            Text("Divide.", "Bölün."),
            Text("$60000/128 = 468.75$.", "$60000/128 = 468.75$."),
            Text("The rest is a step, too: round up.", "Artanlar da bir adımdır: yukarı yuvarlayın."),
        ),
        way=Text("468 full batches and one of 96: 469 steps.", "468 tam yığın ve 96'lık bir yığın: 469 adım."),
    ),
    after=("optimizers",),
)
