"""Padding, stride and dilation in one row: how many places a window has, and what it reads at each."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

LESSON = CourseLesson(
    name="padding",
    area="D",
    rows=("D2",),
    title=Text("Padding, stride and the size of the result", "Dolgu, adım ve sonucun boyu"),
    goals=(
        Text("Compute the size of any convolution's result.", "Herhangi bir evrişimin sonucunun boyunu hesaplamak."),
        Text("Choose the padding that keeps the size.", "Boyu koruyan dolguyu seçmek."),
    ),
    story=(
        Text(
            "One row is enough: rows and columns follow the same rule. The input has $n$ cells, and $p$ "
            "zeros of **padding** stand at either end. A window of $f$ cells begins at the left and "
            "moves on by the **stride** $s$ as long as it fits. With the **dilation** $d$ it reads every "
            "$d$th cell and so reaches over $r = d (f - 1) + 1$.",
            "Tek satır yeter: satırlar ve sütunlar aynı kurala uyar. Girdide $n$ hücre vardır, iki "
            "ucunda $p$ sıfırlık **dolgu** durur. $f$ hücrelik bir pencere soldan başlar, sığdıkça "
            "**adım** $s$ kadar ilerler. **Genişletme** $d$ ile her $d$'inci hücreyi okur, böylece $r = "
            "d (f - 1) + 1$ hücreye uzanır.",
        ),
        Text(
            "It fits at $m = \\lfloor (n + 2p - r)/s \\rfloor + 1$ places. **Valid** means $p = 0$; "
            "**same** means that the size stays at stride 1, which takes $p = (r - 1)/2$: a whole number "
            "for odd windows, one reason why kernels have 3, 5 or 7 cells a side.",
            "$m = \\lfloor (n + 2p - r)/s \\rfloor + 1$ yere sığar. **Valid**, $p = 0$ demektir; "
            "**same**, adım 1'de boyun korunmasıdır ve $p = (r - 1)/2$ ister: tek sayılı pencerelerde "
            "tam sayıdır; çekirdeklerin kenarının 3, 5 ya da 7 olmasının bir nedeni budur.",
        ),
    ),
    question=Question(
        text=Text(
            "Seven cells, a window of 3, stride 2, no padding. How many places?",
            "Yedi hücre, 3'lük pencere, adım 2, dolgu yok. Kaç yer?",
        ),
        choices=(Text("2", "2"), Text("3", "3"), Text("5", "5")),
        right=1,
        why=Text(
            "It begins at cells 1, 3 and 5: three places, $(7 - 3)/2 + 1 = 3$.",
            "1., 3. ve 5. hücrede başlar: üç yer, $(7 - 3)/2 + 1 = 3$.",
        ),
    ),
    try_it=(
        Text(
            "Raise $i$: the window walks, and the yellow cells are what it reads.",
            "$i$'yi artırın: pencere gezer; sarı hücreler okuduklarıdır.",
        ),
        Text(
            "Set $n = 8$ with $s = 2$: the last cell is never read. That is what the floor cuts off.",
            "$s = 2$ iken $n = 8$ yapın: son hücre hiç okunmaz. Aşağı yuvarlamanın kestiği budur.",
        ),
        Text(
            "Set $d = 2$: three weights reach over five cells. Which $p$ keeps the size now?",
            "$d = 2$ yapın: üç ağırlık beş hücreye uzanır. Şimdi boyu hangi $p$ korur?",
        ),
    ),
    figures=(
        Figure(
            kind="strip",
            title=Text("Above what is read, below what is made", "Üstte okunan, altta üretilen"),
            options={"n": "n", "f": "f", "p": "p", "s": "s", "d": "d", "out": "m", "at": "i"},
        ),
    ),
    sheet=Sheet(
        givens=(
            given("n", "n", 7, 1, 16, "cells of the input", "girdinin hücreleri", 1),
            given("f", "f", 3, 1, 7, "cells of the window", "pencerenin hücreleri", 1),
            given("p", "p", 0, 0, 4, "padding at either end", "her iki uçtaki dolgu", 1),
            given("s", "s", 2, 1, 4, "stride", "adım", 1),
            given("d", "d", 1, 1, 3, "dilation", "genişletme", 1),
            given("i", "i", 1, 1, 16, "which place is shown", "gösterilen yer", 1),
        ),
        lines=(
            line("r", "r", "d*(f - 1) + 1", "How far the window reaches", "Pencere nereye uzanır"),
            line("m", "m", "max(0, floor((n + 2*p - r)/s) + 1)", "How often it fits", "Kaç kez sığar"),
            line("a", "a", "(i - 1)*s + 1 - p", "First and last cell at place i", "i yerinde ilk ve son hücre"),
            line("z", "z", "a + r - 1"),
            line(
                "u",
                "u",
                "n + 2*p - (m - 1)*s - r",
                "Cells at the end that are never read",
                "Sonda hiç okunmayan hücreler",
            ),
            line(
                "q",
                r"p_{\mathrm{same}}",
                "(r - 1)/2",
                "Padding that keeps the size at stride 1",
                "Adım 1'de boyu koruyan dolgu",
            ),
        ),
    ),
    formula=r"m = \Big\lfloor \frac{n + 2p - r}{s} \Big\rfloor + 1, \qquad r = d (f - 1) + 1, \qquad "
    r"p_{\mathrm{same}} = \frac{r - 1}{2}",
    legend=(
        ("n, m", Text("cells of input and result", "girdinin ve sonucun hücreleri")),
        (
            "f, r",
            Text(
                "weights of the window, and cells that it reaches over", "pencerenin ağırlıkları ve uzandığı hücreler"
            ),
        ),
        ("p, s, d", Text("padding, stride and dilation", "dolgu, adım ve genişletme")),
        (
            "a, z",
            Text(
                "first and last cell that is read; below 1 or above n is padding",
                "okunan ilk ve son hücre; 1'in altı ya da n'nin üstü dolgudur",
            ),
        ),
        ("u", Text("cells that the floor cuts off", "aşağı yuvarlamanın kestiği hücreler")),
    ),
    code="derin lesson padding\nderin summary vgg16   # sizes of every layer\n",
    exercise=Exercise(
        text=Text(
            "A picture is 224 wide, the window 7, the stride 2, the padding 3. How wide is the result?",
            "Bir resim 224 genişliğinde, pencere 7, adım 2, dolgu 3. Sonuç ne genişliktedir?",
        ),
        answer=112,
        tolerance=0.4,
        hints=(
            Text("$224 + 2 \\cdot 3 - 7$.", "$224 + 2 \\cdot 3 - 7$."),
            Text("That is 223; half of it is 111.5.", "Bu 223'tür; yarısı 111.5."),
            Text("Floor it, then add 1.", "Aşağı yuvarlayın, sonra 1 ekleyin."),
        ),
        way=Text(
            "$\\lfloor 223/2 \\rfloor + 1 = 111 + 1 = 112$: the first layer of ResNet.",
            "$\\lfloor 223/2 \\rfloor + 1 = 111 + 1 = 112$: ResNet'in ilk katmanı.",
        ),
    ),
    erratum=Text(
        "Document 003 prints $\\lfloor (n + 2p - f + 1)/s \\rfloor$. For $n = 7$, $f = 3$, $s = 2$ "
        "that gives 2; the window has 3 places.",
        "003 belgesi $\\lfloor (n + 2p - f + 1)/s \\rfloor$ yazar. $n = 7$, $f = 3$, $s = 2$ için bu "
        "2 verir; pencerenin 3 yeri vardır.",
    ),
    after=("pooling", "receptive-field"),
)
