"""Batch normalization on one feature of four examples: which mean, and which of the two variances."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Given, Line, Question, Sheet
from derin.lessons.lesson import Text

_BATCH = (1.0, 2.0, 3.0, 6.0)


def _value(number: int, value: float) -> Given:
    meaning = Text(f"the feature of example {number}", f"{number}. örneğin özniteliği")
    return Given(id=f"z{number}", symbol=f"z_{number}", meaning=meaning, value=value, low=-4, high=8)


def _given(name: str, symbol: str, value: float, low: float, high: float, meaning: Text) -> Given:
    return Given(id=name, symbol=symbol, meaning=meaning, value=value, low=low, high=high)


LESSON = CourseLesson(
    name="batch-norm",
    area="C",
    rows=("C7",),
    title=Text("Batch norm, and which variance", "Yığın normalleştirme ve hangi varyans"),
    goals=(
        Text(
            "Normalize a batch by hand, with the variance that training uses.",
            "Bir yığını, eğitimin kullandığı varyansla elle normalleştirmek.",
        ),
        Text(
            "Say which variance is kept for later, and why the layer before needs no bias.",
            "Sonrası için hangi varyansın saklandığını ve önceki katmanın neden bias gerektirmediğini söylemek.",
        ),
    ),
    story=(
        Text(
            "A unit gives one number for each of the four examples of a batch: $z_1$ to $z_4$. Their mean is $\\mu$. "
            "Their "
            "variance $\\sigma^2$ is the mean of the squared distances from it: divided by $B = 4$, the size of the "
            "batch.",
            "Bir birim, bir yığının dört örneğinin her biri için bir sayı verir: $z_1$'den $z_4$'e. Ortalamaları "
            "$\\mu$'dür. "
            "Varyansları $\\sigma^2$, ona uzaklıkların karelerinin ortalamasıdır: yığın boyu $B = 4$'e bölünür.",
        ),
        Text(
            "Each number becomes $\\hat z$, and then $y = \\gamma \\hat z + \\beta$ with a scale $\\gamma$ and a "
            "shift $\\beta$ "
            "that are learned. The small $\\epsilon$ keeps the root from 0.",
            "Her sayı $\\hat z$ olur, sonra öğrenilen ölçek $\\gamma$ ve kayma $\\beta$ ile $y = \\gamma \\hat z + "
            "\\beta$. Küçük "
            "$\\epsilon$, kökü 0'dan korur.",
        ),
        Text(
            "When the network is used later there may be a single example and no batch. For that, running averages "
            "$m$ and "
            "$v$ are kept: each step moves them a tenth of the way to the batch at hand.",
            "Ağ sonradan kullanılırken belki tek bir örnek vardır, yığın yoktur. Bunun için kayan ortalamalar $m$ ve "
            "$v$ "
            "tutulur: her adım onları eldeki yığına doğru yolun onda biri kadar götürür.",
        ),
    ),
    question=Question(
        text=Text(
            "The layer before adds 2 to all four numbers. What happens to $y_1, …, y_4$?",
            "Önceki katman dört sayının hepsine 2 ekliyor. $y_1, …, y_4$ ne olur?",
        ),
        choices=(
            Text("All grow by 2", "Hepsi 2 artar"),
            Text("All grow by $2\\gamma$", "Hepsi $2\\gamma$ artar"),
            Text("Nothing", "Hiçbir şey"),
        ),
        right=2,
        why=Text(
            "The mean grows by 2 as well and is taken off again. That is why the layer before needs no bias: $\\beta$ "
            "takes "
            "its place.",
            "Ortalama da 2 artar ve yeniden çıkarılır. Önceki katmanın bias gerektirmemesi bundandır: yerini $\\beta$ "
            "alır.",
        ),
    ),
    try_it=(
        Text(
            "Drag the upper points: the green mark is their mean. Move one far out and watch the other three.",
            "Üstteki noktaları sürükleyin: yeşil çizgi ortalamalarıdır. Birini uzağa götürün, öteki üçünü izleyin.",
        ),
        Text(
            "Compare $\\sigma^2$ with $s^2$: training divides by $B$, the running average takes the one with $B - 1$.",
            "$\\sigma^2$ ile $s^2$'yi karşılaştırın: eğitim $B$'ye böler, kayan ortalama $B - 1$'li olanı alır.",
        ),
        Text("Press Step: $m$ and $v$ walk towards the batch.", "Adım'a basın: $m$ ve $v$ yığına doğru yürür."),
    ),
    figures=(
        Figure(
            kind="dots",
            title=Text("Before (above), after (below)", "Önce (üstte), sonra (altta)"),
            options={
                "low": -4.5,
                "high": 8.5,
                "rows": [
                    {"ids": ["z1", "z2", "z3", "z4"], "names": ["z₁", "z₂", "z₃", "z₄"], "middle": "mu"},
                    {"ids": ["y1", "y2", "y3", "y4"], "names": ["y₁", "y₂", "y₃", "y₄"], "middle": "beta"},
                ],
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            *(_value(number, value) for number, value in enumerate(_BATCH, start=1)),
            _given("gamma", r"\gamma", 1, -3, 3, Text("scale, learned", "ölçek, öğrenilir")),
            _given("beta", r"\beta", 0, -3, 3, Text("shift, learned", "kayma, öğrenilir")),
            _given("m", "m", 0, -4, 8, Text("running mean", "kayan ortalama")),
            _given("v", "v", 1, 0, 20, Text("running variance", "kayan varyans")),
        ),
        lines=(
            Line(
                id="mu",
                symbol=r"\mu",
                formula="(z1 + z2 + z3 + z4)/4",
                heading=Text("Mean and variance of the batch", "Yığının ortalaması ve varyansı"),
            ),
            Line(id="var", symbol=r"\sigma^2", formula="((z1-mu)^2 + (z2-mu)^2 + (z3-mu)^2 + (z4-mu)^2)/4"),
            Line(id="sd", symbol=r"\sqrt{\sigma^2 + \epsilon}", formula="sqrt(var + 0.00001)"),
            *(
                Line(
                    id=f"n{k}",
                    symbol=rf"\hat z_{k}",
                    formula=f"(z{k} - mu)/sd",
                    heading=Text("Normalized", "Normalleştirilmiş") if k == 1 else None,
                )
                for k in range(1, 5)
            ),
            *(
                Line(
                    id=f"y{k}",
                    symbol=f"y_{k}",
                    formula=f"gamma*n{k} + beta",
                    heading=Text("Scaled and shifted", "Ölçeklenmiş ve kaydırılmış") if k == 1 else None,
                )
                for k in range(1, 5)
            ),
            Line(
                id="s2",
                symbol="s^2",
                formula="var*4/3",
                heading=Text("Kept for later", "Sonrası için saklanan"),
            ),
            Line(id="mn", symbol="m'", formula="0.9*m + 0.1*mu"),
            Line(id="vn", symbol="v'", formula="0.9*v + 0.1*s2"),
            Line(
                id="late",
                symbol=r"y_1^{\ast}",
                formula="gamma*(z1 - mn)/sqrt(vn + 0.00001) + beta",
            ),
        ),
        updates={"m": "mn", "v": "vn"},
    ),
    formula=r"\hat z_i = \frac{z_i - \mu}{\sqrt{\sigma^2 + \epsilon}}, \quad y_i = \gamma \hat z_i + \beta, \quad "
    r"\sigma^2 = \frac{1}{B} \sum_i (z_i - \mu)^2, \quad s^2 = \frac{1}{B - 1} \sum_i (z_i - \mu)^2",
    legend=(
        (
            r"\mu, \sigma^2",
            Text("mean and variance of the batch, in training", "yığının ortalaması ve varyansı, eğitimde"),
        ),
        ("s^2", Text("unbiased variance, for the running average", "yansız varyans, kayan ortalama için")),
        (r"\gamma, \beta", Text("scale and shift, learned", "ölçek ve kayma, öğrenilir")),
        (r"\epsilon", Text("0.00001", "0,00001")),
        (
            r"y_1^{\ast}",
            Text("what the first example gets later, alone", "birinci örneğin sonradan, tek başına aldığı"),
        ),
    ),
    code="derin lesson batch-norm\nderin train digits --model mlp --option batch_norm=true\n",
    exercise=Exercise(
        text=Text(
            "A batch is 0, 2, 2, 4. By which variance does training divide?",
            "Bir yığın 0, 2, 2, 4. Eğitim hangi varyansla böler?",
        ),
        answer=2,
        tolerance=0.005,
        hints=(
            Text("The mean is 2.", "Ortalama 2'dir."),
            Text("The squared distances are 4, 0, 0, 4.", "Uzaklıkların kareleri 4, 0, 0, 4'tür."),
            Text("Divide their sum by $B$, not by $B - 1$.", "Toplamlarını $B - 1$'e değil $B$'ye bölün."),
        ),
        way=Text(
            "$8 ∕ 4 = 2$; the other one, $8 ∕ 3$, goes to the running average.",
            "$8 ∕ 4 = 2$; öteki, $8 ∕ 3$, kayan ortalamaya gider.",
        ),
    ),
    after=(),
)
