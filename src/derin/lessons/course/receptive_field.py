"""How many cells of the input a number three layers above is made of, and what small kernels save."""

from __future__ import annotations

from derin.lessons.course.form import CourseLesson, Exercise, Figure, Question, Sheet, given, line
from derin.lessons.lesson import Text

_LAYERS = (1, 2, 3)

LESSON = CourseLesson(
    name="receptive-field",
    area="D",
    rows=("D2", "E3"),
    title=Text("Receptive field: how much it sees", "Algı alanı: ne kadarını görür"),
    goals=(
        Text("Compute the receptive field of a stack of layers.", "Bir katman yığınının algı alanını hesaplamak."),
        Text(
            "Say why two kernels of 3 are better than one of 5.",
            "3'lük iki çekirdeğin 5'lik bir çekirdekten neden iyi olduğunu söylemek.",
        ),
    ),
    story=(
        Text(
            "A number of the first layer is made of $k_1$ cells of the input. One of the second layer is "
            "made of $k_2$ of those, and so of more cells: its **receptive field** $r_2$. Two neighbors "
            "in layer $l$ lie $j_l$ cells of the input apart; each stride $s_l$ multiplies that.",
            "Birinci katmanın bir sayısı girdinin $k_1$ hücresinden oluşur. İkinci katmanınki bunların "
            "$k_2$ tanesinden, yani daha çok hücreden: **algı alanı** $r_2$. $l$ katmanında iki komşu, "
            "girdide $j_l$ hücre aralıktadır; her adım $s_l$ bunu çarpar.",
        ),
        Text(
            "A kernel of width $k_l$ adds $k_l - 1$ such distances: $r_l = r_{l-1} + (k_l - 1)\\, "
            "j_{l-1}$. In a picture it is a square of $r \\times r$. What lies outside cannot change the "
            "number: a network whose field is smaller than the object does not see the whole object.",
            "$k_l$ genişliğindeki bir çekirdek böyle $k_l - 1$ aralık ekler: $r_l = r_{l-1} + (k_l - "
            "1)\\, j_{l-1}$. Bir resimde $r \\times r$'lik bir karedir. Dışında kalan, sayıyı "
            "değiştiremez: alanı nesneden küçük olan bir ağ nesnenin tümünü görmez.",
        ),
    ),
    question=Question(
        text=Text(
            "Three layers, each with kernels of 3 and stride 1. How wide is the field?",
            "Üç katman, her birinin çekirdeği 3, adımı 1. Alan ne genişliktedir?",
        ),
        choices=(Text("9", "9"), Text("7", "7"), Text("27", "27")),
        right=1,
        why=Text(
            "$3 + 2 + 2 = 7$: neighbors share most of what they see. As far as one kernel of 7, with $3 "
            "\\cdot 9 = 27$ weights instead of 49 per channel, and two more activations between.",
            "$3 + 2 + 2 = 7$: komşuların gördüklerinin çoğu ortaktır. Tek bir 7'lik çekirdek kadar; "
            "kanal başına 49 yerine $3 \\cdot 9 = 27$ ağırlıkla ve arada iki aktivasyon fazlasıyla.",
        ),
    ),
    try_it=(
        Text(
            "Set $s_1 = 2$: the layers above now reach twice as far.",
            "$s_1 = 2$ yapın: üstteki katmanlar artık iki kat uzağa uzanır.",
        ),
        Text(
            "Set $s_3 = 2$: nothing changes below. A stride helps only the layers above it.",
            "$s_3 = 2$ yapın: aşağıda hiçbir şey değişmez. Adım yalnız üstündeki katmanlara yarar.",
        ),
        Text(
            "Compare $W$, the weights of the three, with $F$, those of one kernel as wide as the field.",
            "Üçünün ağırlıkları $W$ ile, alan genişliğinde tek bir çekirdeğinki $F$'yi karşılaştırın.",
        ),
    ),
    figures=(
        Figure(
            kind="field",
            title=Text("Below the input, above one number of layer 3", "Altta girdi, üstte 3. katmanın bir sayısı"),
            options={"layers": [[f"k{layer}", f"s{layer}"] for layer in _LAYERS]},
        ),
    ),
    sheet=Sheet(
        givens=tuple(
            one
            for layer in _LAYERS
            for one in (
                given(
                    f"k{layer}", f"k_{layer}", 3, 1, 7, f"kernel of layer {layer}", f"{layer}. katmanın çekirdeği", 2
                ),
                given(f"s{layer}", f"s_{layer}", 1, 1, 3, f"stride of layer {layer}", f"{layer}. katmanın adımı", 1),
            )
        ),
        lines=(
            line("r1", "r_1", "1 + (k1 - 1)*1", "Layer 1", "1. katman"),
            line("j1", "j_1", "s1"),
            line("r2", "r_2", "r1 + (k2 - 1)*j1", "Layer 2", "2. katman"),
            line("j2", "j_2", "j1*s2"),
            line("r3", "r_3", "r2 + (k3 - 1)*j2", "Layer 3", "3. katman"),
            line("j3", "j_3", "j2*s3"),
            line("W", "W", "k1^2 + k2^2 + k3^2", "Weights per channel", "Kanal başına ağırlık"),
            line("F", "F", "r3^2"),
        ),
    ),
    formula=r"r_l = r_{l-1} + (k_l - 1)\, j_{l-1}, \qquad j_l = j_{l-1}\, s_l, \qquad r_0 = j_0 = 1",
    legend=(
        ("r_l", Text("receptive field of layer l, in cells of the input", "l katmanının algı alanı, girdi hücresiyle")),
        (
            "j_l",
            Text(
                "distance of neighbors in layer l, in cells of the input",
                "l katmanında komşuların aralığı, girdi hücresiyle",
            ),
        ),
        ("k_l, s_l", Text("kernel and stride; pooling counts as well", "çekirdek ve adım; havuzlama da sayılır")),
        (
            "W, F",
            Text(
                "weights of three kernels, and of one as wide as the field",
                "üç çekirdeğin ve alan genişliğinde tek çekirdeğin ağırlıkları",
            ),
        ),
    ),
    code="derin summary vgg16\nderin summary resnet18\n",
    exercise=Exercise(
        text=Text(
            "A convolution of 5 with stride 1, then pooling of 2 with stride 2, then a convolution of 5: "
            "how wide is the field (LeNet-5)?",
            "Adım 1'le 5'lik evrişim, adım 2'yle 2'lik havuzlama, sonra 5'lik evrişim: alan ne "
            "genişliktedir (LeNet-5)?",
        ),
        answer=14,
        tolerance=0.1,
        hints=(
            Text("After the first: 5. Neighbors lie 1 apart.", "İlkinden sonra: 5. Komşular 1 aralıkta."),
            Text(
                "Pooling adds $1 \\cdot 1$: 6. Neighbors now lie 2 apart.",
                "Havuzlama $1 \\cdot 1$ ekler: 6. Komşular artık 2 aralıkta.",
            ),
            Text("The last adds $4 \\cdot 2$.", "Sonuncu $4 \\cdot 2$ ekler."),
        ),
        way=Text("$5 + 1 + 8 = 14$ of the 32 cells of a digit.", "$5 + 1 + 8 = 14$; bir rakamın 32 hücresinden."),
    ),
    after=("residual",),
)
