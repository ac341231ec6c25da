"""Softmax and its loss: from scores to probabilities, and the slope that comes back."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_CLASSES = (1, 2, 3, 4)
_SCORES = (5, 2, -1, 3)
_SUBSCRIPTS = "₁₂₃₄"


def _panel(symbol: str, letter: str, low: float, high: float, *, hold: bool = False) -> dict[str, object]:
    bars = [{"id": f"{letter}{k}", "name": str(k), "mark": f"t{k}"} for k in _CLASSES]
    return {"symbol": symbol, "bars": bars, "low": low, "high": high, "hold": hold}


LESSON = CourseLesson(
    name="softmax",
    area="A",
    rows=("A7", "A10"),
    title=Text("Softmax and cross-entropy", "Softmax ve çapraz entropi"),
    goals=(
        Text(
            "Turn scores into probabilities by hand, and say what they do not depend on.",
            "Puanları elle olasılıklara çevirmek ve olasılıkların neye bağlı olmadığını söylemek.",
        ),
        Text(
            "Compute the loss of an answer and the slope that goes back to each score.",
            "Bir yanıtın kaybını ve her puana geri dönen eğimi hesaplamak.",
        ),
    ),
    story=(
        Text(
            "A network that chooses among four classes ends in four scores $z_1, …, z_4$: any numbers, "
            "the larger the likelier. **Softmax** makes probabilities of them: $e^{z_i}$ is always "
            "positive, and divided by the sum $S$ of all four they add up to 1. These are $\\hat y_1, …, "
            "\\hat y_4$.",
            "Dört sınıf arasında seçen bir ağ dört puanla biter: $z_1, …, z_4$; herhangi sayılardır, "
            "büyük olan daha olasıdır. **Softmax** bunlardan olasılık yapar: $e^{z_i}$ hep artıdır ve "
            "dördünün toplamı $S$'ye bölününce toplamları 1 olur. Bunlar $\\hat y_1, …, \\hat y_4$'tür.",
        ),
        Text(
            "The wanted answer is a class $k$; written as $t_1, …, t_4$ it is 1 there and 0 elsewhere "
            "(one-hot). **Cross-entropy** looks at the probability of the right class alone: $L = -\\ln "
            "\\hat y_k$. Natural logarithm: a base of 10 would scale the loss and break the slope below.",
            "İstenen yanıt bir $k$ sınıfıdır; $t_1, …, t_4$ diye yazılınca orada 1, başka yerde 0'dır "
            "(one-hot). **Çapraz entropi** yalnız doğru sınıfın olasılığına bakar: $L = -\\ln \\hat "
            "y_k$. Logaritma doğaldır: 10 tabanı kaybı ölçekler ve aşağıdaki eğimi bozardı.",
        ),
        Text(
            "The slope by the scores is as simple as can be: $\\partial L/\\partial z_i = \\hat y_i - "
            "t_i$. A **Step** moves each score against it, $\\eta$ times, as training would if the "
            "scores were weights.",
            "Puanlara göre eğim olabildiğince yalındır: $\\partial L/\\partial z_i = \\hat y_i - t_i$. "
            "**Adım**, her puanı bunun $\\eta$ katı kadar tersine götürür; puanlar ağırlık olsaydı "
            "eğitim de bunu yapardı.",
        ),
    ),
    question=Question(
        text=Text(
            "All four scores grow by 2. What happens to the probabilities?",
            "Dört puanın hepsi 2 artıyor. Olasılıklara ne olur?",
        ),
        choices=(
            Text("All grow", "Hepsi artar"),
            Text("The largest grows, the others shrink", "En büyüğü artar, ötekiler azalır"),
            Text("Nothing", "Hiçbir şey"),
        ),
        right=2,
        why=Text(
            "Every $e^{z_i}$ is multiplied by $e^2$, and so is their sum: the quotient stays. Only "
            "differences of scores count, which is why programs take the largest score off first, lest "
            "$e^{z}$ overflow.",
            "Her $e^{z_i}$ ile toplamları $e^2$ ile çarpılır: bölüm değişmez. Yalnız puanların farkı "
            "önemlidir; programların önce en büyük puanı çıkarması, $e^{z}$ taşmasın diyedir.",
        ),
    ),
    try_it=(
        Text(
            "Move $c$, which is added to all scores: $e^{z}$ changes, $\\hat y$ does not.",
            "Bütün puanlara eklenen $c$'yi oynatın: $e^{z}$ değişir, $\\hat y$ değişmez.",
        ),
        Text(
            "Drag a bar of $z$ up. Which of the other probabilities pay for it?",
            "Bir $z$ çubuğunu yukarı çekin. Öteki olasılıklardan hangisi bunun bedelini öder?",
        ),
        Text(
            "Choose $k = 3$ and press Run: the slopes always add up to 0, and shrink as $\\hat y_3$ nears 1.",
            "$k = 3$ seçip Yürüt'e basın: eğimlerin toplamı hep 0'dır ve $\\hat y_3$ 1'e yaklaştıkça küçülür.",
        ),
    ),
    figures=(
        Figure(
            kind="bars",
            title=Text("Scores, powers, probabilities, slopes", "Puanlar, kuvvetler, olasılıklar, eğimler"),
            options={
                "panels": [
                    _panel("z", "z", -4, 7, hold=True),
                    _panel("e^{z + c}", "e", 0, 160),
                    _panel(r"\hat y", "p", 0, 1),
                    _panel(r"\partial L/\partial z", "d", -1, 1),
                ],
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            *(
                given(f"z{k}", f"z_{k}", _SCORES[k - 1], -4, 7, f"score of class {k}", f"{k}. sınıfın puanı")
                for k in _CLASSES
            ),
            given("c", "c", 0, -3, 3, "added to all scores", "bütün puanlara eklenen"),
            given("k", "k", 1, 1, 4, "the right class", "doğru sınıf", 1),
            given("eta", r"\eta", 0.5, 0, 3, "learning rate", "öğrenme oranı"),
        ),
        lines=(
            *(
                line(f"e{k}", f"e_{k}", f"exp(z{k} + c)", *(("Powers", "Kuvvetler") if k == 1 else ()))
                for k in _CLASSES
            ),
            line("S", "S", "e1 + e2 + e3 + e4"),
            *(
                line(f"p{k}", rf"\hat y_{k}", f"e{k}/S", *(("Probabilities", "Olasılıklar") if k == 1 else ()))
                for k in _CLASSES
            ),
            *(
                line(
                    f"t{k}",
                    f"t_{k}",
                    f"1 - min(1, abs(k - {k}))",
                    *(("The wanted answer", "İstenen yanıt") if k == 1 else ()),
                )
                for k in _CLASSES
            ),
            line("L", "L", "-(t1*ln(p1) + t2*ln(p2) + t3*ln(p3) + t4*ln(p4))", "The loss", "Kayıp"),
            *(
                line(
                    f"d{k}",
                    rf"\partial L/\partial z_{k}",
                    f"p{k} - t{k}",
                    *(("Its slopes", "Eğimleri") if k == 1 else ()),
                )
                for k in _CLASSES
            ),
            *(
                line(f"z{k}n", f"z_{k}'", f"z{k} - eta*d{k}", *(("The step", "Adım") if k == 1 else ()))
                for k in _CLASSES
            ),
        ),
        updates={f"z{k}": f"z{k}n" for k in _CLASSES},
    ),
    formula=r"\hat y_i = \frac{e^{z_i}}{\sum_j e^{z_j}}, \qquad L = -\sum_i t_i \ln \hat y_i, \qquad "
    r"\frac{\partial L}{\partial z_i} = \hat y_i - t_i",
    legend=(
        ("z_i", Text("score of class i", "i sınıfının puanı")),
        (r"\hat y_i", Text("its probability", "olasılığı")),
        ("t_i", Text("1 for the right class, 0 for the others", "doğru sınıf için 1, ötekiler için 0")),
        ("L", Text("cross-entropy, in natural units", "çapraz entropi, doğal birimle")),
    ),
    code="import torch\nfrom derin.tasks.losses import cross_entropy\n\n"
    "scores = torch.tensor([[5.0, 2.0, -1.0, 3.0]], requires_grad=True)\n"
    "loss, _ = cross_entropy(scores, torch.tensor([0]))  # classes count from 0\n"
    "loss.backward()\nprint(loss, scores.grad)\n",
    exercise=Exercise(
        text=Text(
            "A network answers $\\hat y = (0.3, 0.2, 0.1, 0.4)$, and class 2 is right. What is the loss?",
            "Bir ağ $\\hat y = (0.3, 0.2, 0.1, 0.4)$ yanıtını veriyor, doğrusu 2. sınıf. Kayıp kaçtır?",
        ),
        answer=1.6094,
        tolerance=0.002,
        hints=(
            Text("Only the probability of the right class counts.", "Yalnız doğru sınıfın olasılığı önemlidir."),
            Text("That is $\\hat y_2 = 0.2$.", "O da $\\hat y_2 = 0.2$'dir."),
            Text("$L = -\\ln 0.2$.", "$L = -\\ln 0.2$."),
        ),
        way=Text(
            "$-\\ln 0.2 = \\ln 5 = 1.609$. To base 10 it would be 0.699, which is not the loss whose "
            "slope is $\\hat y - t$.",
            "$-\\ln 0.2 = \\ln 5 = 1.609$. 10 tabanında 0.699 olurdu; eğimi $\\hat y - t$ olan kayıp o değildir.",
        ),
    ),
    erratum=Text(
        "Document 004 divides the scores by their sum and leaves out the exponential (0.2698, "
        "0.3223, 0.4078 where 0.1984, 0.2854, 0.5162 is right), takes logarithms to base 10, and "
        "keeps only the diagonal of the Jacobian on the way back.",
        "004 belgesi puanları toplamlarına bölüp üsteli atlar (doğrusu 0.1984, 0.2854, 0.5162 iken "
        "0.2698, 0.3223, 0.4078 bulur), 10 tabanında logaritma alır ve geri dönüşte Jacobi "
        "matrisinin yalnız köşegenini tutar.",
    ),
    after=("backpropagation",),
    covers=("softmax",),
)
