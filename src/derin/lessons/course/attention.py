"""Scaled dot-product attention of one query over three keys, in the plane, step by step."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Given, Question, Sheet, given, line
from derin.lessons.lesson import Text

_TOKENS = (1, 2, 3)
_KEYS = ((2.0, 0.5), (-1.0, 1.5), (0.5, -1.5))
_VALUES = ((1.0, 0.0), (0.0, 1.0), (-1.0, -1.0))


def _pair(letter: str, k: int, pair: tuple[float, float], en: str, tr: str) -> list[Given]:
    return [
        given(f"{letter}{k}{axis}", f"{letter}_{{{k}{axis}}}", value, -3, 3, f"{en} {k}", f"{k}. {tr}", slider=False)
        for axis, value in zip("xy", pair, strict=True)
    ]


LESSON = CourseLesson(
    name="attention",
    area="K",
    rows=("K7", "K8"),
    title=Text("Attention, step by step", "Dikkat, adım adım"),
    goals=(
        Text(
            "Compute the attention of one query over its keys by hand.",
            "Bir sorgunun anahtarlar üzerindeki dikkatini elle hesaplamak.",
        ),
        Text(
            "Say what the mask, the scale and the values are for.",
            "Maskenin, ölçeğin ve değerlerin ne işe yaradığını söylemek.",
        ),
    ),
    story=(
        Text(
            "Each of three words has a **key** $k_1, k_2, k_3$, what it offers, and a **value** $v_1, "
            "v_2, v_3$, what it says. The word that is being understood asks with a **query** $q$. All "
            "are arrows of $D = 2$ numbers here (64 in the Transformer), made of the words by learned "
            "matrices.",
            "Üç sözcüğün her birinin ne sunduğunu söyleyen bir **anahtarı** $k_1, k_2, k_3$ ve ne "
            "dediğini söyleyen bir **değeri** $v_1, v_2, v_3$ vardır. Anlaşılmak istenen sözcük bir "
            "**sorguyla** $q$ sorar. Hepsi burada $D = 2$ sayılık oklardır (Transformer'da 64); "
            "sözcüklerden öğrenilmiş matrislerle yapılırlar.",
        ),
        Text(
            "The scores $s_j = q \\cdot k_j / \\sqrt{D}$ are large where query and key point the same "
            "way. Softmax makes the weights $\\alpha_j$ of them, and the answer $o$ is the sum of the "
            "values, each by its weight. A **mask** hides words that come later: a language model at "
            "place $i$ may look at the first $i$ only.",
            "$s_j = q \\cdot k_j / \\sqrt{D}$ puanları, sorgu ile anahtar aynı yönü gösterince büyüktür. "
            "Softmax bunlardan $\\alpha_j$ ağırlıklarını yapar; yanıt $o$, ağırlıklarıyla değerlerin "
            "toplamıdır. **Maske**, sonra gelen sözcükleri gizler: $i$ yerindeki bir dil modeli yalnız "
            "ilk $i$ tanesine bakabilir.",
        ),
    ),
    question=Question(
        text=Text(
            "The query becomes 0: it asks for nothing. What are the weights?",
            "Sorgu 0 oluyor: hiçbir şey sormuyor. Ağırlıklar ne olur?",
        ),
        choices=(
            Text("All 0", "Hepsi 0"),
            Text("All alike, a third each", "Hepsi eşit, üçte bir"),
            Text("1 for the nearest key", "En yakın anahtar için 1"),
        ),
        right=1,
        why=Text(
            "All scores are 0 and $e^0 = 1$ three times: softmax always gives away the whole of 1. The "
            "answer is the mean of the values.",
            "Bütün puanlar 0'dır, üç kez $e^0 = 1$: softmax hep 1'in tümünü dağıtır. Yanıt, değerlerin ortalamasıdır.",
        ),
    ),
    try_it=(
        Text(
            "Drag the query around in a circle: the weights follow the key that it points to.",
            "Sorguyu bir çember boyunca sürükleyin: ağırlıklar gösterdiği anahtarı izler.",
        ),
        Text(
            "Make the query twice as long: the same direction, but the choice becomes sharper.",
            "Sorguyu iki kat uzatın: yön aynı, ama seçim keskinleşir.",
        ),
        Text(
            "Set $i = 1$: only the first word is left, and the answer is its value.",
            "$i = 1$ yapın: yalnız ilk sözcük kalır, yanıt onun değeridir.",
        ),
    ),
    figures=(
        Figure(
            kind="vectors",
            title=Text("Query and keys: drag them", "Sorgu ve anahtarlar: sürükleyin"),
            options={
                "vectors": [
                    {"x": "qx", "y": "qy", "name": Text("query", "sorgu"), "color": "one", "hold": True},
                    *(
                        {
                            "x": f"k{k}x",
                            "y": f"k{k}y",
                            "name": Text(f"key {k}", f"anahtar {k}"),
                            "color": "zero",
                            "hold": True,
                        }
                        for k in _TOKENS
                    ),
                ],
                "low": -3,
                "high": 3,
            },
        ),
        Figure(
            kind="bars",
            title=Text("Scores and weights", "Puanlar ve ağırlıklar"),
            options={
                "panels": [
                    {
                        "symbol": "s",
                        "bars": [{"id": f"s{k}", "name": str(k), "mark": f"n{k}"} for k in _TOKENS],
                        "low": -3,
                        "high": 4,
                        "hold": False,
                    },
                    {
                        "symbol": r"\alpha",
                        "bars": [{"id": f"a{k}", "name": str(k), "mark": f"n{k}"} for k in _TOKENS],
                        "low": 0,
                        "high": 1,
                        "hold": False,
                    },
                ],
            },
        ),
        Figure(
            kind="vectors",
            title=Text("Values, and the answer", "Değerler ve yanıt"),
            options={
                "vectors": [
                    *(
                        {
                            "x": f"v{k}x",
                            "y": f"v{k}y",
                            "name": Text(f"value {k}", f"değer {k}"),
                            "color": "good",
                            "hold": True,
                        }
                        for k in _TOKENS
                    ),
                    {"x": "ox", "y": "oy", "name": Text("answer", "yanıt"), "color": "bad", "hold": False},
                ],
                "low": -2,
                "high": 2,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("qx", "q_x", 1.5, -3, 3, "query, across", "sorgu, yatay", 0.05),
            given("qy", "q_y", 1, -3, 3, "query, up", "sorgu, dikey", 0.05),
            given("i", "i", 3, 1, 3, "place: how many words may be seen", "yer: kaç sözcük görülebilir", 1),
            *(
                one
                for letter, pairs, en, tr in (("k", _KEYS, "key", "anahtar"), ("v", _VALUES, "value", "değer"))
                for k, pair in enumerate(pairs, 1)
                for one in _pair(letter, k, pair, en, tr)
            ),
        ),
        lines=(
            *(
                line(
                    f"s{k}",
                    f"s_{k}",
                    f"(qx*k{k}x + qy*k{k}y)/sqrt(2)",
                    *(("Scores: query by key", "Puanlar: sorgu çarpı anahtar") if k == 1 else ()),
                )
                for k in _TOKENS
            ),
            *(
                line(
                    f"n{k}",
                    f"m_{k}",
                    f"step(i - {k} + 0.5)",
                    *(("The mask (1: may be seen)", "Maske (1: görülebilir)") if k == 1 else ()),
                )
                for k in _TOKENS
            ),
            *(
                line(f"e{k}", f"e_{k}", f"n{k}*exp(s{k})", *(("Powers", "Kuvvetler") if k == 1 else ()))
                for k in _TOKENS
            ),
            line("S", "S", "e1 + e2 + e3"),
            *(
                line(f"a{k}", rf"\alpha_{k}", f"e{k}/S", *(("Weights", "Ağırlıklar") if k == 1 else ()))
                for k in _TOKENS
            ),
            line("ox", "o_x", "a1*v1x + a2*v2x + a3*v3x", "The answer", "Yanıt"),
            line("oy", "o_y", "a1*v1y + a2*v2y + a3*v3y"),
        ),
    ),
    formula=r"\alpha_j = \frac{m_j\, e^{s_j}}{\sum_l m_l\, e^{s_l}}, \qquad s_j = \frac{q \cdot "
    r"k_j}{\sqrt{D}}, \qquad o = \sum_j \alpha_j\, v_j",
    legend=(
        ("q", Text("query of the word at hand", "eldeki sözcüğün sorgusu")),
        ("k_j, v_j", Text("key and value of word j", "j sözcüğünün anahtarı ve değeri")),
        ("m_j", Text("mask: 0 for words that come later", "maske: sonra gelen sözcükler için 0")),
        (
            "D",
            Text(
                "numbers of a query; products grow with their root, so it is divided by",
                "sorgunun sayı adedi; çarpımlar onun kareköküyle büyür, bu yüzden bölünür",
            ),
        ),
    ),
    code="import torch\n\nq, k, v = torch.randn(1, 4, 8), torch.randn(1, 4, 8), torch.randn(1, 4, 8)\n"
    "print(torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True))\n\n"
    "# Every head of a Transformer, on what you type:\n"
    "# derin train text.txt --task lm --model transformer_lm --option dim=64 --option num_layers=2 --out language\n"
    "# derin explain live language --out language.html\n",
    exercise=Exercise(
        text=Text(
            "Two words, scores $s_1 = \\ln 3$ and $s_2 = 0$, values 8 and 0. What is the answer?",
            "İki sözcük, puanlar $s_1 = \\ln 3$ ve $s_2 = 0$, değerler 8 ve 0. Yanıt kaçtır?",
        ),
        answer=6,
        tolerance=0.01,
        hints=(
            Text("The powers are 3 and 1.", "Kuvvetler 3 ve 1'dir."),
            Text("So the weights are $3/4$ and $1/4$.", "Ağırlıklar $3/4$ ve $1/4$ olur."),
            Text("$8 \\cdot 3/4$.", "$8 \\cdot 3/4$."),
        ),
        way=Text("$0.75 \\cdot 8 + 0.25 \\cdot 0 = 6$.", "$0.75 \\cdot 8 + 0.25 \\cdot 0 = 6$."),
    ),
    after=("embeddings",),
)
