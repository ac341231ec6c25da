"""L1 and L2 side by side: three walkers in one landscape, with no penalty, with squares and with absolute values."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_WALKERS = (
    (1, Text("no penalty", "cezasız"), ""),
    (2, Text("L2", "L2"), "lam*{w}"),
    (3, Text("L1", "L1"), "lam*sign({w})"),
)


def _step(axis: str, k: int, penalty: str) -> str:
    w = f"{axis}{k}"
    slope = f"({w} - {axis}s)" if axis == "u" else f"0.3*({w} - {axis}s)"
    return f"{w} - eta*({slope} + {penalty.format(w=w)})" if penalty else f"{w} - eta*{slope}"


LESSON = CourseLesson(
    name="l1-l2",
    area="C",
    rows=("C1", "C2"),
    title=Text("L1 and L2: which weights become 0", "L1 ve L2: hangi ağırlıklar 0 olur"),
    goals=(
        Text("Add the slope of either penalty to a step, by hand.", "Her iki cezanın eğimini bir adıma elle eklemek."),
        Text(
            "Say which penalty makes weights exactly unimportant, and which only small.",
            "Hangi cezanın ağırlıkları önemsiz kıldığını, hangisinin yalnız küçülttüğünü söylemek.",
        ),
    ),
    story=(
        Text(
            "The data want the weights $u^{\\ast}$ and $v^{\\ast}$, the second one weakly: $L = "
            "\\frac{1}{2}(u - u^{\\ast})^2 + 0.15\\,(v - v^{\\ast})^2$. A penalty of strength $\\lambda$ "
            "pulls both towards 0. **L2** adds $\\frac{\\lambda}{2} w^2$ with the slope $\\lambda w$: "
            "strong on large weights, weaker and weaker on small ones. **L1** adds $\\lambda |w|$ with "
            "the slope $\\lambda\\,\\mathrm{sign}(w)$: the same pull on all.",
            "Veri $u^{\\ast}$ ve $v^{\\ast}$ ağırlıklarını ister, ikincisini zayıfça: $L = "
            "\\frac{1}{2}(u - u^{\\ast})^2 + 0.15\\,(v - v^{\\ast})^2$. $\\lambda$ gücündeki ceza "
            "ikisini de 0'a çeker. **L2**, eğimi $\\lambda w$ olan $\\frac{\\lambda}{2} w^2$'yi ekler: "
            "büyük ağırlığı güçlü, küçüğü gitgide zayıf çeker. **L1**, eğimi "
            "$\\lambda\\,\\mathrm{sign}(w)$ olan $\\lambda |w|$'yi ekler: hepsini aynı güçle çeker.",
        ),
        Text(
            "A step of L2 is $w' = (1 - \\eta\\lambda)\\, w - \\eta g$: each weight shrinks by a factor "
            "first. Hence the name **weight decay**.",
            "L2'nin bir adımı $w' = (1 - \\eta\\lambda)\\, w - \\eta g$'dir: her ağırlık önce bir "
            "çarpanla küçülür. **Ağırlık sönümü** adı bundandır.",
        ),
    ),
    question=Question(
        text=Text(
            "$u^{\\ast} = 2$, $v^{\\ast} = 1$ and $\\lambda = 0.5$. Which weight of which walker ends at 0?",
            "$u^{\\ast} = 2$, $v^{\\ast} = 1$ ve $\\lambda = 0.5$. Hangi yürüyücünün hangi ağırlığı 0'da biter?",
        ),
        choices=(
            Text("Both weights of L2", "L2'nin iki ağırlığı"),
            Text("$v$ of L1", "L1'in $v$'si"),
            Text("$v$ of L1 and of L2", "L1'in ve L2'nin $v$'si"),
        ),
        right=1,
        why=Text(
            "At $v = 0$ the data pull with $0.3 \\cdot 1 = 0.3$, L1 holds with up to $\\lambda = 0.5$: "
            "it stays. The pull of L2 at 0 is 0, so the data always win a little.",
            "$v = 0$'da veri $0.3 \\cdot 1 = 0.3$ ile çeker, L1 $\\lambda = 0.5$'e dek tutar: orada "
            "kalır. L2'nin 0'daki çekişi 0'dır, bu yüzden veri hep biraz kazanır.",
        ),
    ),
    try_it=(
        Text(
            "Slide $\\lambda$ up from 0: L1 walks straight down the axes, L2 bends towards 0.",
            "$\\lambda$'yı 0'dan yukarı kaydırın: L1 eksenler boyunca dümdüz iner, L2 0'a doğru kıvrılır.",
        ),
        Text(
            "Find the $\\lambda$ from which on $v_3$ ends at 0. (It jitters there by one step: its slope jumps at 0.)",
            "$v_3$'ün 0'da bitmeye başladığı $\\lambda$'yı bulun. (Orada bir adım boyu titrer: eğimi 0'da atlar.)",
        ),
        Text("Drag the common start across an axis.", "Ortak başlangıcı bir eksenin öte yanına sürükleyin."),
    ),
    figures=(
        Figure(
            kind="path",
            title=Text("Eighty steps; the landscape is that of the data", "Seksen adım; arazi verininkidir"),
            options={
                "walkers": [{"x": f"u{k}", "y": f"v{k}", "name": name, "loss": f"L{k}"} for k, name, _ in _WALKERS],
                "value": "L1",
                "names": ["u1", "v1"],
                "low": -1,
                "high": 4,
                "bottom": -1,
                "top": 2.4,
                "steps": 80,
                "levels": 7,
                "together": True,
            },
        ),
        Figure(
            kind="rollout",
            title=Text("The weak weight, step by step", "Zayıf ağırlık, adım adım"),
            options={
                "values": [{"id": f"v{k}", "symbol": f"v_{k}"} for k, _, _ in _WALKERS],
                "steps": 80,
                "bottom": -0.4,
                "top": 2.4,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("lam", r"\lambda", 0.5, 0, 2, "strength of the penalty", "cezanın gücü", 0.05),
            given("us", r"u^{\ast}", 2, -1, 4, "what the data want of u", "verinin istediği u"),
            given("vs", r"v^{\ast}", 1, -1, 2.4, "what the data want of v", "verinin istediği v"),
            given("eta", r"\eta", 0.1, 0, 1, "learning rate", "öğrenme oranı", 0.05),
            *(
                given(
                    f"{axis}{k}",
                    f"{axis}_{k}",
                    value,
                    -1,
                    4,
                    f"weight {axis}: {name.en}",
                    f"{axis} ağırlığı: {name.tr}",
                    slider=False,
                )
                for k, name, _ in _WALKERS
                for axis, value in (("u", 3.5), ("v", 2.0))
            ),
        ),
        lines=tuple(
            one
            for k, name, penalty in _WALKERS
            for one in (
                line(
                    f"L{k}",
                    f"L_{k}",
                    f"(u{k} - us)^2/2 + 0.15*(v{k} - vs)^2",
                    name.en[0].upper() + name.en[1:],
                    name.tr[0].upper() + name.tr[1:],
                ),
                line(f"u{k}n", f"u_{k}'", _step("u", k, penalty)),
                line(f"v{k}n", f"v_{k}'", _step("v", k, penalty)),
            )
        ),
        updates={f"{axis}{k}": f"{axis}{k}n" for k, _, _ in _WALKERS for axis in "uv"},
    ),
    formula=r"\mathrm{L2}: \ w' = w - \eta \Big(\frac{\partial L}{\partial w} + \lambda w\Big) = (1 - "
    r"\eta\lambda)\, w - \eta \frac{\partial L}{\partial w}, \qquad \mathrm{L1}: \ w' = w - \eta "
    r"\Big(\frac{\partial L}{\partial w} + \lambda\, \mathrm{sign}(w)\Big)",
    legend=(
        (
            "w",
            Text("a weight, here u or v; biases are left alone", "bir ağırlık, burada u ya da v; bias'lara dokunulmaz"),
        ),
        (r"\lambda", Text("strength of the penalty", "cezanın gücü")),
        (r"\partial L/\partial w", Text("slope of the data's loss", "verinin kaybının eğimi")),
        (r"\eta", Text("learning rate", "öğrenme oranı")),
    ),
    code="derin train data.csv --target y --model mlp --weight-decay 0.01   # L2\nderin train "
    "data.csv --target y --model mlp --l1 0.001\n",
    exercise=Exercise(
        text=Text(
            "A weight is $w = 2$, its slope from the data is $-1$, $\\eta = 0.1$ and $\\lambda = 0.5$. "
            "Where does a step with L2 lead?",
            "Bir ağırlık $w = 2$, veriden gelen eğimi $-1$, $\\eta = 0.1$ ve $\\lambda = 0.5$. L2'li bir "
            "adım nereye götürür?",
        ),
        answer=2.0,
        tolerance=0.001,
        hints=(
            Text("The penalty's slope is $\\lambda w$.", "Cezanın eğimi $\\lambda w$'dir."),
            Text("$0.5 \\cdot 2 = 1$.", "$0.5 \\cdot 2 = 1$."),
            Text("Together with the data: $-1 + 1$.", "Veriyle birlikte: $-1 + 1$."),
        ),
        way=Text(
            "$2 - 0.1 \\cdot (-1 + 1) = 2$: data and penalty hold each other in balance, and the weight stays.",
            "$2 - 0.1 \\cdot (-1 + 1) = 2$: veri ile ceza dengededir, ağırlık yerinde kalır.",
        ),
    ),
    after=("dropout",),
)
