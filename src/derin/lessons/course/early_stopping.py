"""Early stopping on the losses of a real run: which epoch is kept, and what patience costs."""

from __future__ import annotations

from typing import Any

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

# Training and validation loss of a run of the playground, before it and after every third epoch: see RUN.
RUN: dict[str, Any] = {
    "data": "circles", "num": 60, "noise": 0.2, "test_share": 0.5, "hidden": (8, 8), "activation": "tanh",
    "optimizer": "adam", "learning_rate": 0.02, "batch_size": 10, "seed": 2,
}  # fmt: skip
STEPS_BETWEEN = 9
TRAINING = (
    0.655, 0.563, 0.554, 0.546, 0.536, 0.527, 0.517, 0.508, 0.498, 0.489, 0.479, 0.468, 0.456, 0.443, 0.429,
    0.417, 0.406, 0.395, 0.386, 0.379, 0.374, 0.369, 0.366, 0.362, 0.359, 0.358, 0.356, 0.356, 0.353, 0.35,
    0.35, 0.349, 0.349, 0.346, 0.344, 0.345, 0.346, 0.341, 0.341, 0.339, 0.338,
)  # fmt: skip
VALIDATION = (
    0.686, 0.686, 0.727, 0.714, 0.698, 0.693, 0.692, 0.695, 0.698, 0.693, 0.691, 0.689, 0.674, 0.668, 0.648,
    0.628, 0.618, 0.611, 0.587, 0.6, 0.605, 0.576, 0.595, 0.588, 0.598, 0.605, 0.611, 0.587, 0.617, 0.624,
    0.621, 0.618, 0.647, 0.624, 0.637, 0.653, 0.642, 0.662, 0.671, 0.648, 0.695,
)  # fmt: skip

LESSON = CourseLesson(
    name="early-stopping",
    area="C",
    rows=("C4", "G5"),
    title=Text("Early stopping, and its patience", "Erken durdurma ve sabrı"),
    goals=(
        Text(
            "Say from two curves where over-fitting begins, and which weights to keep.",
            "İki eğriden aşırı uydurmanın nerede başladığını ve hangi ağırlıkların saklanacağını söylemek.",
        ),
        Text("Follow the counter of patience step by step.", "Sabır sayacını adım adım izlemek."),
    ),
    story=(
        Text(
            "A network of two hidden layers learned 30 noisy points by heart. At each check, every third "
            "epoch, its training loss $l$ and its loss $v$ on 30 other points, the validation set, were "
            "written down. $l$ falls on and on. $v$ falls, then rises: from there on it learns noise.",
            "İki gizli katmanlı bir ağ 30 gürültülü noktayı ezberledi. Her denetimde, üç epokta bir, "
            "eğitim kaybı $l$ ve başka 30 noktadaki, doğrulama kümesindeki kaybı $v$ yazıldı. $l$ "
            "durmadan düşer. $v$ düşer, sonra yükselir: oradan sonra gürültüyü öğreniyordur.",
        ),
        Text(
            "**Early stopping** keeps the least validation loss so far, $b$, and the check $e$ at which "
            "it was. Each check without a better one makes it wait one longer, $c$. When $c$ reaches the "
            "patience $P$ it stops, and the weights of check $e$ are restored.",
            "**Erken durdurma**, şimdiye dek en küçük doğrulama kaybı $b$'yi ve görüldüğü denetim $e$'yi "
            "saklar. Daha iyisi gelmeyen her denetimde bekleme sayacı $c$ bir artar. $c$, sabır $P$'ye "
            "ulaşınca durur ve $e$ denetimindeki ağırlıklar geri yüklenir.",
        ),
        Text(
            "The validation loss has been chosen from, so it flatters. What the network is worth is "
            "measured once, on a third set, the test set.",
            "Doğrulama kaybı seçmede kullanılmıştır, bu yüzden olduğundan iyi görünür. Ağın gerçek "
            "değeri üçüncü bir kümede, test kümesinde, bir kez ölçülür.",
        ),
    ),
    question=Question(
        text=Text(
            "The best validation loss lies at check 21. With a patience of $P = 5$, which check is kept?",
            "En iyi doğrulama kaybı 21. denetimdedir. $P = 5$ sabırla hangi denetim saklanır?",
        ),
        choices=(
            Text("21", "21"),
            Text("0: it stops before it ever comes to 21", "0: 21'e hiç varmadan durur"),
            Text("40, the last one", "40, sonuncusu"),
        ),
        right=1,
        why=Text(
            "The loss gets worse first, and until check 12 nothing is better than the very beginning. "
            "After five checks of waiting it gives up. A patience must outlast the bumps of its curve.",
            "Kayıp önce kötüleşir; 12. denetime dek en baştan iyisi gelmez. Beş denetim bekledikten "
            "sonra vazgeçer. Sabır, eğrinin tümseklerinden uzun olmalıdır.",
        ),
    ),
    try_it=(
        Text(
            "Raise $P$ until the stop passes over the bump. What is the least patience that finds check 21?",
            "Durma tümseği aşana dek $P$'yi artırın. 21. denetimi bulan en küçük sabır kaçtır?",
        ),
        Text(
            "Drag a point of $v$ down: the kept loss $b'$ follows at once.",
            "Bir $v$ noktasını aşağı sürükleyin: saklanan kayıp $b'$ hemen izler.",
        ),
        Text(
            "Raise $\\delta$, by which a loss must be better to count: small gains no longer reset the counter.",
            "Bir kaybın sayılması için ne kadar iyi olması gerektiğini, $\\delta$'yı artırın: küçük "
            "kazançlar sayacı artık sıfırlamaz.",
        ),
    ),
    figures=(
        Figure(
            kind="rollout",
            title=Text("Losses at each check; red: stop", "Her denetimde kayıplar; kırmızı: durma"),
            options={
                "values": [{"id": "v", "symbol": "v"}, {"id": "l", "symbol": "l"}, {"id": "bn", "symbol": "b'"}],
                "marks": [{"id": "sn", "symbol": "s'", "color": "bad"}],
                "steps": 40,
                "bottom": 0.25,
                "top": 0.85,
                "held": "v",
            },
        ),
    ),
    sheet=Sheet(
        givens=(
            given("P", "P", 5, 1, 20, "patience, in checks", "sabır, denetim sayısı", 1),
            given("delta", r"\delta", 0, 0, 0.1, "by how much it must be better", "ne kadar daha iyi olmalı", 0.005),
            given("l", "l", 0.7, 0, 2, "training loss", "eğitim kaybı", slider=False),
            given("v", "v", 0.7, 0, 2, "validation loss", "doğrulama kaybı", slider=False),
            given(
                "b", "b", 9, 0, 9, "least validation loss so far", "şimdiye dek en küçük doğrulama kaybı", slider=False
            ),
            given("e", "e", 0, 0, 40, "its check", "onun denetimi", 1, slider=False),
            given("c", "c", 0, 0, 40, "checks waited", "beklenen denetim", 1, slider=False),
            given("s", "s", 0, 0, 1, "stopped", "durdu", 1, slider=False),
            given("t", "t", 0, 0, 40, "check", "denetim", 1, slider=False),
        ),
        lines=(
            line(
                "i",
                "i",
                "(1 - s)*step(b - delta - v)",
                "Is it better? (1: yes)",
                "Daha iyi mi? (1: evet)",
            ),
            line("bn", "b'", "i*v + (1 - i)*b", "What is kept", "Saklanan"),
            line("en", "e'", "i*t + (1 - i)*e"),
            line("cn", "c'", "(1 - i)*(c + 1 - s)", "The counter", "Sayaç"),
            line("sn", "s'", "step(cn - P + 0.5)"),
            line("gap", "v - l", "v - l", "The gap", "Açıklık"),
            line("tn", "t'", "t + 1"),
        ),
        sets=(
            (Text("a run", "bir çalışma"), tuple({"l": a, "v": b} for a, b in zip(TRAINING, VALIDATION, strict=True))),
        ),
        updates={"b": "bn", "e": "en", "c": "cn", "s": "sn", "t": "tn"},
    ),
    formula=r"b' = \min(b, v), \qquad i = 1 \Rightarrow c' = 0, \qquad i = 0 \Rightarrow c' = c + 1, "
    r"\qquad c' \ge P \Rightarrow s' = 1",
    legend=(
        ("l, v", Text("loss on training and on validation examples", "eğitim ve doğrulama örneklerindeki kayıp")),
        ("b, e", Text("best so far, and its check", "şimdiye dek en iyisi ve denetimi")),
        ("i, s", Text("1 where it is better; 1 when it has stopped", "daha iyiyse 1; durduysa 1")),
        ("c, P", Text("checks waited, and patience", "beklenen denetim ve sabır")),
        (r"\delta", Text("by how much it must be better", "ne kadar daha iyi olması gerektiği")),
    ),
    code="derin train data.csv --target y --model mlp --epochs 200 --patience 12\n",
    exercise=Exercise(
        text=Text(
            "Validation losses are 0.9, 0.7, 0.8, 0.75, 0.6, 0.65 and the patience is 2. Which loss is kept?",
            "Doğrulama kayıpları 0.9, 0.7, 0.8, 0.75, 0.6, 0.65; sabır 2. Hangi kayıp saklanır?",
        ),
        answer=0.7,
        tolerance=0.001,
        hints=(
            Text(
                "After 0.7 come two checks without a better one.", "0.7'den sonra daha iyisi gelmeyen iki denetim var."
            ),
            Text("At 0.75 the counter is 2.", "0.75'te sayaç 2'dir."),
            Text("It stops there; 0.6 is never seen.", "Orada durur; 0.6 hiç görülmez."),
        ),
        way=Text(
            "0.8 and 0.75 are not better than 0.7: the counter reaches 2, it stops and restores the "
            "weights of 0.7. With a patience of 3 it would have found 0.6.",
            "0.8 ve 0.75, 0.7'den iyi değildir: sayaç 2'ye ulaşır, durur ve 0.7'nin ağırlıklarını geri "
            "yükler. Sabır 3 olsaydı 0.6'yı bulurdu.",
        ),
    ),
    after=("l1-l2",),
    covers=("early-stopping",),
)
