"""Why a network does not learn when its weights begin at 0 or alike: XOR on the network of backpropagation."""

from __future__ import annotations

from derin.lessons.course.backpropagation import FIGURE, SHEET, START
from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet
from derin.lessons.lesson import Text

_CORNERS = tuple({"x1": a, "x2": b, "y": float(a != b)} for a in (0.0, 1.0) for b in (0.0, 1.0))
_DRAWN = {"w11": 0.8, "w12": -0.6, "w21": -0.7, "w22": 0.9, "b1": 0.1, "b2": -0.2, "v1": 0.5, "v2": 0.4, "c": 0.1}
_HIDDEN = ("w11", "w12", "w21", "w22")

LESSON = CourseLesson(
    name="zero-initialization",
    area="A",
    rows=("A6",),
    title=Text("Why does it not learn from zeros?", "Sıfırdan başlayınca neden öğrenmez?"),
    goals=(
        Text(
            "Say what stays for ever when all weights begin at 0, and what when all begin alike.",
            "Bütün ağırlıklar 0'dan başlayınca ve hepsi aynı değerden başlayınca neyin hep öyle kaldığını söylemek.",
        ),
        Text(
            "Say what random first weights are for, and how large they should be.",
            "İlk ağırlıkların neden rastgele çekildiğini ve ne büyüklükte olması gerektiğini söylemek.",
        ),
    ),
    story=(
        Text(
            "The network of the page on backpropagation learns XOR: two hidden units of tanh, $w_{ji}$ "
            "and $b_j$ their weights and biases, then $v_1, v_2$ and $c$ to the output. The corners of "
            "XOR come one after the other, one step each.",
            "Geri yayılım sayfasındaki ağ XOR'u öğreniyor: tanh'lı iki gizli birim, ağırlıkları "
            "$w_{ji}$, bias'ları $b_j$; sonra çıktıya $v_1, v_2$ ve $c$. XOR'un köşeleri sırayla, her "
            "adımda biri gelir.",
        ),
        Text(
            "The slope of a hidden weight is $(p - y)\\, v_j\\, (1 - a_j^2)\\, x_i$. For two units with "
            "the same numbers it is the same: they take the same step and are the same after it. Two "
            "units then do the work of one, and one line cannot do XOR.",
            "Gizli bir ağırlığın eğimi $(p - y)\\, v_j\\, (1 - a_j^2)\\, x_i$'dir. Sayıları aynı olan "
            "iki birimde eğim de aynıdır: aynı adımı atar, sonra yine aynı kalırlar. O zaman iki birim "
            "tek birimin işini görür; tek bir doğru da XOR'u çözemez.",
        ),
        Text(
            "So weights are drawn at random, biases may be 0. The size matters: with $n$ inputs a "
            "variance of $1/n$ (Xavier) keeps a signal of tanh as large as it was, $2/n$ (He) one of "
            "ReLU, half of which is cut off.",
            "Bu yüzden ağırlıklar rastgele çekilir; bias'lar 0 olabilir. Büyüklük de önemlidir: $n$ "
            "girdide $1/n$ varyansı (Xavier) tanh'ta, $2/n$ varyansı (He) yarısı kesilen ReLU'da sinyali "
            "olduğu büyüklükte tutar.",
        ),
    ),
    question=Question(
        text=Text(
            "All weights begin at 0.5. What are the two hidden units after a thousand steps?",
            "Bütün ağırlıklar 0.5'ten başlıyor. Bin adım sonra iki gizli birim nasıldır?",
        ),
        choices=(
            Text("Different: they have shared the work", "Farklı: işi paylaşmışlardır"),
            Text("Changed, but still equal to each other", "Değişmiş, ama birbirine hâlâ eşit"),
            Text("Still at 0.5", "Hâlâ 0.5'te"),
        ),
        right=1,
        why=Text(
            "Their slopes are not 0, so they move, but they are equal, so they move together. Only at "
            "exactly 0 nothing but the output's bias moves at all.",
            "Eğimleri 0 değildir, bu yüzden değişirler; ama eğimler eşittir, birlikte değişirler. Yalnız "
            "tam 0'da çıktının bias'ından başka hiçbir şey kıpırdamaz.",
        ),
    ),
    try_it=(
        Text(
            "Choose **all 0.5** and press Run: two curves lie upon each other, pair by pair.",
            "**Hepsi 0.5**'i seçip Yürüt'e basın: eğriler ikişer ikişer üst üste biner.",
        ),
        Text(
            "Then move $w_{21}$ by 0.1, no more. After how many steps do the units part?",
            "Sonra $w_{21}$'i yalnız 0.1 oynatın. Birimler kaç adım sonra ayrılıyor?",
        ),
        Text(
            "Choose **all 0**: find the only slope in the network that is not 0.",
            "**Hepsi 0**'ı seçin: ağda 0 olmayan tek eğimi bulun.",
        ),
    ),
    figures=(
        Figure(
            kind="rollout",
            title=Text("The hidden weights over 320 steps", "Gizli ağırlıklar, 320 adım boyunca"),
            options={
                "values": [{"id": name, "symbol": f"w_{{{name[1:]}}}"} for name in _HIDDEN],
                "steps": 320,
                "bottom": -4,
                "top": 4,
            },
        ),
        FIGURE,
    ),
    sheet=Sheet(
        givens=SHEET.givens,
        lines=SHEET.lines,
        sets=((Text("XOR", "XOR"), _CORNERS),),
        starts=(
            (Text("drawn at random", "rastgele çekilmiş"), _DRAWN),
            (Text("all 0.5", "hepsi 0,5"), dict.fromkeys(START, 0.5)),
            (Text("all 0", "hepsi 0"), dict.fromkeys(START, 0.0)),
        ),
        updates=SHEET.updates,
    ),
    formula=r"\frac{\partial L}{\partial w_{ji}} = (p - y)\, v_j\, (1 - a_j^2)\, x_i, \qquad w_{ji} \sim "
    r"N\Big(0, \frac{1}{n}\Big)",
    legend=(
        (
            "v_j",
            Text(
                "weight from unit j to the output: at 0 nothing passes back",
                "j biriminden çıktıya ağırlık: 0 ise geriye hiçbir şey geçmez",
            ),
        ),
        ("a_j", Text("value of unit j", "j biriminin değeri")),
        ("n", Text("inputs of a unit", "bir birimin girdi sayısı")),
        ("N", Text("normal distribution of this mean and variance", "bu ortalama ve varyansla normal dağılım")),
    ),
    code="derin train data.csv --target y --model mlp --option initializer=he\n",
    exercise=Exercise(
        text=Text(
            "All weights and biases are 0 and $y = 1$. What is $\\partial L/\\partial c$?",
            "Bütün ağırlıklar ve bias'lar 0, $y = 1$. $\\partial L/\\partial c$ kaçtır?",
        ),
        answer=-0.5,
        tolerance=0.001,
        hints=(
            Text("The sum at the output is 0.", "Çıktıdaki toplam 0'dır."),
            Text("$p = \\sigma(0) = ½$.", "$p = \\sigma(0) = ½$."),
            Text("$\\partial L/\\partial c = p - y$.", "$\\partial L/\\partial c = p - y$."),
        ),
        way=Text(
            "$½ - 1 = -0.5$: the one slope that is not 0. So only $c$ learns: how often the answer is 1.",
            "$½ - 1 = -0.5$: 0 olmayan tek eğim. Bu yüzden yalnız $c$ öğrenir: yanıtın ne sıklıkla 1 olduğunu.",
        ),
    ),
    after=("softmax",),
    covers=("zero-initialization",),
)
