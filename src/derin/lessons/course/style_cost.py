"""The Gram matrix of two maps, the cost of a style, and a picture that takes the style on and not its places."""

from __future__ import annotations

from typing import Any

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Given, Line, Question, Sheet, given, line
from derin.lessons.lesson import Text

_PLACES = (1, 2, 3, 4)
_PAINTING = {"s": (2, 0, 2, 0), "t": (2, 0, 1, 0)}
_PICTURE = {"a": (0, 1, 2, 0), "b": (1, 0, 0, 2)}
_SHUFFLED = {"a": (0, 1, 0, 2), "b": (2, 0, 1, 0)}


def _panel(symbol: str, letter: str, *, hold: bool) -> dict[str, Any]:
    bars = [{"id": f"{letter}{k}", "name": str(k)} for k in _PLACES]
    return {"symbol": symbol, "bars": bars, "low": -1, "high": 3, "hold": hold}


def _gram_panel(symbol: str, letter: str) -> dict[str, Any]:
    bars = [{"id": f"{letter}{pair}", "name": pair} for pair in ("11", "12", "22")]
    return {"symbol": symbol, "bars": bars, "low": -1, "high": 4, "hold": False}


def _gram(letter: str, symbol: str, one: str, other: str, en: str, tr: str) -> list[Line]:
    """Its three different entries; 21 is 12."""

    def mean(first: str, second: str) -> str:
        return "(" + " + ".join(f"{first}{k}*{second}{k}" for k in _PLACES) + ")/4"

    return [
        line(f"{letter}11", f"{symbol}_{{11}}", mean(one, one), en, tr),
        line(f"{letter}12", f"{symbol}_{{12}}", mean(one, other)),
        line(f"{letter}22", f"{symbol}_{{22}}", mean(other, other)),
    ]


def _slopes(letter: str, symbol: str, first: str, second: str, en: str, tr: str) -> list[Line]:
    return [
        line(
            f"{letter}{k}",
            rf"\partial J/\partial {symbol}_{k}",
            f"((g{first} - h{first})*a{k} + (g{second} - h{second})*b{k})/N",
            *((en, tr) if k == 1 and en else ()),
        )
        for k in _PLACES
    ]


def _steps(letter: str, of: str, slope: str) -> list[Line]:
    heading = ("After a step", "Bir adım sonra") if of == "a" else ()
    return [
        line(f"{letter}{k}", f"{of}_{k}'", f"{of}{k} - eta*{slope}{k}", *(heading if k == 1 else ())) for k in _PLACES
    ]


def _givens() -> tuple[Given, ...]:
    found = [given("eta", r"\eta", 1, 0, 4, "learning rate", "öğrenme oranı")]
    for letter, values in _PICTURE.items():
        number = 1 if letter == "a" else 2
        found += [
            given(
                f"{letter}{k}",
                f"{letter}_{k}",
                value,
                -1,
                3,
                f"map {number} of the picture at place {k}",
                f"resmin {number}. haritası, {k}. yer",
                slider=False,
            )
            for k, value in zip(_PLACES, values, strict=True)
        ]
    for letter, values in _PAINTING.items():
        number = 1 if letter == "s" else 2
        found += [
            given(
                f"{letter}{k}",
                f"{letter}_{k}",
                value,
                -1,
                3,
                f"map {number} of the painting at place {k}",
                f"tablonun {number}. haritası, {k}. yer",
                slider=False,
            )
            for k, value in zip(_PLACES, values, strict=True)
        ]
    return tuple(found)


LESSON = CourseLesson(
    name="style-cost",
    area="J",
    rows=("J1",),
    title=Text("The Gram matrix and the cost of a style", "Gram matrisi ve stil maliyeti"),
    goals=(
        Text("Compute a Gram matrix and a style cost by hand.", "Gram matrisini ve stil maliyetini elle hesaplamak."),
        Text(
            "Say what of a painting it keeps and what it forgets.",
            "Bir tablodan neyi koruyup neyi unuttuğunu söylemek.",
        ),
    ),
    story=(
        Text(
            "A layer of a trained network gives maps: map 1 may answer to strokes, map 2 to yellow. Of the picture "
            "these are $a$ and $b$, of the painting $s$ and $t$, at four places each. The **Gram matrix** asks how "
            "strongly two maps answer at the same places: $G_{12} = (a_1 b_1 + … + a_4 b_4)/4$. It is large where "
            "strokes are yellow.",
            "Eğitilmiş bir ağın katmanı haritalar verir: 1. harita fırça darbelerine, 2. harita sarıya yanıt veriyor "
            "olabilir. Resminkiler $a$ ile $b$, tablonunkiler $s$ ile $t$ olsun, her biri dört yerde. **Gram matrisi** "
            "iki haritanın aynı yerlerde ne kadar güçlü yanıt verdiğini sorar: $G_{12} = (a_1 b_1 + … + a_4 b_4)/4$. "
            "Darbeler sarıysa büyüktür.",
        ),
        Text(
            "The **style cost** $J$ compares the matrix $G$ of the picture with $A$ of the painting: the sum of "
            "squared differences, over the sum of squares of $A$. The picture is changed against its slopes, as "
            "weights are in training; the network stays as it is.",
            "**Stil maliyeti** $J$, resmin $G$ matrisini tablonun $A$ matrisiyle karşılaştırır: farkların kareleri "
            "toplamı, bölü $A$'nın kareleri toplamı. Eğitimde ağırlıklar nasıl değişirse, resim de eğimin tersine "
            "öyle değiştirilir; ağ olduğu gibi kalır.",
        ),
    ),
    question=Question(
        text=Text(
            "The four places of the painting are shuffled, in both maps alike. What happens to its Gram matrix?",
            "Tablonun dört yeri, iki haritada da aynı biçimde karıştırılıyor. Gram matrisine ne olur?",
        ),
        choices=(
            Text("Only $A_{12}$ changes", "Yalnız $A_{12}$ değişir"),
            Text("All of it changes", "Tümü değişir"),
            Text("Nothing", "Hiçbir şey"),
        ),
        right=2,
        why=Text(
            "Each entry is a sum over places, and a sum does not know its order. That is why style transfer takes "
            "strokes and colors of a painting and not its things.",
            "Her öğe yerler üzerinden bir toplamdır ve toplam sırasını bilmez. Stil aktarımının tablodaki nesneleri "
            "değil, fırça darbelerini ve renkleri alması bundandır.",
        ),
    ),
    try_it=(
        Text(
            "Press Run: $J$ falls to 0 and $G$ becomes $A$, yet the bars of the picture are not those of the painting.",
            "Yürüt'e basın: $J$ 0'a iner, $G$ de $A$ olur; yine de resmin çubukları tablonunkiler değildir.",
        ),
        Text(
            "Begin with the painting, shuffled: $J$ is 0 at once.",
            "Karıştırılmış tabloyla başlayın: $J$ hemen 0'dır.",
        ),
        Text(
            "Drag bars so that $a$ and $b$ never answer at the same place: which entry becomes 0?",
            "$a$ ile $b$ hiç aynı yerde yanıt vermeyecek biçimde çubukları sürükleyin: hangi öğe 0 olur?",
        ),
    ),
    figures=(
        Figure(
            kind="bars",
            title=Text("Maps of picture and painting, and their matrices", "Resmin ve tablonun haritaları, matrisleri"),
            options={
                "panels": [
                    _panel("a", "a", hold=True),
                    _panel("b", "b", hold=True),
                    _gram_panel("G", "g"),
                    _panel("s", "s", hold=False),
                    _panel("t", "t", hold=False),
                    _gram_panel("A", "h"),
                ],
            },
        ),
    ),
    sheet=Sheet(
        givens=_givens(),
        lines=(
            *_gram("g", "G", "a", "b", "Gram matrix of the picture", "Resmin Gram matrisi"),
            *_gram("h", "A", "s", "t", "Gram matrix of the painting", "Tablonun Gram matrisi"),
            line("N", "N", "h11^2 + 2*h12^2 + h22^2", "The cost of the style", "Stil maliyeti"),
            line("J", "J", "((g11 - h11)^2 + 2*(g12 - h12)^2 + (g22 - h22)^2)/N"),
            *_slopes("p", "a", "11", "12", "Slopes along the maps of the picture", "Resmin haritaları boyunca eğimler"),
            *_slopes("q", "b", "12", "22", "", ""),
            *_steps("m", "a", "p"),
            *_steps("n", "b", "q"),
        ),
        starts=(
            (
                Text("A picture", "Bir resim"),
                {f"{letter}{k}": v for letter, values in _PICTURE.items() for k, v in zip(_PLACES, values)},
            ),
            (
                Text("The painting, shuffled", "Tablo, karıştırılmış"),
                {f"{letter}{k}": v for letter, values in _SHUFFLED.items() for k, v in zip(_PLACES, values)},
            ),
        ),
        updates={
            **{f"a{k}": f"m{k}" for k in _PLACES},
            **{f"b{k}": f"n{k}" for k in _PLACES},
        },
    ),
    formula=r"G_{kl} = \frac{1}{P} \sum_{i=1}^{P} a_{ki} a_{li}, \qquad J = \frac{\sum_{kl} (G_{kl} - A_{kl})^2}"
    r"{\sum_{kl} A_{kl}^2}",
    legend=(
        ("a_{ki}", Text("what map k answers at place i", "k haritasının i yerindeki yanıtı")),
        ("P", Text("places of a map, here 4", "bir haritanın yerleri, burada 4")),
        ("G, A", Text("Gram matrix of picture and painting", "resmin ve tablonun Gram matrisi")),
        ("J", Text("style cost of one layer", "bir katmanın stil maliyeti")),
    ),
    code="import torch\nfrom derin.tasks.perceptual_losses import gram_matrix, style_cost\n\n"
    "picture = torch.tensor([[[[0.0, 1, 2, 0]], [[1, 0, 0, 2]]]])  # (B, C, H, W)\n"
    "painting = torch.tensor([[[[2.0, 0, 2, 0]], [[2, 0, 1, 0]]]])\n"
    "print(style_cost(gram_matrix(picture), gram_matrix(painting)))\n",
    exercise=Exercise(
        text=Text(
            "Two maps at two places: $a = (1, 3)$, $b = (2, 0)$. What is $G_{12}$?",
            "İki yerde iki harita: $a = (1, 3)$, $b = (2, 0)$. $G_{12}$ kaçtır?",
        ),
        answer=1,
        tolerance=0.01,
        hints=(
            Text("Multiply place by place.", "Yer yer çarpın."),
            Text("$1 \\cdot 2$ and $3 \\cdot 0$.", "$1 \\cdot 2$ ve $3 \\cdot 0$."),
            Text("Their sum is 2, over 2 places.", "Toplamları 2, yer sayısı 2."),
        ),
        way=Text("$(1 \\cdot 2 + 3 \\cdot 0)/2 = 1$.", "$(1 \\cdot 2 + 3 \\cdot 0)/2 = 1$."),
    ),
    after=(),
)
