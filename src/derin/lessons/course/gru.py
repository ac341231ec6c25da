"""A GRU cell of one number: two gates do what the LSTM does with three."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.course.lstm import SEQUENCE
from derin.lessons.lesson import Text

LESSON = CourseLesson(
    name="gru",
    area="K",
    rows=("K2", "E15"),
    title=Text("GRU: two gates are enough", "GRU: iki kapı yeter"),
    goals=(
        Text(
            "Carry a GRU cell on by a step, and its simplified form.",
            "Bir GRU hücresini ve yalınlaştırılmış biçimini bir adım ilerletmek.",
        ),
        Text("Say what the reset gate is for.", "Sıfırlama kapısının ne işe yaradığını söylemek."),
    ),
    story=(
        Text(
            "Again numbers $x$, some of them marked by $u = 1$; the latest marked one is to be "
            "remembered. The GRU has no cell beside its output: $c$ is both. One **update gate** "
            "$\\Gamma_u$ shares out the whole: so much of the candidate $\\tilde c$ is written, and just "
            "as much of the old is given up.",
            "Yine $x$ sayıları, kimi $u = 1$ ile işaretli; son işaretli olan hatırlanacak. GRU'nun "
            "çıktısının yanında ayrı bir hücresi yoktur: $c$ ikisidir. Tek bir **güncelleme kapısı** "
            "$\\Gamma_u$ bütünü paylaştırır: aday $\\tilde c$'nin ne kadarı yazılırsa eskinin o "
            "kadarından vazgeçilir.",
        ),
        Text(
            "The **reset gate** $\\Gamma_r$ says how much of the old state the candidate may see: at 0 "
            "it begins afresh. In the simplified form $\\Gamma_r$ is 1.",
            "**Sıfırlama kapısı** $\\Gamma_r$, adayın eski durumun ne kadarını görebileceğini söyler: "
            "0'da baştan başlar. Yalınlaştırılmış biçimde $\\Gamma_r$ 1'dir.",
        ),
    ),
    question=Question(
        text=Text(
            "$\\Gamma_u = 0$ in every step. What does the cell do?", "Her adımda $\\Gamma_u = 0$. Hücre ne yapar?"
        ),
        choices=(
            Text("It becomes 0", "0 olur"),
            Text("It keeps its number for ever", "Sayısını hep korur"),
            Text("It follows the input", "Girdiyi izler"),
        ),
        right=1,
        why=Text(
            "$c' = 0 \\cdot \\tilde c + 1 \\cdot c = c$. The slope by the old state is 1 then: nothing vanishes.",
            "$c' = 0 \\cdot \\tilde c + 1 \\cdot c = c$. Eski duruma göre eğim 1'dir: hiçbir şey yok olmaz.",
        ),
    ),
    try_it=(
        Text(
            "Press Run: the cell takes the marked numbers and holds them.",
            "Yürüt'e basın: hücre işaretli sayıları alır ve tutar.",
        ),
        Text(
            "Raise $b_u$ to 0: half of each number is written, the memory is a moving average.",
            "$b_u$'yu 0'a çıkarın: her sayının yarısı yazılır, bellek bir kayan ortalama olur.",
        ),
        Text(
            "Set $v = 1.5$, then lower $b_r$ to $-6$: the candidate no longer sees the old state.",
            "$v = 1.5$ yapın, sonra $b_r$'yi $-6$'ya indirin: aday artık eski durumu görmez.",
        ),
    ),
    figures=(
        Figure(
            kind="rollout",
            title=Text("Inputs (drag them), cell and gate", "Girdiler (sürükleyin), hücre ve kapı"),
            options={
                "values": [
                    {"id": "x", "symbol": "x", "dots": True},
                    {"id": "cn", "symbol": "c'"},
                    {"id": "gu", "symbol": r"\Gamma_u"},
                ],
                "steps": 20,
                "bottom": -1.2,
                "top": 1.2,
                "held": "x",
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given(
                "pu",
                "p_u",
                8,
                0,
                12,
                "weight of the mark in the update gate",
                "işaretin güncelleme kapısındaki ağırlığı",
                0.5,
            ),
            given("bu", "b_u", -5, -8, 8, "bias of the update gate", "güncelleme kapısının bias'ı", 0.5),
            given("br", "b_r", 2, -8, 8, "bias of the reset gate", "sıfırlama kapısının bias'ı", 0.5),
            given("w", "w", 1, -3, 3, "weight of the input", "girdinin ağırlığı"),
            given("v", "v", 0.3, -3, 3, "weight of the old state in the candidate", "eski durumun adaydaki ağırlığı"),
            given("x", "x", 0, -1.2, 1.2, "input", "girdi", slider=False),
            given("u", "u", 0, 0, 1, "mark", "işaret", 1, slider=False),
            given("c", "c", 0, -2, 2, "cell before", "önceki hücre", slider=False),
        ),
        lines=(
            line("gu", r"\Gamma_u", "sigmoid(pu*u + bu)", "The gates", "Kapılar"),
            line("gr", r"\Gamma_r", "sigmoid(br)"),
            line("ca", r"\tilde c", "tanh(w*x + v*gr*c)", "The candidate", "Aday"),
            line("cn", "c'", "gu*ca + (1 - gu)*c", "The cell", "Hücre"),
            line(
                "k",
                r"\partial c'/\partial c",
                "1 - gu + gu*(1 - ca^2)*v*gr",
                "Slope by the state before",
                "Önceki duruma göre eğim",
            ),
        ),
        sets=((Text("a sequence", "bir dizi"), SEQUENCE),),
        updates={"c": "cn"},
    ),
    formula=r"c' = \Gamma_u \odot \tilde c + (1 - \Gamma_u) \odot c, \qquad \tilde c = \tanh\big(W "
    r"[\Gamma_r \odot c,\, x] + b\big)",
    legend=(
        (r"\Gamma_u", Text("update gate; PyTorch writes z for 1 − Γ", "güncelleme kapısı; PyTorch 1 − Γ için z yazar")),
        (r"\Gamma_r", Text("reset gate", "sıfırlama kapısı")),
        (r"\tilde c", Text("candidate", "aday")),
        ("c", Text("state, and output of the step before", "durum ve önceki adımın çıktısı")),
    ),
    code="derin train reviews.csv --target sentiment --model text_gru\n",
    exercise=Exercise(
        text=Text(
            "$c = 0.8$, $\\Gamma_u = 0.25$ and $\\tilde c = -0.4$. What is $c'$?",
            "$c = 0.8$, $\\Gamma_u = 0.25$ ve $\\tilde c = -0.4$. $c'$ kaçtır?",
        ),
        answer=0.5,
        tolerance=0.001,
        hints=(
            Text("A quarter is written.", "Dörtte biri yazılır."),
            Text("$0.25 \\cdot (-0.4) = -0.1$.", "$0.25 \\cdot (-0.4) = -0.1$."),
            Text("Three quarters of 0.8 stay.", "0.8'in dörtte üçü kalır."),
        ),
        way=Text("$-0.1 + 0.75 \\cdot 0.8 = 0.5$.", "$-0.1 + 0.75 \\cdot 0.8 = 0.5$."),
    ),
    after=("attention",),
)
