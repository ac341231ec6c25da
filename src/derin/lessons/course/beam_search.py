"""Beam search over two words: what greedy choice misses, and whose fault a bad sentence is."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_FIRST = (("a", "a"), ("b", "the"), ("c", "that"))
_SECOND = (("1", "cat"), ("2", "pet"), ("3", "animal"))
_LEAVES = [(a, j) for a, _ in _FIRST for j, _ in _SECOND]


def _nodes() -> list[dict[str, object]]:
    nodes: list[dict[str, object]] = [{"level": 0, "row": 4, "name": Text("start", "başlangıç")}]
    for place, (a, word) in enumerate(_FIRST):
        nodes.append(
            {
                "level": 1,
                "row": 3 * place + 1,
                "name": Text(word, word),
                "number": f"p{a}",
                "parent": 0,
                "kept": f"k{a}",
            }
        )
    for place, (a, j) in enumerate(_LEAVES):
        word = dict(_SECOND)[j]
        parent = 1 + place // 3
        nodes.append(
            {
                "level": 2,
                "row": place,
                "name": Text(word, word),
                "number": f"P{a}{j}",
                "parent": parent,
                "kept": f"k{a}",
                "best": f"w{a}{j}",
            }
        )
    return nodes


def _largest(names: list[str]) -> str:
    return f"max({', '.join(names)})"


LESSON = CourseLesson(
    name="beam-search",
    area="K",
    rows=("K6",),
    title=Text("Beam search", "Işın araması"),
    goals=(
        Text(
            "Follow a beam of width B by hand and compare it with greedy choice.",
            "B genişliğinde bir ışını elle izlemek ve açgözlü seçimle karşılaştırmak.",
        ),
        Text("Say whether the model or the search is at fault.", "Kusurun modelde mi aramada mı olduğunu söylemek."),
    ),
    story=(
        Text(
            "A translator into English gives each next word a probability. For the first word: $p_a$ for “a”, $p_b$ "
            "for “the”, and the rest, $p_c$, for “that”. After each of them “cat” has the probability "
            "$q_a$, $q_b$ or $q_c$; “pet” and “animal” share the rest, 3 : 2. A sentence's probability "
            "is the product $P$ of its words'.",
            "İngilizceye çeviren bir ağ her sonraki sözcüğe bir olasılık verir. İlk sözcük için: “a” $p_a$, “the” "
            "$p_b$, kalan $p_c$ “that”. Her birinden sonra “cat”in olasılığı $q_a$, $q_b$ ya da "
            "$q_c$'dir; “pet” ile “animal” kalanı 3 : 2 paylaşır. Bir tümcenin olasılığı, "
            "sözcüklerininkilerin çarpımı $P$'dir.",
        ),
        Text(
            "**Greedy** choice takes the likeliest first word and goes on from there. **Beam search** "
            "keeps the $B$ likeliest beginnings, extends all of them and keeps the best again. It finds "
            "$F$; the best there is, $G$, would take a look at everything. Real programs add logarithms, "
            "for products of many words become too small, and divide by a power of the length, lest "
            "short sentences win.",
            "**Açgözlü** seçim en olası ilk sözcüğü alır, oradan sürdürür. **Işın araması** en olası $B$ "
            "başlangıcı tutar, hepsini uzatır ve yine en iyileri tutar. $F$'yi bulur; var olanın en "
            "iyisi $G$ için her şeye bakmak gerekirdi. Gerçek programlar logaritmaları toplar, çünkü çok "
            "sözcüğün çarpımı çok küçülür; kısa tümceler kazanmasın diye de uzunluğun bir kuvvetine "
            "böler.",
        ),
    ),
    question=Question(
        text=Text(
            "“a” has 0.5 and “the” only 0.3. Can a sentence with “the” still be the likeliest?",
            "“a” 0.5, “the” yalnız 0.3. “the”lı bir tümce yine de en olası olabilir mi?",
        ),
        choices=(
            Text("No: it is behind already", "Hayır: baştan geride"),
            Text("Yes, if it goes on with a sure word", "Evet, emin olunan bir sözcükle sürerse"),
        ),
        right=1,
        why=Text(
            "$0.3 \\cdot 0.9 = 0.27$ beats $0.5 \\cdot 0.4 = 0.2$. Greedy choice never sees it; a beam of two does.",
            "$0.3 \\cdot 0.9 = 0.27$, $0.5 \\cdot 0.4 = 0.2$'yi geçer. Açgözlü seçim onu hiç görmez; iki "
            "genişliğindeki ışın görür.",
        ),
    ),
    try_it=(
        Text(
            "Raise $B$ from 1 to 2: the ring moves to a better sentence.",
            "$B$'yi 1'den 2'ye çıkarın: halka daha iyi bir tümceye geçer.",
        ),
        Text(
            "Can you set the probabilities so that even $B = 2$ misses the best?",
            "Olasılıkları $B = 2$ bile en iyiyi kaçıracak biçimde ayarlayabilir misiniz?",
        ),
        Text(
            "Where $F = G$ and the sentence is still bad, a wider beam does not help: the model is at fault.",
            "$F = G$ iken tümce yine kötüyse daha geniş ışın yaramaz: kusur modeldedir.",
        ),
    ),
    figures=(
        Figure(
            kind="tree",
            title=Text("Orange: kept; green ring: what is found", "Turuncu: tutulan; yeşil halka: bulunan"),
            options={"nodes": _nodes(), "levels": 3, "rows": 9},
        ),
    ),
    sheet=Sheet(
        givens=(
            given("B", "B", 1, 1, 3, "width of the beam", "ışının genişliği", 1),
            given("pa", "p_a", 0.5, 0.05, 0.6, "probability of “a”", "“a”nın olasılığı", 0.01),
            given("pb", "p_b", 0.3, 0.02, 0.35, "probability of “the”", "“the”nın olasılığı", 0.01),
            *(
                given(
                    f"q{a}",
                    f"q_{a}",
                    value,
                    0,
                    1,
                    f"probability of “cat” after “{word}”",
                    f"“{word}”dan sonra “cat”in olasılığı",
                    0.05,
                )
                for (a, word), value in zip(_FIRST, (0.4, 0.9, 0.5), strict=True)
            ),
        ),
        lines=(
            line("pc", "p_c", "1 - pa - pb", "The first word", "İlk sözcük"),
            line("mid", r"p_{(2)}", "1 - max(pa, pb, pc) - min(pa, pb, pc)"),
            line("T", "T", "(2 - B)*(3 - B)/2*mid + (B - 1)*(3 - B)*min(pa, pb, pc) - (B - 1)*(B - 2)/2"),
            *(
                line(
                    f"k{a}",
                    f"k_{a}",
                    f"step(p{a} - T)",
                    *(("Which are kept? (1: yes)", "Hangileri tutuldu? (1: evet)") if a == "a" else ()),
                )
                for a, _ in _FIRST
            ),
            *(
                line(
                    f"P{a}{j}",
                    f"P_{{{a}{j}}}",
                    f"p{a}*" + {"1": f"q{a}", "2": f"0.6*(1 - q{a})", "3": f"0.4*(1 - q{a})"}[j],
                    *(("Both words", "İki sözcük") if (a, j) == ("a", "1") else ()),
                )
                for a, j in _LEAVES
            ),
            line(
                "F",
                "F",
                _largest([f"k{a}*P{a}{j}" for a, j in _LEAVES]),
                "What is found, and the best there is",
                "Bulunan ve var olanın en iyisi",
            ),
            line("G", "G", _largest([f"P{a}{j}" for a, j in _LEAVES])),
            *(
                line(
                    f"w{a}{j}",
                    f"w_{{{a}{j}}}",
                    f"k{a}*(1 - step(F - P{a}{j}))",
                    *(("Which one is it? (1: yes)", "Hangisi o? (1: evet)") if (a, j) == ("a", "1") else ()),
                )
                for a, j in _LEAVES
            ),
        ),
    ),
    formula=r"P = \prod_t p(w_t \mid w_1, …, w_{t-1}), \qquad Z = \frac{1}{n^{\alpha}} \sum_{t=1}^{n} \ln "
    r"p(w_t \mid w_1, …, w_{t-1})",
    legend=(
        ("B", Text("width of the beam; 1 is greedy choice", "ışının genişliği; 1 açgözlü seçimdir")),
        ("T", Text("a first word stays if it is likelier than this", "ilk sözcük bundan olasıysa kalır")),
        (
            "F, G",
            Text(
                "probability of what is found, and of the best there is",
                "bulunanın ve var olanın en iyisinin olasılığı",
            ),
        ),
        ("Z", Text("what a program compares instead of P", "programın P yerine karşılaştırdığı")),
        (
            r"n, \alpha",
            Text("length of the sentence, and its power, about 0.7", "tümcenin uzunluğu ve kuvveti, yaklaşık 0,7"),
        ),
    ),
    code='derin translate runs/latest --beam 3 "kedi uyuyor"\n',
    exercise=Exercise(
        text=Text(
            "A vocabulary of 10 000 words and a beam of 3. How many continuations are compared in each "
            "step after the first?",
            "10 000 sözcüklük dağarcık ve 3 genişliğinde ışın. İlkinden sonraki her adımda kaç devam karşılaştırılır?",
        ),
        answer=30000,
        tolerance=0.5,
        hints=(
            Text("Three beginnings are kept.", "Üç başlangıç tutulur."),
            Text("Each can go on with every word.", "Her biri her sözcükle sürebilir."),
            Text("$3 \\cdot 10000$.", "$3 \\cdot 10000$."),
        ),
        way=Text(
            "$3 \\cdot 10000 = 30000$, of which three stay: the cost grows with $B$, not with its power.",
            "$3 \\cdot 10000 = 30000$; üçü kalır: maliyet $B$ ile büyür, kuvvetiyle değil.",
        ),
    ),
    after=("attention",),
)
