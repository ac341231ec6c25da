"""Non-max suppression as the course states it, one round after the other, for each class by itself."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Given, Line, Question, Sheet, given, line
from derin.lessons.lesson import Text

# A and B lie around one car, D and E around the other; C is of the person before the first.
_BOXES = (
    ("A", 2, 0.9, (0.8, 2.2, 4.6, 5.2)),
    ("B", 2, 0.7, (1.2, 2.5, 5.0, 5.4)),
    ("C", 1, 0.8, (1.4, 1.8, 4.2, 5.9)),
    ("D", 2, 0.65, (5.6, 3.2, 9.2, 5.4)),
    ("E", 2, 0.6, (5.9, 3.0, 9.6, 5.6)),
)
_NAMES = tuple(name for name, *_ in _BOXES)
_EDGES = (("l", "left", "sol"), ("t", "top", "üst"), ("r", "right", "sağ"), ("u", "bottom", "alt"))
_SCENE = [[2, 0.9, 2.4, 4.7, 5.2], [1, 1.7, 1.9, 3.9, 5.8], [2, 5.8, 3.2, 9.4, 5.5]]


def _sum(value: str, weight: str = "c") -> str:
    return " + ".join(f"{weight}{name}*{value}{name}" for name in _NAMES)


def _each(letter: str, symbol: str, formula: str, en: str, tr: str) -> list[Line]:
    return [
        line(
            f"{letter}{name}", symbol.replace("#", name), formula.replace("#", name), *((en, tr) if name == "A" else ())
        )
        for name in _NAMES
    ]


def _chosen() -> list[Line]:
    """The surest of those left; of equally sure ones the first."""
    found: list[Line] = []
    for place, name in enumerate(_NAMES):
        before = "".join(f"*(1 - c{other})" for other in _NAMES[:place])
        heading = ("The surest of them (1: yes)", "En emini (1: evet)") if place == 0 else ()
        found.append(line(f"c{name}", f"c_{name}", f"a{name}*(1 - step(m - p{name})){before}", *heading))
    return found


def _lines() -> list[Line]:
    edges = zip("ltru", "LTRU", strict=True)
    overlap = "max(0, min(r#, R) - max(l#, L))*max(0, min(u#, U) - max(t#, T))"
    return [
        *_each("a", "a_#", "s#*step(p# - P)", "Still to be looked at (1: yes)", "Bakılacak olan (1: evet)"),
        line("m", "m", f"max({', '.join(f'a{name}*p{name}' for name in _NAMES)})"),
        *_chosen(),
        *(
            line(
                big, f"{small}^*", _sum(small), *(("Its edges and class", "Kenarları ve sınıfı") if big == "L" else ())
            )
            for small, big in edges
        ),
        line("K", "k^*", _sum("k")),
        *_each("I", "I_#", overlap, "What each shares with it", "Her birinin onunla paylaştığı"),
        *_each(
            "U",
            r"\mathrm{IoU}_#",
            "I#/((r# - l#)*(u# - t#) + (R - L)*(U - T) - I#)",
            "IoU with it",
            "Onunla IoU",
        ),
        *_each(
            "d",
            "d_#",
            "a#*(1 - c#)*step(U# - V)*(1 - abs(sign(k# - K)))",
            "Dropped: of its class, and too much alike (1: yes)",
            "Atılan: aynı sınıftan ve fazla benzer (1: evet)",
        ),
        *_each("n", "s_#'", "a# - c# - d#", "Left for the next round", "Sonraki tura kalan"),
        *_each("g", "o_#'", "o# + c#", "Answers so far", "Şimdiye dek yanıtlar"),
        *_each("v", "v_#", "max(n#, g#)", "Drawn whole in the picture (1: yes)", "Resimde tam çizilen (1: evet)"),
        line("z", "t'", "z0 + 1", "Round", "Tur"),
    ]


def _givens() -> tuple[Given, ...]:
    found = [
        given("P", "P", 0.6, 0, 1, "probability up to which a box is out", "bir kutunun elendiği olasılık", 0.05),
        given("V", "T", 0.5, 0, 1, "IoU beyond which a box is dropped", "üstünde bir kutunun atıldığı IoU", 0.05),
    ]
    for name, kind, sure, box in _BOXES:
        of = (f"of box {name}", f"{name} kutusunun")
        found.append(given(f"p{name}", f"p_{name}", sure, 0, 1, f"probability {of[0]}", f"{of[1]} olasılığı", 0.05))
        found.append(
            given(f"k{name}", f"k_{name}", kind, 1, 3, f"class {of[0]}", f"{of[1]} sınıfı", 1, slider=name == "C")
        )
        found += [
            given(
                f"{edge}{name}",
                f"{edge}_{name}",
                value,
                0,
                10,
                f"{en} edge {of[0]}",
                f"{of[1]} {tr} kenarı",
                slider=False,
            )
            for (edge, en, tr), value in zip(_EDGES, box, strict=True)
        ]
        found.append(
            given(f"s{name}", f"s_{name}", 1, 0, 1, f"whether box {name} is left", f"{name} kaldı mı", 1, slider=False)
        )
        found.append(
            given(
                f"o{name}",
                f"o_{name}",
                0,
                0,
                1,
                f"whether box {name} is an answer",
                f"{name} yanıt mı",
                1,
                slider=False,
            )
        )
    found.append(given("z0", "t", 0, 0, 9, "rounds before", "önceki turlar", 1, slider=False))
    return tuple(found)


LESSON = CourseLesson(
    name="non-max-suppression",
    area="H",
    rows=("H2",),
    title=Text("Non-max suppression, round by round", "En büyük olmayanı bastırma, tur tur"),
    goals=(
        Text(
            "Carry out non-max suppression by hand, round by round.",
            "En büyük olmayanı bastırmayı tur tur, elle yapmak.",
        ),
        Text(
            "Say what its two thresholds do, and why it is done for each class by itself.",
            "İki eşiğinin ne yaptığını ve neden her sınıf için ayrı yapıldığını söylemek.",
        ),
    ),
    story=(
        Text(
            "A network with many cells finds one thing several times: each cell near its middle gives a box "
            "with a probability $p$. **Non-max suppression** leaves one of them. First all boxes with $p ≤ P = "
            "0.6$ are out. Then, as long as boxes are left: the surest becomes an answer, and all boxes whose "
            "IoU with it is above $T = 0.5$ are dropped.",
            "Çok hücreli bir ağ tek bir nesneyi birkaç kez bulur: ortasına yakın her hücre, bir $p$ "
            "olasılığıyla bir kutu verir. **En büyük olmayanı bastırma** bunlardan birini bırakır. Önce $p ≤ P "
            "= 0.6$ olan bütün kutular elenir. Sonra, kutu kaldıkça: en emin olan yanıt olur, onunla IoU'su $T "
            "= 0.5$'in üstünde olan bütün kutular atılır.",
        ),
        Text(
            "A person before a car may cover most of it, and both are there. So boxes are compared only with "
            "those of their own class $k$: 1 person, 2 car, 3 motorcycle.",
            "Bir arabanın önünde duran insan onun çoğunu kapatabilir, yine de ikisi de oradadır. Bu yüzden "
            "kutular yalnız kendi sınıflarındakilerle karşılaştırılır; $k$: 1 insan, 2 araba, 3 motosiklet.",
        ),
    ),
    question=Question(
        text=Text(
            "All boxes are of one class. A is the surest and drops B. D overlaps B by more than $T$, but not A. Is D "
            "dropped?",
            "Bütün kutular aynı sınıftan. En emin olan A, B'yi atıyor. D, B ile $T$'den çok örtüşüyor, A ile "
            "örtüşmüyor. D atılır mı?",
        ),
        choices=(
            Text("Yes, by B, if B is surer than D", "Evet, B, D'den eminse onu atar"),
            Text("No: who is dropped drops nobody", "Hayır: atılan kimseyi atamaz"),
            Text("Yes, by A", "Evet, A onu da atar"),
        ),
        right=1,
        why=Text(
            "Only answers drop others. B is gone before its turn comes, so D stays.",
            "Yalnız yanıtlar başkalarını atar. B, sırası gelmeden gitmiştir; D kalır.",
        ),
    ),
    try_it=(
        Text(
            "Press Step once for each round: the answer is drawn full, what is dropped dashed. E is out at once, "
            "for $0.6 ≤ 0.6$.",
            "Her tur için bir kez adıma basın: yanıt dolu, atılan kesik çizgili çizilir. E hemen elenir, çünkü $0.6 ≤ "
            "0.6$.",
        ),
        Text(
            "Begin again and set $k_C = 2$: now the person counts as a car, and A drops it.",
            "Baştan başlayıp $k_C = 2$ yapın: artık insan araba sayılır ve A onu atar.",
        ),
        Text(
            "Raise $p_E$ to 0.7: D and E are of one car, and now E is the answer.",
            "$p_E$'yi 0.7'ye çıkarın: D ile E aynı arabanındır, artık yanıt E'dir.",
        ),
        Text(
            "Raise $T$ to 0.9: the car on the left is found twice.",
            "$T$'yi 0.9'a çıkarın: soldaki araba iki kez bulunur.",
        ),
    ),
    figures=(
        Figure(
            kind="boxes",
            title=Text("Boxes of two cars and a person; drag them", "İki arabanın ve bir insanın kutuları; sürükleyin"),
            options={
                "boxes": [
                    {
                        "name": Text(name, name),
                        "edges": [f"{edge}{name}" for edge, *_ in _EDGES],
                        "score": f"p{name}",
                        "kept": f"v{name}",
                        "best": f"g{name}",
                    }
                    for name in _NAMES
                ],
                "scene": _SCENE,
                "size": [10, 7],
            },
        ),
    ),
    sheet=Sheet(
        givens=_givens(),
        lines=tuple(_lines()),
        updates={
            **{f"s{name}": f"n{name}" for name in _NAMES},
            **{f"o{name}": f"g{name}" for name in _NAMES},
            "z0": "z",
        },
    ),
    formula=r"d_i = 1 \Leftrightarrow k_i = k^*, \; \mathrm{IoU}_i > T",
    legend=(
        ("P, T", Text("thresholds of probability and of IoU", "olasılık ve IoU eşikleri")),
        ("s, o", Text("1 where a box is left; 1 where it is an answer", "kutu kaldıysa 1; yanıtsa 1")),
        ("c", Text("1 for the surest box that is left", "kalanların en emini için 1")),
        ("l^*, t^*, r^*, u^*, k^*", Text("edges and class of that box", "o kutunun kenarları ve sınıfı")),
        ("d", Text("1 for what it drops", "attıkları için 1")),
    ),
    code="import torch\nfrom derin.tasks.box_losses import box_similarity\n\n"
    "boxes = torch.tensor([[0.8, 2.2, 4.6, 5.2], [1.2, 2.5, 5, 5.4], [5.6, 3.2, 9.2, 5.4]])\n"
    "sure = torch.tensor([0.9, 0.7, 0.65])\n"
    "left, answers = sure > 0.6, []\n"
    "while left.any():\n"
    "    best = int(torch.where(left, sure, 0).argmax())\n"
    "    answers.append(best)\n"
    "    left &= box_similarity(boxes[best], boxes) <= 0.5\n"
    "print(answers)\n",
    exercise=Exercise(
        text=Text(
            "Six boxes of one class with 0.95, 0.9, 0.85, 0.7, 0.6 and 0.3. The first overlaps the second, the "
            "third the fourth, all with IoU 0.7; the others lie apart. $P = 0.6$, $T = 0.5$: how many answers?",
            "Bir sınıfın 0.95, 0.9, 0.85, 0.7, 0.6 ve 0.3'lük altı kutusu. Birinci ikinciyle, üçüncü dördüncüyle "
            "0.7 IoU ile örtüşüyor; ötekiler ayrık. $P = 0.6$, $T = 0.5$: kaç yanıt kalır?",
        ),
        answer=2,
        tolerance=0.1,
        hints=(
            Text("0.6 is not above 0.6.", "0.6, 0.6'nın üstünde değildir."),
            Text("Four are left. The first drops the second.", "Dört kutu kalır. Birinci ikinciyi atar."),
            Text("The third drops the fourth.", "Üçüncü dördüncüyü atar."),
        ),
        way=Text(
            "0.6 and 0.3 are out; 0.95 drops 0.9, 0.85 drops 0.7. Two answers.",
            "0.6 ile 0.3 elenir; 0.95 0.9'u, 0.85 0.7'yi atar. İki yanıt.",
        ),
    ),
    after=(),
)
