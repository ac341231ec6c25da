"""One thing in a picture: the vector of eight numbers, and its loss with something there and with nothing."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Line, Question, Sheet, given, line
from derin.lessons.lesson import Text

_BOX = (("x", "b_x", 0.42, 0.5), ("y", "b_y", 0.55, 0.6), ("h", "b_h", 0.4, 0.5), ("w", "b_w", 0.5, 0.4))
_MEANINGS = {
    "x": ("middle of the box, from the left", "kutunun ortası, soldan"),
    "y": ("middle of the box, from the top", "kutunun ortası, yukarıdan"),
    "h": ("height of the box", "kutunun yüksekliği"),
    "w": ("width of the box", "kutunun genişliği"),
}
_CLASSES = ((1, 0.1), (2, 0.7), (3, 0.2))


def _lines() -> list[Line]:
    found = [line("i", "i", "step(p - 0.5)", "What is true", "Doğru olan")]
    found += [line(f"c{k}", f"c_{k}", f"1 - abs(sign(k - {k}))") for k, _ in _CLASSES]
    heading = ("What each number costs: its squared distance", "Her sayının bedeli: uzaklığının karesi")
    found.append(line("dp", "d_p", "(q - i)^2", *heading))
    found += [line(f"d{name}", f"d_{name}", f"i*(h{name} - b{name})^2") for name, *_ in _BOX]
    found += [line(f"d{k}", f"d_{k}", f"i*(e{k} - c{k})^2") for k, _ in _CLASSES]
    added = " + ".join(("dp", *(f"d{name}" for name, *_ in _BOX), *(f"d{k}" for k, _ in _CLASSES)))
    parts = ("In practice: to each part its own loss", "Uygulamada: her bölüme kendi kaybı")
    outputs = ("How many outputs", "Kaç çıktı")
    return [
        *found,
        line("L", "L", added, "The loss", "Kayıp"),
        line("Lp", "L_p", "-i*ln(q) - (1 - i)*ln(1 - q)", *parts),
        line("Lb", "L_b", "dx + dy + dh + dw"),
        line("Lc", "L_c", "i*(ln(e1 + e2 + e3) - c1*ln(e1) - c2*ln(e2) - c3*ln(e3))"),
        line("J", "J", "Lp + Lb + Lc"),
        line("V", "V", "1 + 4 + 3", *outputs),
        line("N", "N", "1 + 2*n"),
    ]


LESSON = CourseLesson(
    name="localization",
    area="H",
    rows=("H1", "A7"),
    title=Text("What and where: eight numbers", "Ne, nerede: sekiz sayı"),
    goals=(
        Text(
            "Write down what a network that finds one thing shall answer.",
            "Tek bir nesneyi bulan ağın vermesi gereken yanıtı yazmak.",
        ),
        Text(
            "Compute its loss, with something in the picture and with nothing.",
            "Resimde bir şey varken ve yokken kaybını hesaplamak.",
        ),
    ),
    story=(
        Text(
            "A classifier says what is in a picture. To say where it is too, it needs four numbers more: the "
            "middle $b_x, b_y$ and the height and width $b_h, b_w$ of the **bounding box**, in shares of the "
            "picture. One more says whether anything is there at all, $p_c$. With three classes the answer is "
            "$[p_c, b_x, b_y, b_h, b_w, c_1, c_2, c_3]$. Here $c_1$ is a person, $c_2$ a car, $c_3$ a motorcycle.",
            "Bir sınıflandırıcı resimde ne olduğunu söyler. Nerede olduğunu da söylemesi için dört sayı daha "
            "gerekir: **sınırlayıcı kutunun** ortası $b_x, b_y$ ile yüksekliği ve genişliği $b_h, b_w$; hepsi "
            "resmin oranı olarak. Bir sayı da bir şey olup olmadığını söyler: $p_c$. Üç sınıfla yanıt $[p_c, "
            "b_x, b_y, b_h, b_w, c_1, c_2, c_3]$ olur. Burada $c_1$ insan, $c_2$ araba, $c_3$ motosiklettir.",
        ),
        Text(
            "The loss compares the true numbers with those of the network, $\\hat p_c$ and so on. Where "
            "something is there, all eight count. Where nothing is, there is no true box and no true class: "
            "only the first number counts, and whatever stands in the others costs nothing.",
            "Kayıp, doğru sayıları ağın sayılarıyla ($\\hat p_c$ ve ötekiler) karşılaştırır. Resimde bir şey "
            "varsa sekizi de sayılır. Yoksa doğru bir kutu da doğru bir sınıf da yoktur: yalnız ilk sayı "
            "sayılır, ötekilerde ne yazdığının bedeli olmaz.",
        ),
        Text(
            "The same idea finds **landmarks**: points such as the corners of an eye. For each point the "
            "network gives $x$ and $y$, and before them one number says whether there is a face: $1 + 2n$ "
            "outputs for $n$ points. Joints of a body in place of a face make it the estimation of a pose.",
            "Aynı düşünce **işaret noktalarını** da bulur, örneğin gözün köşelerini. Ağ her nokta için $x$ ve "
            "$y$ verir, başlarında da yüz olup olmadığını söyleyen bir sayı: $n$ nokta için $1 + 2n$ çıktı. "
            "Yüz yerine bedenin eklemleri alınırsa poz kestirimi olur.",
        ),
    ),
    question=Question(
        text=Text(
            "The picture is empty, $p_c = 0$. The network says $\\hat p_c = 0.3$ and a box in the wrong place. "
            "What does the wrong box cost?",
            "Resim boş, $p_c = 0$. Ağ $\\hat p_c = 0.3$ ve yanlış yerde bir kutu veriyor. Yanlış kutunun bedeli nedir?",
        ),
        choices=(
            Text("Its squared distance", "Uzaklığının karesi"),
            Text("0.3 times that", "Onun 0.3 katı"),
            Text("Nothing", "Hiç"),
        ),
        right=2,
        why=Text(
            "There is no box that it could be far from. The loss is $0.3^2 = 0.09$, all of it for $\\hat p_c$.",
            "Uzak kalabileceği bir kutu yoktur. Kayıp $0.3^2 = 0.09$'dur ve tümü $\\hat p_c$ içindir.",
        ),
    ),
    try_it=(
        Text(
            "Drag the network's box ŷ onto the true one and watch $d_x, d_y, d_h, d_w$ go to 0.",
            "Ağın kutusu ŷ'yi doğru kutunun üzerine sürükleyin ve $d_x, d_y, d_h, d_w$'nin 0'a inişine bakın.",
        ),
        Text(
            "Set $p_c = 0$: the car is gone, and seven of the eight costs are 0.",
            "$p_c = 0$ yapın: araba gider, sekiz bedelin yedisi 0 olur.",
        ),
        Text(
            "Leave $p_c = 0$ and raise $\\hat p_c$ to 0.99: the square stays below 1, $L_p$ does not.",
            "$p_c = 0$ kalsın, $\\hat p_c$'yi 0.99'a çıkarın: kare 1'in altında kalır, $L_p$ kalmaz.",
        ),
    ),
    figures=(
        Figure(
            kind="boxes",
            title=Text(
                "True box y and the network's ŷ: drag the middle or a corner",
                "Doğru kutu y ve ağınki ŷ: ortasından ya da köşesinden sürükleyin",
            ),
            options={
                "boxes": [
                    {
                        "name": Text("y", "y"),
                        "middle": [f"b{name}" for name, *_ in _BOX],
                        "there": "i",
                        "thing": "k",
                    },
                    {"name": Text("ŷ", "ŷ"), "middle": [f"h{name}" for name, *_ in _BOX], "score": "q"},
                ],
                "size": [1, 1],
            },
        ),
        Figure(
            kind="grid",
            title=Text("The eight numbers, top to bottom", "Sekiz sayı, yukarıdan aşağıya"),
            options={
                "grids": [
                    {
                        "title": Text("true y", "doğru y"),
                        "table": [["i"], *([f"b{name}"] for name, *_ in _BOX), *([f"c{k}"] for k, _ in _CLASSES)],
                        "hold": False,
                        "reach": 2,
                    },
                    {
                        "title": Text("network ŷ", "ağ ŷ"),
                        "table": [["q"], *([f"h{name}"] for name, *_ in _BOX), *([f"e{k}"] for k, _ in _CLASSES)],
                        "hold": False,
                        "reach": 2,
                    },
                    {
                        "title": Text("cost d", "bedel d"),
                        "table": [["dp"], *([f"d{name}"] for name, *_ in _BOX), *([f"d{k}"] for k, _ in _CLASSES)],
                        "hold": False,
                        "reach": 0.2,
                    },
                ],
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("p", "p_c", 1, 0, 1, "whether something is there", "bir şey olup olmadığı", 1),
            given(
                "k", "k", 2, 1, 3, "true class: 1 person, 2 car, 3 motorcycle", "sınıf: 1 insan, 2 araba, 3 motor", 1
            ),
            given("q", r"\hat p_c", 0.8, 0.01, 0.99, "what the network says of it", "ağın buna yanıtı", 0.01),
            *(
                given(
                    f"e{k}",
                    rf"\hat c_{k}",
                    value,
                    0.01,
                    1,
                    f"what the network says of class {k}",
                    f"ağın {k}. sınıfa yanıtı",
                    0.01,
                )
                for k, value in _CLASSES
            ),
            given("n", "n", 64, 1, 128, "landmarks", "işaret noktaları", 1),
            *(
                given(f"{start}{name}", hat + symbol, value[place], 0, 1, en + whose_en, tr + whose_tr, slider=False)
                for place, (start, hat, whose_en, whose_tr) in enumerate(
                    (("b", "", ", true", ", doğru"), ("h", r"\hat ", ", by the network", ", ağa göre"))
                )
                for name, symbol, *value in _BOX
                for en, tr in (_MEANINGS[name],)
            ),
        ),
        lines=tuple(_lines()),
    ),
    formula=r"L = (\hat p_c - p_c)^2 + p_c \sum_{j=2}^{8} (\hat y_j - y_j)^2, \qquad N = 1 + 2n",
    legend=(
        ("y", Text("the eight true numbers", "sekiz doğru sayı")),
        (r"\hat y", Text("the eight numbers of the network", "ağın sekiz sayısı")),
        ("i", Text("1 where something is there, else 0", "bir şey varsa 1, yoksa 0")),
        ("k", Text("true class: 1 person, 2 car, 3 motorcycle", "doğru sınıf: 1 insan, 2 araba, 3 motosiklet")),
        (
            "L_p, L_b, L_c",
            Text(
                "cross-entropy of $p_c$, squares of the box, cross-entropy of the classes; added they are J",
                "$p_c$'nin çapraz entropisi, kutunun kareleri, sınıfların çapraz entropisi; toplamları J",
            ),
        ),
        (
            "V, N",
            Text(
                "outputs for three classes and a box; for n landmarks",
                "üç sınıf ile kutu için çıktı sayısı; n işaret noktası için",
            ),
        ),
    ),
    code="import torch\nfrom derin.tasks.box_losses import localization_loss\n\n"
    "# p_c and the classes as logits, the box in shares of the picture\n"
    "answer = torch.tensor([[1.4, 0.5, 0.6, 0.5, 0.4, -2.3, -0.4, -1.6]])\n"
    "car = torch.tensor([[1, 0.42, 0.55, 0.4, 0.5, 0, 1, 0]])\n"
    "nothing = torch.zeros(1, 8)\n"
    "print(localization_loss(answer, car), localization_loss(answer, nothing))\n",
    exercise=Exercise(
        text=Text(
            "A network looks for 64 points of a face. How many outputs does it have?",
            "Bir ağ yüzde 64 nokta arıyor. Kaç çıktısı vardır?",
        ),
        answer=129,
        tolerance=0.1,
        hints=(
            Text("A point has two coordinates.", "Bir noktanın iki koordinatı vardır."),
            Text("That makes 128.", "Bu 128 eder."),
            Text("And is there a face at all?", "Peki, yüz var mı?"),
        ),
        way=Text(
            "$1 + 2 \\cdot 64 = 129$: one for the face, two for each point.",
            "$1 + 2 \\cdot 64 = 129$: biri yüz için, her nokta için iki.",
        ),
    ),
    erratum=Text(
        "Document 003 counts 128 outputs for 64 points and the question whether there is a face; they are 129.",
        "003 belgesi, 64 nokta ile yüz olup olmadığı sorusu için 128 çıktı sayar; doğrusu 129'dur.",
    ),
    after=(
        "sliding-window",
        "boxes",
    ),
)
