"""Linear regression of the course's two points: the loss over slope and bias, and the way down."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

LESSON = CourseLesson(
    name="linear-regression",
    area="A",
    rows=("A2",),
    title=Text("A line through points", "Noktalardan geçen doğru"),
    goals=(
        Text(
            "Compute the mean squared error of a line and its gradient by hand.",
            "Bir doğrunun ortalama kare hatasını ve gradyanını elle hesaplamak.",
        ),
        Text(
            "Read a step of gradient descent in two pictures at once: the line, and the landscape of the loss.",
            "Gradyan inişinin bir adımını iki şekilde birden okumak: doğru ve kaybın arazisi.",
        ),
    ),
    story=(
        Text(
            "Two points are known: $(x_1, y_1)$ and $(x_2, y_2)$. A line $\\hat y = m x + b$ with the "
            "slope $m$ and the bias $b$ predicts $\\hat y_1, \\hat y_2$; it errs by $e_i = \\hat y_i - "
            "y_i$. Its loss is the mean of their squares, $\\mathrm{MSE}$; the root of that, "
            "$\\mathrm{RMSE}$, is in the unit of $y$ again.",
            "İki nokta bilinir: $(x_1, y_1)$ ve $(x_2, y_2)$. Eğimi $m$, bias'ı $b$ olan $\\hat y = m x "
            "+ b$ doğrusu $\\hat y_1, \\hat y_2$'yi öngörür; hatası $e_i = \\hat y_i - y_i$'dir. Kaybı, "
            "karelerin ortalaması $\\mathrm{MSE}$'dir; karekökü $\\mathrm{RMSE}$ yeniden $y$'nin "
            "birimindedir.",
        ),
        Text(
            "Every pair $(m, b)$ is a place in a landscape whose height is the loss. The gradient $(g_m, "
            "g_b)$ points uphill; a step goes $\\eta$ times the other way. Without a bias ($k = 0$) the "
            "line is held at the origin and only $m$ moves.",
            "Her $(m, b)$ çifti, yüksekliği kayıp olan bir arazide bir yerdir. Gradyan $(g_m, g_b)$ "
            "yokuş yukarıyı gösterir; adım $\\eta$ katı kadar öbür yana gider. Bias yoksa ($k = 0$) "
            "doğru başlangıç noktasından geçmek zorundadır ve yalnız $m$ değişir.",
        ),
    ),
    question=Question(
        text=Text(
            "The points are (1, 3) and (2, 5), the line begins with $m = -1$, $b = 5$. Which way will $m$ go?",
            "Noktalar (1, 3) ve (2, 5); doğru $m = -1$, $b = 5$ ile başlıyor. $m$ hangi yöne gider?",
        ),
        choices=(Text("Up", "Artar"), Text("Down", "Azalır"), Text("It stays", "Değişmez")),
        right=0,
        why=Text(
            "It predicts 4 and 3, errs by 1 and −2; the farther point weighs double: $g_m = 1 \\cdot 1 - "
            "2 \\cdot 2 = -3$. Against the slope means up.",
            "4 ve 3'ü öngörür, 1 ve −2 yanılır; uzaktaki nokta iki kat ağırlıktadır: $g_m = 1 \\cdot 1 - "
            "2 \\cdot 2 = -3$. Eğimin tersi yukarıdır.",
        ),
    ),
    try_it=(
        Text(
            "Press Run: the line turns into place, the walker finds the valley first and then creeps along it.",
            "Yürüt'e basın: doğru yerine döner; yürüyücü önce vadiyi bulur, sonra içinde sürünür.",
        ),
        Text(
            "Drag the walker: the line follows. Drag a point: the landscape changes its shape.",
            "Yürüyücüyü sürükleyin: doğru izler. Bir noktayı sürükleyin: arazi biçim değiştirir.",
        ),
        Text(
            "Set $k = 0$: the line must pass through the origin. What loss is left?",
            "$k = 0$ yapın: doğru başlangıç noktasından geçmek zorunda. Geriye ne kadar kayıp kalır?",
        ),
    ),
    figures=(
        Figure(
            kind="scatter",
            title=Text("Points and line", "Noktalar ve doğru"),
            options={
                "points": [{"x": "x1", "y": "y1"}, {"x": "x2", "y": "y2"}],
                "across": "x",
                "value": "f",
                "low": -0.5,
                "high": 4,
                "bottom": -1,
                "top": 8,
            },
        ),
        Figure(
            kind="path",
            title=Text("The loss over m (across) and b (up)", "m (yatay) ve b (dikey) üzerinde kayıp"),
            options={
                "walkers": [
                    {"x": "m", "y": "b", "name": Text("gradient descent: MSE", "gradyan inişi: MSE"), "loss": "MSE"}
                ],
                "value": "MSE",
                "names": ["m", "b"],
                "low": -3,
                "high": 7,
                "bottom": -5,
                "top": 7,
                "steps": 100,
                "levels": 9,
                "together": True,
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("m", "m", -1, -3, 7, "slope of the line", "doğrunun eğimi", 0.05),
            given("b", "b", 5, -5, 7, "bias", "bias", 0.05),
            given("eta", r"\eta", 0.1, 0, 0.6, "learning rate", "öğrenme oranı", 0.01),
            given(
                "k", "k", 1, 0, 1, "1: with a bias that learns, 0: without any", "1: öğrenen bias'la, 0: bias'sız", 1
            ),
            given("x", "x", 3, -0.5, 4, "where to predict", "öngörülecek yer"),
            *(
                given(name, f"{name[0]}_{name[1]}", value, -1, 8, f"point {name[1]}", f"{name[1]}. nokta", slider=False)
                for name, value in (("x1", 1.0), ("y1", 3.0), ("x2", 2.0), ("y2", 5.0))
            ),
        ),
        lines=(
            line("h1", r"\hat y_1", "m*x1 + k*b", "Predictions and errors", "Öngörüler ve hatalar"),
            line("h2", r"\hat y_2", "m*x2 + k*b"),
            line("e1", "e_1", "h1 - y1"),
            line("e2", "e_2", "h2 - y2"),
            line("MSE", r"\mathrm{MSE}", "(e1^2 + e2^2)/2", "The loss", "Kayıp"),
            line("RMSE", r"\mathrm{RMSE}", "sqrt(MSE)"),
            line("gm", "g_m", "e1*x1 + e2*x2", "Its gradient", "Gradyanı"),
            line("gb", "g_b", "k*(e1 + e2)"),
            line("mn", "m'", "m - eta*gm", "The step", "Adım"),
            line("bn", "b'", "b - eta*gb"),
            line("f", r"\hat y(x)", "m*x + k*b", "A prediction", "Bir öngörü"),
        ),
        updates={"m": "mn", "b": "bn"},
    ),
    formula=r"\mathrm{MSE} = \frac{1}{n} \sum_i (m x_i + b - y_i)^2, \qquad g_m = \frac{2}{n} \sum_i e_i "
    r"x_i, \qquad g_b = \frac{2}{n} \sum_i e_i",
    legend=(
        ("m, b", Text("slope and bias of the line", "doğrunun eğimi ve bias'ı")),
        ("e_i", Text("prediction minus truth", "öngörü eksi gerçek")),
        ("n", Text("number of points, here 2", "nokta sayısı, burada 2")),
        (r"\eta", Text("learning rate", "öğrenme oranı")),
    ),
    code='derin lesson linear-regression --points "1,3; 2,5; 4,6"\nderin train houses.csv --target '
    "price --model linear\n",
    exercise=Exercise(
        text=Text(
            "For the points (1, 3) and (2, 5): what is the MSE of the line $m = -1$, $b = 4$?",
            "(1, 3) ve (2, 5) noktaları için $m = -1$, $b = 4$ doğrusunun MSE'si kaçtır?",
        ),
        answer=4.5,
        tolerance=0.005,
        hints=(
            Text("It predicts 3 and 2.", "3 ve 2'yi öngörür."),
            Text("It errs by 0 and −3.", "0 ve −3 yanılır."),
            Text("The mean of 0 and 9.", "0 ile 9'un ortalaması."),
        ),
        way=Text(
            "$(0^2 + 3^2)/2 = 4.5$: one point is met exactly, and the line is still worse than $b = 5$ with 2.5.",
            "$(0^2 + 3^2)/2 = 4.5$: bir nokta tam tutturulmuştur, yine de doğru, 2.5'lik $b = 5$'ten kötüdür.",
        ),
    ),
    erratum=Text(
        "Document 000 calls the gradient the direction in which the error falls most. A tenth of "
        "$(-3, -1)$ uphill gives an MSE of 3.825 here, downhill 1.825.",
        "000 belgesi gradyana, hatanın en çok düştüğü yön der. Burada $(-3, -1)$'in onda biri yokuş "
        "yukarı 3.825, yokuş aşağı 1.825 MSE verir.",
    ),
    after=("gradient-descent",),
)
