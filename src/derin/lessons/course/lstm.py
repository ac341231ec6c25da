"""An LSTM cell of one number beside a plain recurrent one: the gates, step by step, on a sequence to remember from."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_INPUTS = (
    1.0,
    -0.4,
    0.6,
    -0.8,
    0.3,
    0.9,
    -0.6,
    0.5,
    -0.9,
    0.2,
    -0.9,
    0.4,
    0.7,
    -0.5,
    0.8,
    -0.3,
    0.6,
    0.9,
    -0.7,
    0.5,
    0.1,
)
_MARKED = (0, 10)
SEQUENCE = tuple({"x": x, "u": float(step in _MARKED)} for step, x in enumerate(_INPUTS))

LESSON = CourseLesson(
    name="lstm",
    area="K",
    rows=("K2", "E15"),
    title=Text("LSTM: gates that remember", "LSTM: hatırlayan kapılar"),
    goals=(
        Text("Carry an LSTM cell on by a step, gate by gate.", "Bir LSTM hücresini kapı kapı bir adım ilerletmek."),
        Text(
            "Say why it remembers where a plain network forgets.",
            "Düz bir ağın unuttuğu yerde neden hatırladığını söylemek.",
        ),
    ),
    story=(
        Text(
            "Numbers $x$ come one by one; some are marked by $u = 1$. The task: always know the latest "
            "marked number, however long ago. The **plain** network has a state $y' = \\tanh(w x + k "
            "y)$: every new number is stirred into it.",
            "Sayılar $x$ teker teker gelir; kimi $u = 1$ ile işaretlidir. Görev: ne kadar önce olursa "
            "olsun son işaretli sayıyı bilmek. **Düz** ağın durumu $y' = \\tanh(w x + k y)$'dir: her "
            "yeni sayı içine karışır.",
        ),
        Text(
            "The **LSTM** keeps a cell $c$ beside its output $h$. Three gates between 0 and 1 look at "
            "the input: the update gate $\\Gamma_u$, how much of the candidate $\\tilde c$ is written; "
            "the forget gate $\\Gamma_f$, how much of the old cell stays; the output gate $\\Gamma_o$, "
            "how much is shown. They are set here by hand; a network learns their weights.",
            "**LSTM**, çıktısı $h$'nin yanında bir hücre $c$ tutar. 0 ile 1 arasında üç kapı girdiye "
            "bakar: güncelleme kapısı $\\Gamma_u$, aday $\\tilde c$'nin ne kadarının yazıldığı; unutma "
            "kapısı $\\Gamma_f$, eski hücrenin ne kadarının kaldığı; çıkış kapısı $\\Gamma_o$, ne "
            "kadarının gösterildiği. Burada elle ayarlanmışlardır; bir ağ ağırlıklarını öğrenir.",
        ),
        Text(
            "The slope of a late $c$ by an early one is the product of the forget gates, $m$: near 1 "
            "while nothing is to be forgotten. In the plain network it is a product of $k (1 - y^2)$, "
            "which vanishes.",
            "Geç bir $c$'nin erken bir $c$'ye göre eğimi, unutma kapılarının çarpımı $m$'dir: unutulacak "
            "bir şey yokken 1'e yakındır. Düz ağda $k (1 - y^2)$'lerin çarpımıdır, o yok olur.",
        ),
    ),
    question=Question(
        text=Text(
            "A cell is to keep what it has for a long time. How must the gates stand?",
            "Bir hücre elindekini uzun süre saklayacak. Kapılar nasıl durmalı?",
        ),
        choices=(
            Text("Forget gate near 1, update gate near 0", "Unutma kapısı 1'e, güncelleme kapısı 0'a yakın"),
            Text("Forget gate near 0, update gate near 1", "Unutma kapısı 0'a, güncelleme kapısı 1'e yakın"),
            Text("Both near 0", "İkisi de 0'a yakın"),
        ),
        right=0,
        why=Text(
            "$c' = \\Gamma_f c + \\Gamma_u \\tilde c$. The forget gate says how much **stays**: 1 "
            "forgets nothing. Its name misleads.",
            "$c' = \\Gamma_f c + \\Gamma_u \\tilde c$. Unutma kapısı ne kadarın **kaldığını** söyler: 1 "
            "hiçbir şeyi unutmaz. Adı yanıltır.",
        ),
    ),
    try_it=(
        Text(
            "Press Step to the first unmarked number: which gates have closed?",
            "Adım'a basıp ilk işaretsiz sayıya gelin: hangi kapılar kapandı?",
        ),
        Text("Lower $b_f$ to 0: half is forgotten in each step.", "$b_f$'yi 0'a indirin: her adımda yarısı unutulur."),
        Text(
            "Drag an unmarked number far up: the plain state jumps, the cell does not care.",
            "İşaretsiz bir sayıyı çok yukarı sürükleyin: düz durum sıçrar, hücre umursamaz.",
        ),
    ),
    figures=(
        Figure(
            kind="rollout",
            title=Text("Inputs (drag them), cell and plain state", "Girdiler (sürükleyin), hücre ve düz durum"),
            options={
                "values": [
                    {"id": "x", "symbol": "x", "dots": True},
                    {"id": "cn", "symbol": "c'"},
                    {"id": "yn", "symbol": "y'"},
                    {"id": "u", "symbol": "u", "dots": True},
                ],
                "steps": 20,
                "bottom": -1.2,
                "top": 1.2,
                "held": "x",
            },
        ),
        Figure(
            kind="rollout",
            title=Text(
                "What is left of the marked number: LSTM (m), plain (n)", "İşaretli sayıdan kalan: LSTM (m), düz (n)"
            ),
            options={
                "values": [{"id": "mn", "symbol": "m'"}, {"id": "nn", "symbol": "n'"}],
                "steps": 20,
                "bottom": -0.1,
                "top": 1.1,
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
            given("bu", "b_u", -4, -8, 8, "bias of the update gate", "güncelleme kapısının bias'ı", 0.5),
            given(
                "pf",
                "p_f",
                -8,
                -12,
                0,
                "weight of the mark in the forget gate",
                "işaretin unutma kapısındaki ağırlığı",
                0.5,
            ),
            given("bf", "b_f", 5, -8, 8, "bias of the forget gate", "unutma kapısının bias'ı", 0.5),
            given("bo", "b_o", 2, -8, 8, "bias of the output gate", "çıkış kapısının bias'ı", 0.5),
            given("w", "w", 1, -3, 3, "weight of the input", "girdinin ağırlığı"),
            given("k", "k", 0.9, -1.5, 1.5, "weight of the plain state", "düz durumun ağırlığı"),
            given("v", "v", 0, -3, 3, "weight of the output in the candidate", "çıktının adaydaki ağırlığı"),
            given("x", "x", 0, -1.2, 1.2, "input", "girdi", slider=False),
            given("u", "u", 0, 0, 1, "mark", "işaret", 1, slider=False),
            given("h", "h", 0, -1, 1, "output before", "önceki çıktı", slider=False),
            given("c", "c", 0, -2, 2, "cell before", "önceki hücre", slider=False),
            given("y", "y", 0, -1, 1, "plain state before", "önceki düz durum", slider=False),
            given("m", "m", 1, 0, 1, "what is left, LSTM", "kalan, LSTM", slider=False),
            given("n", "n", 1, -1, 1, "what is left, plain", "kalan, düz", slider=False),
        ),
        lines=(
            line("gu", r"\Gamma_u", "sigmoid(pu*u + bu)", "The gates", "Kapılar"),
            line("gf", r"\Gamma_f", "sigmoid(pf*u + bf)"),
            line("go", r"\Gamma_o", "sigmoid(bo)"),
            line("ca", r"\tilde c", "tanh(w*x + v*h)", "The candidate", "Aday"),
            line("cn", "c'", "gf*c + gu*ca", "Cell and output", "Hücre ve çıktı"),
            line("hn", "h'", "go*tanh(cn)"),
            line("yn", "y'", "tanh(w*x + k*y)", "The plain network", "Düz ağ"),
            line(
                "mn", "m'", "u + (1 - u)*m*gf", "What is left of the latest marked number", "Son işaretli sayıdan kalan"
            ),
            line("nn", "n'", "u + (1 - u)*n*k*(1 - yn^2)"),
        ),
        sets=((Text("a sequence", "bir dizi"), SEQUENCE),),
        updates={name: f"{name}n" for name in ("h", "c", "y", "m", "n")},
    ),
    formula=r"c' = \Gamma_f \odot c + \Gamma_u \odot \tilde c, \qquad h' = \Gamma_o \odot \tanh(c'), "
    r"\qquad \Gamma = \sigma(W [h, x] + b)",
    legend=(
        (r"\Gamma_u, \Gamma_f, \Gamma_o", Text("update, forget and output gate", "güncelleme, unutma ve çıkış kapısı")),
        (r"\tilde c", Text("candidate: what could be written", "aday: yazılabilecek olan")),
        ("c, h", Text("cell, and output of the step before", "hücre ve önceki adımın çıktısı")),
        ("y, k", Text("state of the plain network, and its weight", "düz ağın durumu ve ağırlığı")),
        (
            "m, n",
            Text("slope of the state by that of the latest marked step", "durumun, son işaretli adımdakine göre eğimi"),
        ),
    ),
    code="derin lesson long-range-agreement\nderin train reviews.csv --target sentiment --model text_lstm "
    "--out reviews\nderin explain live reviews --out reviews.html   # every gate and state, on what you type\n",
    exercise=Exercise(
        text=Text(
            "$c = 0.5$, $\\Gamma_f = 0.9$, $\\Gamma_u = 0.2$ and $\\tilde c = -1$. What is $c'$?",
            "$c = 0.5$, $\\Gamma_f = 0.9$, $\\Gamma_u = 0.2$ ve $\\tilde c = -1$. $c'$ kaçtır?",
        ),
        answer=0.25,
        tolerance=0.001,
        hints=(
            Text("What stays: $0.9 \\cdot 0.5$.", "Kalan: $0.9 \\cdot 0.5$."),
            Text("What is written: $0.2 \\cdot (-1)$.", "Yazılan: $0.2 \\cdot (-1)$."),
            Text("Add them.", "Toplayın."),
        ),
        way=Text("$0.45 - 0.2 = 0.25$.", "$0.45 - 0.2 = 0.25$."),
    ),
    after=("gru", "attention"),
)
