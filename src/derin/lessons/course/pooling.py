"""Max and average pooling on 4 × 4 numbers, forward and backward."""

from __future__ import annotations

from itertools import product

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Line, Question, Sheet, given, line
from derin.lessons.lesson import Text

_NUMBERS = ((1, 3, 2, 1), (2, 8, 7, 4), (1, 3, 2, 3), (5, 6, 1, 2))
_FOUR, _TWO = range(1, 5), range(1, 3)
_BLOCKS = tuple(product(_TWO, _TWO))


def _cells(row: int, column: int) -> tuple[str, ...]:
    return tuple(f"{2 * row - 1 + a}{2 * column - 1 + b}" for a, b in product((0, 1), (0, 1)))


def _lines() -> list[Line]:
    found = []
    for r, c in _BLOCKS:
        a, b, d, e = (f"x{cell}" for cell in _cells(r, c))
        found.append(
            line(
                f"m{r}{c}",
                f"m_{{{r}{c}}}",
                f"max({a}, {b}, {d}, {e})",
                *(("The largest", "En büyük") if (r, c) == (1, 1) else ()),
            )
        )
    for r, c in _BLOCKS:
        total = " + ".join(f"x{cell}" for cell in _cells(r, c))
        found.append(
            line(f"a{r}{c}", f"a_{{{r}{c}}}", f"({total})/4", *(("The mean", "Ortalama") if (r, c) == (1, 1) else ()))
        )
    for r, c in _BLOCKS:
        cells = _cells(r, c)
        for place, cell in enumerate(cells):
            before = "".join(f"(1 - w{one})*" for one in cells[:place])
            heading = (
                ("Which one is the largest? (of equal ones the first)", "En büyüğü hangisi? (eşitlerin ilki)")
                if cell == "11"
                else ()
            )
            found.append(line(f"w{cell}", f"w_{{{cell}}}", f"{before}(1 - step(m{r}{c} - x{cell}))", *heading))
    for r, c in _BLOCKS:
        for cell in _cells(r, c):
            heading = ("Slopes back through the largest", "En büyükten geri dönen eğimler") if cell == "11" else ()
            found.append(line(f"d{cell}", rf"\partial L/\partial x_{{{cell}}}", f"w{cell}*g{r}{c}", *heading))
    return found


def _table(letter: str, size: range) -> list[list[str]]:
    return [[f"{letter}{r}{c}" for c in size] for r in size]


LESSON = CourseLesson(
    name="pooling",
    area="D",
    rows=("D3",),
    title=Text("Pooling, forward and backward", "Havuzlama, ileri ve geri"),
    goals=(
        Text("Pool a table by the largest and by the mean.", "Bir tabloyu en büyüğe ve ortalamaya göre havuzlamak."),
        Text("Say which inputs a slope returns to.", "Bir eğimin hangi girdilere geri döndüğünü söylemek."),
    ),
    story=(
        Text(
            "A map of $4 \\times 4$ numbers $x$ is cut into blocks of $2 \\times 2$ (window 2, stride "
            "2). **Max pooling** keeps the largest of each, $m$; **average pooling** the mean, $a$. "
            "Nothing is learned; the map shrinks to a quarter, and a feature that moves by a cell often "
            "leaves $m$ as it was.",
            "$4 \\times 4$ sayılık bir harita $x$, $2 \\times 2$'lik bloklara bölünür (pencere 2, adım "
            "2). **En büyük havuzlama** her bloğun en büyüğünü tutar, $m$; **ortalama havuzlama** "
            "ortalamasını, $a$. Hiçbir şey öğrenilmez; harita dörtte bire iner ve bir hücre kayan "
            "öznitelik çoğu kez $m$'yi değiştirmez.",
        ),
        Text(
            "On the way back the slope $g$ of a block goes to where its largest number stood, $w = 1$, "
            "and to no other: only that one would have changed the answer. Of a mean each gets a quarter.",
            "Geri yolda bir bloğun eğimi $g$, en büyük sayının durduğu yere, $w = 1$'e gider, başkasına "
            "gitmez: yanıtı yalnız o değiştirirdi. Ortalamada her biri dörtte birini alır.",
        ),
    ),
    question=Question(
        text=Text(
            "After max pooling of $4 \\times 4$ numbers: how many of the 16 get a slope that is not 0?",
            "$4 \\times 4$ sayının en büyük havuzlamasından sonra: 16 sayının kaçı 0 olmayan bir eğim alır?",
        ),
        choices=(Text("16", "16"), Text("8", "8"), Text("4", "4")),
        right=2,
        why=Text(
            "One in each block. The others learn nothing in this step: a little more would have changed nothing.",
            "Her blokta bir tane. Ötekiler bu adımda hiçbir şey öğrenmez: biraz daha büyük olmaları "
            "hiçbir şeyi değiştirmezdi.",
        ),
    ),
    try_it=(
        Text(
            "Type a larger number into a block: the slope moves over to it.",
            "Bir bloğa daha büyük bir sayı yazın: eğim ona geçer.",
        ),
        Text(
            "Make two of a block equal. Which one gets the slope?",
            "Bir bloğun iki sayısını eşitleyin. Eğimi hangisi alır?",
        ),
        Text(
            "Press a number of $a$ and see which four it is made of.",
            "$a$'nın bir sayısına basın, hangi dört sayıdan oluştuğuna bakın.",
        ),
    ),
    figures=(
        Figure(
            kind="grid",
            title=Text("Forward", "İleri"),
            options={
                "grids": [
                    {"title": Text("map x", "harita x"), "table": _table("x", _FOUR), "hold": True, "reach": 12},
                    {"title": Text("largest m", "en büyük m"), "table": _table("m", _TWO), "hold": False, "reach": 12},
                    {"title": Text("mean a", "ortalama a"), "table": _table("a", _TWO), "hold": False, "reach": 12},
                ],
            },
        ),
        Figure(
            kind="grid",
            title=Text("Backward, of the largest", "Geri, en büyüğün"),
            options={
                "grids": [
                    {
                        "title": Text("slopes g by m", "m'ye göre eğimler g"),
                        "table": _table("g", _TWO),
                        "hold": True,
                        "reach": 3,
                    },
                    {
                        "title": Text("slopes by x", "x'e göre eğimler"),
                        "table": _table("d", _FOUR),
                        "hold": False,
                        "reach": 3,
                    },
                ],
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            *(
                given(
                    f"x{r}{c}",
                    f"x_{{{r}{c}}}",
                    _NUMBERS[r - 1][c - 1],
                    -10,
                    10,
                    "number of the map",
                    "haritanın sayısı",
                    slider=False,
                )
                for r, c in product(_FOUR, _FOUR)
            ),
            *(
                given(
                    f"g{r}{c}",
                    f"g_{{{r}{c}}}",
                    value,
                    -3,
                    3,
                    f"slope by m of row {r}, column {c}",
                    f"{r}. satır {c}. sütundaki m'ye göre eğim",
                )
                for (r, c), value in zip(_BLOCKS, (1, -0.5, 0.5, 2), strict=True)
            ),
        ),
        lines=tuple(_lines()),
    ),
    formula=r"m = \max_{i = 1, …, 4} x_i, \qquad a = \frac{1}{4} \sum_{i=1}^{4} x_i, \qquad "
    r"\frac{\partial L}{\partial x_i} = w_i\, g",
    legend=(
        ("x_i", Text("numbers of a block", "bir bloğun sayıları")),
        ("m, a", Text("largest and mean", "en büyük ve ortalama")),
        ("w_i", Text("1 for the largest, 0 for the others", "en büyük için 1, ötekiler için 0")),
        ("g", Text("slope of the loss by m", "kaybın m'ye göre eğimi")),
    ),
    code="derin lesson pooling\n",
    exercise=Exercise(
        text=Text(
            "A block is 4, −1, 7, 2, and the slope by its largest is −0.5. What is the slope by the number 7?",
            "Bir blok 4, −1, 7, 2 ve en büyüğüne göre eğim −0.5. 7 sayısına göre eğim kaçtır?",
        ),
        answer=-0.5,
        tolerance=0.001,
        hints=(
            Text("Which one is the largest?", "En büyüğü hangisi?"),
            Text("It is 7 itself, so $w = 1$.", "7'nin kendisi, öyleyse $w = 1$."),
            Text("$1 \\cdot (-0.5)$.", "$1 \\cdot (-0.5)$."),
        ),
        way=Text(
            "The whole slope, $-0.5$; the other three get 0. With average pooling each would get $-0.125$.",
            "Eğimin tümü, $-0.5$; öteki üçü 0 alır. Ortalama havuzlamada her biri $-0.125$ alırdı.",
        ),
    ),
    erratum=Text(
        "Document 003 prints 9, 2, 6, 3 as the largest numbers of its table. The upper half holds no "
        "9, and its right block a 7: 8, 7, 6, 3.",
        "003 belgesi kendi tablosunun en büyükleri diye 9, 2, 6, 3 yazar. Üst yarıda 9 yoktur, sağ "
        "blokta da 7 vardır: 8, 7, 6, 3.",
    ),
    after=("receptive-field",),
)
