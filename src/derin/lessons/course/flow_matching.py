"""Flow matching with two pictures of two numbers each: from noise along the mean of all straight ways, in steps."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Line, Question, Sheet, given, line
from derin.lessons.lesson import Text

# Two places of noise, whose ways are followed side by side.
_WALKERS = (
    (1, Text("first noise, share of A", "birinci gürültü, A'nın payı"), 0.5, 1.4),
    (2, Text("second noise, share of A", "ikinci gürültü, A'nın payı"), -0.2, -1.2),
)


def _followed(k: int) -> tuple[Line, ...]:
    """A walker's distances from both pictures as they are at the time, its velocity, and where it goes."""
    heading = ("The first noise", "Birinci gürültü") if k == 1 else ("The second noise", "İkinci gürültü")
    return (
        line(f"a{k}", f"a_{k}", f"((x{k} - t*ax)^2 + (y{k} - t*ay)^2)/(2*r^2)", *heading),
        line(f"b{k}", f"b_{k}", f"((x{k} - t*bx)^2 + (y{k} - t*by)^2)/(2*r^2)"),
        line(f"p{k}", f"p_{k}", f"sigmoid(b{k} - a{k})"),
        line(f"v{k}", f"v_{k}", f"(p{k}*ax + (1 - p{k})*bx - x{k})/r"),
        line(f"w{k}", f"w_{k}", f"(p{k}*ay + (1 - p{k})*by - y{k})/r"),
        line(f"xn{k}", f"x_{k}'", f"x{k} + h*v{k}"),
        line(f"yn{k}", f"y_{k}'", f"y{k} + h*w{k}"),
        line(f"q{k}", f"q_{k}", f"min(a{k}, b{k})"),
    )


LESSON = CourseLesson(
    name="flow-matching",
    area="J",
    rows=("J8",),
    title=Text("From noise to a picture, step by step", "Gürültüden görüntüye, adım adım"),
    goals=(
        Text(
            "Take a step from noise towards a picture by hand.",
            "Gürültüden görüntüye doğru bir adımı elle atmak.",
        ),
        Text(
            "Say why one long step ends between the pictures, and many short ones at one of them.",
            "Tek uzun adımın neden görüntülerin arasında, çok sayıda kısa adımın neden birinde bittiğini söylemek.",
        ),
    ),
    story=(
        Text(
            "Let there be two pictures only, A and B, each of two numbers: a place in the plane. Noise $n$ "
            "is a place too, drawn around 0. In training a noise is joined with a picture $c$ by a "
            "straight way, $x = (1 - t)\\,n + t\\,c$, on which the time $t$ goes from 0 to 1. Everything "
            "on it moves with the velocity $c - n$.",
            "Yalnız iki görüntü olsun, A ve B; her biri iki sayı, yani düzlemde bir yer. Gürültü $n$ de 0'ın "
            "çevresinden çekilen bir yerdir. Eğitimde bir gürültü, bir $c$ görüntüsüne düz bir yolla "
            "bağlanır: $x = (1 - t)\\,n + t\\,c$; zaman $t$, 0'dan 1'e gider. Bu yolda her şey $c - n$ "
            "hızıyla gider.",
        ),
        Text(
            "Many ways cross at a place $x$, some to A and some to B. A network that is to give the velocity there "
            "with the least squared error gives their **mean**. With the share $p$ that goes to A this is "
            "$v = (p\\,A + (1 - p)\\,B - x)/(1 - t)$: it points to the mean of all pictures that may "
            "still come. New pictures are made by following it from noise: $x' = x + h\\,v$, $N$ steps of "
            "$h = 1/N$. Here $p$ is known exactly; a network learns it from examples.",
            "Bir $x$ yerinde kimi A'ya, kimi B'ye giden birçok yol kesişir. Oradaki hızı en küçük kareli "
            "hatayla verecek bir ağ, bunların **ortalamasını** verir. A'ya gidenlerin payı $p$ ise bu, "
            "$v = (p\\,A + (1 - p)\\,B - x)/(1 - t)$ olur: hâlâ gelebilecek bütün görüntülerin "
            "ortalamasına doğrudur. Yeni görüntüler, gürültüden başlayıp bu hız izlenerek üretilir: "
            "$x' = x + h\\,v$; $h = 1/N$ boyunda $N$ adım. Burada $p$ tam olarak bilinir; bir ağ onu "
            "örneklerden öğrenir.",
        ),
    ),
    question=Question(
        text=Text(
            "All is done in a single step, $N = 1$. Where does every noise end?",
            "Her şey tek adımda yapılıyor, $N = 1$. Her gürültü nerede biter?",
        ),
        choices=(
            Text("At the nearer of A and B", "A ve B'den yakın olanda"),
            Text("In the middle between A and B", "A ile B'nin ortasında"),
            Text("Where it began", "Başladığı yerde"),
        ),
        right=1,
        why=Text(
            "At $t = 0$ no noise tells to which picture it belongs, so that $p = ½$ everywhere and the "
            "velocity points to the mean of both: a blur. Only on the way does it become clear which "
            "picture it will be, and so steps are needed.",
            "$t = 0$'da hiçbir gürültü hangi görüntüye ait olduğunu söylemez; her yerde $p = ½$'dir ve hız "
            "ikisinin ortalamasına doğrudur: bulanık bir görüntü. Hangi görüntü olacağı ancak yolda belli "
            "olur; adımlar bunun için gerekir.",
        ),
    ),
    try_it=(
        Text(
            "Drag a noise: across which line does it change the picture at which it ends?",
            "Bir gürültüyü sürükleyin: hangi çizgiyi geçince vardığı görüntü değişir?",
        ),
        Text(
            "Slide $N$ from 1 to 20: from how many steps on does it reach a picture and not a blur?",
            "$N$'yi 1'den 20'ye kaydırın: kaç adımdan sonra bulanığa değil, bir görüntüye varır?",
        ),
        Text(
            "Press Step and read $p$: when is it decided which picture it will be?",
            "Adım'a basıp $p$'yi okuyun: hangi görüntü olacağı ne zaman belli olur?",
        ),
    ),
    figures=(
        Figure(
            kind="path",
            title=Text(
                "The ways; dark is where the first noise would be on a way to A or B",
                "Yollar; koyu yerler, birinci gürültünün A'ya ya da B'ye giden bir yolda bulunacağı yerlerdir",
            ),
            options={
                "walkers": [{"x": f"x{k}", "y": f"y{k}", "name": name, "loss": f"p{k}"} for k, name, _, _ in _WALKERS],
                "value": "q1",
                "names": ["x1", "y1"],
                "low": -3,
                "high": 3,
                "bottom": -2,
                "top": 2,
                "steps": 20,
                "levels": 6,
            },
        ),
        Figure(
            kind="rollout",
            title=Text("Across, step by step", "Yatay yer, adım adım"),
            options={
                "values": [{"id": "x1", "symbol": "x_1"}, {"id": "x2", "symbol": "x_2"}],
                "steps": 20,
                "bottom": -3,
                "top": 3,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("N", "N", 8, 1, 20, "steps from noise to picture", "gürültüden görüntüye adım sayısı", 1),
            given("ax", "A_x", 2, -3, 3, "picture A, across", "A görüntüsü, yatay"),
            given("ay", "A_y", 1, -2, 2, "picture A, up", "A görüntüsü, dikey"),
            given("bx", "B_x", -2, -3, 3, "picture B, across", "B görüntüsü, yatay"),
            given("by", "B_y", 1, -2, 2, "picture B, up", "B görüntüsü, dikey"),
            given("t", "t", 0, 0, 1, "time", "zaman", slider=False),
            *(
                given(
                    f"{axis}{k}", f"{axis}_{k}", value, -3, 3, f"noise {k}, {en}", f"{k}. gürültü, {tr}", slider=False
                )
                for k, _, x, y in _WALKERS
                for axis, value, en, tr in (("x", x, "across", "yatay"), ("y", y, "up", "dikey"))
            ),
        ),
        lines=(
            line("h", "h", "min(1/N, 1 - t)", "The step, and how much noise is left", "Adım ve kalan gürültü"),
            line("r", "r", "max(1 - t, 1/N)"),
            *(one for k, _, _, _ in _WALKERS for one in _followed(k)),
            line("tn", "t'", "t + h", "The time after the step", "Adımdan sonraki zaman"),
        ),
        updates={f"{axis}{k}": f"{axis}n{k}" for k in (1, 2) for axis in ("x", "y")} | {"t": "tn"},
    ),
    formula=r"x = (1 - t)\, n + t\, c, \qquad v = \frac{p\, A + (1 - p)\, B - x}{1 - t}, \qquad x' = x + h\, v",
    legend=(
        ("n, c", Text("noise and picture, the ends of a way", "gürültü ve görüntü, bir yolun iki ucu")),
        ("t", Text("time, 0 at the noise and 1 at the picture", "zaman; gürültüde 0, görüntüde 1")),
        (
            "p",
            Text("share of the ways through x that go to A", "x'ten geçen yollardan A'ya gidenlerin payı"),
        ),
        ("v, w", Text("velocity, across and up", "hız, yatay ve dikey")),
        (
            "a, b",
            Text(
                "squared distance from A and B, each drawn towards 0 by t, in units of the noise that is left; "
                "q is the smaller one",
                "t ile 0'a çekilmiş A ve B'ye uzaklığın karesi, kalan gürültü biriminde; q küçük olanıdır",
            ),
        ),
        ("r", Text("noise that is left, at least one step", "kalan gürültü, en az bir adım")),
    ),
    code="derin train mnist --task flow --out runs/flow\n"
    "derin generate runs/flow --num 16 --steps 20 --out digits.png --way way.gif\n",
    exercise=Exercise(
        text=Text(
            "A lies at 2 and B at $-2$, across. Noise at 0.6 takes the first of $N = 4$ steps. Where is it then?",
            "Yatayda A 2'de, B $-2$'de. 0.6'daki gürültü, $N = 4$ adımın ilkini atıyor. Nereye varır?",
        ),
        answer=0.45,
        tolerance=0.002,
        hints=(
            Text("At $t = 0$ it is not decided: $p = ½$.", "$t = 0$'da belli değildir: $p = ½$."),
            Text(
                "The mean of both pictures is 0, so $v = 0 - 0.6$.", "İki görüntünün ortalaması 0, yani $v = 0 - 0.6$."
            ),
            Text("$x' = 0.6 + v/4$.", "$x' = 0.6 + v/4$."),
        ),
        way=Text(
            "$v = (½ \\cdot 2 + ½ \\cdot (-2) - 0.6)/(1 - 0) = -0.6$, and $x' = 0.6 - 0.6/4 = 0.45$.",
            "$v = (½ \\cdot 2 + ½ \\cdot (-2) - 0.6)/(1 - 0) = -0.6$ ve $x' = 0.6 - 0.6/4 = 0.45$.",
        ),
    ),
    after=(),
)
