"""A kernel of 3 × 3 on a picture of 5 × 5, every sum by hand; and the same kernel on a picture of one's own."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_PICTURE = ((9, 9, 9, 1, 1), (9, 9, 9, 1, 1), (9, 9, 9, 1, 1), (9, 9, 9, 1, 1), (9, 9, 9, 1, 1))
_KERNELS = (
    (Text("vertical edges", "dikey kenarlar"), (1, 0, -1, 1, 0, -1, 1, 0, -1)),
    (Text("horizontal edges", "yatay kenarlar"), (1, 1, 1, 0, 0, 0, -1, -1, -1)),
    (Text("Sobel", "Sobel"), (1, 0, -1, 2, 0, -2, 1, 0, -1)),
    (Text("Scharr", "Scharr"), (3, 0, -3, 10, 0, -10, 3, 0, -3)),
    (Text("blur", "bulanıklaştırma"), (0.1, 0.1, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1)),
    (Text("sharpen", "keskinleştirme"), (0, -1, 0, -1, 5, -1, 0, -1, 0)),
    (Text("brighten", "aydınlatma"), (0, 0, 0, 0, 1.5, 0, 0, 0, 0)),
    (Text("darken", "karartma"), (0, 0, 0, 0, 0.5, 0, 0, 0, 0)),
    (Text("identity", "özdeşlik"), (0, 0, 0, 0, 1, 0, 0, 0, 0)),
)
_FIVE, _THREE = range(1, 6), range(1, 4)
_PLACES = [(r, c) for r in _THREE for c in _THREE]


def _sum(row: int, column: int) -> str:
    return " + ".join(f"x{row + a - 1}{column + b - 1}*k{a}{b}" for a, b in _PLACES)


LESSON = CourseLesson(
    name="convolution",
    area="D",
    rows=("D1", "D2"),
    title=Text("Convolution: a window walks", "Evrişim: bir pencere gezer"),
    goals=(
        Text("Compute any number of a convolution by hand.", "Bir evrişimin herhangi bir sayısını elle hesaplamak."),
        Text(
            "Say from nine numbers what a kernel will do to a picture.",
            "Dokuz sayıya bakıp bir çekirdeğin bir resme ne yapacağını söylemek.",
        ),
    ),
    story=(
        Text(
            "A picture of $5 \\times 5$ numbers $x_{rc}$, here bright on the left and dark on the right, "
            "and a **kernel** of $3 \\times 3$ weights $k_{ab}$. Laid on the picture, each weight is "
            "multiplied by the number beneath it; the sum of the nine products is one number $y_{rc}$ of "
            "the result. Then the window moves on by one.",
            "$5 \\times 5$ sayıdan bir resim, $x_{rc}$; burada solu aydınlık, sağı karanlık. Bir de $3 "
            "\\times 3$ ağırlıktan bir **çekirdek**, $k_{ab}$. Resmin üzerine konunca her ağırlık "
            "altındaki sayıyla çarpılır; dokuz çarpımın toplamı sonucun bir sayısıdır: $y_{rc}$. Sonra "
            "pencere bir adım ilerler.",
        ),
        Text(
            "It fits at $5 - 3 + 1 = 3$ places across and down, so the result is $3 \\times 3$. The same "
            "nine weights serve everywhere: what is found on the left is found on the right as well. A "
            "network learns these weights; the kernels below were thought out.",
            "Enine ve boyuna $5 - 3 + 1 = 3$ yere sığar, sonuç bu yüzden $3 \\times 3$'tür. Aynı dokuz "
            "ağırlık her yerde kullanılır: solda bulunan sağda da bulunur. Ağ bu ağırlıkları öğrenir; "
            "aşağıdaki çekirdekler elle düşünülmüştür.",
        ),
    ),
    question=Question(
        text=Text(
            "The kernel for vertical edges lies wholly on the bright part, where all nine numbers are 9. "
            "What is the sum?",
            "Dikey kenar çekirdeği tümüyle aydınlık bölümde, dokuz sayının hepsi 9. Toplam kaçtır?",
        ),
        choices=(Text("81", "81"), Text("27", "27"), Text("0", "0")),
        right=2,
        why=Text(
            "Its weights add up to 0: three times $+9$, three times $-9$. Where nothing changes it says "
            "nothing; only an edge makes a sum. A kernel whose weights add up to 1 keeps the brightness "
            "instead.",
            "Ağırlıklarının toplamı 0'dır: üç kez $+9$, üç kez $-9$. Hiçbir şeyin değişmediği yerde "
            "susar; yalnız kenar bir toplam verir. Ağırlıklarının toplamı 1 olan çekirdek ise parlaklığı "
            "korur.",
        ),
    ),
    try_it=(
        Text(
            "Press a number of the result: its nine numbers are framed, its sum is marked in the lines.",
            "Sonucun bir sayısına basın: dokuz sayısı çerçevelenir, toplamı satırlarda işaretlenir.",
        ),
        Text(
            "Choose another kernel, or type weights of your own. What does the picture below become?",
            "Başka bir çekirdek seçin ya da kendi ağırlıklarınızı yazın. Alttaki resim neye dönüşür?",
        ),
        Text(
            "Type 1 instead of 9 into the picture's middle and see how far its influence goes.",
            "Resmin ortasına 9 yerine 1 yazın ve etkisinin nereye dek gittiğine bakın.",
        ),
    ),
    figures=(
        Figure(
            kind="grid",
            title=Text("Numbers: type into picture and kernel", "Sayılar: resme ve çekirdeğe yazın"),
            options={
                "grids": [
                    {
                        "title": Text("picture x", "resim x"),
                        "table": [[f"x{r}{c}" for c in _FIVE] for r in _FIVE],
                        "hold": True,
                        "reach": 18,
                    },
                    {
                        "title": Text("kernel k", "çekirdek k"),
                        "table": [[f"k{r}{c}" for c in _THREE] for r in _THREE],
                        "hold": True,
                        "reach": 4,
                    },
                    {
                        "title": Text("result y", "sonuç y"),
                        "table": [[f"y{r}{c}" for c in _THREE] for r in _THREE],
                        "hold": False,
                        "reach": 36,
                    },
                ],
            },
        ),
        Figure(
            kind="picture",
            title=Text("The same kernel on a picture", "Aynı çekirdek bir resimde"),
            options={"kernel": [[f"k{r}{c}" for c in _THREE] for r in _THREE]},
        ),
    ),
    sheet=Sheet(
        givens=(
            *(
                given(
                    f"x{r}{c}",
                    f"x_{{{r}{c}}}",
                    _PICTURE[r - 1][c - 1],
                    0,
                    10,
                    "number of the picture",
                    "resmin sayısı",
                    slider=False,
                )
                for r in _FIVE
                for c in _FIVE
            ),
            *(
                given(
                    f"k{a}{b}", f"k_{{{a}{b}}}", 0, -10, 10, "weight of the kernel", "çekirdeğin ağırlığı", slider=False
                )
                for a, b in _PLACES
            ),
            given("b", "b", 0, -10, 10, "bias, added everywhere", "bias, her yere eklenir"),
        ),
        lines=(
            *(
                line(
                    f"y{r}{c}",
                    f"y_{{{r}{c}}}",
                    f"{_sum(r, c)} + b",
                    *(("Each a sum of nine products", "Her biri dokuz çarpımın toplamı") if (r, c) == (1, 1) else ()),
                )
                for r, c in _PLACES
            ),
            line("S", "S", " + ".join(f"k{a}{b}" for a, b in _PLACES), "Sum of the weights", "Ağırlıkların toplamı"),
        ),
        starts=tuple(
            (title, {f"k{a}{b}": float(weight) for (a, b), weight in zip(_PLACES, weights, strict=True)})
            for title, weights in _KERNELS
        ),
    ),
    formula=r"y_{rc} = b + \sum_{a=1}^{3} \sum_{b=1}^{3} k_{ab}\, x_{r + a - 1,\, c + b - 1}",
    legend=(
        ("x", Text("picture, rows and columns", "resim, satırlar ve sütunlar")),
        (
            "k",
            Text(
                "kernel; mathematics would flip it first and call this a cross-correlation",
                "çekirdek; matematikte önce ters çevrilir, buna da çapraz korelasyon denir",
            ),
        ),
        ("y", Text("result, one number for each place of the window", "sonuç, pencerenin her yeri için bir sayı")),
        ("b", Text("bias", "bias")),
    ),
    code='derin lesson kernels --image photo.jpg --kernel "0 -1 0; -1 5 -1; 0 -1 0"\nderin lesson convolution-steps\n'
    "derin train mnist --model lenet5 --epochs 2 --out lenet\n"
    "derin explain live lenet --out lenet.html   # every map, on what you draw\n",
    exercise=Exercise(
        text=Text(
            "Under the kernel for vertical edges lie, row by row, 10, 10, 0 three times. What is the sum?",
            "Dikey kenar çekirdeğinin altında üç satırın her birinde 10, 10, 0 var. Toplam kaçtır?",
        ),
        answer=30,
        tolerance=0.01,
        hints=(
            Text(
                "A row counts $1 \\cdot 10 + 0 \\cdot 10 - 1 \\cdot 0$.",
                "Bir satır $1 \\cdot 10 + 0 \\cdot 10 - 1 \\cdot 0$ eder.",
            ),
            Text("That is 10.", "Bu 10'dur."),
            Text("There are three rows.", "Üç satır var."),
        ),
        way=Text(
            "$3 \\cdot (10 - 0) = 30$: from bright to dark it is positive, from dark to bright $-30$.",
            "$3 \\cdot (10 - 0) = 30$: aydınlıktan karanlığa artı, karanlıktan aydınlığa $-30$.",
        ),
    ),
    after=("padding", "pooling"),
)
