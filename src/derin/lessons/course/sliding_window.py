"""A window slides over a picture: one by one, and all at once by a convolution that gives the same numbers."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Line, Question, Sheet, given, line
from derin.lessons.lesson import Text

_STRIP = (0, 0, 3, 9, 9, 4, 0, 1)
_KERNEL = (-1, 0, 1)


def _conv(name: str, places: range, first: int) -> list[Line]:
    """A kernel of three over the strip from a cell on, and what is negative becomes 0."""
    heading = (
        ("All at once: the kernel over the whole strip", "Hep birden: çekirdek şeridin tümünde")
        if name == "y"
        else ("The second window alone, cut out: the same again", "Yalnız ikinci pencere, kesilmiş: aynısı yeniden")
    )
    return [
        line(
            f"{name}{i}",
            f"{name}_{i}",
            "relu(" + " + ".join(f"k{a}*x{first + i + a - 1}" for a in (1, 2, 3)) + ")",
            *(heading if i == 1 else ()),
        )
        for i in places
    ]


_DENSE = "v1*{0} + v2*{1} + c"

LESSON = CourseLesson(
    name="sliding-window",
    area="H",
    rows=("H1", "D7"),
    title=Text("Sliding windows, all at once", "Kayan pencereler, hep birden"),
    goals=(
        Text(
            "Write a classifier of windows as convolutions, and compute how many answers a larger picture gives.",
            "Bir pencere sınıflandırıcısını evrişimlerle yazmak, büyük bir resmin kaç yanıt verdiğini hesaplamak.",
        ),
        Text(
            "Say what is saved when all windows are read at once, and what is not.",
            "Bütün pencereler birden okununca neyin kazanıldığını, neyin kazanılmadığını söylemek.",
        ),
    ),
    story=(
        Text(
            "A classifier that knows small pictures of one thing also finds it in a large one: cut out a **window**, "
            "ask, move it by $s$ pixels, ask again. That is right and slow: neighboring windows share most of their "
            "pixels, and each time the same products are computed anew.",
            "Tek bir nesnenin küçük resimlerini tanıyan bir sınıflandırıcı onu büyük bir resimde de bulur: bir "
            "**pencere** kes, sor, $s$ piksel kaydır, yine sor. Doğrudur ama yavaştır: komşu pencerelerin "
            "piksellerinin çoğu ortaktır, aynı çarpımlar her seferinde baştan hesaplanır.",
        ),
        Text(
            "A dense layer over $b \\times b$ numbers of $K$ maps is a convolution whose kernels are $b \\times b$ and "
            "fit exactly once: the same weights, the same sums. Written so, the network has no layer any more that "
            "knows the size of the picture. A larger picture gives a map of answers, one for each window; the stride "
            "of the windows is that of the pooling, $s$. On the strip below, eight pixels hold two windows of six.",
            "$K$ haritanın $b \\times b$ sayısına uygulanan yoğun katman, çekirdekleri $b \\times b$ olan ve tam bir "
            "kez sığan bir evrişimdir: aynı ağırlıklar, aynı toplamlar. Böyle yazılınca ağda resmin boyutunu bilen "
            "katman kalmaz. Daha büyük bir resim bir yanıt haritası verir, her pencereye bir yanıt; pencerelerin adımı "
            "havuzlamanın adımıdır, $s$. Aşağıdaki şeritte sekiz piksel, altılık iki pencere tutar.",
        ),
    ),
    question=Question(
        text=Text(
            "The classifier reads windows of 14 × 14 and pools with stride 2. How many answers does a picture of "
            "16 × 16 give?",
            "Sınıflandırıcı 14 × 14'lük pencereleri okur, 2 adımla havuzlar. 16 × 16'lık bir resim kaç yanıt verir?",
        ),
        choices=(Text("One", "Bir"), Text("Four", "Dört"), Text("Nine", "Dokuz")),
        right=1,
        why=Text(
            "Windows lie two pixels apart: two fit across and two down. One pixel apart, nine would.",
            "Pencereler iki piksel aralıklıdır: enine iki, boyuna iki sığar. Bir piksel aralıkla dokuz sığardı.",
        ),
    ),
    try_it=(
        Text(
            "Drag the frame on the picture: what lies in it becomes the weights of the class. Bright places of the map "
            "are windows like it.",
            "Resimdeki çerçeveyi sürükleyin: içindeki, sınıfın ağırlıkları olur. Haritanın parlak yerleri ona benzeyen "
            "pencerelerdir.",
        ),
        Text(
            "Press $o_2$ on the strip: which pixels is it made of? Change one that lies in both windows.",
            "Şeritte $o_2$'ye basın: hangi piksellerden oluşur? İki pencerede de olan bir pikseli değiştirin.",
        ),
        Text(
            "Raise $n$: the first convolution is saved more and more often, the dense layers never.",
            "$n$'yi artırın: ilk evrişim gitgide daha çok kazanır, yoğun katmanlar hiç kazanmaz.",
        ),
    ),
    figures=(
        Figure(
            kind="windows",
            title=Text(
                "A picture, and the answers of all its windows at once",
                "Bir resim ve bütün pencerelerinin yanıtları, hep birden",
            ),
            options={},
        ),
        Figure(
            kind="grid",
            title=Text("Two windows on a strip: type into it", "Bir şeritte iki pencere: içine yazın"),
            options={
                "grids": [
                    {
                        "title": Text("pixels x", "pikseller x"),
                        "table": [[f"x{i}" for i in range(1, 9)]],
                        "hold": True,
                        "reach": 18,
                    },
                    {
                        "title": Text("kernel k", "çekirdek k"),
                        "table": [["k1", "k2", "k3"]],
                        "hold": True,
                        "reach": 4,
                    },
                    {
                        "title": Text("convolution y", "evrişim y"),
                        "table": [[f"y{i}" for i in range(1, 7)]],
                        "hold": False,
                        "reach": 18,
                    },
                    {
                        "title": Text("pooling z", "havuzlama z"),
                        "table": [["z1", "z2", "z3"]],
                        "hold": False,
                        "reach": 18,
                    },
                    {
                        "title": Text("answers o", "yanıtlar o"),
                        "table": [["o1", "o2"]],
                        "hold": False,
                        "reach": 18,
                    },
                ],
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("n", "n", 28, 14, 200, "side of the picture", "resmin kenarı", 2),
            given("s", "s", 2, 1, 5, "stride of the pooling", "havuzlamanın adımı", 1),
            given("K", "K", 16, 1, 64, "maps of the convolution", "evrişimin haritaları", 1),
            given("u", "u", 400, 1, 1000, "units of the dense layers", "yoğun katmanların birimleri", 1),
            *(
                given(f"x{i}", f"x_{i}", value, -9, 9, f"pixel {i} of the strip", f"şeridin {i}. pikseli", slider=False)
                for i, value in enumerate(_STRIP, start=1)
            ),
            *(
                given(
                    f"k{a}",
                    f"k_{a}",
                    value,
                    -9,
                    9,
                    f"weight {a} of the kernel",
                    f"çekirdeğin {a}. ağırlığı",
                    slider=False,
                )
                for a, value in enumerate(_KERNEL, start=1)
            ),
            given("v1", "v_1", 1, -2, 2, "first weight of the dense layer", "yoğun katmanın ilk ağırlığı"),
            given("v2", "v_2", 0.5, -2, 2, "second weight of the dense layer", "yoğun katmanın ikinci ağırlığı"),
            given("c", "c", 0.5, -2, 2, "its bias", "bias değeri"),
        ),
        lines=(
            *_conv("y", range(1, 7), 0),
            *(line(f"z{i}", f"z_{i}", f"max(y{2 * i - 1}, y{2 * i})") for i in (1, 2, 3)),
            *(line(f"o{i}", f"o_{i}", _DENSE.format(f"z{i}", f"z{i + 1}")) for i in (1, 2)),
            *_conv("g", range(1, 5), 2),
            *(line(f"h{i}", f"h_{i}", f"max(g{2 * i - 1}, g{2 * i})") for i in (1, 2)),
            line("q", "q", _DENSE.format("h1", "h2")),
            line("d", "d", "o2 - q"),
            line(
                "a",
                "a",
                "14 - 5 + 1",
                "In a window: after the convolution, after pooling",
                "Bir pencerede: evrişimden, havuzlamadan sonra",
            ),
            line("b", "b", "floor(a/s)"),
            line(
                "m",
                "m",
                "floor((n - 5 + 1)/s) - b + 1",
                "Answers along a side, and windows",
                "Bir kenardaki yanıtlar ve pencereler",
            ),
            line("N", "N", "m^2"),
            line(
                "P",
                "P",
                "a^2*5^2*3*K",
                "Products of the first convolution: of a window, one by one, at once",
                "İlk evrişimin çarpımları: bir pencerede, tek tek, hep birden",
            ),
            line("A", "A", "N*P"),
            line("B", "B", "(n - 5 + 1)^2*5^2*3*K"),
            line("R", "R", "A/B"),
            line(
                "D",
                "D",
                "b^2*K*u + u^2 + 4*u",
                "Products of the whole network: dense layers of a window, ratio",
                "Bütün ağın çarpımları: bir pencerenin yoğun katmanları, oran",
            ),
            line("T", "T", "N*(P + D)/(B + N*D)"),
        ),
        starts=(
            (Text("28 × 28", "28 × 28"), {"n": 28.0}),
            (Text("16 × 16", "16 × 16"), {"n": 16.0}),
            (Text("14 × 14: one window", "14 × 14: tek pencere"), {"n": 14.0}),
            (Text("200 × 200", "200 × 200"), {"n": 200.0}),
        ),
    ),
    formula=r"o_i = \sum_{j=1}^{b} v_j\, z_{i + j - 1} + c, \qquad "
    r"m = \left\lfloor \frac{n - 4}{s} \right\rfloor - b + 1",
    legend=(
        ("x, y, z", Text("pixels, convolution, pooling", "pikseller, evrişim, havuzlama")),
        ("k, K", Text("kernel of the strip; maps of the convolution", "şeridin çekirdeği; evrişimin haritaları")),
        ("v, c", Text("dense layer, as a kernel that walks", "gezen bir çekirdek olarak yoğun katman")),
        ("o, q", Text("answers at once; that of the second window alone", "hep birden yanıtlar; ikinci pencereninki")),
        ("a, b", Text("sides within a window of 14", "14'lük bir pencerenin içindeki kenarlar")),
        ("m, N", Text("answers along a side, and all", "bir kenardaki yanıtlar ve hepsi")),
        ("R, T", Text("how many times as many products one by one", "tek tek yapılınca çarpımlar kaç katı")),
    ),
    code="derin lesson sliding-window -o size=40   # a trained classifier of windows, both ways\n",
    exercise=Exercise(
        text=Text(
            "Windows of 14, pooling with stride 2, a picture of $64 \\times 64$: how many answers?",
            "14'lük pencereler, 2 adımla havuzlama, $64 \\times 64$'lük bir resim: kaç yanıt?",
        ),
        answer=676,
        tolerance=0.5,
        hints=(
            Text("After the convolution of 5: 60. After pooling: 30.", "5'lik evrişimden sonra: 60. Havuzlamadan: 30."),
            Text("A window has 5 of them: $30 - 5 + 1$ fit.", "Bir pencerede 5'i vardır: $30 - 5 + 1$ tane sığar."),
            Text("26 along a side.", "Bir kenarda 26."),
        ),
        way=Text("$26^2 = 676$.", "$26^2 = 676$."),
    ),
    after=("grid", "boxes"),
)
