"""Sally Johnson, orange farmer, and Robert Lin, durian cultivator: what embeddings carry to words never seen."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

# Each word with its place in the plane of embeddings: fruit to the right, work of people upward.
_WORDS = (
    ("o", "orange", "portakal", 2.0, -0.5),
    ("f", "farmer", "çiftçi", 1.0, 2.0),
    ("a", "Acme", "Acme", -1.5, -1.5),
    ("c", "computers", "bilgisayar", -2.0, 0.0),
    ("d", "durian", "durian", 1.7, -0.9),
    ("g", "cultivator", "yetiştirici", 0.7, 1.7),
)
_COLORS = {"o": "one", "f": "one", "a": "zero", "c": "zero", "d": "good", "g": "good"}

LESSON = CourseLesson(
    name="embeddings",
    area="K",
    rows=("K4", "K5"),
    title=Text("Embeddings: from Sally Johnson to Robert Lin", "Gömmeler: Sally Johnson'dan Robert Lin'e"),
    goals=(
        Text(
            "Say what one-hot words cannot carry over to a new word, and why embeddings can.",
            "One-hot sözcüklerin yeni bir sözcüğe neyi taşıyamadığını ve gömmelerin neden taşıyabildiğini söylemek.",
        ),
        Text("Compute the cosine of two words by hand.", "İki sözcüğün kosinüsünü elle hesaplamak."),
    ),
    story=(
        Text(
            "Is the name in front a person's? **Sally Johnson is an orange farmer** is one training "
            "sentence: yes. **Acme computers** is another: no. Then comes a sentence with words that "
            "were in neither: **Robert Lin is a durian cultivator**.",
            "Öndeki ad bir kişinin adı mı? **Sally Johnson bir portakal çiftçisidir** bir eğitim "
            "tümcesidir: evet. **Acme bilgisayar** ötekidir: hayır. Sonra ikisinde de geçmeyen "
            "sözcüklerle bir tümce gelir: **Robert Lin bir durian yetiştiricisidir**.",
        ),
        Text(
            "A **one-hot** network has one weight for each word: $u_o, u_f$ for orange and farmer, $u_a, "
            "u_c$ for Acme and computers. Durian and cultivator never had a slope, and their weights "
            "stay 0: it says $\\sigma(b)$, whatever was learned. The **embedding** network knows each "
            "word as a place $(x, y)$ that was learned beforehand from billions of words, so that words "
            "used alike lie close. It learns two weights $w_1, w_2$ for the axes and a bias $e$.",
            "**One-hot** ağın her sözcük için bir ağırlığı vardır: portakal ve çiftçi için $u_o, u_f$; "
            "Acme ve bilgisayar için $u_a, u_c$. Durian ile yetiştirici hiç eğim görmedi, ağırlıkları "
            "0'da kaldı: ne öğrenilmiş olursa olsun $\\sigma(b)$ der. **Gömme** ağı her sözcüğü, önceden "
            "milyarlarca sözcükten öğrenilmiş bir $(x, y)$ yeri olarak bilir; benzer kullanılan "
            "sözcükler yakındır. Eksenler için iki ağırlık $w_1, w_2$ ve bir bias $e$ öğrenir.",
        ),
    ),
    question=Question(
        text=Text(
            "Both networks have learned the two training sentences well. What do they say to Robert Lin, "
            "durian cultivator?",
            "İki ağ da iki eğitim tümcesini iyi öğrendi. Robert Lin, durian yetiştiricisi için ne derler?",
        ),
        choices=(
            Text("Both: a person", "İkisi de: kişi"),
            Text("Only the embeddings: a person; one-hot does not know", "Yalnız gömmeler: kişi; one-hot bilmiyor"),
            Text("Neither knows", "İkisi de bilmiyor"),
        ),
        right=1,
        why=Text(
            "Durian lies beside orange and cultivator beside farmer, so what was learned for those holds "
            "for these. That is why embeddings from a large text help a small training set.",
            "Durian portakalın, yetiştirici çiftçinin yanındadır; onlar için öğrenilen bunlar için de "
            "geçerlidir. Büyük bir metinden gelen gömmelerin küçük bir eğitim kümesine yaraması "
            "bundandır.",
        ),
    ),
    try_it=(
        Text(
            "Press Run: three probabilities move apart, but one-hot stays at ½ for the new sentence.",
            "Yürüt'e basın: üç olasılık ayrışır, ama one-hot yeni tümcede ½'de kalır.",
        ),
        Text(
            "Drag durian over to Acme: now the embeddings err, too.",
            "Durian'ı Acme'nin yanına sürükleyin: artık gömmeler de yanılır.",
        ),
        Text(
            "Watch the cosine of orange and durian while you drag.",
            "Sürüklerken portakal ile durian'ın kosinüsünü izleyin.",
        ),
    ),
    figures=(
        Figure(
            kind="vectors",
            title=Text("The words in the plane: drag them", "Düzlemde sözcükler: sürükleyin"),
            options={
                "vectors": [
                    {"x": f"{k}x", "y": f"{k}y", "name": Text(en, tr), "color": _COLORS[k], "hold": True}
                    for k, en, tr, _, _ in _WORDS
                ],
                "low": -3,
                "high": 3,
                "points": True,
            },
        ),
        Figure(
            kind="rollout",
            title=Text("Probability of a person", "Kişi olma olasılığı"),
            options={
                "values": [
                    {"id": "p1", "symbol": r"p_{\mathrm{Sally}}"},
                    {"id": "p2", "symbol": r"p_{\mathrm{Acme}}"},
                    {"id": "p3", "symbol": r"p_{\mathrm{Robert}}"},
                    {"id": "q3", "symbol": r"q_{\mathrm{Robert}}"},
                ],
                "steps": 60,
                "bottom": -0.05,
                "top": 1.05,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("eta", r"\eta", 0.2, 0, 1, "learning rate", "öğrenme oranı", 0.05),
            *(
                given(f"{k}{axis}", f"{axis}_{{{k}}}", value, -3, 3, f"{en}, {axis}", f"{tr}, {axis}", slider=False)
                for k, en, tr, x, y in _WORDS
                for axis, value in (("x", x), ("y", y))
            ),
            given("w1", "w_1", 0, -5, 5, "weight of the first axis", "birinci eksenin ağırlığı", slider=False),
            given("w2", "w_2", 0, -5, 5, "weight of the second axis", "ikinci eksenin ağırlığı", slider=False),
            given("e", "e", 0, -5, 5, "bias, embeddings", "bias, gömmeler", slider=False),
            *(
                given(f"u{k}", f"u_{k}", 0, -5, 5, f"one-hot weight of {en}", f"one-hot ağırlık: {tr}", slider=False)
                for k, en, tr, _, _ in _WORDS[:4]
            ),
            given("b", "b", 0, -5, 5, "bias, one-hot", "bias, one-hot", slider=False),
        ),
        lines=(
            line(
                "p1",
                r"p_{\mathrm{Sally}}",
                "sigmoid(w1*(ox + fx) + w2*(oy + fy) + e)",
                "Embeddings: orange farmer, Acme computers, durian cultivator",
                "Gömmeler: portakal çiftçi, Acme bilgisayar, durian yetiştirici",
            ),
            line("p2", r"p_{\mathrm{Acme}}", "sigmoid(w1*(ax + cx) + w2*(ay + cy) + e)"),
            line("p3", r"p_{\mathrm{Robert}}", "sigmoid(w1*(dx + gx) + w2*(dy + gy) + e)"),
            line("L", "L", "-(ln(p1) + ln(1 - p2))/2"),
            line("q1", r"q_{\mathrm{Sally}}", "sigmoid(uo + uf + b)", "One-hot: the same three", "One-hot: aynı üçü"),
            line("q2", r"q_{\mathrm{Acme}}", "sigmoid(ua + uc + b)"),
            line("q3", r"q_{\mathrm{Robert}}", "sigmoid(0 + 0 + b)"),
            line(
                "cos",
                r"\cos_{od}",
                "(ox*dx + oy*dy)/(sqrt(ox^2 + oy^2)*sqrt(dx^2 + dy^2))",
                "How alike are orange and durian?",
                "Portakal ile durian ne kadar benzer?",
            ),
            line(
                "w1n",
                "w_1'",
                "w1 - eta*((p1 - 1)*(ox + fx) + p2*(ax + cx))/2",
                "The step, on the two training sentences",
                "Adım, iki eğitim tümcesiyle",
            ),
            line("w2n", "w_2'", "w2 - eta*((p1 - 1)*(oy + fy) + p2*(ay + cy))/2"),
            line("en", "e'", "e - eta*(p1 - 1 + p2)/2"),
            *(
                line(f"u{k}n", f"u_{k}'", f"u{k} - eta*{slope}/2")
                for k, slope in (("o", "(q1 - 1)"), ("f", "(q1 - 1)"), ("a", "q2"), ("c", "q2"))
            ),
            line("bn", "b'", "b - eta*(q1 - 1 + q2)/2"),
        ),
        updates={name: f"{name}n" for name in ("w1", "w2", "e", "uo", "uf", "ua", "uc", "b")},
    ),
    formula=r"p = \sigma\Big(w \cdot \sum_k E_k + e\Big), \qquad \cos(a, b) = \frac{a \cdot b}{|a|\, |b|}",
    legend=(
        (
            r"E_k",
            Text(
                "embedding of word k, here (x, y); usually 50 to 1 000 numbers",
                "k sözcüğünün gömmesi, burada (x, y); çoğunlukla 50 ile 1 000 sayı",
            ),
        ),
        ("w, e", Text("weights and bias of the embedding network", "gömme ağının ağırlıkları ve bias'ı")),
        ("p, q", Text("probability of a person: embeddings, one-hot", "kişi olma olasılığı: gömmeler, one-hot")),
        (
            r"\cos",
            Text(
                "1: same direction, 0: nothing in common, −1: opposite", "1: aynı yön, 0: ortak bir şey yok, −1: karşıt"
            ),
        ),
    ),
    code="derin embed train text.txt\n",
    exercise=Exercise(
        text=Text(
            "Two words lie at (3, 4) and (4, 3). What is their cosine?",
            "İki sözcük (3, 4) ve (4, 3)'te. Kosinüsleri kaçtır?",
        ),
        answer=0.96,
        tolerance=0.001,
        hints=(
            Text("First the product: $3 \\cdot 4 + 4 \\cdot 3$.", "Önce çarpım: $3 \\cdot 4 + 4 \\cdot 3$."),
            Text("Both are 5 long.", "İkisinin de boyu 5'tir."),
            Text("$24/25$.", "$24/25$."),
        ),
        way=Text("$24/(5 \\cdot 5) = 0.96$.", "$24/(5 \\cdot 5) = 0.96$."),
    ),
    erratum=Text(
        "Document 003 writes the analogy as $\\mathrm{sim}(e_w, e_k - e_{\\mathrm{king}} + "
        "e_{\\mathrm{woman}})$. King minus man plus woman is $e_{\\mathrm{king}} - e_{\\mathrm{man}} "
        "+ e_{\\mathrm{woman}}$.",
        "003 belgesi benzeşimi $\\mathrm{sim}(e_w, e_k - e_{\\mathrm{king}} + e_{\\mathrm{woman}})$ "
        "diye yazar. Kral eksi erkek artı kadın, $e_{\\mathrm{king}} - e_{\\mathrm{man}} + "
        "e_{\\mathrm{woman}}$'dır.",
    ),
    after=("beam-search",),
)
