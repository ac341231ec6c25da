"""Inverted dropout on four values: what is drawn, what is scaled, and what stays the same on the average."""

from __future__ import annotations

import random

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_UNITS = (1, 2, 3, 4)
_VALUES = (1.0, 0.4, 0.8, 1.4)
_DRAWS = random.Random(1)
_SETS = tuple({f"r{k}": round(_DRAWS.random(), 3) for k in _UNITS} for _ in range(100))

LESSON = CourseLesson(
    name="dropout",
    area="C",
    rows=("C3",),
    title=Text("Dropout, inverted", "Ters ölçeklemeli iletim sönümü"),
    goals=(
        Text(
            "Apply dropout to a layer by hand, with the scale that belongs to it.",
            "Bir katmana iletim sönümünü, gereken ölçekle elle uygulamak.",
        ),
        Text("Say why nothing is scaled at test time.", "Test sırasında neden hiçbir şeyin ölçeklenmediğini söylemek."),
    ),
    story=(
        Text(
            "A layer gives four values $a_1, …, a_4$. In training, dropout draws a number $r_k$ between "
            "0 and 1 for each and keeps the value only where $r_k > p$: on the average the share $1 - "
            "p$. What is kept is divided by $1 - p$.",
            "Bir katman dört değer verir: $a_1, …, a_4$. Eğitimde iletim sönümü her biri için 0 ile 1 "
            "arasında bir $r_k$ çeker ve değeri yalnız $r_k > p$ ise tutar: ortalamada $1 - p$ kadarı. "
            "Tutulan, $1 - p$'ye bölünür.",
        ),
        Text(
            "The next unit sums: $s = a_1 + … + a_4$ without dropout, $d$ with it. Each draw makes $d$ "
            "another number, but their mean over many draws, $m$, is $s$. At test time dropout is off "
            "and nothing needs correction: that is what **inverted** means. (The first paper scaled at "
            "test time instead.)",
            "Sonraki birim toplar: iletim sönümü yokken $s = a_1 + … + a_4$, varken $d$. Her çekilişte "
            "$d$ başka bir sayıdır; ama birçok çekilişin ortalaması $m$, $s$'dir. Test sırasında iletim "
            "sönümü kapalıdır ve hiçbir düzeltme gerekmez: **ters ölçekleme** budur. (İlk makale bunun "
            "yerine test sırasında ölçekliyordu.)",
        ),
        Text(
            "No unit can rely on one other, for that one may be missing. A large $p$ makes $d$ noisier: "
            "the cost, for the same reason, must be checked with dropout off.",
            "Hiçbir birim tek bir birime bel bağlayamaz, çünkü o birim eksik olabilir. Büyük $p$, $d$'yi "
            "daha gürültülü yapar: maliyet bu yüzden iletim sönümü kapalıyken denetlenmelidir.",
        ),
    ),
    question=Question(
        text=Text(
            "With $p = 0.5$, by how much is a kept value multiplied?", "$p = 0.5$ iken tutulan değer kaçla çarpılır?"
        ),
        choices=(Text("0.5", "0,5"), Text("1", "1"), Text("2", "2")),
        right=2,
        why=Text(
            "It is divided by $1 - p = 0.5$: half of the values are gone, and each that stays stands for two.",
            "$1 - p = 0.5$'e bölünür: değerlerin yarısı gitmiştir, kalan her biri iki tane yerine geçer.",
        ),
    ),
    try_it=(
        Text(
            "Press Step a few times: other values are dropped, $d$ jumps.",
            "Birkaç kez Adım'a basın: başka değerler söner, $d$ sıçrar.",
        ),
        Text(
            "Look at the curve of the means: it finds $s$, however $p$ is chosen.",
            "Ortalamaların eğrisine bakın: $p$ ne olursa olsun $s$'yi bulur.",
        ),
        Text(
            "Set $p = 0.9$: the mean still holds, but each single $d$ is far off.",
            "$p = 0.9$ yapın: ortalama yine tutar, ama tek tek $d$'ler çok uzaktadır.",
        ),
    ),
    figures=(
        Figure(
            kind="bars",
            title=Text(
                "Values without and with dropout; orange is kept",
                "İletim sönümü yokken ve varken değerler; turuncu tutulandır",
            ),
            options={
                "panels": [
                    {
                        "symbol": "a",
                        "bars": [{"id": f"a{k}", "name": str(k), "mark": f"k{k}"} for k in _UNITS],
                        "low": 0,
                        "high": 4,
                        "hold": True,
                    },
                    {
                        "symbol": "d",
                        "bars": [{"id": f"d{k}", "name": str(k), "mark": f"k{k}"} for k in _UNITS],
                        "low": 0,
                        "high": 4,
                        "hold": False,
                    },
                ],
            },
        ),
        Figure(
            kind="rollout",
            title=Text("The sum over a hundred draws", "Yüz çekilişte toplam"),
            options={
                "values": [
                    {"id": "d", "symbol": "d", "dots": True},
                    {"id": "s", "symbol": "s"},
                    {"id": "mn", "symbol": "m'"},
                ],
                "steps": 99,
                "bottom": 0,
                "top": 12,
                "first": 1,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("p", "p", 0.5, 0, 0.9, "share that is dropped", "sönen pay", 0.05),
            *(given(f"a{k}", f"a_{k}", _VALUES[k - 1], 0, 4, f"value {k}", f"{k}. değer") for k in _UNITS),
            *(
                given(f"r{k}", f"r_{k}", 0, 0, 1, f"draw of value {k}", f"{k}. değerin çekilişi", 0.001, slider=False)
                for k in _UNITS
            ),
            given("m", "m", 0, 0, 12, "mean so far", "şimdiye dek ortalama", slider=False),
            given("t", "t", 1, 1, 100, "draw", "çekiliş", 1, slider=False),
        ),
        lines=(
            *(
                line(
                    f"k{k}",
                    f"k_{k}",
                    f"step(r{k} - p)",
                    *(("Which are kept? (1: yes)", "Hangileri tutuldu? (1: evet)") if k == 1 else ()),
                )
                for k in _UNITS
            ),
            *(
                line(
                    f"d{k}",
                    f"d_{k}",
                    f"k{k}*a{k}/(1 - p)",
                    *(("Dropped and scaled", "Söndürülmüş ve ölçeklenmiş") if k == 1 else ()),
                )
                for k in _UNITS
            ),
            line("s", "s", "a1 + a2 + a3 + a4", "The sums", "Toplamlar"),
            line("d", "d", "d1 + d2 + d3 + d4"),
            line("mn", "m'", "m + (d - m)/t", "Their mean over the draws", "Çekilişlerdeki ortalaması"),
            line("tn", "t'", "t + 1"),
        ),
        sets=((Text("draws", "çekilişler"), _SETS),),
        updates={"m": "mn", "t": "tn"},
    ),
    formula=r"d_k = \frac{k_k\, a_k}{1 - p}, \qquad P(k_k = 1) = 1 - p, \qquad E(d_k) = a_k",
    legend=(
        ("a_k", Text("value of unit k", "k biriminin değeri")),
        ("p", Text("share that is dropped", "sönen pay")),
        ("k_k", Text("1 where it is kept, 0 where it is dropped", "tutulursa 1, sönerse 0")),
        ("P, E", Text("probability and mean over many draws", "olasılık ve birçok çekilişin ortalaması")),
        ("d_k", Text("what the next layer reads in training", "eğitimde sonraki katmanın okuduğu")),
    ),
    code="derin lesson dropout\nderin train data.csv --target y --model mlp --option dropout=0.5\n",
    exercise=Exercise(
        text=Text(
            "A value is 1.2, $p = 0.2$, and it is kept. What does the next layer read?",
            "Bir değer 1.2, $p = 0.2$ ve tutuluyor. Sonraki katman ne okur?",
        ),
        answer=1.5,
        tolerance=0.001,
        hints=(
            Text("The share that is kept is $1 - p$.", "Tutulan pay $1 - p$'dir."),
            Text("$1 - 0.2 = 0.8$.", "$1 - 0.2 = 0.8$."),
            Text("$1.2/0.8$.", "$1.2/0.8$."),
        ),
        way=Text(
            "$1.2/0.8 = 1.5$; dropped it would be 0, and $0.8 \\cdot 1.5 + 0.2 \\cdot 0 = 1.2$.",
            "$1.2/0.8 = 1.5$; sönseydi 0 olurdu ve $0.8 \\cdot 1.5 + 0.2 \\cdot 0 = 1.2$.",
        ),
    ),
    after=("early-stopping",),
)
