"""Intersection over union of boxes, and non-max suppression of three of them."""

from __future__ import annotations

from itertools import combinations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Line, Question, Sheet, given, line
from derin.lessons.lesson import Text

_BOXES = (("A", 0.9, (1.0, 1.0, 5.0, 4.0)), ("B", 0.8, (2.0, 1.5, 6.0, 5.0)), ("C", 0.7, (6.5, 2.0, 9.0, 6.0)))
_EDGES = (("l", "left", "sol"), ("t", "top", "üst"), ("r", "right", "sağ"), ("u", "bottom", "alt"))
_NAMES = tuple(name for name, _, _ in _BOXES)


def _pair(one: str, other: str) -> str:
    return "".join(sorted((one, other)))


def _kept(name: str, before: str) -> str:
    """A box stays if no box that stays is surer and overlaps it."""
    others = (other for other in _NAMES if other != name)
    return f"s{name}*" + "*".join(
        f"(1 - {before}{other}*step(p{other} - p{name})*step(U{_pair(name, other)} - T))" for other in others
    )


def _lines() -> list[Line]:
    found = [
        line(f"F{a}", f"F_{a}", f"(r{a} - l{a})*(u{a} - t{a})", *(("Areas", "Alanlar") if a == "A" else ()))
        for a in _NAMES
    ]
    for a, b in combinations(_NAMES, 2):
        overlap = f"max(0, min(r{a}, r{b}) - max(l{a}, l{b}))*max(0, min(u{a}, u{b}) - max(t{a}, t{b}))"
        found.append(
            line(
                f"I{a}{b}",
                f"I_{{{a}{b}}}",
                overlap,
                *(("Overlap and IoU, pair by pair", "Kesişim ve IoU, ikişer ikişer") if a + b == "AB" else ()),
            )
        )
        found.append(line(f"U{a}{b}", rf"\mathrm{{IoU}}_{{{a}{b}}}", f"I{a}{b}/(F{a} + F{b} - I{a}{b})"))
    found += [
        line(
            f"s{a}",
            f"s_{a}",
            f"step(p{a} - P)",
            *(("Sure enough? (1: yes)", "Yeterince emin mi? (1: evet)") if a == "A" else ()),
        )
        for a in _NAMES
    ]
    for number, before in ((1, "s"), (2, "x")):
        name = "x" if number == 1 else "k"
        heading = (
            ("First look: not beaten by a surer one", "İlk bakış: daha emin biri bastırmıyor")
            if number == 1
            else ("Kept, for who is beaten beats nobody (1: yes)", "Tutulan; bastırılan kimseyi bastıramaz (1: evet)")
        )
        found += [line(f"{name}{a}", f"{name}_{a}", _kept(a, before), *(heading if a == "A" else ())) for a in _NAMES]
    return found


LESSON = CourseLesson(
    name="boxes",
    area="H",
    rows=("H2",),
    title=Text("Boxes: IoU and non-max suppression", "Kutular: IoU ve en büyük olmayanı bastırma"),
    goals=(
        Text("Compute the IoU of two boxes by hand.", "İki kutunun IoU'sunu elle hesaplamak."),
        Text(
            "Follow non-max suppression and say what its thresholds do.",
            "En büyük olmayanı bastırmayı izlemek ve eşiklerinin ne yaptığını söylemek.",
        ),
    ),
    story=(
        Text(
            "A detector gives boxes, each with left, top, right and bottom edge $l, t, r, u$ and a "
            "probability $p$ that something is in it. How well do two boxes agree? Their overlap $I$, "
            "divided by what they cover together: **intersection over union**, 1 for equal boxes and 0 "
            "for boxes apart.",
            "Bir algılayıcı kutular verir: her birinin sol, üst, sağ ve alt kenarı $l, t, r, u$ ile "
            "içinde bir şey olma olasılığı $p$ vardır. İki kutu ne kadar örtüşür? Kesişimleri $I$, "
            "birlikte kapladıklarına bölünür: **kesişim bölü birleşim** (IoU); eş kutular için 1, ayrık "
            "kutular için 0.",
        ),
        Text(
            "One object is often found several times. **Non-max suppression** drops boxes with $p ≤ P$, "
            "takes the surest one, drops all that overlap it by more than $T$, and goes on with the "
            "surest of the rest. A dropped box drops nobody.",
            "Bir nesne çoğu kez birkaç kez bulunur. **En büyük olmayanı bastırma** $p ≤ P$ olan kutuları "
            "atar, en emin olanı alır, onunla $T$'den çok örtüşen hepsini atar ve kalanların en emin "
            "olanıyla sürdürür. Atılan kutu kimseyi atmaz.",
        ),
    ),
    question=Question(
        text=Text(
            "Two boxes of the same size overlap by half of each. What is their IoU?",
            "Aynı boydaki iki kutu, her birinin yarısı kadar kesişiyor. IoU'ları kaçtır?",
        ),
        choices=(Text("1/2", "1/2"), Text("1/3", "1/3"), Text("1/4", "1/4")),
        right=1,
        why=Text(
            "The overlap is ½ of a box; together they cover $1 + 1 - ½ = 1.5$. $0.5/1.5 = 1/3$: an IoU "
            "of 0.5 asks for more than it seems.",
            "Kesişim bir kutunun ½'sidir; birlikte $1 + 1 - ½ = 1.5$ kaplarlar. $0.5/1.5 = 1/3$: 0.5'lik "
            "bir IoU sanıldığından çoğunu ister.",
        ),
    ),
    try_it=(
        Text(
            "Drag B onto A by its middle: from which IoU on is it dropped (dashed)?",
            "B'yi ortasından tutup A'nın üzerine sürükleyin: hangi IoU'dan sonra atılıyor (kesik çizgili)?",
        ),
        Text(
            "Make a chain: B overlaps A, and C overlaps B but not A. C stays, for B is gone.",
            "Bir zincir kurun: B, A ile; C, B ile örtüşsün, ama C ile A örtüşmesin. C kalır, çünkü B gitmiştir.",
        ),
        Text("Raise $p_B$ above $p_A$: now A is dropped.", "$p_B$'yi $p_A$'nın üstüne çıkarın: artık A atılır."),
    ),
    figures=(
        Figure(
            kind="boxes",
            title=Text(
                "Drag a box by its middle or its corners", "Bir kutuyu ortasından ya da köşelerinden sürükleyin"
            ),
            options={
                "boxes": [
                    {
                        "name": Text(name, name),
                        "edges": [f"{edge}{name}" for edge, _, _ in _EDGES],
                        "score": f"p{name}",
                        "kept": f"k{name}",
                    }
                    for name in _NAMES
                ],
                "size": 10,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("T", "T", 0.3, 0, 1, "most overlap that is let pass", "izin verilen en çok örtüşme", 0.05),
            given("P", "P", 0.6, 0, 1, "least probability", "en az olasılık", 0.05),
            *(
                given(
                    f"p{name}",
                    f"p_{name}",
                    score,
                    0,
                    1,
                    f"probability of box {name}",
                    f"{name} kutusunun olasılığı",
                    0.05,
                )
                for name, score, _ in _BOXES
            ),
            *(
                given(
                    f"{edge}{name}",
                    f"{edge}_{name}",
                    value,
                    0,
                    10,
                    f"{en} edge of box {name}",
                    f"{name} kutusunun {tr} kenarı",
                    slider=False,
                )
                for name, _, box in _BOXES
                for (edge, en, tr), value in zip(_EDGES, box, strict=True)
            ),
        ),
        lines=tuple(_lines()),
    ),
    formula=r"\mathrm{IoU}_{AB} = \frac{I_{AB}}{F_A + F_B - I_{AB}}, \qquad I_{AB} = \max(0, \Delta x)\, "
    r"\max(0, \Delta y)",
    legend=(
        ("F", Text("area of a box", "bir kutunun alanı")),
        ("I", Text("area that two boxes share", "iki kutunun paylaştığı alan")),
        (
            r"\Delta x, \Delta y",
            Text(
                "smaller right minus larger left edge; the same downward",
                "küçük sağ kenar eksi büyük sol kenar; aşağı doğru da aynı",
            ),
        ),
        ("T, P", Text("thresholds of overlap and of probability", "örtüşme ve olasılık eşikleri")),
    ),
    code="import torch\nfrom derin.tasks.box_losses import box_similarity\n\n"
    "one = torch.tensor([1.0, 1, 5, 4])  # left, top, right, bottom\n"
    "print(box_similarity(one, torch.tensor([[2.0, 1.5, 6, 5], [6.5, 2, 9, 6]])))\n",
    exercise=Exercise(
        text=Text(
            "Box A goes from (0, 0) to (4, 4), box B from (2, 2) to (6, 6). What is their IoU?",
            "A kutusu (0, 0)'dan (4, 4)'e, B kutusu (2, 2)'den (6, 6)'ya. IoU'ları kaçtır?",
        ),
        answer=0.142857,
        tolerance=0.001,
        hints=(
            Text("They share 2 by 2.", "2'ye 2'lik bir alanı paylaşırlar."),
            Text("Together they cover $16 + 16 - 4$.", "Birlikte $16 + 16 - 4$ kaplarlar."),
            Text("$4/28$.", "$4/28$."),
        ),
        way=Text("$4/28 = 1/7 = 0.143$.", "$4/28 = 1/7 = 0.143$."),
    ),
    erratum=Text(
        "Document 003 says that IoU compares the parts of one object in several grid cells. It "
        "divides the overlap of two boxes, one found and one true, by the area that they cover "
        "together.",
        "003 belgesi IoU'nun, bir nesnenin birkaç ızgara hücresindeki parçalarını karşılaştırdığını "
        "söyler. IoU, biri bulunan biri gerçek iki kutunun kesişimini, birlikte kapladıkları alana "
        "böler.",
    ),
    after=(),
)
