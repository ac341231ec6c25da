"""The exponentially weighted average of daily temperatures, with the correction for having begun at 0."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

# Two months of a spring, in °C: a slow rise with weather on it.
_DAYS = (
    4.2, 6.8, 3.1, 5.5, 7.9, 8.4, 4.0, 2.6, 5.1, 7.2, 9.6, 6.3, 4.8, 8.1, 10.4, 11.0, 7.7, 5.9, 6.6, 9.8, 12.1,
    10.2, 8.3, 7.1, 9.4, 12.7, 13.5, 9.9, 8.0, 11.3, 14.2, 12.6, 10.1, 9.2, 12.4, 15.0, 16.1, 12.3, 10.8, 13.6,
    16.4, 14.9, 12.0, 13.1, 15.8, 18.2, 16.7, 13.4, 14.0, 17.1, 19.3, 17.8, 14.6, 15.5, 18.4, 20.1, 18.8, 16.0,
    17.2, 19.9,
)  # fmt: skip

LESSON = CourseLesson(
    name="moving-average",
    area="B",
    rows=("B2",),
    title=Text("Averages that forget", "Unutan ortalamalar"),
    goals=(
        Text(
            "Carry an exponentially weighted average on by a day, by hand.",
            "Üstel ağırlıklı ortalamayı elle bir gün ilerletmek.",
        ),
        Text(
            "Say over how many days it looks, and why it begins too low.",
            "Kaç güne baktığını ve neden çok aşağıdan başladığını söylemek.",
        ),
    ),
    story=(
        Text(
            "Each day brings a temperature $\\theta$. The average $v$ keeps the share $\\beta$ of what "
            "it was and takes $1 - \\beta$ of the new day: $v' = \\beta v + (1 - \\beta)\\,\\theta$. A "
            "day long past has faded to $\\beta^k$ of its weight, so that about $d = 1/(1 - \\beta)$ "
            "days count. One number is kept, not $d$.",
            "Her gün bir $\\theta$ sıcaklığı getirir. Ortalama $v$, önceki değerinin $\\beta$ kadarını "
            "korur, yeni günün $1 - \\beta$ kadarını alır: $v' = \\beta v + (1 - \\beta)\\,\\theta$. Çok "
            "önceki bir günün ağırlığı $\\beta^k$'ya dek söner; böylece yaklaşık $d = 1/(1 - \\beta)$ "
            "gün sayılır. $d$ sayı değil, tek sayı saklanır.",
        ),
        Text(
            "It begins at $v = 0$, which no day was. After $t$ days the weights add up to $1 - \\beta^t$ "
            "only; divided by that, the **corrected** average $u$ is right from the first day on. "
            "Momentum is this average of slopes, and Adam corrects it so.",
            "Hiçbir günün değeri olmayan $v = 0$'dan başlar. $t$ gün sonra ağırlıkların toplamı yalnız "
            "$1 - \\beta^t$ eder; buna bölünen **düzeltilmiş** ortalama $u$ ilk günden doğrudur. "
            "Momentum, eğimlerin böyle bir ortalamasıdır; Adam da onu böyle düzeltir.",
        ),
    ),
    question=Question(
        text=Text(
            "$\\beta$ goes from 0.9 to 0.98. What happens to the curve?",
            "$\\beta$, 0.9'dan 0.98'e çıkıyor. Eğri nasıl değişir?",
        ),
        choices=(
            Text("It follows the days faster", "Günleri daha hızlı izler"),
            Text("It becomes smoother and lags behind", "Daha düzgün olur ve geriden gelir"),
            Text("It becomes smoother, without a delay", "Gecikmeden daha düzgün olur"),
        ),
        right=1,
        why=Text(
            "It now looks over 50 days instead of 10: weather cancels, but the spring's rise arrives "
            "late. Smoothness is bought with delay.",
            "Artık 10 yerine 50 güne bakar: hava oynaklığı birbirini götürür, ama baharın yükselişi geç "
            "gelir. Düzgünlük gecikmeyle satın alınır.",
        ),
    ),
    try_it=(
        Text("Slide $\\beta$ from 0.5 to 0.98 and read $d$.", "$\\beta$'yı 0.5'ten 0.98'e kaydırıp $d$'yi okuyun."),
        Text(
            "At $\\beta = 0.98$ compare the first ten days of $v'$ and $u$.",
            "$\\beta = 0.98$'de $v'$ ile $u$'nun ilk on gününü karşılaştırın.",
        ),
        Text(
            "Drag one day far up: for how long is it felt?", "Bir günü çok yukarı sürükleyin: etkisi ne kadar sürüyor?"
        ),
    ),
    figures=(
        Figure(
            kind="rollout",
            title=Text("Sixty days in °C: drag a day", "Altmış gün, °C: bir günü sürükleyin"),
            options={
                "values": [
                    {"id": "theta", "symbol": r"\theta", "dots": True},
                    {"id": "vn", "symbol": "v'"},
                    {"id": "u", "symbol": "u"},
                ],
                "steps": 59,
                "bottom": -2,
                "top": 24,
                "held": "theta",
                "first": 1,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("beta", r"\beta", 0.9, 0, 0.99, "share of the old average", "eski ortalamanın payı", 0.01),
            given("theta", r"\theta", 0, -2, 24, "temperature of the day", "günün sıcaklığı"),
            given("v", "v", 0, -2, 24, "average so far", "şimdiye dek ortalama", slider=False),
            given("t", "t", 1, 1, 60, "day", "gün", 1, slider=False),
        ),
        lines=(
            line("vn", "v'", "beta*v + (1 - beta)*theta", "The average", "Ortalama"),
            line("c", "1 - \\beta^t", "1 - beta^t", "Its correction", "Düzeltmesi"),
            line("u", "u", "vn/c"),
            line("d", "d", "1/(1 - beta)", "How many days count", "Kaç gün sayılır"),
            line("tn", "t'", "t + 1"),
        ),
        sets=((Text("spring", "bahar"), tuple({"theta": value} for value in _DAYS)),),
        updates={"v": "vn", "t": "tn"},
    ),
    formula=r"v_t = \beta\, v_{t-1} + (1 - \beta)\, \theta_t, \qquad u_t = \frac{v_t}{1 - \beta^t}, "
    r"\qquad d \approx \frac{1}{1 - \beta}",
    legend=(
        (r"\theta_t", Text("number of day t", "t. günün sayısı")),
        ("v_t", Text("average, from 0", "ortalama, 0'dan başlar")),
        ("u_t", Text("average, corrected", "düzeltilmiş ortalama")),
        (r"\beta", Text("share of the old average", "eski ortalamanın payı")),
    ),
    code="derin lesson moving-average -o file=days.csv -o column=temperature\n",
    exercise=Exercise(
        text=Text(
            "With $\\beta = 0.98$ the first two days had 10 and 12. What is the corrected average $u_2$?",
            "$\\beta = 0.98$ iken ilk iki gün 10 ve 12 idi. Düzeltilmiş ortalama $u_2$ kaçtır?",
        ),
        answer=11.0101,
        tolerance=0.002,
        hints=(
            Text(
                "$v_1 = 0.02 \\cdot 10$, then $v_2 = 0.98\\, v_1 + 0.02 \\cdot 12$.",
                "$v_1 = 0.02 \\cdot 10$, sonra $v_2 = 0.98\\, v_1 + 0.02 \\cdot 12$.",
            ),
            Text("$v_2 = 0.196 + 0.24 = 0.436$.", "$v_2 = 0.196 + 0.24 = 0.436$."),
            Text("Divide by $1 - 0.98^2 = 0.0396$.", "$1 - 0.98^2 = 0.0396$'ya bölün."),
        ),
        way=Text(
            "$0.436/0.0396 = 11.01$: $(0.0196\\, \\theta_1 + 0.02\\, \\theta_2)/0.0396$, a little more "
            "weight on the later day.",
            "$0.436/0.0396 = 11.01$: $(0.0196\\, \\theta_1 + 0.02\\, \\theta_2)/0.0396$; sonraki güne "
            "biraz daha çok ağırlık.",
        ),
    ),
    erratum=Text(
        "Document 003 says that $\\beta = 0.99$ averages over 50 days. It is 100; 50 belongs to 0.98.",
        "003 belgesi $\\beta = 0.99$'un 50 günün ortalamasını aldığını söyler. Doğrusu 100'dür; 50, 0.98'indir.",
    ),
    after=("optimizers",),
)
