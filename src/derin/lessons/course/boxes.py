"""Intersection over union of two boxes."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_BOXES = (("A", (1.0, 1.0, 5.0, 4.0)), ("B", (2.0, 1.5, 6.0, 5.0)))
_EDGES = (("l", "left", "sol"), ("t", "top", "üst"), ("r", "right", "sağ"), ("u", "bottom", "alt"))

LESSON = CourseLesson(
    name="boxes",
    area="H",
    rows=("H2",),
    title=Text("IoU: how well two boxes agree", "IoU: iki kutu ne kadar uyuşur"),
    goals=(
        Text("Compute the IoU of two boxes by hand.", "İki kutunun IoU'sunu elle hesaplamak."),
        Text(
            "Say what a threshold on it asks of a detector.",
            "IoU'ya konan bir eşiğin bir algılayıcıdan ne istediğini söylemek.",
        ),
    ),
    story=(
        Text(
            "A detector gives boxes, each with left, top, right and bottom edge $l, t, r, u$. Is a box right? "
            "It never agrees with the true one to the pixel, so one asks how well they agree: their overlap "
            "$I$, divided by what they cover together. This is **intersection over union**, IoU: 1 for equal "
            "boxes and 0 for boxes apart.",
            "Bir algılayıcı kutular verir; her birinin sol, üst, sağ ve alt kenarı $l, t, r, u$ vardır. Bir kutu "
            "doğru mudur? Doğru kutuyla pikseli pikseline uyuşmaz; onun için ne kadar uyuştukları sorulur: "
            "kesişimleri $I$, birlikte kapladıklarına bölünür. Bu, **kesişim bölü birleşimdir** (IoU): eş "
            "kutular için 1, ayrık kutular için 0.",
        ),
        Text(
            "From some threshold $T$ on a box counts as right, commonly from 0.5 on. The same number says when "
            "two found boxes are of one thing, and which anchor box a thing is most like.",
            "Bir kutu, belli bir $T$ eşiğinden sonra doğru sayılır; çoğu kez 0.5'ten sonra. Aynı sayı, bulunan "
            "iki kutunun ne zaman tek bir nesneye ait olduğunu ve bir nesnenin en çok hangi çapa kutusuna "
            "benzediğini de söyler.",
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
            "Drag B onto A by its middle: how exactly must it lie for an IoU of 0.9?",
            "B'yi ortasından tutup A'nın üzerine sürükleyin: 0.9'luk bir IoU için ne kadar tam oturmalı?",
        ),
        Text(
            "Put a small box wholly into a large one: the IoU is the ratio of their areas.",
            "Küçük bir kutuyu tümüyle büyük bir kutunun içine koyun: IoU, alanlarının oranıdır.",
        ),
        Text(
            "Pull the boxes apart: however far they are, the IoU stays 0 and says no more.",
            "Kutuları birbirinden ayırın: ne kadar uzak olsalar da IoU 0'da kalır, artık bir şey söylemez.",
        ),
    ),
    figures=(
        Figure(
            kind="boxes",
            title=Text(
                "Drag a box by its middle or its corners", "Bir kutuyu ortasından ya da köşelerinden sürükleyin"
            ),
            options={
                "boxes": [
                    {"name": Text(name, name), "edges": [f"{edge}{name}" for edge, *_ in _EDGES]} for name, _ in _BOXES
                ],
                "size": [10, 7],
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("T", "T", 0.5, 0, 1, "IoU from which on a box is right", "bir kutunun doğru sayıldığı IoU", 0.05),
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
                for name, box in _BOXES
                for (edge, en, tr), value in zip(_EDGES, box, strict=True)
            ),
        ),
        lines=(
            line("FA", "F_A", "(rA - lA)*(uA - tA)", "Areas", "Alanlar"),
            line("FB", "F_B", "(rB - lB)*(uB - tB)"),
            line("x", r"\Delta x", "max(0, min(rA, rB) - max(lA, lB))", "What they share", "Paylaştıkları"),
            line("y", r"\Delta y", "max(0, min(uA, uB) - max(tA, tB))"),
            line("I", "I", "x*y"),
            line("C", "C", "FA + FB - I", "What they cover together", "Birlikte kapladıkları"),
            line("U", r"\mathrm{IoU}", "I/C", "How well they agree", "Ne kadar uyuştukları"),
            line("g", "g", "1 - step(T - U)"),
        ),
    ),
    formula=r"\mathrm{IoU} = \frac{I}{F_A + F_B - I}, \qquad I = \Delta x\, \Delta y",
    legend=(
        ("F", Text("area of a box", "bir kutunun alanı")),
        (
            r"\Delta x, \Delta y",
            Text(
                "smaller right minus larger left edge, at least 0; the same downward",
                "küçük sağ kenar eksi büyük sol kenar, en az 0; aşağı doğru da aynı",
            ),
        ),
        (
            "I, C",
            Text("area that both share; area that they cover together", "paylaşılan alan; birlikte kaplanan alan"),
        ),
        ("g", Text("1 where the IoU is at least T", "IoU en az T ise 1")),
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
    after=("grid", "non-max-suppression"),
)
