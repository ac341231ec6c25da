"""Five errors side by side: bias, variance, mismatch and over-fitting of the dev set, and what to do next."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_ERRORS = (
    ("h", "h", 1, "error of people, in %", "insanların hatası, %"),
    ("t", "t", 2, "error on training examples, in %", "eğitim örneklerinde hata, %"),
    ("m", "m", 3, "error on training-dev examples, in %", "eğitim-geliştirme örneklerinde hata, %"),
    ("d", "d", 9, "error on the dev set, in %", "geliştirme kümesinde hata, %"),
    ("e", "e", 9.5, "error on the test set, in %", "test kümesinde hata, %"),
)
_NAMES = ("h", "t", "m", "d", "e")
_GAPS = (("A", "t", "h"), ("V", "m", "t"), ("M", "d", "m"), ("O", "e", "d"))


def _largest(name: str) -> str:
    return "*".join(f"step({name} - {other} + 0.000001)" for other, _, _ in _GAPS if other != name)


LESSON = CourseLesson(
    name="bias-variance",
    area="L",
    rows=("L2", "L7", "G5"),
    title=Text("Bias, variance, mismatch", "Bias, varyans, uyumsuzluk"),
    goals=(
        Text("Read from five errors what a system suffers from.", "Beş hatadan bir sistemin neden yakındığını okumak."),
        Text(
            "Name what helps against it, and what would be wasted.",
            "Neyin yarayacağını ve neyin boşa gideceğini söylemek.",
        ),
    ),
    story=(
        Text(
            "Five errors, in percent. **People** make $h$: about as good as anyone could (the Bayes "
            "error). On what it learned from the network makes $t$, the **training** error. On examples "
            "of the same kind that it never saw, the **training-dev** set, $m$. On those that count, the "
            "**dev** set, $d$. On a **test** set that nothing was chosen by, $e$.",
            "Yüzde olarak beş hata. **İnsanlar** $h$ yapar: aşağı yukarı yapılabilecek en iyisi (Bayes "
            "hatası). Ağ, öğrendiği örneklerde $t$ yapar: **eğitim** hatası. Aynı türden ama hiç "
            "görmediği örneklerde, **eğitim-geliştirme** kümesinde $m$. Asıl önemli olanlarda, "
            "**geliştirme** kümesinde $d$. Hiçbir seçimde kullanılmamış **test** kümesinde $e$.",
        ),
        Text(
            "What counts are the **gaps** between neighbors. $A = t - h$ is the avoidable bias: larger "
            "network, longer training, better optimizer. $V = m - t$ is variance: more data, "
            "augmentation, L2, dropout. $M = d - m$ is mismatch: training data more like those that "
            "count. $O = e - d$ is over-fitting of the dev set by all the choosing: a larger dev set.",
            "Önemli olan komşular arasındaki **açıklıklardır**. $A = t - h$ kaçınılabilir bias'tır: daha "
            "büyük ağ, daha uzun eğitim, daha iyi eniyileyici. $V = m - t$ varyanstır: daha çok veri, "
            "veri çeşitlendirme, L2, iletim sönümü. $M = d - m$ uyumsuzluktur: önemli olanlara daha çok "
            "benzeyen eğitim verisi. $O = e - d$, bunca seçimle geliştirme kümesine aşırı uydurmadır: "
            "daha büyük bir geliştirme kümesi.",
        ),
    ),
    question=Question(
        text=Text(
            "People err by 7.5 %, training by 8 %, dev by 10 %. Which is worth working on?",
            "İnsanların hatası %7,5, eğitimin %8, geliştirmenin %10. Hangisi üzerinde çalışmaya değer?",
        ),
        choices=(
            Text("Bias: 8 % is a lot", "Bias: %8 çok"),
            Text("Variance", "Varyans"),
            Text("Neither", "Hiçbiri"),
        ),
        right=1,
        why=Text(
            "Of the 8 % people make 7.5 themselves: half a point could be avoided, two points lie "
            "between training and dev. With people at 1 % the same network would suffer from bias.",
            "%8'in 7,5'ini insanlar da yapar: yarım puan kaçınılabilir, eğitim ile geliştirme arasında "
            "iki puan vardır. İnsanlar %1 yapsaydı aynı ağ bias'tan yakınırdı.",
        ),
    ),
    try_it=(
        Text(
            "Drag the bars: the orange gap is the one to work on first.",
            "Çubukları sürükleyin: turuncu açıklık ilk çalışılacak olandır.",
        ),
        Text(
            "Raise $h$ to 2: the bias is gone, though the network is the same.",
            "$h$'yi 2 yapın: ağ aynı kaldığı hâlde bias kaybolur.",
        ),
        Text(
            "Put $d$ below $m$: a negative mismatch means that the dev set is easier.",
            "$d$'yi $m$'nin altına indirin: eksi uyumsuzluk, geliştirme kümesinin daha kolay olduğunu söyler.",
        ),
    ),
    figures=(
        Figure(
            kind="bars",
            title=Text("Errors in %, and the gaps between them", "% olarak hatalar ve aralarındaki açıklıklar"),
            options={
                "panels": [
                    {
                        "symbol": "h, t, m, d, e",
                        "bars": [{"id": name, "name": name} for name in _NAMES],
                        "low": 0,
                        "high": 16,
                        "hold": True,
                    },
                    {
                        "symbol": "A, V, M, O",
                        "bars": [{"id": name, "name": name, "mark": f"w{name}"} for name, _, _ in _GAPS],
                        "low": -4,
                        "high": 12,
                        "hold": False,
                    },
                ],
            },
        ),
    ),
    sheet=Sheet(
        givens=tuple(given(name, symbol, value, 0, 16, en, tr, 0.5) for name, symbol, value, en, tr in _ERRORS),
        lines=(
            line("A", "A", "t - h", "Avoidable bias", "Kaçınılabilir bias"),
            line("V", "V", "m - t", "Variance", "Varyans"),
            line("M", "M", "d - m", "Mismatch of the data", "Verinin uyumsuzluğu"),
            line("O", "O", "e - d", "Over-fitting of the dev set", "Geliştirme kümesine aşırı uydurma"),
            line("s", "s", "A + V + M + O", "All of it: from people to test", "Tümü: insanlardan teste"),
            *(
                line(
                    f"w{name}",
                    f"{name} = \\max?",
                    _largest(name),
                    *(("Which is the largest? (1: yes)", "En büyüğü hangisi? (1: evet)") if name == "A" else ()),
                )
                for name, _, _ in _GAPS
            ),
        ),
        starts=(
            (Text("mismatch", "uyumsuzluk"), {}),
            (Text("bias", "bias"), {"h": 1, "t": 9, "m": 10, "d": 10.5, "e": 11}),
            (Text("variance", "varyans"), {"h": 1, "t": 1.5, "m": 9, "d": 9.5, "e": 10}),
            (Text("searched too long", "çok arandı"), {"h": 1, "t": 1.5, "m": 2, "d": 2.5, "e": 9}),
        ),
    ),
    formula=r"e - h = (t - h) + (m - t) + (d - m) + (e - d) = A + V + M + O",
    legend=(
        ("A", Text("avoidable bias", "kaçınılabilir bias")),
        ("V", Text("variance", "varyans")),
        (
            "M",
            Text("mismatch between training and dev examples", "eğitim ve geliştirme örnekleri arasındaki uyumsuzluk"),
        ),
        ("O", Text("over-fitting of the dev set", "geliştirme kümesine aşırı uydurma")),
    ),
    code="derin diagnose runs/latest\nderin diagnose runs/latest --human 0.01 --learning-curve\n",
    exercise=Exercise(
        text=Text(
            "Four levels of people: a layman errs by 3 %, a doctor by 1 %, an expert by 0.7 %, a team of "
            "experts by 0.5 %. Training errs by 0.7 %. How large is the avoidable bias, in %?",
            "Dört insan düzeyi: sıradan biri %3, bir doktor %1, bir uzman %0,7, uzmanlar ekibi %0,5 "
            "yanılıyor. Eğitim hatası %0,7. Kaçınılabilir bias yüzde kaçtır?",
        ),
        answer=0.2,
        tolerance=0.001,
        hints=(
            Text(
                "The best of the four is nearest to what is possible at all.",
                "Dördünün en iyisi, yapılabilecek olana en yakındır.",
            ),
            Text("That is the team, 0.5 %.", "O da ekiptir, %0,5."),
            Text("$0.7 - 0.5$.", "$0.7 - 0.5$."),
        ),
        way=Text(
            "$0.7 - 0.5 = 0.2$. Measured against one expert it would seem that nothing is left to gain.",
            "$0.7 - 0.5 = 0.2$. Tek bir uzmana göre ölçülseydi kazanılacak bir şey kalmamış gibi görünürdü.",
        ),
    ),
    erratum=Text(
        "Document 003 gives a typical human 0.3 % and a team of experts 0.5 %, and takes the team as "
        "the best. The typical human errs more than it.",
        "003 belgesi sıradan insana %0,3, uzmanlar ekibine %0,5 verir ve ekibi en iyi sayar. Sıradan "
        "insan ondan çok yanılır.",
    ),
    after=("early-stopping", "l1-l2"),
)
